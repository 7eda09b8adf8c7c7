//! Whoever waits for an answer of the shop: how it is written to them, and whether they are still there.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{self, HeaderValue};
use pingora::http::ResponseHeader;
use pingora::protocols::Stream;
use pingora::protocols::http::date::get_cached_date;
use pingora::{Error, ErrorType, Result};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::time::error::Elapsed;

use super::READ;
use crate::patience::within;

/// How long the head of an answer is, about.
const HEAD: usize = 2048;

/// Whoever waits for an answer of the shop.
pub(super) trait Client {
    /// Ready when they have hung up.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Sends a head that only informs.
    async fn inform(&mut self, answer: &ResponseHeader) -> Result<()>;

    /// Sends the head of the answer; `is_all` of it, or a body follows.
    async fn begin(&mut self, answer: ResponseHeader, is_all: bool) -> Result<()>;

    /// Sends a piece of the body; `is_last` where that is known.
    async fn piece(&mut self, piece: Bytes, is_last: bool) -> Result<()>;

    /// Sends what was held back to go out with what follows.
    async fn flush(&mut self) -> Result<()>;

    /// Sends the end of the answer.
    async fn end(&mut self) -> Result<()>;
}

/// The outcome of `work`, unless the client hangs up meanwhile.
///
/// # Errors
/// When they do.
pub(super) async fn unless_gone<T>(client: &mut impl Client, work: impl Future<Output = T>) -> Result<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Ok(done)),
        Poll::Pending if client.poll_gone(cx).is_ready() => {
            Poll::Ready(Err(Error::explain(ErrorType::ConnectionClosed, "the client hung up").into_down()))
        }
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// A client who speaks HTTP/1.1.
pub(super) struct Http1<'a> {
    pub(super) stream: &'a mut Stream,
    /// What came behind their request.
    pub(super) unread: &'a mut Vec<u8>,
    pub(super) write_timeout: Duration,
    /// Whether the connection is closed afterwards.
    pub(super) closes: bool,
    pub(super) ends: Ends,
}

/// How the body of an answer ends for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// Where the head says.
    Announced,
    /// With a chunk of nothing.
    Chunked,
    /// With the connection.
    Closed,
}

impl Client for Http1<'_> {
    /// Once they have asked for more, it is not looked for.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.unread.is_empty() {
            return Poll::Pending;
        }
        let mut space = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut space);
        match Pin::new(&mut *self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                *self.unread = buffer.filled().to_vec();
                Poll::Pending
            }
            Poll::Ready(_) => Poll::Ready(()),
        }
    }

    async fn inform(&mut self, answer: &ResponseHeader) -> Result<()> {
        self.write(&bytes_of(answer)).await?;
        self.flush().await
    }

    async fn begin(&mut self, mut answer: ResponseHeader, _is_all: bool) -> Result<()> {
        self.ends = ends(&mut answer)?;
        self.closes |= self.ends == Ends::Closed;
        answer.insert_header(header::DATE, get_cached_date())?;
        let connection = if self.closes { "close" } else { "keep-alive" };
        answer.insert_header(header::CONNECTION, HeaderValue::from_static(connection))?;
        self.write(&bytes_of(&answer)).await
    }

    async fn piece(&mut self, piece: Bytes, _is_last: bool) -> Result<()> {
        if self.ends != Ends::Chunked {
            return self.write(&piece).await;
        }
        // A chunk of nothing would end the body.
        if !piece.is_empty() {
            self.write(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            self.write(&piece).await?;
            self.write(b"\r\n").await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        told(within(self.write_timeout, self.stream.flush()).await)
    }

    async fn end(&mut self) -> Result<()> {
        if self.ends == Ends::Chunked {
            self.write(b"0\r\n\r\n").await?;
        }
        self.flush().await
    }
}

impl Http1<'_> {
    /// Sends `bytes`, together with what follows until the next flush.
    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        told(within(self.write_timeout, self.stream.write_all(bytes)).await)
    }
}

fn told(outcome: std::result::Result<io::Result<()>, Elapsed>) -> Result<()> {
    const WHAT: &str = "while an answer is passed on";
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Error::because(ErrorType::WriteError, WHAT, error).into_down()),
        Err(_) => Err(Error::explain(ErrorType::WriteTimedout, WHAT).into_down()),
    }
}

/// How the body of `answer` ends for the client, which the head then says.
fn ends(answer: &mut ResponseHeader) -> Result<Ends> {
    if matches!(answer.status.as_u16(), 204 | 304) {
        answer.remove_header(&header::TRANSFER_ENCODING);
        return Ok(Ends::Announced);
    }
    Ok(match last_coding(&answer.headers) {
        Some(is_chunked) => {
            answer.remove_header(&header::CONTENT_LENGTH);
            if is_chunked { Ends::Chunked } else { Ends::Closed }
        }
        None if answer.headers.contains_key(header::CONTENT_LENGTH) => Ends::Announced,
        None => {
            answer.insert_header(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"))?;
            Ends::Chunked
        }
    })
}

/// Whether the last transfer coding is `chunked`; nothing where there is none.
fn last_coding(headers: &HeaderMap) -> Option<bool> {
    let last = headers.get_all(header::TRANSFER_ENCODING).iter().next_back()?;
    let coding = last.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
    Some(coding.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

/// The bytes of a head.
fn bytes_of(answer: &ResponseHeader) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD);
    bytes.extend_from_slice(b"HTTP/1.1 ");
    bytes.extend_from_slice(answer.status.as_str().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(answer.get_reason_phrase().unwrap_or_default().as_bytes());
    bytes.extend_from_slice(b"\r\n");
    answer.header_to_h1_wire(&mut bytes);
    bytes.extend_from_slice(b"\r\n");
    bytes
}
