//! The checksum at the end of a page in gzip (CRC-32, RFC 1952), over pieces of which most are known beforehand.
//!
//! To append a text of a given length changes a checksum in a way that only depends on the length, and is linear: the
//! outcome for each half byte of the checksum is looked up and the eight are added. For what is known beforehand the table
//! is made once; the library would work it out for every page, which takes longer than all the rest of putting it together.

use crc32fast::Hasher;

/// A shorter text is summed here: the library takes one byte after the other of what is shorter than 64, and most of what
/// differs from fan to fan is.
const SHORT: usize = 128;

/// The generator of CRC-32, its lowest bit the highest power.
const GENERATOR: u32 = 0xedb8_8320;

/// What becomes of each byte that is followed by none, one, up to seven others.
#[expect(clippy::indexing_slicing, reason = "it is made when this is compiled, which would fail")]
static BYTES: [[u32; 256]; 8] = {
    let mut all = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut followed_by = 0;
        while followed_by < 8 {
            let mut bit = 0;
            while bit < 8 {
                sum = if sum & 1 == 1 { sum >> 1 ^ GENERATOR } else { sum >> 1 };
                bit += 1;
            }
            all[followed_by][byte] = sum;
            followed_by += 1;
        }
        byte += 1;
    }
    all
};

/// What becomes of `byte` that is followed by so many others.
#[expect(clippy::indexing_slicing, reason = "there are as many places as a byte has values")]
fn moved<const FOLLOWED_BY: usize>(byte: u8) -> u32 {
    BYTES[FOLLOWED_BY][usize::from(byte)]
}

/// The sum after a short text, eight bytes at a time.
fn after(sum: u32, text: &[u8]) -> u32 {
    let (eights, rest) = text.as_chunks::<8>();
    let sum = eights.iter().fold(!sum, |sum, [a, b, c, d, e, f, g, h]| {
        let [s, t, u, v] = sum.to_le_bytes();
        moved::<7>(a ^ s)
            ^ moved::<6>(b ^ t)
            ^ moved::<5>(c ^ u)
            ^ moved::<4>(d ^ v)
            ^ moved::<3>(*e)
            ^ moved::<2>(*f)
            ^ moved::<1>(*g)
            ^ moved::<0>(*h)
    });
    !rest.iter().fold(sum, |sum, byte| sum >> 8 ^ moved::<0>(byte ^ sum as u8))
}

/// The sum of a text and how to append it to any other.
#[derive(Clone, Debug)]
pub(super) struct Known {
    sum: u32,
    length: u32,
    /// What becomes of each half byte of the sum before, the lowest first.
    moved: [[u32; 16]; 8],
}

impl Known {
    /// Of this text.
    pub(super) fn of(text: &[u8]) -> Self {
        let nothing_as_long = Hasher::new_with_initial_len(0, text.len() as u64);
        let after = |sum: u32| {
            let mut hasher = Hasher::new_with_initial_len(sum, 0);
            hasher.combine(&nothing_as_long);
            hasher.finalize()
        };
        let moved =
            std::array::from_fn(|nth| std::array::from_fn(|half| after((half as u32) << (4 * nth as u32))));
        Self { sum: crc32fast::hash(text), length: text.len() as u32, moved }
    }
}

/// The sum of what was appended so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checksum {
    sum: u32,
    length: u32,
}

impl Checksum {
    /// A text that is known beforehand comes next.
    pub(super) fn append(&mut self, known: &Known) {
        let moved = known.moved.iter().enumerate().map(|(nth, moved)| {
            let half = (self.sum >> (4 * nth as u32)) & 0xf;
            moved.get(half as usize).copied().unwrap_or_default()
        });
        self.sum = moved.fold(known.sum, |sum, moved| sum ^ moved);
        self.length = self.length.wrapping_add(known.length);
    }

    /// This comes next.
    pub(super) fn update(&mut self, text: &[u8]) {
        self.sum = if text.len() < SHORT {
            after(self.sum, text)
        } else {
            let mut hasher = Hasher::new_with_initial(self.sum);
            hasher.update(text);
            hasher.finalize()
        };
        self.length = self.length.wrapping_add(text.len() as u32);
    }

    /// What stands at the end: the sum, and the length modulo 2³².
    pub(super) fn trailer(self) -> [u8; 8] {
        let [a, b, c, d] = self.sum.to_le_bytes();
        let [e, f, g, h] = self.length.to_le_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_pieces_has_the_sum_of_the_whole() {
        let whole: Vec<u8> =
            (0..70_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let lengths: Vec<usize> = (0..2 * SHORT)
            .scan(0, |at, length| {
                *at += length;
                Some(*at)
            })
            .collect();
        // So that texts of each length are appended in both ways.
        let shifted = [0].into_iter().chain(lengths.iter().copied()).collect();
        for cuts in [
            vec![],
            vec![0],
            vec![1],
            vec![1, 1, 2],
            vec![63, 64, 5000],
            vec![69_999],
            vec![70_000],
            shifted,
            lengths,
        ] {
            let mut checksum = Checksum::default();
            let mut from = 0;
            for (nth, cut) in cuts.iter().copied().chain([whole.len()]).enumerate() {
                let piece = &whole[from..cut];
                if nth % 2 == 0 {
                    checksum.append(&Known::of(piece));
                } else {
                    checksum.update(piece);
                }
                from = cut;
            }
            let mut right = crc32fast::hash(&whole).to_le_bytes().to_vec();
            right.extend(70_000_u32.to_le_bytes());
            assert_eq!(checksum.trailer()[..], right, "{cuts:?}");
        }
        assert_eq!(Checksum::default().trailer(), [0; 8]);
    }
}
