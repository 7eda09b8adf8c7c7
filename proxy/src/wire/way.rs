//! What the fan's own task reads and writes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pingora::protocols::Stream;
use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{State, Wire, closed};

/// A fan's connection, as their task uses it.
pub(crate) enum Way {
    /// Shared with those who tell many fans at once.
    Shared(Arc<Wire>),
    /// The task's alone.
    Own(Stream),
}

impl Wire {
    fn tcp(&self) -> io::Result<&TcpStream> {
        self.tcp.as_ref().ok_or_else(closed)
    }

    /// Sends what is left of a frame.
    fn poll_rest(&self, state: &mut State, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tcp = self.tcp()?;
        while !state.rest.is_empty() {
            ready!(tcp.poll_write_ready(cx))?;
            match tcp.try_write(&state.rest) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(written) => drop(state.rest.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        state.rest = Vec::new();
        Poll::Ready(Ok(()))
    }

    /// Takes all of `frames`, which are whole ones, or nothing while something is left of those before.
    fn poll_frames(&self, cx: &mut Context<'_>, frames: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state.lock();
        ready!(self.poll_rest(&mut state, cx))?;
        let written = match self.tcp()?.try_write(frames) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Poll::Ready(Err(error)),
        };
        state.rest = frames.get(written..).unwrap_or_default().to_vec();
        Poll::Ready(Ok(frames.len()))
    }

    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let tcp = self.tcp()?;
        loop {
            ready!(tcp.poll_read_ready(cx))?;
            match tcp.try_read(buf.initialize_unfilled()) {
                Ok(count) => {
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncRead for Way {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Shared(wire) => wire.poll_read(cx, buf),
            Self::Own(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Way {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Shared(wire) => wire.poll_frames(cx, buf),
            Self::Own(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Shared(wire) => wire.poll_rest(&mut wire.state.lock(), cx),
            Self::Own(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Shared(wire) => {
                ready!(wire.poll_rest(&mut wire.state.lock(), cx))?;
                Poll::Ready(shutdown(wire.tcp()?, Shutdown::Write).map_err(io::Error::from))
            }
            Self::Own(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
