//! Positions, pushed.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::harness::{Edge, PATIENCE, STANDING, browser, navigate, room};
use crate::shop::Shop;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) async fn join(edge: &Edge) -> String {
    let answer = browser().post(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    body["ticket"].as_str().unwrap().to_owned()
}

pub(crate) async fn open(edge: &Edge, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    open_at(&format!("ws://{}/.waiting-room/demo/live", edge.address), headers).await
}

pub(crate) async fn open_at(url: &str, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

/// The next status that is told.
pub(crate) async fn next<S>(socket: &mut WebSocketStream<S>) -> Value
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        match tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn refused(edge: &Edge, headers: &[(&'static str, &str)]) -> u16 {
    match open(edge, headers).await {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_fan_is_told_of_their_turn_and_enters() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 60\nburst = 1"));
    let fan = browser();
    // A fan before this one, so that there is something to wait for.
    let before = join(&edge).await;
    let mut socket_before = open(&edge, &[("wr-ticket", &before)]).await.unwrap();
    let ticket = join(&edge).await;
    let cookie = format!("wr-ticket-demo={ticket}");
    let mut socket =
        open(&edge, &[("cookie", &cookie), ("origin", edge.url("").trim_end_matches('/'))]).await.unwrap();
    let mut last = u64::MAX;
    loop {
        let status = next(&mut socket).await;
        match status["state"].as_str().unwrap() {
            "waiting" => {
                let position = status["position"].as_u64().unwrap_or(last);
                assert!(position <= last, "{position} after {last}");
                last = position;
            }
            "admitted" => break,
            other => panic!("{other}"),
        }
    }
    assert!(last <= 2);
    let state_before = loop {
        let status = next(&mut socket_before).await;
        if status["state"] != "waiting" {
            break status["state"].clone();
        }
    };
    assert_eq!(state_before, "admitted");
    let url = edge.url("/.waiting-room/demo/ticket");
    let status: Value =
        fan.get(&url).header("wr-ticket", &ticket).send().await.unwrap().json().await.unwrap();
    assert_eq!(status["state"], "admitted");
    // The answer set the cookie.
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    let asked = shop.asked().pop().unwrap();
    assert!(asked.signed && !asked.header("x-waiting-room-ticket").unwrap().is_empty());
}

#[tokio::test]
async fn the_handshake_is_checked() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let ticket = join(&edge).await;
    assert_eq!(refused(&edge, &[]).await, 404);
    assert_eq!(refused(&edge, &[("wr-ticket", "v1.x.y")]).await, 404);
    assert_eq!(refused(&edge, &[("wr-ticket", &ticket), ("origin", "http://evil.example")]).await, 403);
    assert_eq!(refused(&edge, &[("wr-ticket", &ticket), ("sec-websocket-version", "12")]).await, 426);
    let mut socket = open(&edge, &[("wr-ticket", &ticket)]).await.unwrap();
    assert_eq!(next(&mut socket).await["position"], 1);
}

#[tokio::test]
async fn a_connection_that_answered_requests_before_may_become_a_websocket() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let ticket = join(&edge).await;
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    let requests = [
        "GET /open HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /.waiting-room/demo HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        format!(
            "GET /.waiting-room/demo/live HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nWR-Ticket: {ticket}\r\n\r\n"
        ),
    ];
    for (request, end) in requests.iter().zip(["}", "}", "\"updated_at\""]) {
        answer.clear();
        stream.write_all(request.as_bytes()).await.unwrap();
        while !String::from_utf8_lossy(&answer).contains(end) {
            let count = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
            assert_ne!(count, 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&buffer[..count]);
        }
    }
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{text}");
}

#[tokio::test]
async fn a_fan_who_leaves_is_told_on_every_socket() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let ticket = join(&edge).await;
    let mut socket = open(&edge, &[("wr-ticket", &ticket)]).await.unwrap();
    assert_eq!(next(&mut socket).await["state"], "paused");
    let url = edge.url("/.waiting-room/demo/ticket");
    assert_eq!(browser().delete(url).header("wr-ticket", &ticket).send().await.unwrap().status(), 204);
    assert_eq!(next(&mut socket).await["state"], "expired");
}

#[tokio::test]
async fn silence_is_broken_by_heartbeats_and_chatter_is_cut_off() {
    let shop = Shop::start().await;
    let upstream = format!("heartbeat = \"1s\"\n[upstream]\naddress = \"{}\"", shop.address);
    let edge = Edge::start_with(&upstream, &room(STANDING));
    let ticket = join(&edge).await;
    let mut socket = open(&edge, &[("wr-ticket", &ticket)]).await.unwrap();
    for _ in 0..3 {
        assert_eq!(next(&mut socket).await["state"], "paused");
    }
    let mut code = None;
    for _ in 0..200 {
        if socket.send(Message::text("hello")).await.is_err() {
            break;
        }
    }
    while let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_secs(10), socket.next()).await {
        if let Message::Close(frame) = message {
            code = frame.map(|frame| u16::from(frame.code));
        }
    }
    assert!(matches!(code, Some(1008) | None), "{code:?}");
}

/// The line moves from now on: until then it stood, so that all are in it before the first has their turn.
pub(crate) fn let_it_move(edge: &Edge) {
    let rooms = room("mode = \"always\"\ndrain_per_minute = 300\nburst = 3");
    edge.rewrite(&rooms);
}

/// All that a fan is told while the line moves, until their turn comes.
pub(crate) async fn told_until_the_turn<S>(socket: &mut WebSocketStream<S>) -> Vec<Value>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut told = Vec::new();
    loop {
        let status = next(socket).await;
        match status["state"].as_str().unwrap() {
            "admitted" => return told,
            "waiting" => told.push(status),
            "paused" => {}
            other => panic!("{other}"),
        }
    }
}

/// Whether places only come nearer, and each status is whole.
pub(crate) fn come_nearer(told: &[Value]) -> bool {
    let places: Vec<u64> = told.iter().filter_map(|status| status["position"].as_u64()).collect();
    let is_whole = |status: &Value| {
        let place = status["position"].as_u64();
        let fields = ["room", "lane", "drain_per_minute", "opens_at", "poll_after_ms", "message"];
        fields.iter().all(|field| status.get(field).is_some())
            && status["updated_at"].as_str().is_some_and(|at| at.ends_with('Z'))
            && place.is_none_or(|place| {
                status["ahead"] == place - 1
                    && status["waiting"].as_u64() >= Some(place)
                    && status["eta_seconds"]["high"].as_u64() >= status["eta_seconds"]["low"].as_u64()
            })
    };
    told.iter().all(is_whole) && places.is_sorted_by(|before, after| before >= after)
}

/// By heartbeats, and because their places mislead: over sockets that are written to from one place for all fans.
#[tokio::test]
async fn a_line_that_moves_is_told_to_all_who_stand_in_it() {
    const FANS: usize = 40;
    let shop = Shop::start().await;
    let file = format!("heartbeat = \"1s\"\n[upstream]\naddress = \"{}\"", shop.address);
    let edge = Edge::start_with(&file, &room(STANDING));
    let mut fans = Vec::new();
    for _ in 0..FANS {
        let ticket = join(&edge).await;
        let mut socket = open(&edge, &[("wr-ticket", &ticket)]).await.unwrap();
        fans.push(tokio::spawn(async move { told_until_the_turn(&mut socket).await }));
    }
    let_it_move(&edge);
    for (nth, fan) in fans.into_iter().enumerate() {
        let told = fan.await.unwrap();
        assert!(come_nearer(&told), "{nth}: {told:?}");
        // The last has eight seconds.
        assert!(nth + 1 < FANS || told.first() != told.last(), "{told:?}");
    }
}

/// A fan who reads nothing is no hindrance to the others, who are told by the same hand.
#[tokio::test]
async fn a_fan_who_does_not_read_harms_nobody() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let ticket = join(&edge).await;
        deaf.push(open(&edge, &[("wr-ticket", &ticket)]).await.unwrap());
    }
    let ticket = join(&edge).await;
    let mut socket = open(&edge, &[("wr-ticket", &ticket)]).await.unwrap();
    let_it_move(&edge);
    assert!(come_nearer(&told_until_the_turn(&mut socket).await));
    for mut socket in deaf {
        told_until_the_turn(&mut socket).await;
    }
}
