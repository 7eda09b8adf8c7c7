//! The shop over HTTP, as its edge asks it: kept connections, signed requests, as little work on this side as can be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock as _, SystemClock};
use admission::edge_signature::{
    EdgeRequest, HEADER_REQUEST_ID, HEADER_ROOM, HEADER_SIGNATURE, HEADER_TICKET, HEADER_TIME, sign,
};
use admission::keyring::Keyring;
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::asks::{Ask, Asks, PRICE};
use super::round::Outcome;

const ROOM: &str = "demo";
/// Longest time for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Signs what it asks.
pub(crate) struct Edge {
    keys: Keyring,
    organiser: String,
}

/// A kept connection.
pub(crate) struct Line {
    stream: TcpStream,
    host: String,
    edge: Arc<Edge>,
    buffer: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The value of the first cookie that it sets, with its name.
    pub(crate) cookie: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).context("an answer that is no JSON")
    }
}

/// What is asked.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) ticket: &'a str,
    pub(crate) headers: &'a str,
    pub(crate) body: &'a str,
}

impl Edge {
    pub(crate) fn from_environment() -> Result<Arc<Self>> {
        let read = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
        let keys = Keyring::parse(&read("STANCHION_EDGE_KEYS")?)?;
        Ok(Arc::new(Self { keys, organiser: read("STANCHION_ORGANISER_TOKEN")? }))
    }

    pub(crate) async fn connect(self: &Arc<Self>, shop: SocketAddr) -> Result<Line> {
        let stream = TcpStream::connect(shop).await.context("the shop cannot be reached")?;
        stream.set_nodelay(true)?;
        Ok(Line { stream, host: shop.to_string(), edge: Arc::clone(self), buffer: Vec::with_capacity(8192) })
    }

    /// Puts `rows` of `seats` on sale, and has the seats loaded.
    pub(crate) async fn open(
        self: &Arc<Self>,
        shop: SocketAddr,
        event: &str,
        rows: u32,
        seats: u32,
    ) -> Result<()> {
        let rows: Vec<_> = (0..rows)
            .map(|row| json!({"name": format!("R{row}"), "seats": seats, "price_cents": PRICE}))
            .collect();
        let body = json!({
            "id": event, "name": "The Long Evening", "venue": "Hall", "starts_at": "2099-06-01T19:30:00Z",
            "currency": "EUR", "waiting_room": ROOM, "rows": rows,
        });
        self.organise(shop, "POST", "/api/events", &body.to_string(), 201).await?;
        // Held and given back: from now on it is on sale.
        let mut line = self.connect(shop).await?;
        let body = json!({"event": event, "seats": ["R0-1"]}).to_string();
        let first = Request {
            method: "POST",
            path: "/api/reservations",
            ticket: "first",
            headers: "content-type: application/json\r\n",
            body: &body,
        };
        let held = line.ask(&first).await?;
        let held_json = held.json()?;
        let id = held_json.get("id").and_then(Value::as_str).context("the first hold failed")?;
        let cookie = format!("cookie: {}\r\n", held.cookie.as_deref().unwrap_or_default());
        let path = format!("/api/reservations/{id}");
        let back = Request { method: "DELETE", path: &path, ticket: "first", headers: &cookie, body: "" };
        line.ask(&back).await?;
        Ok(())
    }

    pub(crate) async fn sales(self: &Arc<Self>, shop: SocketAddr, event: &str) -> Result<Value> {
        self.organise(shop, "GET", &format!("/api/sales/{event}"), "", 200).await
    }

    /// The ledger, all events together.
    pub(crate) async fn ledger(self: &Arc<Self>, shop: SocketAddr) -> Result<Value> {
        self.organise(shop, "GET", "/api/ledger", "", 200).await
    }

    async fn organise(
        self: &Arc<Self>,
        shop: SocketAddr,
        method: &str,
        path: &str,
        body: &str,
        wanted: u16,
    ) -> Result<Value> {
        let headers =
            format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", self.organiser);
        let ask = Request { method, path, ticket: "", headers: &headers, body };
        let answer = self.connect(shop).await?.ask(&ask).await?;
        if answer.status != wanted {
            bail!("{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        answer.json()
    }
}

impl Line {
    pub(crate) async fn ask(&mut self, ask: &Request<'_>) -> Result<Answer> {
        let Request { method, path, ticket, headers, body } = ask;
        let time = SystemClock.now();
        let room = if ticket.is_empty() { "" } else { ROOM };
        let request = EdgeRequest {
            method,
            authority: &self.host,
            path_and_query: path,
            room,
            ticket,
            time,
            request_id: "bench",
        };
        let signature = sign(&self.edge.keys, &request);
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{HEADER_ROOM}: {room}\r\n{HEADER_TICKET}: {ticket}\r\n\
             {HEADER_TIME}: {}\r\n{HEADER_REQUEST_ID}: bench\r\n{HEADER_SIGNATURE}: {signature}\r\n{headers}\
             content-length: {}\r\n\r\n{body}",
            self.host,
            time.as_millis(),
            body.len(),
        );
        let exchange = async {
            self.stream.write_all(text.as_bytes()).await?;
            self.read().await
        };
        timeout(PATIENCE, exchange).await.context("no answer in time")?
    }

    async fn read(&mut self) -> Result<Answer> {
        self.buffer.clear();
        let end = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the shop closed the connection");
            }
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
        };
        let head = std::str::from_utf8(self.buffer.get(..end).unwrap_or_default())?;
        let status = head.get(9..12).and_then(|status| status.parse().ok()).context("no status")?;
        let (mut length, mut cookie) = (0, None);
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse::<usize>()?.min(ANSWER_BYTES_MAX);
            } else if name.eq_ignore_ascii_case("set-cookie") {
                cookie = cookie.or_else(|| value.split(';').next().map(ToOwned::to_owned));
            }
        }
        let begin = end + 4;
        while self.buffer.len() < begin + length {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the shop closed the connection in the middle of an answer");
            }
        }
        let body = self.buffer.get(begin..begin + length).unwrap_or_default().to_vec();
        Ok(Answer { status, cookie, body })
    }
}

/// Holds of an event, by fans who each come for the first time.
pub(crate) struct Holds {
    edge: Arc<Edge>,
    shop: SocketAddr,
    event: String,
    pub(crate) asks: Asks,
}

impl Holds {
    pub(crate) fn at(edge: Arc<Edge>, shop: SocketAddr, event: String, rows: u64) -> Arc<Self> {
        Arc::new(Self { edge, shop, event, asks: Asks::in_rows(rows) })
    }

    pub(crate) async fn connect(&self) -> Result<Line> {
        self.edge.connect(self.shop).await
    }

    pub(crate) async fn hold(&self, line: &mut Line, ask: Ask) -> Result<Outcome> {
        let [one, other] = ask.seats();
        let body = format!("{{\"event\":\"{}\",\"seats\":[\"{one}\",\"{other}\"]}}", self.event);
        let ask = Request {
            method: "POST",
            path: "/api/reservations",
            ticket: &format!("{}-{}", self.event, ask.number),
            headers: "content-type: application/json\r\n",
            body: &body,
        };
        let answer = line.ask(&ask).await?;
        match answer.status {
            201 => Ok(Outcome::Held),
            409 => Ok(Outcome::Refused),
            status => bail!("a hold: {status} {}", String::from_utf8_lossy(&answer.body)),
        }
    }
}
