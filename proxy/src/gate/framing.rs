//! Whether everybody reads the same request out of the bytes of a head.
//!
//! A proxy in front and the edge share connections. Where one ends a line, or a body, in another place than the other,
//! somebody's body becomes somebody else's request. So a head over HTTP/1 has lines that end in CRLF and nothing else,
//! and says in one way at most how long its body is.

use super::Refusal;

/// Most digits of a length.
const DIGITS_MAX: usize = 18;

/// Checks the bytes of a head, from the request line to the empty line.
///
/// # Errors
/// When it could be read in two ways.
pub fn check(head: &[u8]) -> Result<(), Refusal> {
    let mut lengths = 0;
    let mut line_start = 0;
    let mut is_http10 = false;
    let mut lines = 0;
    for at in memchr::memchr_iter(b'\n', head) {
        let line = head.get(line_start..at).and_then(|line| line.strip_suffix(b"\r"));
        let line = line.ok_or(Refusal::Framing)?;
        match field(line) {
            Some(Field::Length(value)) if is_length(value) => lengths += 1,
            Some(Field::Coding(value)) if value.eq_ignore_ascii_case(b"chunked") && !is_http10 => {
                lengths += 1;
            }
            Some(_) => return Err(Refusal::Framing),
            None if line.ends_with(b"HTTP/1.0") => is_http10 = true,
            None => {}
        }
        line_start = at + 1;
        lines += 1;
    }
    // One CR for each LF, and each LF has its own: so there is none that stands alone.
    let has_others = memchr::memchr_iter(b'\r', head).count() != lines;
    if has_others || lengths > 1 { Err(Refusal::Framing) } else { Ok(()) }
}

/// A line that says how long the body is.
enum Field<'a> {
    Length(&'a [u8]),
    Coding(&'a [u8]),
}

fn field(line: &[u8]) -> Option<Field<'_>> {
    let value = |name: &[u8]| {
        let (found, value) = line.split_at_checked(name.len())?;
        found.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
    };
    match line.first()? {
        b'C' | b'c' => value(b"content-length:").map(Field::Length),
        b'T' | b't' => value(b"transfer-encoding:").map(Field::Coding),
        _ => None,
    }
}

fn is_length(value: &[u8]) -> bool {
    (1..=DIGITS_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_in_one_way_or_refused() {
        for good in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length:5\r\n\r\n",
            "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encodings: x\r\nContent-Type: y\r\n\r\n",
        ] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good:?}");
        }
        for bad in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\n",
            "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n",
            "\nGET / HTTP/1.1\r\n\r\n",
            "\rGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1111111111111111111\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert_eq!(check(bad.as_bytes()), Err(Refusal::Framing), "{bad:?}");
        }
    }
}
