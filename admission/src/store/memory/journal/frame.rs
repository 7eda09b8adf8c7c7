//! How records lie in the file, so that a torn, doubled or damaged one is told from a whole one.
//!
//! ```text
//! file    "stanchion line\r\n"  version u32  frame…
//! frame   length u32  checksum u32  number u64  record (length bytes)
//! ```
//!
//! Little-endian. The checksum is the CRC-32 of everything else in the frame; frames are numbered from 0.

use crc32fast::Hasher;

/// The version of the format.
pub(super) const VERSION: u32 = 1;

const MAGIC: &[u8; 16] = b"stanchion line\r\n";

/// Length of the file's header.
pub(super) const HEADER: usize = MAGIC.len() + 4;

/// Length of a frame's head.
const HEAD: usize = 16;

/// Longest record: the largest drain of eight lanes is a third of it.
pub(super) const RECORD_MAX: usize = 16 << 20;

/// The file's header.
pub(super) fn header() -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let (magic, version) = header.split_at_mut(MAGIC.len());
    magic.copy_from_slice(MAGIC);
    version.copy_from_slice(&VERSION.to_le_bytes());
    header
}

/// What the beginning of a file says of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// The version.
    Version(u32),
    /// It ends within the header.
    Torn,
    /// It is something else.
    Foreign,
}

/// Reads the header.
pub(super) fn read_header(bytes: &[u8]) -> Header {
    let magic = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    if !MAGIC.starts_with(magic) {
        return Header::Foreign;
    }
    bytes.get(MAGIC.len()..).and_then(number).map_or(Header::Torn, Header::Version)
}

/// Appends a frame.
pub(super) fn write(frames: &mut Vec<u8>, sequence: u64, record: &[u8]) {
    let length = u32::try_from(record.len()).unwrap_or(u32::MAX).to_le_bytes();
    let sequence = sequence.to_le_bytes();
    frames.extend_from_slice(&length);
    frames.extend_from_slice(&checksum(&length, &sequence, record).to_le_bytes());
    frames.extend_from_slice(&sequence);
    frames.extend_from_slice(record);
}

/// A whole frame.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) sequence: u64,
    pub(super) record: &'a [u8],
    /// How many bytes it takes in the file.
    pub(super) size: usize,
}

/// The frame that the bytes begin with, if it is whole.
pub(super) fn read(bytes: &[u8]) -> Option<Frame<'_>> {
    read_if(bytes, |_| true)
}

fn read_if(bytes: &[u8], is_plausible: impl Fn(u64) -> bool) -> Option<Frame<'_>> {
    let length = bytes.get(..4)?;
    let (check, sequence) = (number(bytes.get(4..8)?)?, bytes.get(8..HEAD)?);
    let size = number(length)? as usize;
    let record = bytes.get(HEAD..)?.get(..size)?;
    let number = u64::from_le_bytes(sequence.try_into().ok()?);
    let is_whole = (1..=RECORD_MAX).contains(&size)
        && is_plausible(number)
        && checksum(length, sequence, record) == check;
    is_whole.then_some(Frame { sequence: number, record, size: HEAD + size })
}

/// Whether a whole frame with one of the next numbers stands anywhere in the bytes: then what comes before it is
/// damaged, not torn.
pub(super) fn any_after(bytes: &[u8], sequence: u64) -> bool {
    let last = sequence + (bytes.len() / HEAD) as u64;
    (0..bytes.len()).any(|at| {
        let rest = bytes.get(at..).unwrap_or_default();
        read_if(rest, |number| (sequence..=last).contains(&number)).is_some()
    })
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.get(..4)?.try_into().ok().map(u32::from_le_bytes)
}

fn checksum(length: &[u8], sequence: &[u8], record: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(length);
    hasher.update(sequence);
    hasher.update(record);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written_or_not_at_all() {
        let mut frames = Vec::new();
        write(&mut frames, 7, b"record");
        let frame = read(&frames).unwrap();
        assert_eq!((frame.sequence, frame.record, frame.size), (7, b"record".as_slice(), frames.len()));
        for cut in 0..frames.len() {
            assert!(read(&frames[..cut]).is_none(), "cut at {cut}");
        }
        for bit in 0..frames.len() * 8 {
            let mut damaged = frames.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&damaged).is_none(), "bit {bit}");
        }
        assert!(read(&[0; 64]).is_none());
    }

    #[test]
    fn a_later_frame_is_found_behind_damage() {
        let mut frames = b"damaged".to_vec();
        write(&mut frames, 8, b"record");
        assert!(any_after(&frames, 7));
        assert!(!any_after(&frames, 9), "an older one is no sign of damage");
        assert!(!any_after(&frames[..frames.len() - 1], 7));
    }

    #[test]
    fn the_header_names_the_version() {
        assert_eq!(read_header(&header()), Header::Version(VERSION));
        assert_eq!(read_header(&header()[..HEADER - 1]), Header::Torn);
        assert_eq!(read_header(b""), Header::Torn);
        assert_eq!(read_header(b"[store]\nkind = \"memory\"\n"), Header::Foreign);
    }
}
