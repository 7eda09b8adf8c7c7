//! Frames of a WebSocket as a server sends them (RFC 6455, section 5.2): unmasked, and short here.

use anyhow::{Result, ensure};

/// Longest frame that a status has.
const LENGTH_MAX: usize = 16 * 1024;

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Text(&'a [u8]),
    Ping,
    Close,
    Other,
}

/// The first frame in `buffer` and how long it is; nothing while it is not whole.
pub(crate) fn next(buffer: &[u8]) -> Result<Option<(Frame<'_>, usize)>> {
    let (head, length) = match buffer {
        [_, short @ 0..126, ..] => (2, usize::from(*short)),
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        [_, 126, ..] | [_] | [] => return Ok(None),
        _ => (0, LENGTH_MAX + 1),
    };
    ensure!(length <= LENGTH_MAX, "a frame is too long, or masked");
    let Some(payload) = buffer.get(head..head + length) else { return Ok(None) };
    let frame = match buffer.first().map(|first| first & 0x0f) {
        Some(1) => Frame::Text(payload),
        Some(8) => Frame::Close,
        Some(9) => Frame::Ping,
        _ => Frame::Other,
    };
    Ok(Some((frame, head + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_out_of_what_came() {
        let long = [vec![0x81, 126, 1, 0], vec![b'x'; 256]].concat();
        assert_eq!(next(b"\x81\x02hi\x89").unwrap(), Some((Frame::Text(b"hi"), 4)));
        assert_eq!(next(b"\x89\x00\x81").unwrap(), Some((Frame::Ping, 2)));
        assert_eq!(next(b"\x88\x02\x03\xe8").unwrap(), Some((Frame::Close, 4)));
        assert_eq!(next(&long).unwrap(), Some((Frame::Text(&long[4..]), 260)));
        for part in [&b""[..], b"\x81", b"\x81\x02h", b"\x81\x7e\x01", &long[..259]] {
            assert_eq!(next(part).unwrap(), None);
        }
        assert!(next(b"\x81\xff........").is_err() && next(b"\x81\x7e\xff\xff").is_err());
    }
}
