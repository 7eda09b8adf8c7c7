//! Reads the plainest heads of answers to `GET`: those that say in one way how long the body is. All others are left to the
//! library's reader.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, response};
use httparse::Status;
use pingora::http::ResponseHeader;

/// Most header lines. The library reads heads with more.
const HEADERS_MAX: usize = 64;
/// Headers that are added to most answers.
const MORE: usize = 8;
/// Most digits of a length.
const DIGITS_MAX: usize = 18;

/// The start of what a shop answers.
#[derive(Debug)]
pub(super) enum Head {
    /// Not all of it is there.
    Partial,
    /// Not one that is read here.
    Unusual,
    /// A head.
    Whole {
        /// It.
        head: Box<ResponseHeader>,
        /// How many bytes it has.
        length: usize,
        /// How many bytes follow as the body.
        body: u64,
        /// Whether another request may follow.
        keeps: bool,
    },
}

/// Reads the head at the start of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Head {
    let mut lines = [MaybeUninit::uninit(); HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    match parser.parse_response_with_uninit_headers(&mut answer, bytes, &mut lines) {
        Ok(Status::Complete(length)) => whole(&answer, bytes, length).unwrap_or(Head::Unusual),
        Ok(Status::Partial) => Head::Partial,
        Err(_) => Head::Unusual,
    }
}

fn whole(answer: &httparse::Response<'_, '_>, bytes: &[u8], length: usize) -> Option<Head> {
    let status = StatusCode::from_u16(answer.code?).ok()?;
    if answer.version != Some(1) || status == StatusCode::SWITCHING_PROTOCOLS {
        return None;
    }
    // One piece of memory for all values.
    let shared = Bytes::copy_from_slice(bytes.get(..length)?);
    let of_shared = |value: &[u8]| {
        let from = (value.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
        HeaderValue::from_maybe_shared(
            shared.get(from..from.checked_add(value.len())?).map(|part| shared.slice_ref(part))?,
        )
        .ok()
    };
    let mut headers = HeaderMap::with_capacity(answer.headers.len() + MORE);
    let (mut said, mut keeps) = (None, true);
    for line in answer.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
        match name {
            header::TRANSFER_ENCODING | header::UPGRADE => return None,
            header::CONTENT_LENGTH if said.is_some() => return None,
            header::CONTENT_LENGTH => said = Some(digits(line.value)?),
            header::CONNECTION if line.value.eq_ignore_ascii_case(b"keep-alive") => {}
            header::CONNECTION => keeps = false,
            _ => {}
        }
        headers.append(name, of_shared(line.value)?);
    }
    let has_no_body = status.is_informational() || matches!(status.as_u16(), 204 | 304);
    let body = if has_no_body { 0 } else { said? };
    let mut parts: response::Parts = http::Response::new(()).into_parts().0;
    (parts.status, parts.headers) = (status, headers);
    let mut head = ResponseHeader::from(parts);
    head.set_reason_phrase(answer.reason).ok()?;
    Some(Head::Whole { head: Box::new(head), length, body, keeps })
}

fn digits(value: &[u8]) -> Option<u64> {
    let is_number = (1..=DIGITS_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> Option<(ResponseHeader, usize, u64, bool)> {
        match read(text.as_bytes()) {
            Head::Whole { head, length, body, keeps } => Some((*head, length, body, keeps)),
            Head::Partial | Head::Unusual => None,
        }
    }

    #[test]
    fn plain_answers_are_read() {
        let text = "HTTP/1.1 200 Fine\r\nContent-Type: a/b\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 5\r\n\r\n";
        let (head, length, body, keeps) = parts(&format!("{text}hello")).unwrap();
        assert_eq!((head.status.as_u16(), head.get_reason_phrase()), (200, Some("Fine")));
        assert_eq!((length, body, keeps), (text.len(), 5, true));
        let cookies: Vec<_> = head.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        for (line, body, keeps) in [
            ("200 OK\r\nContent-Length: 0", 0, true),
            ("404 Not Found\r\nContent-Length: 7\r\nConnection: close", 7, false),
            ("200 OK\r\nContent-Length: 7\r\nConnection: Keep-Alive", 7, true),
            ("200 OK\r\nContent-Length: 7\r\nConnection: keep-alive, close", 7, false),
            ("204 No Content\r\nDate: x", 0, true),
            ("304 Not Modified\r\nContent-Length: 99", 0, true),
            ("103 Early Hints\r\nLink: </a>", 0, true),
        ] {
            let (_, _, found, kept) = parts(&format!("HTTP/1.1 {line}\r\n\r\n")).unwrap();
            assert_eq!((found, kept), (body, keeps), "{line}");
        }
    }

    #[test]
    fn all_others_are_left_to_the_library() {
        for text in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1111111111111111111\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 1\r\n\r\n",
            "ICY 200 OK\r\n\r\n",
        ] {
            assert!(matches!(read(text.as_bytes()), Head::Unusual), "{text:?}");
        }
        let many = "X: a\r\n".repeat(HEADERS_MAX + 1);
        assert!(matches!(read(format!("HTTP/1.1 200 OK\r\n{many}\r\n").as_bytes()), Head::Unusual));
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm_and_more_of_them_change_nothing(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            start in 0..3_usize,
        ) {
            let start = ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"][start];
            let bytes = [start.as_bytes(), &bytes].concat();
            let mut whole = None;
            for length in 0..=bytes.len() {
                match (read(&bytes[..length]), whole) {
                    (Head::Whole { length: found, body, .. }, None) => {
                        prop_assert!(found <= length);
                        whole = Some((found, body));
                    }
                    (Head::Whole { length: found, body, .. }, Some(before)) => {
                        prop_assert_eq!((found, body), before);
                    }
                    (_, before) => prop_assert!(before.is_none()),
                }
            }
        }
    }
}
