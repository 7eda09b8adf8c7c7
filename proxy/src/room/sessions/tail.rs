//! Hashes long texts by their ends.

use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasher, Hasher, RandomState};

/// How much of the end counts: half of a signature.
const TAIL: usize = 24;

/// Hashes a text by its end. For tokens that were verified: their signatures are there, of which no two are alike that
/// anybody could make, and to hash all of a token takes as long as all else about one that is known.
#[derive(Default)]
pub(super) struct Tail(RandomState);

/// See [`Tail`].
pub(super) struct TailHasher(DefaultHasher);

impl BuildHasher for Tail {
    type Hasher = TailHasher;

    fn build_hasher(&self) -> TailHasher {
        TailHasher(self.0.build_hasher())
    }
}

impl Hasher for TailHasher {
    fn write(&mut self, bytes: &[u8]) {
        let from = bytes.len().saturating_sub(TAIL);
        self.0.write(bytes.get(from..).unwrap_or(bytes));
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_other_ends_are_told_apart() {
        let tail = Tail::default();
        let start = "a".repeat(300);
        let hash = |text: String| tail.hash_one(text);
        assert_eq!(hash(format!("{start}b")), hash(format!("{start}b")));
        assert_ne!(hash(format!("{start}b")), hash(format!("{start}c")));
        assert_ne!(hash("b".to_owned()), hash("c".to_owned()));
    }
}
