//! Connections over which the edge speaks with the shop itself: plain HTTP/1.1, for requests without a body.
//!
//! The HTTP library has two halves and two channels for each request, keeps how each header was spelled, and watches each
//! idle connection by a task of its own. Here a request is bytes, and of an answer that says how long it is only the head
//! is read. Every other answer (chunked, until the connection closes, of HTTP/1.0, of a form that is not known here) is
//! read by the library's reader after all, from its first byte.

mod head;
mod idle;
mod unread;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use pingora::http::ResponseHeader;
use pingora::protocols::http::v1::client::HttpSession;
use pingora::{Error, ErrorType, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::patience::within;
use head::Head;
pub(super) use idle::Idle;
use unread::Unread;

/// How much is read at once.
const READ: usize = 16 * 1024;
/// Longest head that is read here. The library reads longer ones.
const HEAD_MAX: usize = 2 * READ;
/// Most answers that only inform, before the one that counts.
const INFORMING_MAX: usize = 16;

/// A connection to an instance of the shop.
pub struct Connection {
    wire: Wire,
    address: SocketAddr,
    is_used: bool,
    times: Times,
    /// What came beyond what was read.
    came: BytesMut,
    /// How much of the body is still to come, `came` included.
    left: u64,
    informing: usize,
    /// Whether another request may follow.
    keeps: bool,
}

/// How long what may take.
#[derive(Clone, Copy, Debug)]
struct Times {
    write: Duration,
    /// Until the answer begins.
    first: Duration,
    /// Between two pieces of it.
    read: Duration,
}

enum Wire {
    Own(TcpStream),
    /// Read by the library.
    Library(Box<HttpSession>),
    /// Nothing more is read.
    Over,
}

/// Something is wrong with the shop.
fn wrong<T>(kind: ErrorType, why: &'static str) -> Result<T> {
    Err(Error::explain(kind, why).into_up())
}

impl Connection {
    /// Whether a request went over it before: then the shop may have closed it a moment ago.
    pub const fn is_used(&self) -> bool {
        self.is_used
    }

    /// Whether nothing at all has come of the answer.
    pub fn is_silent(&self) -> bool {
        matches!(self.wire, Wire::Own(_)) && self.came.is_empty() && self.informing == 0
    }

    /// Sends the head of a request.
    ///
    /// # Errors
    /// When the shop does not take it.
    pub async fn ask(&mut self, head: &[u8]) -> Result<()> {
        const WHAT: &str = "while the shop is asked";
        let Wire::Own(tcp) = &mut self.wire else { return wrong(ErrorType::InternalError, WHAT) };
        match within(self.times.write, tcp.write_all(head)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::because(ErrorType::WriteError, WHAT, error).into_up()),
            Err(_) => wrong(ErrorType::WriteTimedout, WHAT),
        }
    }

    /// The next head of the answer. After one that only informs there is another.
    ///
    /// # Errors
    /// When none comes, or one that cannot be read.
    pub async fn head(&mut self) -> Result<ResponseHeader> {
        let head = loop {
            if let Wire::Library(session) = &mut self.wire {
                session.read_response().await.map_err(Error::into_up)?;
                let Some(head) = session.resp_header() else {
                    return wrong(ErrorType::InvalidHTTPHeader, "an answer without a head");
                };
                break head.clone();
            }
            match head::read(&self.came) {
                Head::Whole { head, length, body, keeps } => {
                    let _ = self.came.split_to(length.min(self.came.len()));
                    (self.left, self.keeps) = (body, keeps);
                    break *head;
                }
                Head::Partial if self.came.len() < HEAD_MAX => {
                    let time = if self.is_silent() { self.times.first } else { self.times.read };
                    if self.more(time).await? == 0 {
                        return wrong(ErrorType::ConnectionClosed, "instead of an answer");
                    }
                }
                Head::Partial | Head::Unusual => self.leave_to_the_library(),
            }
        };
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return wrong(ErrorType::InvalidHTTPHeader, "nobody asked for another protocol");
        }
        if head.status.is_informational() {
            self.informing += 1;
            if self.informing > INFORMING_MAX {
                return wrong(ErrorType::InvalidHTTPHeader, "too much in advance");
            }
        }
        Ok(head)
    }

    fn leave_to_the_library(&mut self) {
        if let Wire::Own(tcp) = std::mem::replace(&mut self.wire, Wire::Over) {
            let unread = std::mem::take(&mut self.came).freeze();
            let mut session = Box::new(HttpSession::new(Box::new(Unread::new(tcp, unread))));
            session.read_timeout = Some(self.times.read);
            self.wire = Wire::Library(session);
        }
    }

    /// Reads on. How much came; nothing where the shop has closed.
    async fn more(&mut self, time: Duration) -> Result<usize> {
        const WHAT: &str = "while an answer of the shop is read";
        let Wire::Own(tcp) = &mut self.wire else { return Ok(0) };
        self.came.reserve(READ);
        match within(time, tcp.read_buf(&mut self.came)).await {
            Ok(Ok(count)) => Ok(count),
            Ok(Err(error)) => Err(Error::because(ErrorType::ReadError, WHAT, error).into_up()),
            Err(_) => wrong(ErrorType::ReadTimedout, WHAT),
        }
    }

    /// Whether the answer is known to be read to its end.
    pub fn is_over(&mut self) -> bool {
        match &mut self.wire {
            Wire::Own(_) => self.left == 0,
            Wire::Library(session) => session.is_body_done(),
            Wire::Over => true,
        }
    }

    /// The next piece of the body; nothing at its end.
    ///
    /// # Errors
    /// When it ends too early, or cannot be read.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        if let Wire::Library(session) = &mut self.wire {
            let piece = session.read_body_bytes().await.map_err(Error::into_up)?;
            return Ok(piece);
        }
        if self.left == 0 {
            return Ok(None);
        }
        if self.came.is_empty() && self.more(self.times.read).await? == 0 {
            return wrong(ErrorType::ConnectionClosed, "within an answer of the shop");
        }
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(self.came.len());
        let piece = self.came.split_to(length).freeze();
        self.left = self.left.saturating_sub(length as u64);
        Ok(Some(piece))
    }

    /// What is left of it once the answer is read: a connection for another request, where there can be one.
    async fn rest(self) -> Option<TcpStream> {
        match self.wire {
            Wire::Own(tcp) => (self.keeps && self.left == 0 && self.came.is_empty()).then_some(tcp),
            Wire::Library(mut session) => {
                session.respect_keepalive();
                let stream = session.reuse().await?;
                stream.into_any().downcast::<Unread>().ok()?.into_tcp()
            }
            Wire::Over => None,
        }
    }
}
