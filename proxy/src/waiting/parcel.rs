//! Pages in gzip, made of parts: what is the same for everyone is compressed once, and only what differs each time.
//!
//! Deflate allows it: blocks that end on a byte and refer to nothing before them may be put one behind the other.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};

use super::checksum::{Checksum, Known};

/// Magic number, deflate, no flags, no time, no hints, unknown system.
pub(super) const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// An empty block that says that it is the last one.
pub(super) const END: [u8; 2] = [0x03, 0x00];
/// For what is compressed each time: nearly as small as the best, in a third of the time.
const EACH_TIME: Compression = Compression::new(4);

/// A part that is the same for everyone.
#[derive(Debug)]
pub(super) struct Fixed {
    /// As text.
    pub(super) text: String,
    /// In blocks that end on a byte and refer to nothing before them.
    pub(super) deflated: Arc<[u8]>,
    /// The checksum of the text.
    pub(super) checksum: Known,
}

impl Fixed {
    /// Compresses `text`, well.
    pub(super) fn new(text: String) -> Self {
        let mut deflated = Vec::new();
        deflate(&mut Compress::new(Compression::best(), false), text.as_bytes(), &mut deflated);
        let checksum = Known::of(text.as_bytes());
        Self { text, deflated: deflated.into(), checksum }
    }
}

/// A part of a page.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    /// The same for everyone.
    Fixed(&'a Fixed),
    /// For this reader.
    Text(&'a str),
}

/// The parts, as they are.
pub(super) fn plain(parts: &[Part<'_>]) -> Bytes {
    let texts = parts.iter().map(|part| match part {
        Part::Fixed(fixed) => fixed.text.as_str(),
        Part::Text(text) => text,
    });
    Bytes::from(texts.collect::<String>())
}

thread_local! {
    /// A compressor is a quarter of a megabyte that has to be cleared: one for each thread is enough.
    static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new(EACH_TIME, false));
}

/// The parts, in gzip.
pub(super) fn gzip(parts: &[Part<'_>]) -> Bytes {
    let mut page = Vec::with_capacity(16 * 1024);
    page.extend_from_slice(&HEAD);
    let mut checksum = Checksum::default();
    for part in parts {
        match part {
            Part::Fixed(fixed) => {
                page.extend_from_slice(&fixed.deflated);
                checksum.append(&fixed.checksum);
            }
            Part::Text(text) => {
                checksum.update(text.as_bytes());
                COMPRESSOR.with_borrow_mut(|compressor| {
                    compressor.reset();
                    deflate(compressor, text.as_bytes(), &mut page);
                });
            }
        }
    }
    page.extend_from_slice(&END);
    page.extend_from_slice(&checksum.trailer());
    Bytes::from(page)
}

/// Appends `text` to `to`, in blocks that end on a byte.
fn deflate(compressor: &mut Compress, text: &[u8], to: &mut Vec<u8>) {
    loop {
        let read = usize::try_from(compressor.total_in()).unwrap_or(usize::MAX);
        to.reserve(text.len() / 2 + 64);
        let room = to.capacity();
        let rest = text.get(read..).unwrap_or_default();
        // The state is sound, so there is nothing that could go wrong but a lack of room, and there is some.
        if compressor.compress_vec(rest, to, FlushCompress::Sync).is_err() || to.len() < room {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn parts_make_one_page() {
        let fixed = Fixed::new("a style, ".repeat(3000));
        let long: String =
            (0_u32..20_000).map(|number| number.wrapping_mul(2_654_435_761).to_string()).collect();
        for parts in [
            vec![],
            vec![Part::Text("")],
            vec![Part::Text("one")],
            vec![Part::Text("<html>"), Part::Fixed(&fixed), Part::Text("é…"), Part::Fixed(&fixed)],
            vec![Part::Fixed(&fixed), Part::Text(&long), Part::Text("x")],
        ] {
            let packed = gzip(&parts);
            let mut text = String::new();
            flate2::read::GzDecoder::new(packed.as_ref()).read_to_string(&mut text).unwrap();
            assert_eq!(text.as_bytes(), plain(&parts));
        }
        assert!(gzip(&[Part::Fixed(&fixed)]).len() < 400);
    }
}
