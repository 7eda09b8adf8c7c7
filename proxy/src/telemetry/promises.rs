//! The promises, as far as one proxy can see while the line moves that one was broken. The predicates over all that fans
//! saw are in [`admission::invariants`]; these here judge by the snapshots and answers of the store, and never speak up
//! where the promise was kept.

use std::time::Duration;

use admission::clock::Timestamp;
use admission::invariants::Promise;
use admission::store::{Drained, Snapshot};
use admission::ticket::Place;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::cells::Counters;
use super::left::Left;

/// What is judged here. The others are judged by what fans saw, or by the shop.
const JUDGED: [Promise; 9] = [
    Promise::Order,
    Promise::Rate,
    Promise::Capacity,
    Promise::Place,
    Promise::Truth,
    Promise::NoTurnNoEntry,
    Promise::FreePassage,
    Promise::Presence,
    Promise::FairDraw,
];

/// What else is counted of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An absent fan was passed over by a drain of this proxy.
    Passed,
    /// A fan was put back at their rank into a line that lost data.
    Restored,
    /// The line began anew, or another server took it over.
    Resumed,
    /// An admission token opened nothing.
    TokenRefused,
}

const EVENTS: usize = 4;

/// Two looks at a line that are further apart are not compared: what was set in between is not known.
const APART_MAX: Duration = Duration::from_secs(5);
/// For so long after a line began anew its totals and sessions are told to it by whoever remembers them.
const SETTLING: Duration = Duration::from_secs(60);
/// Units of a permit: a rate of one a minute gathers one a millisecond.
const UNITS: i128 = admission::store::UNITS_PER_PERMIT as i128;

/// What one proxy saw of the promises in one room.
#[derive(Debug, Default)]
pub struct PromiseTally {
    broken: Counters<{ JUDGED.len() }>,
    events: Counters<EVENTS>,
    watch: Mutex<Watch>,
}

/// What is remembered from one snapshot to the next.
#[derive(Debug, Default)]
struct Watch {
    last: Option<Last>,
    left: Left,
    is_drawn: bool,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    at: Timestamp,
    resumed_at: Timestamp,
    admitted: u64,
    lapsed: u64,
    inside: u64,
    rate: u64,
    burst: u64,
    max_active: u64,
    /// Permits that the line may have at most, in units.
    units: i128,
}

impl Watch {
    /// Takes a snapshot in; which promises it breaks.
    fn see(&mut self, snapshot: &Snapshot) -> [Option<Promise>; 2] {
        let burst = i128::from(snapshot.rules.burst) * UNITS;
        let mut now = Last {
            at: snapshot.at,
            resumed_at: snapshot.resumed_at,
            // What operators gave by hand is beyond the rate, and said to be so.
            admitted: snapshot.admitted_total.saturating_sub(snapshot.by_hand.admitted),
            lapsed: snapshot.lapsed_total,
            inside: snapshot.active + snapshot.turns,
            rate: snapshot.rate,
            burst: snapshot.rules.burst,
            max_active: snapshot.rules.max_active,
            units: burst,
        };
        let mut broken = [None, None];
        self.is_drawn = snapshot.rules.prequeue_at.is_some();
        if self.last.is_some_and(|last| last.resumed_at != now.resumed_at) {
            self.left.forget();
        }
        let is_settled = snapshot.at.since(snapshot.resumed_at) > SETTLING;
        if let Some(last) = self.last
            && is_settled
            && last.resumed_at == now.resumed_at
            && last.at <= now.at
            && now.at.since(last.at) <= APART_MAX
        {
            // What the line holds is at most this: what it may have had, what gathered since by the higher of the two
            // rates, and what lapsed turns gave back, less the turns that it gave.
            let millis = i128::try_from(now.at.since(last.at).as_millis()).unwrap_or(i128::MAX);
            let gathered = millis.saturating_mul(i128::from(last.rate.max(now.rate)));
            let given = i128::from(now.admitted.saturating_sub(last.admitted)) * UNITS;
            let given_back = i128::from(now.lapsed.saturating_sub(last.lapsed)) * UNITS;
            let units = last.units + gathered + given_back - given;
            if units < -UNITS {
                broken[0] = Some(Promise::Rate);
                // Told once for each turn too many, not again with every look.
                now.units = 0;
            } else {
                now.units = units.min(burst.max(i128::from(last.burst) * UNITS));
            }
            // Where fewer are allowed than before, those who are inside stay.
            if now.inside > now.max_active && now.inside > last.inside && last.max_active == now.max_active {
                broken[1] = Some(Promise::Capacity);
            }
        }
        self.last = Some(now);
        broken
    }
}

impl PromiseTally {
    /// A snapshot was read.
    pub fn see(&self, snapshot: &Snapshot) {
        let broken = self.watch.lock().see(snapshot);
        broken.into_iter().flatten().for_each(|promise| self.break_one(promise));
    }

    /// A drain, asked for at a moment, gave turns: in each lane the lowest ranks first, and to nobody who had left.
    pub fn drained(&self, drained: &Drained, asked_at: Instant) {
        let is_overtaken = drained.turns.windows(2).any(
            |pair| matches!(pair, [(lane, rank), (next_lane, next)] if lane == next_lane && rank >= next),
        );
        if is_overtaken {
            self.break_one(Promise::Order);
        }
        let gone = self.watch.lock().left.among(&drained.turns, asked_at);
        (0..gone).for_each(|_| self.break_one(Promise::Presence));
        self.count(Event::Passed, drained.passed);
    }

    /// The line has said that a fan gave up their place.
    pub fn gave_up(&self, place: &Place) {
        let mut watch = self.watch.lock();
        let is_drawn = watch.is_drawn;
        watch.left.gave_up(place, is_drawn, Instant::now());
    }

    /// A promise was seen to be broken.
    pub fn break_one(&self, promise: Promise) {
        if let Some(index) = JUDGED.iter().position(|judged| *judged == promise) {
            self.broken.add(index, 1);
        }
    }

    /// A place was shown to a fan before whom so many stand: never more than it was before, so that it is not the truth
    /// where others came back before them. How a ladder is read explains 1 % either way, and that places are shown leaning
    /// forward explains half of one.
    pub fn showed(&self, position: u64, ahead: u64) {
        let true_position = ahead.saturating_add(1);
        if true_position.saturating_sub(position) > (true_position / 33).max(2) {
            self.break_one(Promise::Truth);
        }
    }

    /// Counts so many more.
    pub fn count(&self, event: Event, more: u64) {
        if more > 0 {
            self.events.add(event as usize, more);
        }
    }

    /// How often each promise was seen to be broken.
    pub fn broken(&self) -> impl Iterator<Item = (Promise, u64)> {
        JUDGED.into_iter().zip(self.broken.totals())
    }

    /// How often this happened.
    pub fn events(&self, event: Event) -> u64 {
        self.events.totals().get(event as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use admission::name::LaneId;
    use admission::rank::Rank;
    use admission::rules::Rules;
    use admission::ticket::TicketId;

    use super::*;

    const BEGAN: u64 = 1_000_000;

    /// A line of 600 a minute with a burst of ten, so many milliseconds after it settled.
    fn snapshot(at: u64, admitted: u64, inside: u64) -> Snapshot {
        Snapshot {
            at: Timestamp::from_millis(BEGAN + 60_001 + at),
            resumed_at: Timestamp::from_millis(BEGAN),
            forgotten: vec![],
            lead: 0,
            rules: Arc::new(Rules { max_active: 50, ..Rules::default() }),
            revision: 1,
            hold_until: Timestamp::from_millis(0),
            rate: 600,
            active: inside,
            turns: 0,
            joined_total: 0,
            admitted_total: admitted,
            lapsed_total: 0,
            voided_before: Timestamp::from_millis(0),
            revealed: Timestamp::default(),
            lanes: vec![],
            ended: vec![],
            ended_mark: 0,
            by_hand: Default::default(),
        }
    }

    fn broken(snapshots: &[Snapshot]) -> Vec<&'static str> {
        let tally = PromiseTally::default();
        snapshots.iter().for_each(|snapshot| tally.see(snapshot));
        tally.broken().filter(|(_, count)| *count > 0).map(|(promise, _)| promise.id()).collect()
    }

    #[test]
    fn turns_beyond_rate_and_burst_are_noticed_and_no_others() {
        // The burst at once, and from then on what gathers.
        let kept: Vec<_> = (0..40).map(|tick| snapshot(tick * 250, 10 + tick * 5 / 2, 0)).collect();
        assert_eq!(broken(&kept), Vec::<&str>::new());
        let mut first = kept.clone();
        first.insert(0, snapshot(0, 0, 0));
        assert_eq!(broken(&first), Vec::<&str>::new());
        let too_many: Vec<_> = (0..40).map(|tick| snapshot(tick * 250, tick * 3, 0)).collect();
        assert_eq!(broken(&too_many), ["P2"]);
        // Lapsed turns give their permits back.
        let given_back: Vec<_> = too_many
            .into_iter()
            .map(|snapshot| Snapshot { lapsed_total: snapshot.admitted_total / 5, ..snapshot })
            .collect();
        assert_eq!(broken(&given_back), Vec::<&str>::new());
        assert_eq!(
            broken(&[snapshot(0, 0, 0), snapshot(60_000, 10_000, 0)]),
            Vec::<&str>::new(),
            "not compared"
        );
    }

    #[test]
    fn more_inside_than_may_be_are_noticed() {
        assert_eq!(broken(&[snapshot(0, 0, 50), snapshot(250, 1, 51)]), ["P3"]);
        assert_eq!(broken(&[snapshot(0, 0, 49), snapshot(250, 1, 50)]), Vec::<&str>::new());
        let before = snapshot(0, 0, 60);
        let lowered = [before.clone(), snapshot(250, 0, 60), snapshot(500, 0, 59)];
        assert_eq!(broken(&lowered), Vec::<&str>::new(), "fewer are allowed than are inside");
        let anew = Snapshot { resumed_at: before.at, ..snapshot(250, 90, 70) };
        assert_eq!(broken(&[before, anew]), Vec::<&str>::new(), "the line began anew");
    }

    #[test]
    fn turns_out_of_order_and_places_that_are_not_true_are_noticed() {
        let tally = PromiseTally::default();
        let (general, member) = (LaneId::general(), LaneId::parse("member").unwrap());
        let turn = |lane: &LaneId, rank| (lane.clone(), Rank::new(rank));
        tally.drained(
            &Drained { turns: vec![turn(&member, 5), turn(&general, 3), turn(&general, 4)], passed: 2 },
            Instant::now(),
        );
        tally.showed(100, 100);
        tally.showed(1000, 1008);
        assert!(tally.broken().all(|(_, count)| count == 0));
        let turns = vec![turn(&general, 4), turn(&general, 3)];
        tally.drained(&Drained { turns: turns.clone(), passed: 0 }, Instant::now());
        tally.showed(100, 104);
        let seen: Vec<_> =
            tally.broken().filter(|(_, count)| *count == 1).map(|(promise, _)| promise).collect();
        assert_eq!(seen, [Promise::Order, Promise::Truth]);
        assert_eq!(tally.events(Event::Passed), 2);
    }

    #[test]
    fn a_turn_for_who_gave_up_their_place_is_noticed() {
        let place = |rank| Place {
            id: TicketId::parse("0123456789abcdef").unwrap(),
            lane: LaneId::general(),
            rank: Rank::new(rank),
        };
        let broken = |tally: &PromiseTally| {
            let asked_at = Instant::now() + Duration::from_millis(1);
            let turns = vec![(LaneId::general(), Rank::new(2)), (LaneId::general(), Rank::new(4))];
            tally.drained(&Drained { turns, passed: 0 }, asked_at);
            tally
                .broken()
                .filter(|(_, count)| *count > 0)
                .map(|(promise, _)| promise.id())
                .collect::<Vec<_>>()
        };
        let tally = PromiseTally::default();
        tally.see(&snapshot(0, 0, 0));
        assert_eq!(broken(&tally), Vec::<&str>::new());
        tally.gave_up(&place(2));
        assert_eq!(broken(&tally), ["P8"]);
        let tally = PromiseTally::default();
        tally.see(&snapshot(0, 0, 0));
        tally.gave_up(&place(2));
        tally.see(&Snapshot { resumed_at: Timestamp::from_millis(BEGAN + 1), ..snapshot(250, 0, 0) });
        assert_eq!(broken(&tally), Vec::<&str>::new(), "the line may have forgotten it");
    }
}
