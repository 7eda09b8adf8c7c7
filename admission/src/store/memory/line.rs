//! One room's line: its state, and each verb as a plain function of the state and the time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Timestamp, millis};
use crate::name::LaneId;
use crate::rank::Rank;
use crate::rules::{Mode, Rules};
use crate::ticket::{Place, TicketId};

use super::deadlines::Deadlines;
use super::rank_set::RankSet;
use crate::store::{
    BatchId, ENDED_MEMORY, ENDED_PER_SNAPSHOT_MAX, Intent, JOIN_MEMORY, Join, Joined, LaneSnapshot, Presence,
    PresenceAnswer, Snapshot, Standing, UNITS_PER_PERMIT, horizon_depth,
};

pub(super) struct Line {
    pub(super) rules: Arc<Rules>,
    revision: u64,
    born_at: Timestamp,
    first_rank: Rank,
    pub(super) hold_until: Timestamp,
    /// Permits that have gathered, in units; exact, so that no rounding gives or takes a turn.
    pub(super) units: u64,
    gathered_at: Timestamp,
    pub(super) lanes: BTreeMap<LaneId, Lane>,
    pub(super) active: Deadlines<TicketId>,
    ended: Ended,
    joined_total: u64,
    pub(super) admitted_total: u64,
    answers: HashMap<BatchId, Vec<Joined>>,
    answers_until: Deadlines<BatchId>,
}

#[derive(Default)]
pub(super) struct Lane {
    pub(super) waiting: RankSet,
    /// When each fan near the front was last seen.
    pub(super) seen: HashMap<Rank, Timestamp>,
    /// Fans who were absent when their turn would have come, until their right to return lapses.
    pub(super) passed: Deadlines<Rank>,
    /// Turns, until they lapse.
    pub(super) turns: Deadlines<Rank>,
    pub(super) cursor: Rank,
    next_rank: Rank,
    /// How much of the drain the lane has had, by its weight.
    pub(super) pass: u64,
}

/// Ended tickets, in the order in which they ended.
#[derive(Default)]
struct Ended {
    marks: HashMap<TicketId, u64>,
    by_mark: BTreeMap<u64, TicketId>,
}

impl Line {
    pub(super) fn new(rules: &Rules, revision: u64, now: Timestamp) -> Self {
        // One millisecond ahead: should this line replace one that was lost just now, its ranks are above all
        // that the lost one gave.
        let first_rank = Rank::first_of(now + Duration::from_millis(1));
        let mut line = Self {
            rules: Arc::new(rules.clone()),
            revision,
            born_at: now,
            first_rank,
            hold_until: Timestamp::default(),
            units: rules.burst * UNITS_PER_PERMIT,
            gathered_at: now,
            lanes: BTreeMap::new(),
            active: Deadlines::default(),
            ended: Ended::default(),
            joined_total: 0,
            admitted_total: 0,
            answers: HashMap::new(),
            answers_until: Deadlines::default(),
        };
        line.add_lanes();
        line
    }

    /// Lanes that the rules no longer name keep their fans until they are named again.
    fn add_lanes(&mut self) {
        for rule in &self.rules.lanes {
            self.lanes
                .entry(rule.name.clone())
                .or_insert_with(|| Lane { next_rank: self.first_rank, ..Lane::default() });
        }
    }

    pub(super) fn configure(&mut self, rules: &Rules, revision: u64, now: Timestamp) {
        if revision <= self.revision {
            return;
        }
        // What gathered until now gathered under the old rate.
        self.gather(now);
        self.rules = Arc::new(rules.clone());
        self.revision = revision;
        self.units = self.units.min(self.units_max());
        self.add_lanes();
    }

    fn units_max(&self) -> u64 {
        self.rules.burst * UNITS_PER_PERMIT
    }

    /// Gathers the permits due since this was last done, up to the burst. While the room does not drain none
    /// gather, so that nothing is dumped after a pause. A clock that went back gathers nothing.
    pub(super) fn gather(&mut self, now: Timestamp) {
        if self.rules.drains() {
            let elapsed = millis(now.since(self.gathered_at));
            let due = elapsed.saturating_mul(self.rules.drain_per_minute);
            self.units = self.units.saturating_add(due).min(self.units_max());
        }
        self.gathered_at = now;
    }

    /// Ends what has run out: sessions, turns that nobody claimed, rights to return.
    pub(super) fn expire(&mut self, now: Timestamp) {
        for ticket in self.active.take_expired(now) {
            self.ended.add(ticket, now);
        }
        for lane in self.lanes.values_mut() {
            for rank in lane.turns.take_expired(now) {
                lane.passed.set(rank, now + self.rules.return_window);
            }
            lane.passed.take_expired(now);
        }
        self.ended.forget(now - ENDED_MEMORY);
    }

    pub(super) fn turns(&self) -> u64 {
        self.lanes.values().map(|lane| lane.turns.len()).sum()
    }

    fn waiting(&self) -> u64 {
        self.lanes.values().map(|lane| lane.waiting.len()).sum()
    }

    pub(super) fn room_left(&self) -> u64 {
        self.rules.max_active.saturating_sub(self.active.len() + self.turns())
    }

    pub(super) fn join(&mut self, batch: BatchId, joins: &[Join], now: Timestamp) -> Vec<Joined> {
        for forgotten in self.answers_until.take_expired(now) {
            self.answers.remove(&forgotten);
        }
        if let Some(answer) = self.answers.get(&batch) {
            return answer.clone();
        }
        self.expire(now);
        self.gather(now);
        let answer: Vec<Joined> = joins.iter().map(|join| self.join_one(join, now)).collect();
        self.answers.insert(batch, answer.clone());
        self.answers_until.set(batch, now + JOIN_MEMORY);
        answer
    }

    fn join_one(&mut self, join: &Join, now: Timestamp) -> Joined {
        let free = self.rules.mode == Mode::Auto
            && self.rules.drains()
            && self.hold_until <= now
            && self.waiting() == 0
            && self.units >= UNITS_PER_PERMIT
            && self.room_left() > 0;
        let full = self.waiting() >= self.rules.waiting_max;
        let Some(lane) = self.lanes.get_mut(&join.lane).filter(|_| self.rules.mode != Mode::Closed) else {
            return Joined::Closed;
        };
        let enters = free && join.intent != Intent::Wait;
        if !enters && join.intent == Intent::EnterOnly {
            return Joined::NotFree;
        }
        if !enters && full {
            return Joined::Full;
        }
        let rank = lane.next_rank.max(Rank::first_of(now));
        lane.next_rank = rank.next();
        self.joined_total += 1;
        if enters {
            let until = now + self.rules.session;
            lane.cursor = lane.cursor.max(rank);
            self.active.set(join.id, until);
            self.units -= UNITS_PER_PERMIT;
            self.admitted_total += 1;
            Joined::Entered { rank, until }
        } else {
            let ahead = lane.waiting.len();
            lane.waiting.insert(rank);
            // Only near the front does it matter who is there; those behind are reported when they come near.
            if ahead < horizon_depth(self.rules.drain_per_minute) {
                lane.seen.insert(rank, now);
            }
            Joined::Waiting { rank, ahead }
        }
    }

    pub(super) fn look(&self, place: &Place) -> Standing {
        if let Some(until) = self.active.get(&place.id) {
            return Standing::Active { until };
        }
        if self.ended.contains(&place.id) {
            return Standing::Ended;
        }
        let Some(lane) = self.lanes.get(&place.lane) else { return Standing::Ended };
        if let Some(until) = lane.turns.get(&place.rank) {
            Standing::Turn { until }
        } else if lane.waiting.contains(place.rank) || lane.passed.contains(&place.rank) {
            Standing::Waiting { ahead: lane.waiting.count_below(place.rank) }
        } else if place.rank < self.first_rank {
            Standing::Unknown
        } else {
            Standing::Ended
        }
    }

    pub(super) fn restore(&mut self, places: &[Place], now: Timestamp) -> Vec<Standing> {
        for place in places {
            if self.look(place) != Standing::Unknown {
                continue;
            }
            if self.hold_until == Timestamp::default() {
                self.hold_until = now + self.rules.recovery_grace;
            }
            if let Some(lane) = self.lanes.get_mut(&place.lane) {
                lane.waiting.insert(place.rank);
                lane.seen.insert(place.rank, now);
            }
        }
        places.iter().map(|place| self.look(place)).collect()
    }

    pub(super) fn claim(&mut self, places: &[Place], now: Timestamp) -> Vec<Standing> {
        self.expire(now);
        let until = now + self.rules.session;
        for place in places {
            let turn = self.lanes.get_mut(&place.lane).is_some_and(|lane| lane.turns.remove(&place.rank));
            if turn {
                self.active.set(place.id, until);
            }
        }
        places.iter().map(|place| self.look(place)).collect()
    }

    pub(super) fn leave(&mut self, place: &Place, now: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(&place.lane) {
            lane.waiting.remove(place.rank);
            lane.seen.remove(&place.rank);
            lane.passed.remove(&place.rank);
            lane.turns.remove(&place.rank);
        }
        self.end(place.id, now);
    }

    pub(super) fn end(&mut self, ticket: TicketId, now: Timestamp) {
        self.active.remove(&ticket);
        self.ended.add(ticket, now);
    }

    pub(super) fn report_presence(&mut self, presence: &Presence, now: Timestamp) -> PresenceAnswer {
        let mut answer = PresenceAnswer::default();
        for place in &presence.waiting {
            let Some(lane) = self.lanes.get_mut(&place.lane) else { continue };
            if lane.passed.remove(&place.rank) {
                lane.waiting.insert(place.rank);
            }
            if lane.waiting.contains(place.rank) {
                lane.seen.insert(place.rank, now);
            } else if !lane.turns.contains(&place.rank) {
                answer.not_waiting.push(place.clone());
            }
        }
        let until = now + self.rules.session;
        for ticket in &presence.active {
            if self.ended.contains(ticket) {
                answer.ended.push(*ticket);
            } else {
                self.active.set(*ticket, until);
            }
        }
        answer
    }

    pub(super) fn snapshot(&mut self, ended_mark: u64, now: Timestamp) -> Snapshot {
        self.expire(now);
        let depth = horizon_depth(self.rules.drain_per_minute);
        let lanes = self.rules.lanes.iter().filter_map(|rule| {
            let lane = self.lanes.get(&rule.name)?;
            Some(LaneSnapshot {
                name: rule.name.clone(),
                cursor: lane.cursor,
                next_rank: lane.next_rank,
                horizon: lane.waiting.at_depth(depth).unwrap_or(Rank::MAX),
                ladder: lane.waiting.ladder(),
            })
        });
        let (ended, ended_mark) = self.ended.after(ended_mark);
        Snapshot {
            at: now,
            born_at: self.born_at,
            first_rank: self.first_rank,
            rules: Arc::clone(&self.rules),
            revision: self.revision,
            hold_until: self.hold_until,
            active: self.active.len(),
            turns: self.turns(),
            joined_total: self.joined_total,
            admitted_total: self.admitted_total,
            lanes: lanes.collect(),
            ended,
            ended_mark,
        }
    }
}

impl Ended {
    fn contains(&self, ticket: &TicketId) -> bool {
        self.marks.contains_key(ticket)
    }

    fn add(&mut self, ticket: TicketId, now: Timestamp) {
        if self.contains(&ticket) {
            return;
        }
        // Marks follow the clock, a thousand to the millisecond, and never repeat.
        let after_last = self.by_mark.last_key_value().map_or(0, |(mark, _)| mark + 1);
        let mark = after_last.max(now.as_millis() * 1000);
        self.marks.insert(ticket, mark);
        self.by_mark.insert(mark, ticket);
    }

    fn after(&self, mark: u64) -> (Vec<TicketId>, u64) {
        let later = self.by_mark.range(mark + 1..).take(ENDED_PER_SNAPSHOT_MAX);
        let mut last = mark;
        let tickets = later.map(|(mark, ticket)| {
            last = *mark;
            *ticket
        });
        (tickets.collect(), last)
    }

    fn forget(&mut self, before: Timestamp) {
        while let Some((&mark, &ticket)) = self.by_mark.first_key_value() {
            if mark >= before.as_millis() * 1000 {
                break;
            }
            self.by_mark.remove(&mark);
            self.marks.remove(&ticket);
        }
    }
}
