//! Plain requests that go to the shop go a shorter way than others. Nobody can tell: neither who asks, nor the shop, nor who
//! reads the log.

mod raw_shop;

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Edge, PATIENCE, STANDING, room};
use raw_shop::{RawShop, big};

fn edge(shop: &RawShop, more: &str) -> Edge {
    Edge::start_with(&format!("[upstream]\naddress = \"{}\"\n{more}", shop.address), &room(STANDING))
}

/// All that comes until the connection is closed.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all)).await.unwrap();
    String::from_utf8(all).unwrap()
}

fn request(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: Shop.Example\r\nUser-Agent: test\r\nCookie: a=1; wr-ticket-demo=x\r\nCookie: b=2\r\n\
         X-Forwarded-For: 6.6.6.6\r\nX-Waiting-Room-Ticket: forged\r\nTE: trailers\r\nAccept: a\r\nAccept: b\r\n{more}\r\n"
    )
}

/// What came, without what is another each time, in an order of its own; and the body without its chunks.
fn alike(text: &str) -> (Vec<String>, String) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    if head.starts_with("HTTP/1.1 103") {
        let (lines, rest) = alike(body);
        let mut early: Vec<String> = head.lines().map(str::to_lowercase).collect();
        early.extend(lines);
        return (early, rest);
    }
    let mut lines: Vec<String> = head
        .lines()
        .map(|line| {
            let line = line.replace("HTTP/1.0", "HTTP/1.1");
            match line.split_once(": ") {
                Some((name, _))
                    if matches!(
                        name.to_lowercase().as_str(),
                        "date" | "x-request-id" | "x-waiting-room-request-id"
                    ) =>
                {
                    name.to_lowercase()
                }
                Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
                None => line,
            }
        })
        .collect();
    lines.sort();
    if !lines.iter().any(|line| line == "transfer-encoding: chunked") {
        return (lines, body.to_owned());
    }
    let (mut rest, mut whole) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.split(';').next().unwrap(), 16).unwrap();
        whole.push_str(&after[..size]);
        rest = &after[size + 2..];
        if size == 0 {
            whole.push_str("<end>");
        }
    }
    (lines, whole)
}

#[tokio::test]
async fn both_ways_carry_alike() {
    let shop = RawShop::start().await;
    let edge = edge(&shop, "");
    for (path, status) in [
        ("/length", "200 OK"),
        ("/reason", "299 Quite fine"),
        ("/pieces", "200 OK"),
        ("/big", "200 OK"),
        ("/chunked", "200 OK"),
        ("/chunked-slowly", "200 OK"),
        ("/both", "200 OK"),
        ("/until-close", "200 OK"),
        ("/old", "200 OK"),
        ("/says-close", "200 OK"),
        ("/nothing", "204 No Content"),
        ("/same", "304 Not Modified"),
        ("/early", "103 Early Hints"),
        ("/cookies", "302 Found"),
        ("/talk", "200 OK"),
        ("/failing", "500 Internal Server Error"),
        ("/more-than-said", "200 OK"),
        ("/less-than-said", "200 OK"),
        ("/garbage", "502 Bad Gateway"),
        ("/two-lengths", "502 Bad Gateway"),
        ("/odd-length", "502 Bad Gateway"),
        ("/hangs-up", "502 Bad Gateway"),
        ("/any?a=%20b&c", "200 OK"),
    ] {
        let mut answers = Vec::new();
        for before in ["", "\r\n"] {
            // An empty line before it is allowed, and not as plain as can be.
            let mut stream = TcpStream::connect(edge.address).await.unwrap();
            let asked = format!("{before}{}", request(path, "Connection: close\r\n"));
            stream.write_all(asked.as_bytes()).await.unwrap();
            answers.push(until_closed(&mut stream).await);
        }
        let [short, long] = &answers[..] else { panic!() };
        assert!(short.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{path}: {short}");
        assert_eq!(alike(short), alike(long), "{path}");
        assert!(!short.contains("evil") && !short.to_lowercase().contains("x-waiting-room-l"), "{short}");
        let asked = shop.asked(path);
        assert_eq!(asked[0].1, asked[1].1, "{path}: the shop is asked alike");
        let head = asked[0].1.join("\n");
        assert!(head.contains("cookie: a=1; b=2") && head.contains("host: shop.example"), "{head}");
        assert!(!head.contains("6.6.6.6") && !head.contains("forged") && !head.contains("te: "), "{head}");
    }
    // And the log says the same of both.
    edge.until_logged("/any").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let said: Vec<String> = edge
        .log()
        .iter()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|line| line["message"] == "request")
        .map(|line| {
            let names = ["path", "status", "room", "outcome", "bytes_sent", "side"];
            names.map(|name| format!("{name}={}", line[name])).join(" ")
        })
        .collect();
    for pair in said.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    assert_eq!(said.len(), 46);
}

/// Whatever it says after that would be no answer any more.
#[tokio::test]
async fn a_shop_that_changes_the_protocol_unasked_is_not_listened_to() {
    let shop = RawShop::start().await;
    let edge = edge(&shop, "");
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    stream.write_all(request("/other-protocol", "").as_bytes()).await.unwrap();
    let answer = until_closed(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 502 ") && !answer.contains("abc"), "{answer}");
}

/// Reads until `end` has come.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let (mut all, mut buffer) = (String::new(), [0; 4096]);
    while !all.ends_with(end) {
        let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {all:?}");
        all.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    all
}

#[tokio::test]
async fn requests_go_over_one_connection_until_the_shop_closes_it() {
    let shop = RawShop::start().await;
    let edge = edge(&shop, "");
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    for (path, end) in
        [("/length", "hello"), ("/chunked", "0\r\n\r\n"), ("/nothing", "\r\n\r\n"), ("/length", "hello")]
    {
        stream.write_all(request(path, "").as_bytes()).await.unwrap();
        let answer = until(&mut stream, end).await;
        assert!(answer.contains("Connection: keep-alive"), "{answer}");
    }
    let over: Vec<usize> = ["/length", "/chunked", "/nothing"]
        .iter()
        .flat_map(|path| shop.asked(path))
        .map(|(number, _)| number)
        .collect();
    assert_eq!(over, [0; 4], "one connection to the shop");
    // One that the shop closes meanwhile is noticed, and so is one that it closes instead of an answer.
    for path in ["/closes-later", "/x", "/hangs-up-later", "/x", "/more-than-said", "/x"] {
        stream.write_all(request(path, "").as_bytes()).await.unwrap();
        let answer = until(&mut stream, if path == "/more-than-said" { "ab" } else { "ok" }).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && !answer.contains("evil"), "{path}: {answer}");
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    assert_eq!(shop.asked("/hangs-up-later").len(), 2, "asked again, once");
}

#[tokio::test]
async fn requests_that_come_together_are_answered_one_after_the_other() {
    let shop = RawShop::start().await;
    let edge = edge(&shop, "");
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    let all: String = ["/length", "/chunked", "/events/demo", "/big", "/any"]
        .iter()
        .map(|path| request(path, ""))
        .collect();
    stream.write_all(all.as_bytes()).await.unwrap();
    let answers = until(&mut stream, "\r\n\r\nok").await;
    let statuses: Vec<&str> =
        answers.lines().filter_map(|line| line.split("HTTP/1.1 ").nth(1)?.split(' ').next()).collect();
    assert_eq!(statuses, ["200", "200", "429", "200", "200"]);
    assert!(answers.contains(&big()));
}

#[tokio::test]
async fn a_shop_whose_client_hangs_up_is_left_alone() {
    let shop = RawShop::start().await;
    let edge = edge(&shop, "");
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    stream.write_all(request("/late", "").as_bytes()).await.unwrap();
    while shop.asked("/late").is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(stream);
    edge.until_logged("ConnectionClosed").await;
    while shop.asked("/gone").is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() {
    let shop = RawShop::start().await;
    let edge = edge(&shop, "keepalive_timeout = \"1s\"");
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    for path in ["/one", "/two"] {
        stream.write_all(request(path, "").as_bytes()).await.unwrap();
        until(&mut stream, "ok").await;
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    assert_ne!(shop.asked("/one")[0].0, shop.asked("/two")[0].0);
    let closed = async {
        while shop.asked("/gone").len() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, closed).await.unwrap();
}

/// Over HTTP/2 nothing tells them apart either.
#[tokio::test]
async fn both_ways_carry_alike_over_http2() {
    let shop = RawShop::start().await;
    let listen = "[[listen]]\naddress = \"127.0.0.1:0\"\nhttp2 = true\n";
    let edge = Edge::start_listening(
        &format!("{listen}[upstream]\naddress = \"{}\"\n", shop.address),
        &room(STANDING),
    );
    let tcp = TcpStream::connect(edge.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(tcp).await.unwrap();
    let _driver = tokio::spawn(connection);
    for path in [
        "/length",
        "/reason",
        "/pieces",
        "/big",
        "/chunked",
        "/chunked-slowly",
        "/until-close",
        "/says-close",
        "/nothing",
        "/same",
        "/early",
        "/cookies",
        "/talk",
        "/failing",
        "/more-than-said",
        "/garbage",
        "/hangs-up",
        "/any?a=%20b&c",
        "/less-than-said",
    ] {
        let mut answers = Vec::new();
        // A stream of events goes by the library.
        for accept in ["text/plain", "text/event-stream"] {
            let request =
                http::Request::get(edge.url(path)).header("accept", accept).header("te", "trailers");
            let request = request.header("cookie", "a=1").header("cookie", "b=2").body(()).unwrap();
            let (answer, _) = client.send_request(request, true).unwrap();
            let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
            let mut lines: Vec<String> = answer
                .headers()
                .iter()
                .filter(|(name, _)| {
                    !["date", "x-request-id", "x-waiting-room-request-id"].contains(&name.as_str())
                })
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect();
            lines.sort();
            let (status, mut body, mut whole) = (answer.status(), answer.into_body(), Vec::new());
            while let Some(piece) = timeout(PATIENCE, body.data()).await.unwrap() {
                let Ok(piece) = piece else {
                    lines.push("cut short".to_owned());
                    break;
                };
                body.flow_control().release_capacity(piece.len()).unwrap();
                whole.extend_from_slice(&piece);
            }
            answers.push((status, lines, String::from_utf8(whole).unwrap()));
        }
        assert_eq!(answers[0], answers[1], "{path}");
        let asked = shop.asked(path);
        let but_accept = |lines: &[String]| -> Vec<String> {
            lines.iter().filter(|line| !line.starts_with("accept: ")).cloned().collect()
        };
        assert_eq!(but_accept(&asked[0].1), but_accept(&asked[1].1), "{path}: the shop is asked alike");
    }
}
