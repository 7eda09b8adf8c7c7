//! Clients that are slow, silent, too many, or answered before they are done.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Edge, PATIENCE, STANDING, room};
use crate::shop::Shop;

fn start(shop: &Shop, limits: &str) -> Edge {
    Edge::start_with(
        &format!("[upstream]\naddress = \"{}\"\n[limits]\n{limits}", shop.address),
        &room(STANDING),
    )
}

/// What the shop answers and what the edge answers go different ways.
const BY_THE_SHOP: (&[u8], &str) = (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200");
const BY_THE_EDGE: (&[u8], &str) = (b"GET /api/reservations HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 429");

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// Reads one answer with a body of known length.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let whole = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
        (body.len() >= length).then_some(())
    };
    let mut buffer = [0; 4096];
    while whole(&bytes).is_none() {
        let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What comes until the other side closes.
async fn till_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let closed = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    assert!(closed.is_ok(), "still open after {:?}", String::from_utf8_lossy(&bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends a byte every now and then, until the other side has enough of it.
fn drip(mut writer: tokio::net::tcp::OwnedWriteHalf, every: Duration) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(every).await;
        }
    })
}

#[tokio::test]
async fn heads_that_drip_in_are_cut_off_on_new_and_on_used_connections() {
    let shop = Shop::start().await;
    let edge = start(&shop, "head_timeout = \"1s\"\nidle = \"30s\"");
    for used in [None, Some(BY_THE_SHOP), Some(BY_THE_EDGE)] {
        let mut stream = connect(edge.address).await;
        if let Some((request, status)) = used {
            stream.write_all(request).await.unwrap();
            assert!(answer(&mut stream).await.starts_with(status));
        }
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ").await.unwrap();
        let began = Instant::now();
        let (mut reader, writer) = stream.into_split();
        let dripping = drip(writer, Duration::from_millis(50));
        let closed = timeout(PATIENCE, reader.read_to_end(&mut Vec::new())).await;
        assert!(closed.is_ok(), "still open; used: {used:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "only idleness ended it; used: {used:?}");
        dripping.abort();
    }
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed_new_and_used() {
    let shop = Shop::start().await;
    let edge = start(&shop, "head_timeout = \"1s\"\nhandshake_timeout = \"1s\"\nidle = \"1s\"");
    let mut silent = connect(edge.address).await;
    assert_eq!(till_closed(&mut silent).await, "");
    for (request, status) in [BY_THE_SHOP, BY_THE_EDGE] {
        let mut used = connect(edge.address).await;
        used.write_all(request).await.unwrap();
        assert!(answer(&mut used).await.starts_with(status));
        assert_eq!(till_closed(&mut used).await, "");
    }
}

#[tokio::test]
async fn a_head_without_end_is_not_read_to_its_end() {
    let shop = Shop::start().await;
    let edge = start(&shop, "head_bytes = 1024");
    let mut stream = connect(edge.address).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ").await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let writing = tokio::spawn(async move {
        let mut sent = 0_usize;
        while writer.write_all(&[b'x'; 4096]).await.is_ok() && sent < 64 << 20 {
            sent += 4096;
        }
        sent
    });
    let _ = timeout(PATIENCE, reader.read_to_end(&mut Vec::new())).await.expect("still open");
    // What the kernel holds on both sides comes on top of what was read.
    let sent = timeout(PATIENCE, writing).await.unwrap().unwrap();
    assert!(sent < 32 << 20, "{sent} bytes");
}

#[tokio::test]
async fn a_body_that_stops_and_a_body_that_drips_in_are_refused() {
    let shop = Shop::start().await;
    let edge = start(&shop, "body_idle = \"1s\"\nbody_rate = 1000");
    let head = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc";
    let mut silent = connect(edge.address).await;
    silent.write_all(head).await.unwrap();
    let text = till_closed(&mut silent).await;
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");

    let mut stream = connect(edge.address).await;
    stream.write_all(head).await.unwrap();
    let (mut reader, writer) = stream.into_split();
    let dripping = drip(writer, Duration::from_millis(100));
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, reader.read_to_end(&mut bytes)).await.expect("still open");
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    dripping.abort();
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_there_is_room_again_afterwards() {
    let shop = Shop::start().await;
    let edge = start(&shop, "connections = 3");
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(edge.address).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
        held.push(stream);
    }
    let mut stream = connect(edge.address).await;
    let mut rest = Vec::new();
    let closed =
        timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("taken though there is no room");
    assert!(closed.is_err() || rest.is_empty());
    held.clear();
    let until = Instant::now() + PATIENCE;
    loop {
        let mut stream = connect(edge.address).await;
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        if bytes.starts_with(b"HTTP/1.1 200") {
            break;
        }
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut_off() {
    let shop = Shop::start().await;
    let edge = start(&shop, "write_timeout = \"1s\"");
    let mut stream = connect(edge.address).await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    // Not read: once all buffers are full the edge can write no more.
    edge.until_logged("\"outcome\":\"open\"").await;
}

#[tokio::test]
async fn a_short_body_that_nobody_needs_leaves_the_connection_usable() {
    let shop = Shop::start().await;
    let edge = start(&shop, "");
    let mut stream = connect(edge.address).await;
    for _ in 0..3 {
        let post = b"POST /api/reservations HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
        stream.write_all(post).await.unwrap();
        let refused = answer(&mut stream).await;
        assert!(refused.starts_with("HTTP/1.1 429") && !refused.to_lowercase().contains("connection: close"));
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn a_long_body_that_nobody_needs_does_not_cost_the_client_its_answer() {
    let shop = Shop::start().await;
    let edge = start(&shop, "body_bytes = 1000000000");
    for path in ["/api/reservations", "/.waiting-room/demo/ticket?x"] {
        let mut stream = connect(edge.address).await;
        let head = format!("PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let writing = tokio::spawn(async move {
            for _ in 0..30 {
                if writer.write_all(&[b'x'; 100_000]).await.is_err() {
                    break;
                }
            }
        });
        let mut bytes = Vec::new();
        // The answer comes whole, and without a reset.
        timeout(PATIENCE, reader.read_to_end(&mut bytes)).await.expect("still open").unwrap();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(text.starts_with("http/1.1 4") && text.contains("connection: close"), "{text}");
        assert!(text.ends_with('}'), "{text}");
        writing.abort();
    }
}

#[tokio::test]
async fn who_asks_whether_to_go_on_is_told() {
    let shop = Shop::start().await;
    let edge = start(&shop, "");
    let mut stream = connect(edge.address).await;
    let head = "HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(format!("POST /upload {head}").as_bytes()).await.unwrap();
    let mut buffer = [0; 1024];
    let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
    assert!(buffer[..count].starts_with(b"HTTP/1.1 100"), "{:?}", String::from_utf8_lossy(&buffer[..count]));
    stream.write_all(b"hello").await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(shop.asked().pop().unwrap().body_bytes, 5);

    let mut stream = connect(edge.address).await;
    stream.write_all(format!("POST /api/reservations {head}").as_bytes()).await.unwrap();
    let refused = answer(&mut stream).await;
    assert!(
        refused.starts_with("HTTP/1.1 429") && refused.to_lowercase().contains("connection: close"),
        "{refused}"
    );
    assert_eq!(shop.asked().len(), 1);
}
