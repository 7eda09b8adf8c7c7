//! Fans who gave up their places at this proxy, to see that none of them is given a turn (P8).

use std::collections::{HashMap, VecDeque};

use admission::name::LaneId;
use admission::rank::Rank;
use admission::ticket::Place;
use tokio::time::Instant;

/// Most that are remembered; of more, the latest.
const LEFT_MAX: usize = 10_000;

/// Places that were given up.
#[derive(Debug, Default)]
pub(super) struct Left {
    at: HashMap<(LaneId, Rank), Instant>,
    order: VecDeque<(LaneId, Rank)>,
}

impl Left {
    /// The line has said that it gave this place up. Ranks that two fans can have, one after the other, are left out: those
    /// that are drawn (`is_drawn`), and those in between the ones of arrival.
    pub(super) fn gave_up(&mut self, place: &Place, is_drawn: bool, now: Instant) {
        if is_drawn || !place.rank.get().is_multiple_of(2) {
            return;
        }
        let key = (place.lane.clone(), place.rank);
        if self.at.insert(key.clone(), now).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > LEFT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.at.remove(&oldest);
        }
    }

    /// How many of these turns are of fans who had left before the line was asked for turns.
    pub(super) fn among(&self, turns: &[(LaneId, Rank)], asked_at: Instant) -> usize {
        if self.at.is_empty() {
            return 0;
        }
        turns.iter().filter(|turn| self.at.get(*turn).is_some_and(|left| *left < asked_at)).count()
    }

    /// The line lost something: it may have forgotten that they left.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use admission::ticket::TicketId;

    use super::*;

    fn place(rank: u64) -> Place {
        Place {
            id: TicketId::parse("0123456789abcdef").unwrap(),
            lane: LaneId::general(),
            rank: Rank::new(rank),
        }
    }

    #[test]
    fn only_who_had_left_for_certain_is_found_among_turns() {
        let (mut left, began) = (Left::default(), Instant::now());
        let later = began + Duration::from_millis(1);
        left.gave_up(&place(2), false, began);
        left.gave_up(&place(4), true, began);
        left.gave_up(&place(5), false, began);
        left.gave_up(&place(6), false, later);
        let turns: Vec<_> = (1..10).map(|rank| (LaneId::general(), Rank::new(rank))).collect();
        assert_eq!(left.among(&turns, later), 1, "the last left while the line was being asked");
        assert_eq!(left.among(&turns, later + Duration::from_millis(1)), 2);
        (100..100 + 2 * LEFT_MAX as u64).for_each(|rank| left.gave_up(&place(rank), false, began));
        assert_eq!((left.at.len(), left.order.len()), (LEFT_MAX, LEFT_MAX));
        left.forget();
        assert_eq!(left.among(&turns, later), 0);
    }
}
