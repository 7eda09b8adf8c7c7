//! A WebSocket client that sends the bytes that it is told to.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Edge, PATIENCE};
use crate::live::join;

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
/// The last frame of a message.
pub(crate) const FIN: u8 = 0x80;

/// A frame as clients send it: masked.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = announced(first, payload.len() as u64);
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// How a masked frame begins that is so long.
pub(crate) fn announced(first: u8, length: u64) -> Vec<u8> {
    match length {
        0..126 => vec![first, 0x80 | length as u8],
        126..65_536 => [&[first, 0x80 | 126], &(length as u16).to_be_bytes()[..]].concat(),
        _ => [&[first, 0x80 | 127], &length.to_be_bytes()[..]].concat(),
    }
}

/// A frame that closes, with a code and a reason.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Client {
    /// Connects as a fan who waits.
    pub(crate) async fn open(edge: &Edge) -> Self {
        let ticket = join(edge).await;
        let mut stream = TcpStream::connect(edge.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let head = format!(
            "GET /.waiting-room/demo/live HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nWR-Ticket: {ticket}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut client = Self { stream, bytes: Vec::new() };
        loop {
            if let Some(end) = client.bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = client.bytes.drain(..end + 4).collect();
                assert!(head.starts_with(b"HTTP/1.1 101"), "{}", head.escape_ascii());
                return client;
            }
            assert!(client.read().await, "closed in the handshake");
        }
    }

    /// Sends bytes, at once or one at a time. The other side may have closed by then.
    pub(crate) async fn send(&mut self, bytes: &[u8], is_chopped: bool) {
        for piece in bytes.chunks(if is_chopped { 1 } else { usize::MAX }) {
            if self.stream.write_all(piece).await.is_err() {
                return;
            }
        }
    }

    /// The next frame that is no status: its opcode and its payload. Nothing when the connection is closed.
    pub(crate) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((first, payload)) = self.take() {
                assert_eq!(first & 0xf0, FIN, "a fan is sent whole messages, without extensions");
                match first & 0x0f {
                    TEXT => assert!(String::from_utf8(payload).unwrap().contains("\"state\"")),
                    opcode => return Some((opcode, payload)),
                }
            } else if !self.read().await {
                assert!(self.bytes.is_empty(), "closed within a frame: {:?}", self.bytes);
                return None;
            }
        }
    }

    fn take(&mut self) -> Option<(u8, Vec<u8>)> {
        let [first, length, ..] = *self.bytes.as_slice() else { return None };
        assert!(length & 0x80 == 0, "a server masks nothing");
        let (length, at) = match length {
            126 => (usize::from(u16::from_be_bytes(self.bytes.get(2..4)?.try_into().unwrap())), 4),
            127 => panic!("a status of more than 64 KiB"),
            short => (usize::from(short), 2),
        };
        self.bytes.get(..at + length)?;
        Some((first, self.bytes.drain(..at + length).skip(at).collect()))
    }

    async fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        // A connection that is reset is closed as well.
        let count = timeout(PATIENCE, self.stream.read(&mut buffer)).await.unwrap().unwrap_or(0);
        self.bytes.extend_from_slice(&buffer[..count]);
        count > 0
    }
}
