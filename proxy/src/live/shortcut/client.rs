//! Whoever waits for an answer of the shop: what is written to them, and whether they are still there.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use pingora::protocols::Stream;
use pingora::{Error, ErrorType, Result};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;

use super::READ;

/// Whoever waits for an answer of the shop.
pub(super) struct Client<'a> {
    pub(super) stream: &'a mut Stream,
    /// What came behind their request.
    pub(super) unread: &'a mut Bytes,
    pub(super) write_timeout: Duration,
}

impl Client<'_> {
    /// The outcome of `work`, unless the client hangs up meanwhile.
    ///
    /// # Errors
    /// When they do.
    pub(super) async fn unless_gone<T>(&mut self, work: impl Future<Output = T>) -> Result<T> {
        let mut work = pin!(work);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending if self.poll_gone(cx).is_ready() => {
                Poll::Ready(
                    Err(Error::explain(ErrorType::ConnectionClosed, "the client hung up").into_down()),
                )
            }
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Ready when they have hung up. Once they have asked for more, that is not looked for.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.unread.is_empty() {
            return Poll::Pending;
        }
        let mut space = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut space);
        match Pin::new(&mut *self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                *self.unread = Bytes::copy_from_slice(buffer.filled());
                Poll::Pending
            }
            Poll::Ready(_) => Poll::Ready(()),
        }
    }

    /// Sends `bytes`, together with what follows until the next [`Self::flush`].
    ///
    /// # Errors
    /// When the client does not take them.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        told(timeout(self.write_timeout, self.stream.write_all(bytes)).await)
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// When the client does not take it.
    pub(super) async fn flush(&mut self) -> Result<()> {
        told(timeout(self.write_timeout, self.stream.flush()).await)
    }
}

fn told(outcome: std::result::Result<io::Result<()>, tokio::time::error::Elapsed>) -> Result<()> {
    const WHAT: &str = "while an answer is passed on";
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Error::because(ErrorType::WriteError, WHAT, error).into_down()),
        Err(_) => Err(Error::explain(ErrorType::WriteTimedout, WHAT).into_down()),
    }
}
