//! The drain: who gets the turns that are due.

use serde::{Deserialize, Serialize};

use std::time::Duration;

use crate::clock::Timestamp;
use crate::name::LaneId;
use crate::rank::Rank;

use super::line::{Lane, Line};
use crate::store::{STRIDE, TURNS_PER_DRAIN_MAX, UNITS_PER_PERMIT, scan_depth};

/// What a drain did in one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LaneDrained {
    pub(super) lane: LaneId,
    /// The turns that were given, the lowest rank first.
    pub(super) turns: Vec<Rank>,
    /// Absent fans who were passed over.
    pub(super) passed: Vec<Rank>,
    /// How much of the drain the lane has had since, by its weight.
    pass: u64,
}

impl Line {
    /// Gives the turns due since anyone last asked, to the lowest ranks that are present: what that did, for
    /// each lane where it did anything, in the order of the rules.
    pub(super) fn drain(&mut self, now: Timestamp) -> Vec<LaneDrained> {
        self.expire(now);
        self.gather(now);
        let drained = self.decide(now);
        self.give(&drained, now);
        drained
    }

    /// A drain whose outcome is known already.
    pub(super) fn drain_again(&mut self, drained: &[LaneDrained], now: Timestamp) {
        self.expire(now);
        self.gather(now);
        self.give(drained, now);
    }

    fn decide(&self, now: Timestamp) -> Vec<LaneDrained> {
        if !self.drains(now) || now < self.hold_until {
            return vec![];
        }
        let due = (self.units / UNITS_PER_PERMIT).min(self.room_left()).min(TURNS_PER_DRAIN_MAX);
        if due == 0 {
            return vec![];
        }
        // Who was seen before the line was taken over may have been admitted since: they have to show again.
        let own_time = self.own_time(now);
        let not_before = self.shows_after.min(own_time) - Duration::from_millis(1);
        let seen_after = (own_time - self.rules.presence_window).max(not_before);
        let depth = scan_depth(due);
        let mut fronts: Vec<Front> = Vec::new();
        for rule in &self.rules.lanes {
            if let Some(lane) = self.lanes.get(&rule.name) {
                let (present, passed) = front(lane, due, depth, seen_after);
                let drained = LaneDrained { lane: rule.name.clone(), turns: vec![], passed, pass: lane.pass };
                fronts.push(Front { drained, present, stride: STRIDE / u64::from(rule.weight) });
            }
        }
        share(&mut fronts, due);
        let drained = fronts.into_iter().map(|front| front.drained);
        drained.filter(|drained| self.is_news(drained)).collect()
    }

    fn is_news(&self, drained: &LaneDrained) -> bool {
        !drained.turns.is_empty()
            || !drained.passed.is_empty()
            || self.lanes.get(&drained.lane).is_some_and(|lane| lane.pass != drained.pass)
    }

    fn give(&mut self, drained: &[LaneDrained], now: Timestamp) {
        let own_time = self.own_time(now);
        for LaneDrained { lane, turns, passed, pass } in drained {
            let Some(lane) = self.lanes.get_mut(lane) else { continue };
            lane.pass = *pass;
            for rank in passed {
                lane.waiting.remove(*rank);
                lane.seen.remove(rank);
                lane.passed.set(*rank, own_time + self.rules.return_window);
            }
            for rank in turns {
                lane.waiting.remove(*rank);
                lane.seen.remove(rank);
                lane.turns.set(*rank, now + self.rules.claim_window);
                lane.cursor = lane.cursor.max(*rank);
            }
            let count = turns.len() as u64;
            self.units = self.units.saturating_sub(count * UNITS_PER_PERMIT);
            self.admitted_total += count;
        }
    }
}

/// The front of a lane, as far as a drain looks.
struct Front {
    drained: LaneDrained,
    /// Present fans, the highest rank first, so that the next to go is at the end.
    present: Vec<Rank>,
    stride: u64,
}

fn front(lane: &Lane, due: u64, depth: u64, seen_after: Timestamp) -> (Vec<Rank>, Vec<Rank>) {
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    for rank in lane.waiting.iter().take(usize::try_from(depth).unwrap_or(usize::MAX)) {
        if present.len() as u64 == due {
            break;
        }
        let is_present = lane.seen.get(&rank).is_some_and(|seen| *seen > seen_after);
        if is_present { present.push(rank) } else { absent.push(rank) }
    }
    present.reverse();
    (present, absent)
}

/// Shares `due` turns among the lanes by weight (stride scheduling, Waldspurger and Weihl 1995): the lane that
/// has had least for its weight goes next. A lane that had nobody waiting does not save up: it begins one turn
/// behind the others at most.
fn share(fronts: &mut [Front], due: u64) {
    let level = fronts.iter().filter(|front| !front.present.is_empty()).map(|front| front.drained.pass).max();
    let slack = fronts.iter().map(|front| front.stride).max().unwrap_or_default();
    for front in fronts.iter_mut() {
        front.drained.pass = front.drained.pass.max(level.unwrap_or_default().saturating_sub(slack));
    }
    for _ in 0..due {
        let waiting = fronts.iter_mut().filter(|front| !front.present.is_empty());
        let next = waiting.min_by_key(|front| front.drained.pass);
        let Some((front, rank)) = next.and_then(|front| front.present.pop().map(|rank| (front, rank))) else {
            break;
        };
        front.drained.pass += front.stride;
        front.drained.turns.push(rank);
    }
}
