//! The order of fans in a lane.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The number that orders tickets within a lane: lower goes first, and it never changes.
///
/// A rank is the millisecond of the store's clock in which it was given, followed by a count within it. So a
/// line that lost all its data, its counters too, gives only ranks above those it gave before, for its clock
/// has moved on: no rank is given twice.
///
/// Ranks given in the order of arrival are even. The odd ones between them are for fans who came while the
/// store was away and are ranked afterwards by when they came, so that the two never meet.
///
/// Ranks stay below 2⁵³, so that they are exact as the score of a Redis sorted set and as a Lua number.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rank(u64);

/// How many ranks one millisecond holds, every other of them for the order of arrival. A burst of more flows over
/// into the next one's; a million fans a second would have to join for a second before ranks ran ahead of the
/// clock by as much as that.
pub const RANKS_PER_MILLI: u64 = 1 << 10;

/// How far ranks run ahead of the clock after another server took over: as far as its clock may be behind that
/// of the one before, so that no rank is given twice.
pub const TAKEOVER_LEAD: u64 = 60_000 * RANKS_PER_MILLI;

/// How far a line that begins anew stays above what anyone remembers of the one it replaces: by as much as may have
/// been given since they last looked.
pub const UNSEEN_LEAD: u64 = 5_000 * RANKS_PER_MILLI;

/// Ranks from one on, up to but without another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankRange {
    /// The first.
    pub from: Rank,
    /// The first beyond.
    pub to: Rank,
}

impl RankRange {
    /// Whether `rank` is one of them.
    pub fn contains(&self, rank: Rank) -> bool {
        self.from <= rank && rank < self.to
    }
}

impl Rank {
    /// Below every rank that is ever given.
    pub const ZERO: Self = Self(0);
    /// Above every rank that is ever given.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The rank with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The first rank of a millisecond.
    pub const fn first_of(moment: Timestamp) -> Self {
        Self(moment.as_millis().saturating_mul(RANKS_PER_MILLI))
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The rank after this one in the order in which it was given: by arrival, or afterwards.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 2)
    }

    /// The first rank above this one, however it was given, that can be given in order of arrival.
    #[must_use]
    pub const fn next_in_order(self) -> Self {
        Self(self.0 + 2 - self.0 % 2)
    }

    /// The first rank, at or after this one, for somebody who is ranked afterwards.
    #[must_use]
    pub const fn afterwards(self) -> Self {
        Self(self.0 | 1)
    }

    /// Whether this rank, unless it was drawn, is one of somebody who was ranked afterwards.
    pub const fn is_afterwards(self) -> bool {
        self.0 & 1 == 1
    }

    /// The rank `lead` ranks after this one.
    #[must_use]
    pub const fn ahead_by(self, lead: u64) -> Self {
        Self(self.0.saturating_add(lead))
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rank({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_a_later_moment_are_higher_and_exact_as_a_double() {
        let year_2100 = Timestamp::from_millis(4_102_444_800_000);
        let rank = Rank::first_of(year_2100);
        assert!(rank > Rank::first_of(Timestamp::from_millis(4_102_444_799_999)));
        assert!(rank < Rank::MAX);
        assert_eq!(rank.next().get() as f64 as u64, rank.get() + 2);
    }
}
