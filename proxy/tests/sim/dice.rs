//! Chance that can be repeated, and time that can be told.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use admission::clock::{Clock, Random, RandomError, Timestamp, millis};
use tokio::time::Instant;

/// SplitMix64 (Steele, Lea and Flood 2014): the same seed gives the same throws.
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03))
    }

    /// Dice of its own for part `which`, so that what one part does changes nothing for the others.
    pub(crate) fn fork(&self, which: u64) -> Self {
        Self::new(self.0.load(Ordering::Relaxed) ^ which.wrapping_mul(0xBF58_476D_1CE4_E5B9))
    }

    pub(crate) fn next(&self) -> u64 {
        let state =
            self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`.
    pub(crate) fn between(&self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub(crate) fn time(&self, least: Duration, most: Duration) -> Duration {
        Duration::from_millis(self.between(millis(least), millis(most)))
    }

    /// A time from `least` to `most` seconds.
    pub(crate) fn seconds(&self, least: u64, most: u64) -> Duration {
        self.time(Duration::from_secs(least), Duration::from_secs(most))
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(crate) fn one_of<T: Clone>(&self, all: &[T]) -> T {
        all[self.between(0, all.len() as u64 - 1) as usize].clone()
    }
}

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// A clock that follows the virtual time, and may be wrong.
#[derive(Debug)]
pub(crate) struct SimClock {
    began: Instant,
    wrong_by_ms: AtomicI64,
}

/// When every run begins.
pub(crate) const BEGIN: Timestamp = Timestamp::from_millis(1_800_000_000_000);

impl SimClock {
    pub(crate) fn new(began: Instant, wrong_by_ms: i64) -> Self {
        Self { began, wrong_by_ms: AtomicI64::new(wrong_by_ms) }
    }

    pub(crate) fn jump(&self, by_ms: i64) {
        self.wrong_by_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    pub(crate) fn set_wrong(&self, by_ms: i64) {
        self.wrong_by_ms.store(by_ms, Ordering::Relaxed);
    }

    pub(crate) fn wrong_by_ms(&self) -> i64 {
        self.wrong_by_ms.load(Ordering::Relaxed)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let right = (BEGIN + self.began.elapsed()).as_millis();
        Timestamp::from_millis(right.saturating_add_signed(self.wrong_by_ms()))
    }
}
