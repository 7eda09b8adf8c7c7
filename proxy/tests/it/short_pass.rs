//! Plain requests that go to the shop go a shorter way than others. Nobody can tell: neither who asks, nor the shop, nor who
//! reads the log.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::harness::{Edge, PATIENCE, STANDING, room};

/// A shop that sends bytes as they stand here, and tells what it was asked over which connection.
struct RawShop {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<(usize, String)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for RawShop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What follows an answer.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Next,
    Close,
    /// Nothing, until the other side has had enough.
    Silence,
}

fn big() -> String {
    "0123456789abcdef".repeat(20_000)
}

fn answer_to(path: &str, nth: usize) -> (Vec<&'static str>, String, Then) {
    let plain = |text: &'static str| (vec![text], String::new(), Then::Next);
    let closing = |text: &'static str| (vec![text], String::new(), Then::Close);
    match path {
        "/length" => plain("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"),
        "/reason" => plain("HTTP/1.1 299 Quite fine\r\nContent-Length: 0\r\n\r\n"),
        "/pieces" => (
            vec!["HTTP/1.1 200 OK\r\nContent-", "Length: 6\r\n\r\nab", "cd", "ef"],
            String::new(),
            Then::Next,
        ),
        "/big" => (
            vec!["HTTP/1.1 200 OK\r\nContent-Length: 320000\r\nContent-Type: text/plain\r\n\r\n"],
            big(),
            Then::Next,
        ),
        "/chunked" => {
            plain("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")
        }
        "/chunked-slowly" => (
            vec![
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "3\r\nabc\r\n",
                "2\r\nde\r\n0",
                "\r\n\r\n",
            ],
            String::new(),
            Then::Next,
        ),
        "/both" => closing(
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
        "/until-close" => closing("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end"),
        "/old" => closing("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold"),
        "/says-close" => closing("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"),
        "/nothing" => plain("HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"),
        "/same" => plain("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"),
        "/early" => (
            vec![
                "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            ],
            String::new(),
            Then::Next,
        ),
        "/cookies" => plain(
            "HTTP/1.1 302 Found\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
        ),
        "/talk" => plain(
            "HTTP/1.1 200 OK\r\nX-Waiting-Room-Load: 0.5\r\nX-Waiting-Room-Session: end\r\nX-Waiting-Room-Other: z\r\n\
             Content-Length: 0\r\n\r\n",
        ),
        "/failing" => plain("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops"),
        "/more-than-said" => plain(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        ),
        "/less-than-said" => closing("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort"),
        "/garbage" => closing("nonsense\r\n\r\n"),
        "/two-lengths" => closing("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"),
        "/odd-length" => closing("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab"),
        "/other-protocol" => {
            closing("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc")
        }
        "/hangs-up" => (Vec::new(), String::new(), Then::Close),
        "/hangs-up-later" if nth > 1 => (Vec::new(), String::new(), Then::Close),
        "/closes-later" => closing("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        "/late" => (Vec::new(), String::new(), Then::Silence),
        _ => plain("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    }
}

impl RawShop {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let log = heads.clone();
        let task = tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(speak(stream, number, log.clone()));
            }
        });
        Self { address, heads, task }
    }

    /// The lines that it was asked for `path` with, but for what is another each time; and over which connection.
    fn asked(&self, path: &str) -> Vec<(usize, Vec<String>)> {
        let varies = ["x-request-id", "traceparent", "x-waiting-room-time", "x-waiting-room-signature"];
        let heads = self.heads.lock().unwrap();
        let of_path = heads.iter().filter(|(_, head)| head.split(' ').nth(1) == Some(path));
        of_path
            .map(|(number, head)| {
                let mut lines: Vec<String> = head
                    .lines()
                    .map(|line| match line.split_once(": ") {
                        Some((name, _)) if varies.contains(&name.to_lowercase().as_str()) => {
                            name.to_lowercase()
                        }
                        Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
                        None => line.to_owned(),
                    })
                    .collect();
                lines.sort();
                (*number, lines)
            })
            .collect()
    }
}

async fn speak(mut stream: TcpStream, number: usize, log: Arc<Mutex<Vec<(usize, String)>>>) {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    for nth in 1.. {
        let head = loop {
            let text = String::from_utf8_lossy(&read).into_owned();
            if let Some((head, rest)) = text.split_once("\r\n\r\n") {
                read = rest.as_bytes().to_vec();
                break head.to_owned();
            }
            match stream.read(&mut buffer).await {
                Ok(count) if count > 0 => read.extend_from_slice(&buffer[..count]),
                _ => return log.lock().unwrap().push((number, "GONE /gone".to_owned())),
            }
        };
        log.lock().unwrap().push((number, head.clone()));
        let (pieces, body, then) = answer_to(head.split(' ').nth(1).unwrap_or_default(), nth);
        for (nth, piece) in pieces.iter().enumerate() {
            if nth > 0 {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
            if stream.write_all(piece.as_bytes()).await.is_err() {
                return;
            }
        }
        if stream.write_all(body.as_bytes()).await.is_err() {
            return;
        }
        if then == Then::Close {
            // What was asked is read before it closes, or the answer would be lost.
            tokio::time::sleep(Duration::from_millis(30)).await;
            return;
        }
    }
}

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
