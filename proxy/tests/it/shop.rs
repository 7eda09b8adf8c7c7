//! A shop that tells what it was asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use admission::clock::{Clock as _, SystemClock, Timestamp};
use admission::edge_signature::{self, EdgeRequest};
use admission::keyring::Keyring;
use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::harness::EDGE_KEYS;

/// What the shop was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, Vec<String>>,
    pub(crate) body_bytes: usize,
    /// Whether the edge's signature fits.
    pub(crate) signed: bool,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.first().map(String::as_str)
    }
}

pub(crate) type Log = Arc<Mutex<Vec<Asked>>>;

/// A shop that tells what it was asked. It stops with the test's runtime.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    pub(crate) log: Log,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shop {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    pub(crate) async fn start_at(address: &str) -> Self {
        let log = Log::default();
        let router = Router::new()
            .route("/ws", any(echo))
            .route("/stream", get(stream))
            .route("/slow", get(slow))
            .route("/late", any(late))
            .route("/endless", get(endless))
            .route("/events-of-the-shop", get(events))
            .fallback(tell)
            .with_state(log.clone());
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, log, task }
    }

    /// What it was asked last.
    pub(crate) fn last(&self) -> Asked {
        self.asked().pop().unwrap()
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }
}

async fn tell(State(log): State<Log>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &parts.headers {
        headers.entry(name.to_string()).or_default().push(value.to_str().unwrap_or("?").to_owned());
    }
    let body: Bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap_or_default();
    let signed = is_signed(parts.method.as_str(), &target, &parts.headers);
    let path = parts.uri.path().to_owned();
    let asked = Asked { method: parts.method.to_string(), target, headers, body_bytes: body.len(), signed };
    log.lock().unwrap().push(asked.clone());
    let mut answer = Json(asked).into_response();
    let mut set = |name: &'static str, value: &'static str| {
        answer.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
    };
    set("x-waiting-room-load", "0.5");
    match path.as_str() {
        "/events/demo/end" => set("x-waiting-room-session", "end"),
        "/events/demo/extend" => set("x-waiting-room-session", "extend=900"),
        "/events/demo/public" => {
            // What nginx heeds first, and before all if it comes first.
            set("x-accel-expires", "60");
            set("cache-control", "public, max-age=60");
        }
        "/public" => set("cache-control", "public, max-age=60"),
        "/events/demo/private" => set("cache-control", "private, max-age=5"),
        _ => {}
    }
    answer
}

fn is_signed(method: &str, target: &str, headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(time) = header(edge_signature::HEADER_TIME).parse() else { return false };
    let request = EdgeRequest {
        method,
        authority: header("host"),
        path_and_query: target,
        room: header(edge_signature::HEADER_ROOM),
        ticket: header(edge_signature::HEADER_TICKET),
        time: Timestamp::from_millis(time),
        request_id: header(edge_signature::HEADER_REQUEST_ID),
    };
    let keys = Keyring::parse(EDGE_KEYS).unwrap();
    edge_signature::verify(&keys, header(edge_signature::HEADER_SIGNATURE), &request, SystemClock.now())
        .is_ok()
}

async fn echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
    })
}

async fn stream() -> Response {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    tokio::spawn(async move {
        for piece in 0..3 {
            if sender.send(Ok(Bytes::from(format!("piece {piece}\n")))).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    Body::from_stream(pieces).into_response()
}

/// An event, and after a silence another one.
async fn events() -> Response {
    let pieces = futures_util::stream::unfold(0, |sent| async move {
        let text = ["data: first\n\n", "data: second\n\n"].get(sent)?;
        if sent > 0 {
            tokio::time::sleep(Duration::from_millis(1200)).await;
        }
        Some((Ok::<_, std::io::Error>(Bytes::from_static(text.as_bytes())), sent + 1))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(pieces)).into_response()
}

async fn endless() -> Response {
    let pieces =
        futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 16_384])));
    Body::from_stream(pieces).into_response()
}

async fn late() {
    tokio::time::sleep(Duration::from_secs(600)).await;
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(1500)).await;
    "slow but whole"
}
