//! The drain: who gets the turns that are due.

use crate::clock::Timestamp;
use crate::name::LaneId;
use crate::rank::Rank;

use super::line::{Lane, Line};
use crate::store::{Drained, STRIDE, TURNS_PER_DRAIN_MAX, UNITS_PER_PERMIT, scan_depth};

impl Line {
    /// Gives the turns due since anyone last asked, to the lowest ranks that are present.
    pub(super) fn drain(&mut self, now: Timestamp) -> Drained {
        self.expire(now);
        self.gather(now);
        if !self.drains(now) || now < self.hold_until {
            return Drained::default();
        }
        let due = (self.units / UNITS_PER_PERMIT).min(self.room_left()).min(TURNS_PER_DRAIN_MAX);
        if due == 0 {
            return Drained::default();
        }
        let seen_after = now - self.rules.presence_window;
        let depth = scan_depth(due);
        let mut fronts: Vec<Front> = Vec::new();
        for rule in &self.rules.lanes {
            if let Some(lane) = self.lanes.get(&rule.name) {
                let (present, absent) = front(lane, due, depth, seen_after);
                let stride = STRIDE / u64::from(rule.weight);
                fronts.push(Front { name: rule.name.clone(), present, absent, pass: lane.pass, stride });
            }
        }
        let mut turns = share(&mut fronts, due);
        self.units -= turns.len() as u64 * UNITS_PER_PERMIT;
        self.admitted_total += turns.len() as u64;

        let mut drained = Drained::default();
        turns.sort_by_key(|(name, _)| self.rules.lanes.iter().position(|rule| rule.name == *name));
        for front in fronts {
            let Some(lane) = self.lanes.get_mut(&front.name) else { continue };
            lane.pass = front.pass;
            for rank in front.absent {
                lane.waiting.remove(rank);
                lane.seen.remove(&rank);
                lane.passed.set(rank, now + self.rules.return_window);
                drained.passed += 1;
            }
        }
        for (name, rank) in &turns {
            let Some(lane) = self.lanes.get_mut(name) else { continue };
            lane.waiting.remove(*rank);
            lane.seen.remove(rank);
            lane.turns.set(*rank, now + self.rules.claim_window);
            lane.cursor = lane.cursor.max(*rank);
        }
        drained.turns = turns;
        drained
    }
}

/// The front of a lane, as far as a drain looks.
struct Front {
    name: LaneId,
    /// Present fans, the highest rank first, so that the next to go is at the end.
    present: Vec<Rank>,
    /// Absent fans who stand before the last of them.
    absent: Vec<Rank>,
    pass: u64,
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
fn share(fronts: &mut [Front], due: u64) -> Vec<(LaneId, Rank)> {
    let level = fronts.iter().filter(|front| !front.present.is_empty()).map(|front| front.pass).max();
    let slack = fronts.iter().map(|front| front.stride).max().unwrap_or_default();
    for front in fronts.iter_mut() {
        front.pass = front.pass.max(level.unwrap_or_default().saturating_sub(slack));
    }
    let mut turns = Vec::new();
    while (turns.len() as u64) < due {
        let next = fronts.iter_mut().filter(|front| !front.present.is_empty()).min_by_key(|front| front.pass);
        let Some((front, rank)) = next.and_then(|front| front.present.pop().map(|rank| (front, rank))) else {
            break;
        };
        front.pass += front.stride;
        turns.push((front.name.clone(), rank));
    }
    turns
}
