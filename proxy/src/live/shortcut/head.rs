//! Reads the plainest of requests. What is not surely one of them is left to others, who say what is wrong with it: so
//! nothing that could be read in two ways is read here at all.

use std::mem::MaybeUninit;
use std::ops::Range;

use http::Method;
use httparse::Status;

use crate::gate::fields::Fields;

/// Most header lines. Browsers send some two dozen.
const HEADERS_MAX: usize = 64;

/// The head of a request without a body.
#[derive(Debug)]
pub(super) struct Head<'a> {
    /// `GET` or `HEAD`.
    pub(super) method: Method,
    /// The target, in origin form.
    pub(super) target: &'a [u8],
    /// The headers.
    pub(super) headers: Fields<'a>,
    /// All of its bytes.
    pub(super) bytes: &'a [u8],
    /// What came behind it.
    pub(super) rest: &'a [u8],
    /// Whether the client wants the connection closed afterwards.
    pub(super) closes: bool,
}

/// Where a name begins and ends, and its value. What is read at once is short enough.
type Line = [u16; 4];

fn from_to(from: u16, to: u16) -> Range<usize> {
    usize::from(from)..usize::from(to)
}

/// Reads the head at the start of `unread`, where it stays; nothing where it is not all there, or not of the plainest. The
/// names of its headers are in lower case from then on, as everybody compares them; else nothing is changed.
pub(super) fn read(unread: &mut [u8]) -> Option<Head<'_>> {
    let mut places = [[0; 4]; HEADERS_MAX];
    let Outline { method, target, length, count, closes } = outline(unread, &mut places)?;
    let places = places.get(..count)?;
    for [from, to, ..] in places {
        unread.get_mut(from_to(*from, *to))?.make_ascii_lowercase();
    }
    let (bytes, rest) = unread.split_at_checked(length)?;
    let mut headers = Fields::with_capacity(count);
    for [from, to, value_from, value_to] in places.iter().copied() {
        let name = str::from_utf8(bytes.get(from_to(from, to))?).ok()?;
        headers.push(name, bytes.get(from_to(value_from, value_to))?);
    }
    Some(Head { method, target: bytes.get(target)?, headers, bytes, rest, closes })
}

/// What is where.
struct Outline {
    method: Method,
    target: Range<usize>,
    length: usize,
    count: usize,
    closes: bool,
}

fn outline(unread: &[u8], places: &mut [Line]) -> Option<Outline> {
    let mut lines = [MaybeUninit::uninit(); HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let read = request.parse_with_uninit_headers(unread, &mut lines);
    let Ok(Status::Complete(length)) = read else { return None };
    let bytes = unread.get(..length)?;
    // What others would let pass before the request line, or between lines, is not looked for any further.
    let (method, start) = match request.method? {
        "GET" => (Method::GET, &b"GET /"[..]),
        "HEAD" => (Method::HEAD, &b"HEAD /"[..]),
        _ => return None,
    };
    let target = request.path?.as_bytes();
    // The parser lets nothing pass but what can be seen, tabs, and bytes beyond ASCII.
    if !bytes.starts_with(start) || request.version != Some(1) || !bytes.is_ascii() {
        return None;
    }
    if !target.iter().copied().all(is_plain) {
        return None;
    }
    let place = |piece: &[u8]| {
        // One of nothing may be anywhere.
        let from =
            if piece.is_empty() { 0 } else { piece.as_ptr().addr().checked_sub(bytes.as_ptr().addr())? };
        Some([u16::try_from(from).ok()?, u16::try_from(from + piece.len()).ok()?])
    };
    let (mut hosts, mut closes) = (0, None);
    for (line, found) in request.headers.iter().zip(&mut *places) {
        let is = |name: &str| line.name.eq_ignore_ascii_case(name);
        match line.name.len() {
            // A body, or more than an answer is asked for.
            14 if is("content-length") => return None,
            17 if is("transfer-encoding") => return None,
            7 if is("upgrade") => return None,
            6 if is("expect") => return None,
            4 if is("host") => hosts += 1,
            10 if is("connection") => {
                if closes.is_some() {
                    return None;
                }
                closes = Some(match line.value {
                    value if value.eq_ignore_ascii_case(b"keep-alive") => false,
                    value if value.eq_ignore_ascii_case(b"close") => true,
                    _ => return None,
                });
            }
            _ => {}
        }
        let ([from, to], [value_from, value_to]) = (place(line.name.as_bytes())?, place(line.value)?);
        *found = [from, to, value_from, value_to];
    }
    let (count, [from, to]) = (request.headers.len(), place(target)?);
    let target = from_to(from, to);
    (hosts == 1).then_some(Outline { method, target, length, count, closes: closes == Some(true) })
}

/// Whether the request line at the start of `unread` is there and cannot be taken apart in one way only: it has spaces
/// in its target. The library would have them escaped.
pub(super) fn is_torn(unread: &[u8]) -> bool {
    let line = memchr::memchr(b'\n', unread).and_then(|end| unread.get(..end));
    line.is_some_and(|line| memchr::memchr_iter(b' ', line).count() > 2)
}

/// Whether a byte of a target means the same to everybody.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'/' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b','
        )
        || matches!(byte, b';' | b'=' | b':' | b'@' | b'?' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(text: &str) -> bool {
        let mut bytes = text.as_bytes().to_vec();
        let is_read = read(&mut bytes).is_some();
        assert!(is_read || bytes == text.as_bytes(), "what is left to others is left as it is");
        is_read
    }

    #[test]
    fn plain_requests_are_read() {
        let text = "GET /events/demo?a=1 HTTP/1.1\r\nHost: A\r\nCOOKIE: b=C\r\nCookie:d=e \r\n\r\n";
        let mut bytes = format!("{text}GET /Next").into_bytes();
        let head = read(&mut bytes).unwrap();
        assert_eq!((head.method, head.target), (Method::GET, &b"/events/demo?a=1"[..]));
        let lower = text.replace("Host", "host").replace("COOKIE", "cookie").replace("Cookie", "cookie");
        assert_eq!(head.bytes, lower.as_bytes());
        assert!(!head.closes && head.rest == b"GET /Next");
        let lines: Vec<_> = head.headers.iter().map(|(name, value)| (name, value.as_bytes())).collect();
        assert_eq!(lines, [("host", &b"A"[..]), ("cookie", b"b=C"), ("cookie", b"d=e")]);
        for (connection, closes) in [("keep-alive", false), ("Close", true)] {
            let head = format!("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
            assert_eq!(read(&mut head.into_bytes()).unwrap().closes, closes);
        }
    }

    #[test]
    fn a_target_with_a_space_is_torn() {
        let torn = |text: &str| is_torn(text.as_bytes());
        assert!(torn("GET /a b HTTP/1.1\r\n") && torn("GET  / HTTP/1.1\n"));
        assert!(!torn("GET / HTTP/1.1\r\nX: a b c d\r\n") && !torn("GET /a b HTTP/1.1") && !torn(""));
    }

    #[test]
    fn everything_else_is_left_to_others() {
        for text in [
            "",
            "GET / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
            "get / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a\"b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /ä HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: ä\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        ] {
            assert!(!is_read(text), "{text:?}");
        }
        let many = "X: a\r\n".repeat(HEADERS_MAX);
        assert!(!is_read(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")));
    }
}
