//! A fan's browser: cookies, requests as a browser marks them, and the WebSocket. One fan has one.
//!
//! - [`Client`] is the browser: what it asks for, and how.
//! - `wire` is HTTP over one kept connection, `jar` the cookies.
//! - `place` reads the place out of a waiting page.
//! - [`Live`] is the WebSocket, `frames` what comes over it.

pub(crate) mod frames;
mod jar;
mod live;
mod place;
mod wire;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use parking_lot::Mutex;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use jar::Jar;
pub use live::Live;
use wire::{Reply, Unanswered, Wire};

/// What the edge sees as the fan's browser.
pub const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) stanchion-loadtest";

const ANSWER_MAX: Duration = Duration::from_secs(20);

/// What a fan is told of their place, over HTTP and WebSocket alike.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// `waiting`, `admitted`, `paused`, `closed`, `expired` or `prequeue`.
    pub state: String,
    /// The position shown.
    pub position: Option<u64>,
    /// How long the wait is said to be.
    #[serde(default)]
    pub eta_seconds: Option<Eta>,
    /// Fans admitted a minute.
    pub drain_per_minute: u64,
    /// When to ask again.
    pub poll_after_ms: Option<u64>,
}

/// A range of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Eta {
    /// At least.
    pub low: u64,
    /// At most.
    pub high: u64,
}

/// What the edge tells everybody of a room.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RoomFacts {
    /// Fans waiting.
    pub waiting: u64,
    /// Fans with a session.
    pub active: u64,
    /// Fans admitted a minute.
    pub drain_per_minute: u64,
}

/// An answer: its status, and its body where that is JSON.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null where it is not JSON.
    pub body: Value,
    /// When to ask again, where that is said.
    pub retry_after: Option<Duration>,
    /// The place that a waiting page shows.
    pub position: Option<u64>,
}

impl Answer {
    /// The body's text field `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str()
    }

    /// The status, and the code or title where the answer names one.
    pub fn summary(&self) -> String {
        match self.text("code").or_else(|| self.text("title")) {
            Some(word) => format!("{} {word}", self.status),
            None => self.status.to_string(),
        }
    }

    fn of(reply: &Reply) -> Self {
        let body = if reply.is_json { serde_json::from_slice(&reply.body).ok() } else { None };
        let retry_after = reply.retry_after.map(Duration::from_secs);
        let position = if reply.status == 202 { place::shown(&reply.body) } else { None };
        Self { status: reply.status, body: body.unwrap_or(Value::Null), retry_after, position }
    }
}

/// A browser with one jar of cookies, at one of several edges.
#[derive(Debug)]
pub struct Client {
    edges: Arc<[Url]>,
    at: usize,
    /// Where connections come from, if not from just anywhere.
    from: Option<Ipv4Addr>,
    jar: Mutex<Jar>,
    /// The connection that is kept, and to which edge.
    wire: Mutex<Option<(usize, Wire)>>,
}

impl Client {
    /// A fresh browser that goes to `edges[at]`.
    ///
    /// # Errors
    /// When there is no edge, or one that does not speak plain HTTP.
    pub fn new(edges: Arc<[Url]>, at: usize) -> Result<Self> {
        ensure!(!edges.is_empty(), "there is no edge to go to");
        if let Some(other) = edges.iter().find(|edge| edge.scheme() != "http") {
            bail!("{other} is not an http:// address; the crowd speaks no TLS");
        }
        let at = at % edges.len();
        Ok(Self { edges, at, from: None, jar: Mutex::default(), wire: Mutex::default() })
    }

    /// The same browser on a machine with this address.
    #[must_use]
    pub fn from_address(self, from: Ipv4Addr) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Which edge it goes to.
    pub const fn edge(&self) -> usize {
        self.at
    }

    /// Goes to the next edge from now on, as after a change of network.
    pub fn move_on(&mut self) {
        self.at = (self.at + 1) % self.edges.len();
    }

    /// Closes the connection that is kept, as browsers do after a while.
    pub fn hang_up(&self) {
        self.wire.lock().take();
    }

    /// Opens a page as a person does, by typing its address.
    ///
    /// # Errors
    /// When it is not answered.
    pub async fn open_page(&self, path: &str) -> Result<Answer> {
        let headers = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nSec-Fetch-Mode: navigate\r\n\
                       Sec-Fetch-Dest: document\r\nSec-Fetch-Site: none\r\n";
        Ok(Answer::of(&self.ask(&Method::GET, path, headers, None).await?))
    }

    /// Calls an interface as a page's script does.
    ///
    /// # Errors
    /// When it is not answered.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        self.call_with(method, path, body, &[]).await
    }

    /// The same with further headers.
    ///
    /// # Errors
    /// When it is not answered.
    pub async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let mut lines = self.script();
        for (name, value) in headers {
            let _infallible = write!(lines, "{name}: {value}\r\n");
        }
        let body = body.map(serde_json::to_vec).transpose()?;
        Ok(Answer::of(&self.ask(&method, path, &lines, body.as_deref()).await?))
    }

    /// Fetches what a page's script reads, as it came: for what is too large to be taken apart and put aside.
    ///
    /// # Errors
    /// When it is not answered.
    pub async fn fetch(&self, path: &str) -> Result<(Answer, Vec<u8>)> {
        let mut reply = self.ask(&Method::GET, path, &self.script(), None).await?;
        let body = if reply.status == 200 { std::mem::take(&mut reply.body) } else { Vec::new() };
        Ok((Answer::of(&reply), body))
    }

    /// The fan's own status in `room`.
    ///
    /// # Errors
    /// When it is not answered as it should be.
    pub async fn status(&self, room: &str) -> Result<Status> {
        let answer = self.call(Method::GET, &format!("/.waiting-room/{room}/ticket"), None).await?;
        if answer.status != 200 {
            bail!("the status was answered with {}", answer.summary());
        }
        serde_json::from_value(answer.body).context("the status cannot be read")
    }

    /// What everybody may know of `room`.
    ///
    /// # Errors
    /// When it is not answered as it should be.
    pub async fn facts(&self, room: &str) -> Result<RoomFacts> {
        let answer = self.call(Method::GET, &format!("/.waiting-room/{room}"), None).await?;
        if answer.status != 200 {
            bail!("the room's facts were answered with {}", answer.summary());
        }
        serde_json::from_value(answer.body).context("the room's facts cannot be read")
    }

    /// Opens the WebSocket of `room`, over the connection that is kept where there is one.
    ///
    /// # Errors
    /// When the edge does not agree.
    pub async fn live(&self, room: &str) -> Result<Live> {
        let headers = format!(
            "Origin: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {}\r\n",
            self.origin(),
            live::KEY
        );
        let request = self.request(&Method::GET, &format!("/.waiting-room/{room}/live"), &headers, None);
        let (reply, wire) = self.exchange(&request, true).await?;
        ensure!(
            reply.status == 101 && reply.accept.as_deref() == Some(live::ACCEPT),
            "the WebSocket was answered with {}",
            Answer::of(&reply).summary()
        );
        Ok(Live(wire))
    }

    /// The value of cookie `name`, as the edge would be sent it.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().get(name).map(ToOwned::to_owned)
    }

    /// The sealed ticket for `room`.
    pub fn ticket(&self, room: &str) -> Option<String> {
        self.cookie(&format!("wr-ticket-{room}"))
    }

    /// The admission token for `room`.
    pub fn admission(&self, room: &str) -> Option<String> {
        self.cookie(&format!("wr-admission-{room}"))
    }

    /// Keeps the place that a page just showed, as the script of the waiting page does: it goes along to whichever
    /// edge is asked next.
    pub fn remember_shown(&self, room: &str, position: u64) {
        self.set_cookie(&format!("wr-shown-{room}={position}; Path=/; Max-Age=604800; SameSite=Lax"));
    }

    /// Keeps a cookie, as a `Set-Cookie` header has it.
    pub fn set_cookie(&self, header: &str) {
        self.jar.lock().keep(header);
    }

    /// Forgets all cookies, as a private window does that is closed.
    pub fn forget(&self) {
        *self.jar.lock() = Jar::default();
    }

    async fn ask(&self, method: &Method, path: &str, headers: &str, body: Option<&[u8]>) -> Result<Reply> {
        let request = self.request(method, path, headers, body);
        let (reply, wire) = self.exchange(&request, *method != Method::HEAD).await?;
        if reply.keeps {
            *self.wire.lock() = Some((self.at, wire));
        }
        Ok(reply)
    }

    /// Sends a request over the connection that is kept, or another where it was closed meanwhile.
    async fn exchange(&self, request: &[u8], has_body: bool) -> Result<(Reply, Wire)> {
        let exchange = async {
            let kept = self.wire.lock().take().filter(|(edge, _)| *edge == self.at);
            if let Some((_, mut wire)) = kept {
                match wire.exchange(request, has_body).await {
                    Ok(reply) => return Ok((reply, wire)),
                    Err(Unanswered::Stale) => {}
                    Err(Unanswered::Failed(error)) => return Err(error),
                }
            }
            let mut wire = Wire::connect(self.address().await?, self.from).await?;
            match wire.exchange(request, has_body).await {
                Ok(reply) => Ok((reply, wire)),
                Err(Unanswered::Failed(error)) => Err(error),
                Err(Unanswered::Stale) => bail!("the connection was closed"),
            }
        };
        let (reply, wire) = timeout(ANSWER_MAX, exchange).await.context("no answer in time")??;
        let mut jar = self.jar.lock();
        reply.cookies.iter().for_each(|cookie| jar.keep(cookie));
        Ok((reply, wire))
    }

    fn request(&self, method: &Method, path: &str, headers: &str, body: Option<&[u8]>) -> Vec<u8> {
        let host = self.edges.get(self.at).map_or("", Url::authority);
        let mut text =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {BROWSER}\r\n{headers}");
        self.jar.lock().write(&mut text);
        match body {
            Some(body) => {
                let length = body.len();
                let _infallible =
                    write!(text, "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
            }
            None if *method == Method::GET => text.push_str("\r\n"),
            None => text.push_str("Content-Length: 0\r\n\r\n"),
        }
        let mut request = text.into_bytes();
        request.extend_from_slice(body.unwrap_or_default());
        request
    }

    /// The headers by which a browser marks what a page's script asks for.
    fn script(&self) -> String {
        let origin = self.origin();
        format!(
            "Accept: application/json\r\nOrigin: {origin}\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n\
             Sec-Fetch-Site: same-origin\r\n"
        )
    }

    async fn address(&self) -> Result<SocketAddr> {
        let edge = self.edges.get(self.at).context("there is no such edge")?;
        let (host, port) =
            edge.host_str().zip(edge.port_or_known_default()).context("an edge has no host")?;
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok((address, port).into());
        }
        let mut found = tokio::net::lookup_host((host, port)).await.context("the edge is not known")?;
        found.next().with_context(|| format!("{host} has no address"))
    }

    fn origin(&self) -> String {
        self.edges.get(self.at).map_or_else(String::new, |edge| edge.origin().ascii_serialization())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        let edges: Vec<Url> =
            ["http://127.0.0.1:1/", "http://127.0.0.1:2/"].iter().map(|edge| edge.parse().unwrap()).collect();
        Client::new(edges.into(), 3).unwrap()
    }

    #[test]
    fn what_was_shown_goes_along_to_the_next_edge() {
        let mut client = client();
        client.remember_shown("demo", 7);
        client.remember_shown("demo", 3);
        client.move_on();
        assert_eq!(client.cookie("wr-shown-demo").as_deref(), Some("3"));
        let request = client.request(&Method::GET, "/a", "", None);
        let text = String::from_utf8(request).unwrap();
        assert!(text.starts_with("GET /a HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"), "{text}");
        assert!(text.ends_with("Cookie: wr-shown-demo=3\r\n\r\n"), "{text}");
    }

    #[test]
    fn a_fan_moves_on_to_the_next_edge_and_around() {
        let mut client = client();
        assert_eq!((client.edge(), client.origin().as_str()), (1, "http://127.0.0.1:2"));
        client.move_on();
        assert_eq!(client.edge(), 0);
        assert!(Client::new(Arc::new([]), 0).is_err());
        assert!(Client::new(Arc::new(["https://a.example/".parse().unwrap()]), 0).is_err());
    }

    #[test]
    fn a_status_is_read_whatever_else_it_says() {
        let text = r#"{"room":"demo","lane":"general","state":"waiting","position":3,"ahead":2,"waiting":9,
            "eta_seconds":{"low":1,"high":5},"drain_per_minute":60,"opens_at":null,"poll_after_ms":2000,
            "message":null,"updated_at":"2026-01-01T00:00:00Z"}"#;
        let status: Status = serde_json::from_str(text).unwrap();
        assert_eq!((status.state.as_str(), status.position), ("waiting", Some(3)));
    }
}
