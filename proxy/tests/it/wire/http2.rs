//! HTTP/2 frame by frame. Clients of libraries normalise and check what they send; this one sends what it is told:
//! fields in any order, with any bytes, each literally and without compression.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::PATIENCE;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The only stream.
const STREAM: u32 = 1;
/// How long anything may follow the answer.
const MORE: Duration = Duration::from_millis(50);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer with this status.
    Status(u16),
    /// The stream was reset, or the connection closed, with this error code.
    Reset(u32),
    /// The connection was closed without a word.
    Closed,
}

impl Outcome {
    /// The status; 0 where there was no answer.
    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::Status(status) => *status,
            Self::Reset(_) | Self::Closed => 0,
        }
    }
}

/// Frames as they go over the wire.
#[derive(Default)]
pub(crate) struct Frames(Vec<u8>);

impl Frames {
    /// The header block of the stream, which ends with it unless there `is_more`.
    pub(crate) fn headers(mut self, fields: &[(&[u8], &[u8])], is_more: bool) -> Self {
        let mut block = Vec::new();
        for (name, value) in fields {
            // A literal field that is not remembered, with a literal name.
            block.push(0);
            string(&mut block, name);
            string(&mut block, value);
        }
        self.frame(HEADERS, END_HEADERS | if is_more { 0 } else { END_STREAM }, STREAM, &block);
        self
    }

    /// A piece of the body.
    pub(crate) fn data(mut self, bytes: &[u8], is_last: bool) -> Self {
        self.frame(DATA, if is_last { END_STREAM } else { 0 }, STREAM, bytes);
        self
    }

    /// The client gives the request up.
    pub(crate) fn reset(mut self) -> Self {
        self.frame(RST_STREAM, 0, STREAM, &8_u32.to_be_bytes());
        self
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.0.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes()[1..]);
        self.0.extend_from_slice(&[kind, flags]);
        self.0.extend_from_slice(&stream.to_be_bytes());
        self.0.extend_from_slice(payload);
    }
}

/// A string of a header block: its length in seven bits and what is beyond in further bytes, then its bytes.
fn string(block: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len().checked_sub(127) {
        None => block.push(u8::try_from(bytes.len()).unwrap()),
        Some(mut rest) => {
            block.push(127);
            while rest >= 128 {
                block.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            block.push(u8::try_from(rest).unwrap());
        }
    }
    block.extend_from_slice(bytes);
}

/// Sends a request over a connection of its own.
pub(crate) async fn exchange(address: SocketAddr, request: Frames) -> Outcome {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut opening = Frames(PREFACE.to_vec());
    opening.frame(SETTINGS, 0, 0, &[]);
    opening.0.extend_from_slice(&request.0);
    if stream.write_all(&opening.0).await.is_err() {
        return Outcome::Closed;
    }
    let outcome = timeout(PATIENCE, answer(&mut stream)).await.unwrap();
    // What is still on its way to the shop may arrive.
    let _ = timeout(MORE, stream.read(&mut [0; 1024])).await;
    outcome
}

async fn answer(stream: &mut TcpStream) -> Outcome {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while bytes.len() >= 9 {
            let length = usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
            let (kind, flags) = (bytes[3], bytes[4]);
            if bytes.len() < 9 + length {
                break;
            }
            let payload: Vec<u8> = bytes.drain(..9 + length).skip(9).collect();
            let code = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
            let mut reply = Frames::default();
            match kind {
                HEADERS => match status(&payload) {
                    100..200 => {}
                    status => return Outcome::Status(status),
                },
                RST_STREAM => return Outcome::Reset(code(0)),
                GOAWAY if code(4) != 0 => return Outcome::Reset(code(4)),
                SETTINGS if flags & ACK == 0 => reply.frame(SETTINGS, ACK, 0, &[]),
                PING if flags & ACK == 0 => reply.frame(PING, ACK, 0, &payload),
                _ => {}
            }
            if stream.write_all(&reply.0).await.is_err() {
                return Outcome::Closed;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return Outcome::Closed,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// The status of a header block that is the first on its connection: its first field, by index or as digits.
fn status(block: &[u8]) -> u16 {
    // The table of the compression may be resized first.
    let block = &block[block.iter().take_while(|byte| **byte & 0xe0 == 0x20).count()..];
    match block[0] {
        indexed @ 0x88..=0x8e => [200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)],
        0x48 | 0x08 | 0x18 => {
            let (length, text) = (usize::from(block[1] & 0x7f), &block[2..]);
            let digits = if block[1] & 0x80 == 0 { text[..length].to_vec() } else { digits(&text[..length]) };
            String::from_utf8(digits).unwrap().parse().unwrap()
        }
        other => panic!("a block that begins with {other:#x}"),
    }
}

/// Three digits in Huffman's code of HTTP/2: the first three in five bits, the others in six.
fn digits(bytes: &[u8]) -> Vec<u8> {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let number = |bits: &[u8]| bits.iter().fold(0, |number, bit| number << 1 | bit);
    let (mut at, mut digits) = (0, Vec::new());
    while digits.len() < 3 {
        let short = number(&bits[at..at + 5]);
        let (digit, length) =
            if short < 3 { (short, 5) } else { (number(&bits[at..at + 6]) - 0b01_1001 + 3, 6) };
        digits.push(b'0' + digit);
        at += length;
    }
    digits
}
