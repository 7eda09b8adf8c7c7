//! A fan's browser: cookies, requests as a browser marks them, and the WebSocket. One fan has one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::header::{ACCEPT, COOKIE, HeaderValue, ORIGIN, USER_AGENT};
use reqwest::{Method, Response, Url};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// What the edge sees as the fan's browser.
pub const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) stanchion-loadtest";

const CONNECT_MAX: Duration = Duration::from_secs(5);
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// Largest body that is read: a seat map of the largest event there may be.
const BODY_MAX: usize = 32 * 1024 * 1024;
/// Largest message over the WebSocket; a status is far smaller.
const MESSAGE_MAX: usize = 16 * 1024;
/// Buffers of a WebSocket: small, for there are many fans.
const SOCKET_BUFFER: usize = 2 * 1024;

/// An open WebSocket.
pub type Live = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a fan is told of their place, over HTTP and WebSocket alike.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// `waiting`, `admitted`, `paused`, `closed`, `expired` or `prequeue`.
    pub state: String,
    /// The position shown.
    pub position: Option<u64>,
    /// Fans admitted a minute.
    pub drain_per_minute: u64,
    /// When to ask again.
    pub poll_after_ms: Option<u64>,
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
}

/// A browser with one jar of cookies, at one of several edges.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    jar: Arc<Jar>,
    edges: Arc<[Url]>,
    at: usize,
}

impl Client {
    /// A fresh browser that goes to `edges[at]`.
    pub fn new(edges: Arc<[Url]>, at: usize) -> Result<Self> {
        if edges.is_empty() {
            bail!("there is no edge to go to");
        }
        let jar = Arc::new(Jar::default());
        let http = reqwest::Client::builder()
            .cookie_provider(Arc::clone(&jar))
            .user_agent(BROWSER)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_MAX)
            .timeout(ANSWER_MAX)
            .pool_max_idle_per_host(1)
            // Whatever proxy the environment names, the crowd goes to the edge itself.
            .no_proxy()
            .build()
            .context("the HTTP client cannot be made")?;
        let at = at % edges.len();
        Ok(Self { http, jar, edges, at })
    }

    /// Which edge it goes to.
    pub const fn edge(&self) -> usize {
        self.at
    }

    /// Goes to the next edge from now on, as after a change of network.
    pub fn move_on(&mut self) {
        self.at = (self.at + 1) % self.edges.len();
    }

    /// Opens a page as a person does, by typing its address.
    pub async fn open_page(&self, path: &str) -> Result<Answer> {
        let request = self
            .http
            .get(self.url(path)?)
            .header(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("Sec-Fetch-Mode", "navigate")
            .header("Sec-Fetch-Dest", "document")
            .header("Sec-Fetch-Site", "none");
        read(request.send().await?).await
    }

    /// Calls an interface as a page's script does.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        self.call_with(method, path, body, &[]).await
    }

    /// The same with further headers.
    pub async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let mut request = self
            .http
            .request(method, self.url(path)?)
            .header(ACCEPT, "application/json")
            .header(ORIGIN, self.origin())
            .header("Sec-Fetch-Mode", "cors")
            .header("Sec-Fetch-Dest", "empty")
            .header("Sec-Fetch-Site", "same-origin");
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        read(request.send().await?).await
    }

    /// The fan's own status in `room`.
    pub async fn status(&self, room: &str) -> Result<Status> {
        let answer = self.call(Method::GET, &format!("/.waiting-room/{room}/ticket"), None).await?;
        if answer.status != 200 {
            bail!("the status was answered with {}", answer.summary());
        }
        serde_json::from_value(answer.body).context("the status cannot be read")
    }

    /// What everybody may know of `room`.
    pub async fn facts(&self, room: &str) -> Result<RoomFacts> {
        let answer = self.call(Method::GET, &format!("/.waiting-room/{room}"), None).await?;
        if answer.status != 200 {
            bail!("the room's facts were answered with {}", answer.summary());
        }
        serde_json::from_value(answer.body).context("the room's facts cannot be read")
    }

    /// Opens the WebSocket of `room`.
    pub async fn live(&self, room: &str) -> Result<Live> {
        let url = self.url(&format!("/.waiting-room/{room}/live"))?;
        let address = url.as_str().replacen("http", "ws", 1);
        let mut request = address.into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(ORIGIN, HeaderValue::from_str(&self.origin())?);
        headers.insert(USER_AGENT, HeaderValue::from_static(BROWSER));
        if let Some(cookies) = self.jar.cookies(&url) {
            headers.insert(COOKIE, cookies);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(SOCKET_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_MAX))
            .max_frame_size(Some(MESSAGE_MAX));
        let connect = connect_async_with_config(request, Some(config), true);
        let (live, _) = tokio::time::timeout(ANSWER_MAX, connect).await.context("no answer in time")??;
        Ok(live)
    }

    /// The value of cookie `name`, as the edge would be sent it.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.jar.cookies(&self.url("/").ok()?)?;
        let cookies = cookies.to_str().ok()?;
        let found = cookies.split("; ").find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='));
        found.map(ToOwned::to_owned)
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
        if let Ok(url) = self.url("/") {
            let cookie = format!("wr-shown-{room}={position}; Path=/; Max-Age=604800; SameSite=Lax");
            self.jar.add_cookie_str(&cookie, &url);
        }
    }

    fn url(&self, path: &str) -> Result<Url> {
        let base = self.edges.get(self.at).context("there is no such edge")?;
        base.join(path).with_context(|| format!("{path} is no path"))
    }

    fn origin(&self) -> String {
        self.edges.get(self.at).map_or_else(String::new, |edge| edge.origin().ascii_serialization())
    }
}

async fn read(mut response: Response) -> Result<Answer> {
    let status = response.status().as_u16();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > BODY_MAX {
            bail!("the answer is longer than {BODY_MAX} bytes");
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
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
    fn cookies_are_found_by_their_whole_name() {
        let client = client();
        let url = client.url("/").unwrap();
        for cookie in ["wr-ticket-demo2=b; Path=/", "wr-ticket-demo=v1.a.b=; Path=/; HttpOnly"] {
            client.jar.add_cookie_str(cookie, &url);
        }
        assert_eq!(client.ticket("demo").as_deref(), Some("v1.a.b="));
        assert_eq!(client.ticket("de"), None);
    }

    #[test]
    fn what_was_shown_goes_along_to_the_next_edge() {
        let mut client = client();
        client.remember_shown("demo", 7);
        client.remember_shown("demo", 3);
        client.move_on();
        assert_eq!(client.cookie("wr-shown-demo").as_deref(), Some("3"));
    }

    #[test]
    fn a_fan_moves_on_to_the_next_edge_and_around() {
        let mut client = client();
        assert_eq!((client.edge(), client.origin().as_str()), (1, "http://127.0.0.1:2"));
        client.move_on();
        assert_eq!(client.edge(), 0);
        assert!(Client::new(Arc::new([]), 0).is_err());
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
