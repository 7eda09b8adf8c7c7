//! A fan's WebSocket: as little as can be while nothing is said, for most of a crowd waits.

use anyhow::Result;
use tokio::io::AsyncWriteExt as _;

use super::frames::{Frame, next};
use super::wire::Wire;

/// What a browser sends that wants a WebSocket, and what proves that the edge understood (RFC 6455, section 1.3).
pub(super) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(super) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// Frames of a client are masked, here with zeros: nobody is between us and the edge who could be misled.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];
/// With status 1001: the page is left.
const CLOSE: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9];

/// An open WebSocket.
#[derive(Debug)]
pub struct Live(pub(super) Wire);

impl Live {
    /// The next message; nothing when the edge says that it closes.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let buffer = &mut self.0.buffer;
            if let Some((frame, length)) = next(buffer)? {
                let (text, is_ping, is_end) = match frame {
                    Frame::Text(text) => (Some(text.to_vec()), false, false),
                    Frame::Ping => (None, true, false),
                    Frame::Close => (None, false, true),
                    Frame::Other => (None, false, false),
                };
                buffer.drain(..length);
                if is_ping {
                    self.0.stream.write_all(&PONG).await?;
                }
                if is_end || text.is_some() {
                    return Ok(text);
                }
                continue;
            }
            if buffer.is_empty() {
                *buffer = Vec::new();
            }
            self.0.rest_until_more().await?;
        }
    }

    /// Leaves, as a browser does that closes a tab.
    pub async fn close(mut self) {
        let _gone_anyway = self.0.stream.write_all(&CLOSE).await;
    }
}
