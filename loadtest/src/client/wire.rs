//! HTTP/1.1 over one kept connection, with as little work and memory as can be: a crowd has tens of thousands of them on
//! the machine that it judges.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use httparse::{EMPTY_HEADER, Response, Status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Longest head of an answer, and most lines in it.
const HEAD_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 64;
/// Largest body that is read: a seat map of the largest event there may be.
const BODY_MAX: usize = 32 * 1024 * 1024;
/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// One connection.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    /// What came and belongs to no answer yet.
    pub(super) buffer: Vec<u8>,
    /// Whether something was asked on it before.
    used: bool,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// The `Set-Cookie` headers.
    pub(super) cookies: Vec<String>,
    /// Where the answer leads, if anywhere.
    pub(super) location: Option<String>,
    /// After how many seconds to ask again.
    pub(super) retry_after: Option<u64>,
    /// What proves that the WebSocket was understood.
    pub(super) accept: Option<String>,
    pub(super) is_json: bool,
    pub(super) body: Vec<u8>,
    /// Whether the connection can be asked again.
    pub(super) keeps: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The connection was closed before anything came, as idle ones are: another one may be tried.
    Stale,
    /// Anything else.
    Failed(anyhow::Error),
}

impl Wire {
    /// Connects, from the address `from` where one is given.
    pub(super) async fn connect(to: SocketAddr, from: Option<Ipv4Addr>) -> Result<Self> {
        let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.context("there are no more sockets")?;
        if let Some(from) = from {
            socket.bind(SocketAddr::from((from, 0))).context("there is no more port")?;
        }
        let connecting = tokio::time::timeout(CONNECT_MAX, socket.connect(to));
        let stream = connecting.await.context("no connection in time")?.context("no connection")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new(), used: false })
    }

    /// Sends a request and reads the answer.
    pub(super) async fn exchange(&mut self, request: &[u8], has_body: bool) -> Result<Reply, Unanswered> {
        let was_used = std::mem::replace(&mut self.used, true);
        let stale = |error: anyhow::Error, nothing_came: bool| {
            if was_used && nothing_came { Unanswered::Stale } else { Unanswered::Failed(error) }
        };
        if let Err(error) = self.stream.write_all(request).await {
            return Err(stale(error.into(), true));
        }
        match self.read(has_body).await {
            Ok(reply) => Ok(reply),
            Err(error) => Err(stale(error, self.buffer.is_empty())),
        }
    }

    async fn read(&mut self, has_body: bool) -> Result<Reply> {
        let (mut reply, length) = loop {
            if let Some((reply, head, length)) = head(&self.buffer)? {
                self.buffer.drain(..head);
                match reply.status {
                    101 => return Ok(reply),
                    // Only a word in between.
                    100..=199 => continue,
                    _ => break (reply, length),
                }
            }
            if self.buffer.len() > HEAD_MAX {
                bail!("the head of an answer has no end");
            }
            self.more().await?;
        };
        let length = if has_body && !matches!(reply.status, 204 | 304) { length } else { Length::Exactly(0) };
        reply.body = match length {
            Length::Exactly(length) => self.take(length).await?,
            Length::Chunks => self.chunks().await?,
            Length::ToTheEnd => {
                reply.keeps = false;
                while self.more_if_any().await? {}
                std::mem::take(&mut self.buffer)
            }
        };
        if self.buffer.is_empty() {
            // A connection that rests takes no memory for it.
            self.buffer = Vec::new();
        }
        Ok(reply)
    }

    /// The next `length` bytes.
    async fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        if length > BODY_MAX {
            bail!("the answer is longer than {BODY_MAX} bytes");
        }
        while self.buffer.len() < length {
            self.more().await?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    async fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let (start, size) = loop {
                match httparse::parse_chunk_size(&self.buffer).map_err(|_| anyhow!("a chunk has no size"))? {
                    Status::Complete(found) => break found,
                    Status::Partial => self.more().await?,
                }
            };
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if size > BODY_MAX || body.len() + size > BODY_MAX {
                bail!("the answer is longer than {BODY_MAX} bytes");
            }
            // The chunk and the end of its line. Nobody here sends trailers.
            self.take(start).await?;
            let mut chunk = self.take(size + 2).await?;
            chunk.truncate(size);
            if size == 0 {
                return Ok(body);
            }
            body.append(&mut chunk);
        }
    }

    async fn more(&mut self) -> Result<()> {
        if self.more_if_any().await? { Ok(()) } else { bail!("the connection was closed") }
    }

    async fn more_if_any(&mut self) -> Result<bool> {
        if self.buffer.len() > BODY_MAX {
            bail!("the answer is longer than {BODY_MAX} bytes");
        }
        self.buffer.reserve(CHUNK);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }

    /// Takes what is there, without memory of its own while there is nothing: for connections that are silent for long.
    pub(super) async fn rest_until_more(&mut self) -> Result<()> {
        loop {
            self.stream.readable().await?;
            let mut chunk = [0; 4096];
            match self.stream.try_read(&mut chunk) {
                Ok(0) => bail!("the connection was closed"),
                Ok(length) => {
                    self.buffer.extend_from_slice(chunk.get(..length).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Exactly(usize),
    Chunks,
    ToTheEnd,
}

/// The head of an answer, how long it is, and how long its body; nothing while it is not complete.
fn head(buffer: &[u8]) -> Result<Option<(Reply, usize, Length)>> {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut response = Response::new(&mut headers);
    let Status::Complete(head) = response.parse(buffer).context("the answer is not HTTP")? else {
        return Ok(None);
    };
    let mut reply = Reply {
        status: response.code.context("the answer has no status")?,
        cookies: Vec::new(),
        location: None,
        retry_after: None,
        accept: None,
        is_json: false,
        body: Vec::new(),
        keeps: true,
    };
    let mut length = Length::ToTheEnd;
    for header in response.headers.iter() {
        let value = || String::from_utf8_lossy(header.value).trim().to_owned();
        let has = |word: &str| value().to_ascii_lowercase().contains(word);
        match header.name.to_ascii_lowercase().as_str() {
            "content-length" if length != Length::Chunks => {
                length = Length::Exactly(value().parse().context("the answer has no length")?);
            }
            "transfer-encoding" if has("chunked") => length = Length::Chunks,
            "connection" if has("close") => reply.keeps = false,
            "content-type" => reply.is_json = has("json"),
            "set-cookie" => reply.cookies.push(value()),
            "location" => reply.location = Some(value()),
            "retry-after" => reply.retry_after = value().parse().ok(),
            "sec-websocket-accept" => reply.accept = Some(value()),
            _ => {}
        }
    }
    Ok(Some((reply, head, length)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that gives each connection these answers, one per request, and then closes it.
    async fn server(answers: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                for answer in answers {
                    let mut request = [0; 1024];
                    if stream.read(&mut request).await.unwrap_or_default() == 0 {
                        break;
                    }
                    for part in answer.as_bytes().chunks(7) {
                        stream.write_all(part).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn answers_end_where_they_say() {
        let address = server(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\nContent-Type: application/json\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nLocation: /there\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nall of it",
        ])
        .await;
        let mut wire = Wire::connect(address, Some(Ipv4Addr::new(127, 1, 2, 3))).await.unwrap();
        let first = wire.exchange(b"GET", true).await.unwrap();
        assert_eq!((first.body.as_slice(), first.cookies.len(), first.is_json), (&b"hello"[..], 1, true));
        assert_eq!(wire.exchange(b"GET", true).await.unwrap().body, b"abcde");
        let third = wire.exchange(b"GET", true).await.unwrap();
        assert_eq!((third.status, third.location.as_deref(), third.keeps), (204, Some("/there"), true));
        let last = wire.exchange(b"GET", true).await.unwrap();
        assert!(last.body == b"all of it" && !last.keeps);
        assert!(matches!(wire.exchange(b"GET", true).await, Err(Unanswered::Stale)));
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_none() {
        let address = server(&["HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"]).await;
        let mut wire = Wire::connect(address, None).await.unwrap();
        assert!(matches!(wire.exchange(b"GET", true).await, Err(Unanswered::Failed(_))));
        let address = server(&["nonsense that is no answer\r\n\r\n"]).await;
        let mut wire = Wire::connect(address, None).await.unwrap();
        assert!(matches!(wire.exchange(b"GET", true).await, Err(Unanswered::Failed(_))));
    }
}
