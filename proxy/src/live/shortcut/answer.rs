//! An answer as bytes: the same that the HTTP library writes for it.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::time::{Duration, Instant};

use admission::clock::{Clock as _, SystemClock};
use admission::edge_signature::HEADER_REQUEST_ID;
use http::{HeaderValue, StatusCode};
use pingora::protocols::Stream;
use pingora::protocols::http::date::get_cached_date;
use tokio::io::AsyncWriteExt as _;

use crate::waiting::reply::{Reply, titled, write_line};
use crate::waiting::sheets::Sheet;

/// What else there is to say in the head of an answer.
pub(super) struct Facts<'a> {
    pub(super) request_id: &'a str,
    /// When it is given, about.
    pub(super) now: Instant,
    /// Whether the connection is closed after it.
    pub(super) closes: bool,
}

/// The head of `reply`.
pub(super) fn head(reply: &Reply, facts: &Facts<'_>) -> Sheet {
    let mut sheet = Sheet::take();
    let out = sheet.bytes();
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(reply.status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reply.status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&reply.common.lines);
    let mut line = |name: &str, value: &[u8]| write_line(out, name, value);
    for (name, value) in &reply.headers {
        line(titled(name), value.as_bytes());
    }
    if reply.status != StatusCode::NO_CONTENT {
        line("Content-Length", decimal(reply.body.len(), &mut [0; 20]));
    }
    line(HEADER_REQUEST_ID, facts.request_id.as_bytes());
    with_date(facts.now, |date| line("Date", date.as_bytes()));
    line("Connection", if facts.closes { b"close" } else { b"keep-alive" });
    out.extend_from_slice(b"\r\n");
    sheet
}

/// A number as text, in `space` that has room for all of them.
fn decimal(mut number: usize, space: &mut [u8; 20]) -> &[u8] {
    let mut from = space.len();
    for digit in space.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        (number, from) = (number / 10, from - 1);
        if number == 0 {
            break;
        }
    }
    space.get(from..).unwrap_or_default()
}

thread_local! {
    /// The date, and until when it is that.
    static DATE: RefCell<Option<(Instant, HeaderValue)>> = const { RefCell::new(None) };
}

/// The date at this time, for who knows the time already: to look at another clock for each answer takes longer than to write
/// it.
fn with_date(now: Instant, told: impl FnOnce(&HeaderValue)) {
    DATE.with_borrow_mut(|kept| {
        let (_, date) = match kept {
            Some(kept) if now < kept.0 => kept,
            _ => {
                let left = Duration::from_millis(1000 - SystemClock.now().as_millis() % 1000);
                kept.insert((Instant::now() + left, get_cached_date()))
            }
        };
        told(date);
    });
}

/// Sends all of these, one behind the other.
///
/// # Errors
/// When they cannot be sent.
pub(super) async fn write_all(stream: &mut Stream, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match stream.write_vectored(pieces).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut pieces, written),
        }
    }
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[test]
    fn numbers_are_written() {
        for number in [0, 7, 10, 4096, 1_000_000_007, usize::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
        }
    }

    #[test]
    fn the_date_is_that_of_the_clock() {
        let told = |now| {
            let mut told = None;
            with_date(now, |date| told = Some(date.clone()));
            told.unwrap()
        };
        // It may be a second later in between, once.
        let is_now = |now| (0..3).any(|_| told(now) == get_cached_date());
        assert!(is_now(Instant::now()));
        DATE.set(Some((Instant::now(), HeaderValue::from_static("long ago"))));
        assert!(is_now(Instant::now()), "what is over is not told");
    }

    #[tokio::test]
    async fn pieces_arrive_whole_however_little_is_taken_at_once() {
        let (near, mut far) = tokio::io::duplex(3);
        let mut stream: Stream = Box::new(near);
        let writing = tokio::spawn(async move {
            let mut pieces = [&b""[..], b"head", b"", b"a body", b""].map(IoSlice::new);
            write_all(&mut stream, &mut pieces).await.unwrap();
        });
        let mut all = String::new();
        far.read_to_string(&mut all).await.unwrap();
        writing.await.unwrap();
        assert_eq!(all, "heada body");
    }
}
