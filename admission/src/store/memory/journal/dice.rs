//! What random tests of the journal go by: a clock that they set, and numbers that a seed decides.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{Clock, Timestamp};
use crate::ticket::TicketId;

pub(super) const START: u64 = 1_800_000_000_000;

pub(super) struct ManualClock(pub(super) AtomicU64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// SplitMix64.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    pub(super) fn id(&mut self) -> TicketId {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.below(u64::MAX).to_be_bytes());
        TicketId::from_bytes(bytes)
    }
}
