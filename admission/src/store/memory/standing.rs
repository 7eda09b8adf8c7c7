//! Where tickets stand, and the verbs that change it one by one.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::rank::UNSEEN_LEAD;
use crate::ticket::{Place, TicketId};

use super::line::Line;
use crate::store::{Presence, PresenceAnswer, Standing, Stay, Voided};

impl Line {
    pub(super) fn look(&self, place: &Place, now: Timestamp) -> Standing {
        if let Some(until) = self.active.get(&place.id) {
            let admitted_at = self.admitted.get(&place.id).copied().unwrap_or_default();
            return Standing::Active { until, admitted_at };
        }
        if self.ended.contains(&place.id) {
            return Standing::Ended;
        }
        let Some(lane) = self.lanes.get(&place.lane) else { return Standing::Ended };
        if let Some(until) = lane.turns.get(&place.rank) {
            Standing::Turn { until }
        } else if lane.waiting.contains(place.rank) || lane.passed.contains(&place.rank) {
            Standing::Waiting { ahead: lane.waiting.count_below(place.rank) }
        } else if self.is_beyond(place) || self.may_have_forgotten(place.rank, now) {
            Standing::Unknown
        } else {
            Standing::Ended
        }
    }

    /// Whether its rank is above all that this line gave: one that was lost gave it, of which nobody remembered how far
    /// its ranks ran ahead of the clock.
    fn is_beyond(&self, place: &Place) -> bool {
        self.lanes.get(&place.lane).is_some_and(|lane| place.rank >= lane.next_rank)
    }

    /// Whether its turn has come and it has not claimed it.
    pub(super) fn has_turn(&self, place: &Place) -> bool {
        self.lanes.get(&place.lane).is_some_and(|lane| lane.turns.contains(&place.rank))
    }

    /// Whether it was passed over, and is not back.
    pub(super) fn was_passed(&self, place: &Place) -> bool {
        self.lanes.get(&place.lane).is_some_and(|lane| lane.passed.contains(&place.rank))
    }

    pub(super) fn restore(&mut self, places: &[Place], now: Timestamp) -> Vec<Standing> {
        let own_time = self.own_time(now);
        for place in places {
            if self.look(place, now) != Standing::Unknown {
                continue;
            }
            if self.hold_until == Timestamp::default() {
                self.hold_until = now + self.rules.recovery_grace;
            }
            if self.is_beyond(place) {
                // Well above it, for others may have had ranks near.
                self.rise(place.rank.next_in_order().ahead_by(UNSEEN_LEAD), now);
            }
            if let Some(lane) = self.lanes.get_mut(&place.lane) {
                lane.put(place.rank, own_time);
            }
        }
        places.iter().map(|place| self.look(place, now)).collect()
    }

    pub(super) fn claim(&mut self, places: &[Place], now: Timestamp) -> Vec<Standing> {
        self.expire(now);
        let admitted_at = self.admission_time(now);
        let until = admitted_at + self.rules.session;
        for place in places {
            let turn = self.lanes.get_mut(&place.lane).is_some_and(|lane| lane.turns.remove(&place.rank));
            if turn && !self.ended.contains(&place.id) {
                self.active.set(place.id, until);
                self.admitted.insert(place.id, admitted_at);
            }
        }
        places.iter().map(|place| self.look(place, now)).collect()
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
        self.admitted.remove(&ticket);
        self.ended.add(ticket, now);
    }

    /// When somebody who is admitted now is: after everything that was voided, whatever the clock says.
    pub(super) fn admission_time(&self, now: Timestamp) -> Timestamp {
        now.max(self.voided_before + Duration::from_millis(1))
    }

    /// Voids the admissions up to `before`, or all there are.
    pub(super) fn void(&mut self, before: Option<Timestamp>, now: Timestamp) -> Voided {
        self.expire(now);
        let latest = || self.admitted.values().copied().max().unwrap_or(now).max(now);
        let before = before.map_or_else(latest, |before| before.min(now));
        self.void_up_to(before, now)
    }

    /// Voids the admissions up to `before`, which may lie ahead where the clock went back.
    pub(super) fn void_up_to(&mut self, before: Timestamp, now: Timestamp) -> Voided {
        self.expire(now);
        let before = before.max(self.voided_before);
        self.voided_before = before;
        let is_void = |(ticket, at): (&TicketId, &Timestamp)| (*at <= before).then_some(*ticket);
        let mut void: Vec<TicketId> = self.admitted.iter().filter_map(is_void).collect();
        void.sort_unstable();
        void.iter().for_each(|ticket| self.end(*ticket, now));
        Voided { before, sessions: void.len() as u64 }
    }

    pub(super) fn report_presence(&mut self, presence: &Presence, now: Timestamp) -> PresenceAnswer {
        let mut answer = PresenceAnswer::default();
        let own_time = self.own_time(now);
        for place in &presence.gone {
            if let Some(lane) = self.lanes.get_mut(&place.lane) {
                lane.seen.remove(&place.rank);
            }
        }
        for place in &presence.waiting {
            let Some(lane) = self.lanes.get_mut(&place.lane) else { continue };
            if lane.passed.remove(&place.rank) {
                lane.waiting.insert(place.rank);
            }
            if lane.waiting.contains(place.rank) {
                lane.seen.insert(place.rank, own_time);
            } else if !lane.turns.contains(&place.rank) {
                answer.not_waiting.push(place.clone());
            }
        }
        for stay in &presence.active {
            if !self.slide(stay, now) {
                answer.ended.push(stay.ticket);
            }
        }
        answer
    }

    /// Lets a session go on; false when it is over.
    fn slide(&mut self, stay: &Stay, now: Timestamp) -> bool {
        let Stay { ticket, stayed, keep_for } = *stay;
        if self.ended.contains(&ticket) {
            return false;
        }
        let admitted_at = *self.admitted.entry(ticket).or_insert(now - stayed);
        let last = admitted_at + self.rules.session_max;
        // While a line is put together another edge may know of a later use than the first to report.
        let known = self.active.get(&ticket).unwrap_or_default().max(self.hold_until);
        let until = known.max(now + keep_for).min(last);
        // Of a clock that went back behind it nothing can be told.
        let is_void = admitted_at <= self.voided_before && self.voided_before < now;
        if until <= now || is_void {
            self.end(ticket, now);
            return false;
        }
        self.active.set(ticket, until);
        true
    }
}
