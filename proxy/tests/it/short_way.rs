//! Plain requests that the edge answers itself go a shorter way than others. Nobody can tell by the answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Edge, PATIENCE, STANDING, browser, room};
use crate::live;
use crate::shop::Shop;

/// One answer: its head, line by line, and its body.
type Answer = (Vec<String>, String);

/// Reads one answer, and what follows it.
async fn answer(stream: &mut TcpStream, read: &mut Vec<u8>, has_body: bool) -> Answer {
    let mut buffer = [0; 16 * 1024];
    loop {
        let text = String::from_utf8_lossy(read).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let lines: Vec<String> = head.split("\r\n").map(str::to_owned).collect();
            let length = lines
                .iter()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
            let length = length.filter(|_| has_body).unwrap_or(0);
            if rest.len() >= length {
                read.drain(..head.len() + 4 + length);
                return (lines, rest[..length].to_owned());
            }
        }
        let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {text:?}");
        read.extend_from_slice(&buffer[..count]);
    }
}

async fn ask(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(&mut stream, &mut Vec::new(), !request.trim_start().starts_with("HEAD")).await
}

/// What is another each time is left out: ids, times, and how long what holds them is.
fn alike((head, body): &Answer) -> (Vec<String>, String) {
    let varies = ["date", "x-waiting-room-request-id", "x-request-id", "content-length", "retry-after"];
    let head = head.iter().map(|line| {
        let name = line.split(": ").next().unwrap_or_default();
        if varies.contains(&name.to_lowercase().as_str()) { name.to_owned() } else { line.clone() }
    });
    (head.collect(), body.chars().filter(|c| !c.is_ascii_digit()).collect())
}

const HTML: &str = "Accept: text/html\r\n";

fn edge(shop: &Shop, more: &str) -> Edge {
    Edge::start_with(&format!("[upstream]\naddress = \"{}\"\n{more}", shop.address), &room(STANDING))
}

#[tokio::test]
async fn both_ways_answer_alike() {
    let shop = Shop::start().await;
    let edge = edge(&shop, "");
    let ticket = live::join(&edge).await;
    let cookie = format!("Cookie: a=b; wr-ticket-demo={ticket}\r\n");
    let cases = [
        ("GET /events/demo", format!("{HTML}{cookie}"), 202),
        ("HEAD /events/demo", format!("{HTML}{cookie}"), 202),
        ("GET /events/demo", format!("{HTML}{cookie}Connection: close\r\n"), 202),
        ("GET /events/demo?a=%20b", format!("{HTML}{cookie}Accept-Language: ko\r\n"), 202),
        ("GET /events/demo", format!("{HTML}{cookie}Accept-Encoding: identity\r\n"), 202),
        ("GET /events/demo", cookie.clone(), 429),
        ("GET /api/reservations", String::new(), 429),
        ("HEAD /api/reservations", String::new(), 429),
        ("GET /events/demo", format!("{HTML}Sec-Purpose: prefetch\r\n"), 503),
        ("GET /.waiting-room/demo", String::new(), 200),
        ("GET /.waiting-room/demo/ticket", cookie.clone(), 200),
        ("GET /.waiting-room/demo/ticket", String::new(), 404),
        ("GET /.waiting-room/demo/live", cookie.clone(), 426),
        ("GET /.waiting-room/demo/language?to=%2F&lang=ko", String::new(), 303),
        ("GET /.waiting-room/demo/bypass?code=x", HTML.to_owned(), 400),
        ("HEAD /.waiting-room/demo/ticket", String::new(), 405),
        ("GET /.waiting-room/other", String::new(), 404),
        ("GET /.waiting-room/jwks.json", String::new(), 404),
        ("GET /events%2fdemo", HTML.to_owned(), 400),
        ("GET /events/demo/..;/x", HTML.to_owned(), 400),
        ("GET /%zz", String::new(), 400),
        ("GET /", format!("X: {}\r\n", "x".repeat(40_000)), 431),
    ];
    for (line, headers, status) in &cases {
        let request = format!("{line} HTTP/1.1\r\nHost: shop.example\r\n{headers}\r\n");
        let short = ask(edge.address, &request).await;
        // An empty line before it is allowed, and not as plain as can be.
        let long = ask(edge.address, &format!("\r\n{request}")).await;
        assert_eq!(alike(&short), alike(&long), "{line} {headers}");
        assert!(short.0[0].starts_with(&format!("HTTP/1.1 {status} ")), "{line} {headers} {short:?}");
    }
    let bad_host = "GET /events/demo HTTP/1.1\r\nHost: a b\r\n\r\n";
    let (short, long) =
        (ask(edge.address, bad_host).await, ask(edge.address, &format!("\r\n{bad_host}")).await);
    assert_eq!(alike(&short), alike(&long));
    assert!(shop.asked().is_empty());

    // And the log says the same of both. Who is answered does not wait for it to be written.
    let until = Instant::now() + PATIENCE;
    let said = loop {
        let said = said(&edge);
        if said.len() == 2 * (cases.len() + 1) {
            break said;
        }
        assert!(Instant::now() < until, "{said:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    for line in &said {
        assert_eq!(said.iter().filter(|other| *other == line).count() % 2, 0, "{line} of {said:?}");
    }
}

/// What the log says of requests, without what is another each time.
fn said(edge: &Edge) -> Vec<String> {
    let lines = edge.log();
    let lines = lines.iter().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let of_requests = lines.filter_map(|line| {
        let fields = if line["fields"].is_object() { line["fields"].clone() } else { line };
        (fields["message"] == "request" && fields["method"] != "POST").then_some(fields)
    });
    let names = ["method", "path", "status", "room", "outcome"];
    of_requests.map(|fields| names.map(|name| format!("{name}={}", fields[name])).join(" ")).collect()
}

/// The library answers one request of those that come together and drops the others. Here each is answered, in order;
/// and one that goes to the shop goes there with what was read before it was known.
#[tokio::test]
async fn requests_that_come_together_are_answered_in_order_until_one_goes_to_the_shop() {
    let shop = Shop::start().await;
    let edge = edge(&shop, "");
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    let plain = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Kept: yes\r\n\r\n");
    let all = ["/api/reservations", "/.waiting-room/demo", "/.waiting-room/none", "/passed?x=1"];
    stream.write_all(all.map(plain).concat().as_bytes()).await.unwrap();
    let mut read = Vec::new();
    for status in [429, 200, 404, 200] {
        let (head, _) = answer(&mut stream, &mut read, true).await;
        assert!(head[0].starts_with(&format!("HTTP/1.1 {status} ")), "{head:?}");
    }
    let asked = shop.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].target, "/passed?x=1");

    // From then on the connection is the library's, and answers as ever.
    for (path, status) in [("/passed", 200), ("/api/reservations", 429), ("/passed", 200)] {
        stream.write_all(plain(path).as_bytes()).await.unwrap();
        let (head, _) = answer(&mut stream, &mut read, true).await;
        assert!(head[0].starts_with(&format!("HTTP/1.1 {status} ")), "{head:?}");
    }
    assert_eq!(shop.asked().len(), 3);
}

#[tokio::test]
async fn a_body_after_plain_requests_reaches_the_shop_whole() {
    let shop = Shop::start().await;
    let edge = edge(&shop, "");
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    let together = "GET /api/reservations HTTP/1.1\r\nHost: a\r\n\r\n\
                    POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello";
    stream.write_all(together.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    assert!(answer(&mut stream, &mut read, true).await.0[0].contains("429"));
    stream.write_all(b"world").await.unwrap();
    assert!(answer(&mut stream, &mut read, true).await.0[0].contains("200"));
    assert_eq!(shop.asked().pop().unwrap().body_bytes, 10);
}

/// One who comes in pieces is answered too.
#[tokio::test]
async fn a_head_that_comes_in_pieces_is_put_together() {
    let shop = Shop::start().await;
    let edge = edge(&shop, "");
    for cut in [1, 3, 4, 20, 30, 50] {
        let mut stream = TcpStream::connect(edge.address).await.unwrap();
        let request = b"GET /api/reservations HTTP/1.1\r\nHost: shop.example\r\n\r\n";
        for round in 0..2 {
            let (left, right) = request.split_at(cut);
            stream.write_all(left).await.unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
            stream.write_all(right).await.unwrap();
            let (head, _) = answer(&mut stream, &mut Vec::new(), true).await;
            assert!(head[0].contains("429"), "{cut} {round} {head:?}");
        }
    }
}

#[tokio::test]
async fn at_the_end_who_asks_once_more_is_told_that_it_is_the_last_time() {
    let shop = Shop::start().await;
    let mut edge = edge(&shop, "");
    let request = b"GET /api/reservations HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut connections = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(edge.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let (head, _) = answer(&mut stream, &mut Vec::new(), true).await;
        assert!(head.iter().any(|line| line == "Connection: keep-alive"), "{head:?}");
        connections.push(stream);
    }
    let slow = tokio::spawn(browser().get(edge.url("/slow")).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    edge.terminate();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let [asks, idles] = &mut connections[..] else { panic!() };
    asks.write_all(request).await.unwrap();
    let (head, _) = answer(asks, &mut Vec::new(), true).await;
    assert!(head.iter().any(|line| line == "Connection: close"), "{head:?}");
    for stream in [asks, idles] {
        let rest = timeout(PATIENCE, stream.read(&mut [0; 10])).await.unwrap();
        assert!(matches!(rest, Ok(0)), "{rest:?}");
    }
    assert_eq!(slow.await.unwrap().unwrap().text().await.unwrap(), "slow but whole");
    let status = tokio::task::spawn_blocking(move || edge.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
}
