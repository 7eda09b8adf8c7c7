//! Reads the plainest of requests. What is not surely one of them is left to others, who say what is wrong with it: so
//! nothing that could be read in two ways is read here at all.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use httparse::Status;

/// Most header lines. Browsers send some two dozen.
const HEADERS_MAX: usize = 64;

/// The head of a request without a body.
#[derive(Debug)]
pub(super) struct Head {
    /// `GET` or `HEAD`.
    pub(super) method: Method,
    /// The target, in origin form.
    pub(super) target: Bytes,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// All of its bytes.
    pub(super) bytes: Bytes,
    /// Whether the client wants the connection closed afterwards.
    pub(super) closes: bool,
}

/// Reads the head at the start of `unread`; nothing where it is not all there, or not of the plainest.
pub(super) fn read(unread: &Bytes) -> Option<Head> {
    let mut lines = [MaybeUninit::uninit(); HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let read = request.parse_with_uninit_headers(unread, &mut lines);
    let Ok(Status::Complete(length)) = read else { return None };
    let bytes = unread.slice(..length);
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
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    let (mut hosts, mut closes) = (0, None);
    for line in request.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
        match name {
            // A body, or more than an answer is asked for.
            header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::UPGRADE | header::EXPECT => {
                return None;
            }
            header::HOST => hosts += 1,
            header::CONNECTION if closes.is_some() => return None,
            header::CONNECTION if line.value.eq_ignore_ascii_case(b"keep-alive") => closes = Some(false),
            header::CONNECTION if line.value.eq_ignore_ascii_case(b"close") => closes = Some(true),
            header::CONNECTION => return None,
            _ => {}
        }
        headers.append(name, HeaderValue::from_maybe_shared(bytes.slice_ref(line.value)).ok()?);
    }
    let target = bytes.slice_ref(target);
    (hosts == 1).then_some(Head { method, target, headers, bytes, closes: closes == Some(true) })
}

/// Whether the request line at the start of `unread` is there and cannot be taken apart in one way only: it has spaces
/// in its target. The library would have them escaped.
pub(super) fn is_torn(unread: &Bytes) -> bool {
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

    fn read(text: &str) -> Option<Head> {
        super::read(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn plain_requests_are_read() {
        let text = "GET /events/demo?a=1 HTTP/1.1\r\nHost: a\r\nCookie: b=c\r\nCookie:d=e \r\n\r\n";
        let head = read(&format!("{text}GET /next")).unwrap();
        assert_eq!((head.method, &head.target[..]), (Method::GET, &b"/events/demo?a=1"[..]));
        assert_eq!(head.bytes, text);
        assert!(!head.closes);
        let cookies: Vec<_> = head.headers.get_all("cookie").iter().collect();
        assert_eq!(cookies, ["b=c", "d=e"]);
        for (connection, closes) in [("keep-alive", false), ("Close", true)] {
            let head = format!("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
            assert_eq!(read(&head).unwrap().closes, closes);
        }
    }

    #[test]
    fn a_target_with_a_space_is_torn() {
        let torn = |text: &str| is_torn(&Bytes::copy_from_slice(text.as_bytes()));
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
            assert!(read(text).is_none(), "{text:?}");
        }
        let many = "X: a\r\n".repeat(HEADERS_MAX);
        assert!(read(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")).is_none());
    }
}
