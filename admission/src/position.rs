//! From a snapshot of the line and the rank in a ticket to a place: computed in the proxy, for any number of
//! fans, without asking the store about any of them.

use std::num::NonZeroU64;

use crate::rank::Rank;

/// The first places of a line that a ladder tells exactly.
pub const EXACT_DEPTH: u64 = 100;

/// Who stands where in a lane, in few numbers: the ranks of the fans at certain depths. Each of the first
/// [`EXACT_DEPTH`] places has a rung; behind them the rungs stand at most 1 % apart, so that a place read
/// between two of them is off by less than 1 %. At a million waiting a ladder has one to two thousand rungs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    rungs: Vec<Rung>,
    waiting: u64,
}

/// One fan's rank and how many wait before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The fan's rank.
    pub rank: Rank,
    /// Fans waiting with a lower rank.
    pub ahead: u64,
}

/// The depth of the rung after the one at `depth`.
pub const fn next_depth(depth: u64) -> u64 {
    if depth < EXACT_DEPTH { depth + 1 } else { depth + depth / 100 }
}

impl Ladder {
    /// A ladder over a line of `waiting` fans, from its rungs in ascending order.
    pub fn new(rungs: Vec<Rung>, waiting: u64) -> Self {
        Self { rungs, waiting }
    }

    /// How many fans wait.
    pub const fn waiting(&self) -> u64 {
        self.waiting
    }

    /// The rungs, in ascending order.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// How many fans wait before the one with this rank: exact for the first [`EXACT_DEPTH`], within 1 %
    /// behind them.
    pub fn ahead(&self, rank: Rank) -> u64 {
        self.read(rank, self.rungs.partition_point(|rung| rung.rank < rank))
    }

    /// Reads the ladder from its foot, for many fans in the order of their ranks.
    pub fn ascent(&self) -> Ascent<'_> {
        Ascent { ladder: self, above: 0, misleads_nobody: self.misleads_nobody(0) }
    }

    /// The highest position that may be shown to whoever stands between the rung before `above` and that rung, and
    /// certainly misleads none of them: what misleads nobody who stands as far in front as may be between the two, misleads
    /// nobody behind.
    fn misleads_nobody(&self, above: usize) -> u64 {
        let below = above.checked_sub(1).and_then(|index| self.rungs.get(index));
        let first = below.map_or(1, |below| below.ahead + 2);
        first + allowed(first)
    }

    /// How many wait before `rank`, where the rungs from `above` on are those of this rank and higher.
    fn read(&self, rank: Rank, above: usize) -> u64 {
        let Some(below) = above.checked_sub(1).and_then(|index| self.rungs.get(index)) else {
            return 0;
        };
        // At least the fan of the rung below stands before this one, and at most all up to the rung above.
        let least = below.ahead + 1;
        match self.rungs.get(above) {
            Some(rung) if rung.rank == rank => rung.ahead,
            Some(rung) => interpolate(rank, (below.rank, least), (rung.rank, rung.ahead.max(least))),
            None => self.waiting.saturating_sub(1).max(least).min(self.waiting),
        }
    }
}

/// A ladder that is read in ascending order: see [`Ladder::ascent`].
pub struct Ascent<'a> {
    ladder: &'a Ladder,
    above: usize,
    misleads_nobody: u64,
}

impl Ascent<'_> {
    /// As [`Ladder::ahead`], for ranks of which none is lower than the one before.
    pub fn ahead(&mut self, rank: Rank) -> u64 {
        self.climb(rank);
        self.ladder.read(rank, self.above)
    }

    /// Whether `shown` may mislead the fan of this rank, for ranks of which none is lower than the one before. Most fans
    /// can be told that it does not without reading their places, which takes a division.
    pub fn may_mislead(&mut self, rank: Rank, shown: ShownPosition) -> bool {
        self.climb(rank);
        shown.0.is_none_or(|shown| shown.get() > self.misleads_nobody)
    }

    fn climb(&mut self, rank: Rank) {
        let from = self.above;
        while self.ladder.rungs.get(self.above).is_some_and(|rung| rung.rank < rank) {
            self.above += 1;
        }
        if self.above != from {
            self.misleads_nobody = self.ladder.misleads_nobody(self.above);
        }
    }
}

fn interpolate(rank: Rank, (from, least): (Rank, u64), (to, most): (Rank, u64)) -> u64 {
    let (into, span) = (rank.get() - from.get(), (to.get() - from.get()).max(1));
    let between = (most - least).checked_mul(into).map_or_else(
        || u64::try_from(u128::from(most - least) * u128::from(into) / u128::from(span)).unwrap_or_default(),
        |product| product / span,
    );
    least + between
}

/// By how much a position may be off that is shown to who stands at `position` (P5).
const fn allowed(position: u64) -> u64 {
    if position < 200 { 1 } else { position / 100 }
}

/// What is shown leans forward by one part in so many: somewhat less than the hundredth that P5 allows.
const LEAN: u64 = 110;

/// What a fan is shown: never more than what they were shown before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownPosition(Option<NonZeroU64>);

impl ShownPosition {
    /// The position to show to a fan with `ahead` others before them: from the 110th on 0.9 % nearer than theirs, for the
    /// line moves on while they read it. So what they see is too good about as often as it is too bad, and not much more than
    /// half as many fans have to be told anew.
    pub fn show(&mut self, ahead: u64) -> u64 {
        let position = NonZeroU64::MIN.saturating_add(ahead);
        // Never nothing: a position is more than its hundredth.
        let soon = NonZeroU64::new(position.get() - position.get() / LEAN).unwrap_or(position);
        let shown = self.0.map_or(soon, |before| before.min(soon));
        self.0 = Some(shown);
        shown.get()
    }

    /// The fan was shown this position before, maybe by another proxy. It is taken as it is: to lean each time that it is
    /// brought back would carry it ever further from the truth.
    pub fn was_shown(&mut self, position: NonZeroU64) {
        self.0 = Some(self.0.map_or(position, |before| before.min(position)));
    }

    /// Whether a fan who has been shown this would be misled by it: off by more than 1 % and more than 1.
    pub fn misleads(self, ahead: u64) -> bool {
        let position = ahead.saturating_add(1);
        self.0.is_none_or(|shown| shown.get().saturating_sub(position) > allowed(position))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ladder(ranks: &[u64]) -> Ladder {
        let mut rungs = Vec::new();
        let mut depth = 0;
        while let Some(rank) = ranks.get(depth as usize) {
            rungs.push(Rung { rank: Rank::new(*rank), ahead: depth });
            depth = next_depth(depth);
        }
        Ladder::new(rungs, ranks.len() as u64)
    }

    #[test]
    fn a_ladder_over_a_million_is_short() {
        let ranks: Vec<u64> = (0..1_000_000).collect();
        assert!(ladder(&ranks).rungs().len() < 1200);
    }

    #[test]
    fn nobody_stands_before_the_first_and_all_before_a_newcomer() {
        let ladder = ladder(&[10, 20, 30]);
        for (rank, ahead) in [(5, 0), (10, 0), (15, 1), (20, 1), (30, 2), (31, 3), (1000, 3)] {
            assert_eq!(ladder.ahead(Rank::new(rank)), ahead, "{rank}");
        }
        assert_eq!(Ladder::default().ahead(Rank::new(7)), 0);
    }

    #[test]
    fn what_is_shown_does_not_lean_further_each_time_that_it_is_brought_back() {
        let first = ShownPosition::default().show(80_000);
        let mut brought = first;
        for _ in 0..20 {
            let mut shown = ShownPosition::default();
            shown.was_shown(NonZeroU64::new(brought).unwrap());
            brought = shown.show(80_000);
        }
        assert_eq!(brought, first);
        let mut shown = ShownPosition::default();
        shown.was_shown(NonZeroU64::new(500).unwrap());
        shown.was_shown(NonZeroU64::new(700).unwrap());
        assert_eq!(shown.show(80_000), 500, "the lowest of all that were shown");
    }

    #[test]
    fn a_shown_position_never_goes_up() {
        let mut shown = ShownPosition::default();
        assert!(shown.misleads(0));
        assert_eq!([shown.show(9), shown.show(11), shown.show(4)], [10, 10, 5]);
        assert!(!shown.misleads(4) && !shown.misleads(3) && shown.misleads(2));
    }

    proptest! {
        /// P5: exact within max(1, 1 %), for any shape of line.
        #[test]
        fn every_fan_is_within_one_percent(gaps in prop::collection::vec(1_u64..5000, 1..3000)) {
            let ranks: Vec<u64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
            let ladder = ladder(&ranks);
            for (ahead, rank) in ranks.iter().enumerate() {
                let told = ladder.ahead(Rank::new(*rank));
                let off = told.abs_diff(ahead as u64);
                prop_assert!(off <= (ahead as u64 / 100).max(1), "{told} told, {ahead} true");
                prop_assert!(ahead as u64 >= EXACT_DEPTH || off == 0);
            }
            let mut ascent = ladder.ascent();
            for rank in 0..ranks.last().map_or(0, |last| (last + 2).min(20_000)) {
                prop_assert_eq!(ascent.ahead(Rank::new(rank)), ladder.ahead(Rank::new(rank)));
            }
        }

        /// Whoever is misled is found, whatever was shown; and most of those who are not are passed over.
        #[test]
        fn nobody_who_is_misled_is_passed_over(
            gaps in prop::collection::vec(1_u64..5000, 1..3000),
            shown in prop::collection::vec(0_u64..4000, 3000),
        ) {
            let ranks: Vec<u64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
            let ladder = ladder(&ranks);
            let mut ascent = ladder.ascent();
            for (rank, shown) in ranks.iter().zip(shown) {
                let (rank, mut position) = (Rank::new(*rank), ShownPosition::default());
                prop_assert!(ascent.may_mislead(rank, position), "nothing was shown");
                position.show(shown);
                let ahead = ladder.ahead(rank);
                prop_assert!(!position.misleads(ahead) || ascent.may_mislead(rank, position));
                prop_assert!(shown > ahead || !ascent.may_mislead(rank, position));
            }
        }
    }

    #[test]
    fn what_is_shown_is_off_by_one_percent_at_most_and_by_nothing_near_the_front() {
        for places in [10, 199, 200, 5_000, 1_000_000] {
            let mut shown = ShownPosition::default();
            let mut told = 0;
            let mut last = shown.show(places - 1);
            for position in (1..=places).rev() {
                if shown.misleads(position - 1) {
                    last = shown.show(position - 1);
                    told += 1;
                }
                assert!(
                    last.abs_diff(position) <= (position / 100).max(1),
                    "{last} for {position} of {places}"
                );
            }
            assert!(told <= 120 + 32 * u64::from(places.ilog2()), "{told} of {places}");
        }
        assert_eq!([0, 108, 109].map(|ahead| ShownPosition::default().show(ahead)), [1, 109, 109]);
    }
}
