//! A shop that sends bytes as they stand here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A shop that sends bytes as they stand here, and tells what it was asked over which connection.
pub(super) struct RawShop {
    pub(super) address: SocketAddr,
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

pub(super) fn big() -> String {
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
    pub(super) async fn start() -> Self {
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
    pub(super) fn asked(&self, path: &str) -> Vec<(usize, Vec<String>)> {
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
