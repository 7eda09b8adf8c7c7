//! The order of fans in a lane.

use std::fmt;

use crate::clock::Timestamp;

/// The number that orders tickets within a lane: lower goes first, and it never changes.
///
/// A rank is the millisecond of the store's clock in which it was given, followed by a count within it. So a
/// line that lost all its data, its counters too, gives only ranks above those it gave before, for its clock
/// has moved on: no rank is given twice.
///
/// Ranks stay below 2⁵³, so that they are exact as the score of a Redis sorted set and as a Lua number.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(u64);

/// How many ranks one millisecond holds. A burst of more flows over into the next one's; a million fans a
/// second would have to join for long before ranks ran ahead of the clock by as much as a second.
pub const RANKS_PER_MILLI: u64 = 1 << 10;

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

    /// The next higher rank.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
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
        assert_eq!(rank.next().get() as f64 as u64, rank.get() + 1);
    }
}
