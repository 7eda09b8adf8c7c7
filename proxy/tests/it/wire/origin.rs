//! A shop that keeps every byte that reaches it, and reads HTTP/1.1 by the letter: where a length ends, there begins
//! the next request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request that reached the shop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Its first line and its header lines.
    pub(crate) head: Vec<u8>,
    /// Its body, without the framing.
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The words of the first line.
    pub(crate) fn line(&self) -> Vec<Vec<u8>> {
        let end = self.head.windows(2).position(|pair| pair == b"\r\n").unwrap_or(self.head.len());
        self.head[..end].split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect()
    }

    /// The target.
    pub(crate) fn target(&self) -> Vec<u8> {
        self.line().get(1).cloned().unwrap_or_default()
    }

    /// The header lines: name in lower case, value.
    pub(crate) fn fields(&self) -> Vec<(String, Vec<u8>)> {
        let lines = String::from_utf8_lossy(&self.head).into_owned();
        let pairs = lines.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        pairs.map(|(name, value)| (name.to_lowercase(), value.trim().as_bytes().to_vec())).collect()
    }

    /// All values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let found = self.fields().into_iter().filter(|(found, _)| found == name);
        found.map(|(_, value)| String::from_utf8_lossy(&value).into_owned()).collect()
    }

    /// As a person reads it.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&self.body))
    }
}

/// What reached the shop: requests, and bytes that are none.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) requests: Vec<Seen>,
    pub(crate) strays: Vec<Vec<u8>>,
}

/// The shop. It stops when dropped.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    record: Arc<Mutex<Record>>,
    task: JoinHandle<()>,
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let record: Arc<Mutex<Record>> = Arc::default();
        let into = record.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, into.clone()));
            }
        });
        Self { address, record, task }
    }

    /// What reached it since it was asked last.
    pub(crate) fn take(&self) -> Record {
        std::mem::take(&mut *self.record.lock().unwrap())
    }
}

async fn serve(mut stream: TcpStream, record: Arc<Mutex<Record>>) {
    let mut bytes = Vec::new();
    loop {
        let Some(seen) = request(&mut stream, &mut bytes).await else {
            if !bytes.is_empty() {
                record.lock().unwrap().strays.push(bytes);
            }
            return;
        };
        let is_head = seen.head.starts_with(b"HEAD ");
        record.lock().unwrap().requests.push(seen);
        let answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", if is_head { "" } else { "ok" });
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next request; nothing where the connection ends, with what is left of it in `bytes`.
async fn request(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(end) = find(bytes, b"\r\n\r\n") {
            break end + 4;
        }
        more(stream, bytes).await?;
    };
    let mut seen = Seen { head: bytes.drain(..end).collect(), body: Vec::new() };
    if !seen.all("expect").is_empty() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
    }
    let is_chunked = seen.all("transfer-encoding").iter().any(|coding| coding.ends_with("chunked"));
    if is_chunked {
        loop {
            let line = line(stream, bytes).await?;
            let length = usize::from_str_radix(std::str::from_utf8(&line).ok()?, 16).ok()?;
            if length == 0 {
                // What follows the last piece are fields, up to an empty line.
                while !self::line(stream, bytes).await?.is_empty() {}
                return Some(seen);
            }
            while bytes.len() < length + 2 {
                more(stream, bytes).await?;
            }
            seen.body.extend(bytes.drain(..length + 2).take(length));
        }
    }
    let length = seen.all("content-length").first().map_or(Ok(0), |length| length.parse()).ok()?;
    while bytes.len() < length {
        more(stream, bytes).await?;
    }
    seen.body = bytes.drain(..length).collect();
    Some(seen)
}

/// The next line, without its end.
async fn line(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(end) = find(bytes, b"\r\n") {
            return Some(bytes.drain(..end + 2).take(end).collect());
        }
        more(stream, bytes).await?;
    }
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
    bytes.extend_from_slice(&buffer[..count]);
    Some(())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
