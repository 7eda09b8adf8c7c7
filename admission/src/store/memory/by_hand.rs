//! What operators do by hand.

use async_trait::async_trait;

use super::journal::Verb;
use super::line::Line;
use super::rank_set::RankSet;
use super::{MemoryStore, those};
use crate::clock::Timestamp;
use crate::name::RoomId;
use crate::rank::Rank;
use crate::rules::Phase;
use crate::store::by_hand::{
    ByHand, ByHandStore, CALLED_MAX, INVITATIONS_MAX, InvitationRecord, NEXT, RANKS_FROM, RELOCATED_MAX,
    Relocated, Relocation, Reset,
};
use crate::store::{Standing, StoreError, UNITS_PER_PERMIT};
use crate::ticket::{Place, TicketId};

impl Line {
    /// Takes back everybody's place, unless that was done at `since` or later. What a repetition has to know.
    fn reset(&mut self, since: Timestamp, now: Timestamp) -> Option<(Reset, Option<Timestamp>)> {
        self.expire(now);
        if self.rules.phase(now) == Phase::Prequeue {
            return None;
        }
        let nothing = Reset { at: self.by_hand.reset_at, places: 0, sessions: 0 };
        if nothing.at > Timestamp::default() && nothing.at >= since.min(now) {
            return Some((nothing, None));
        }
        let at = now.max(nothing.at + NEXT);
        let voided = self.void(None, now);
        let places = self.reset_at(at, now);
        Some((Reset { at, places, sessions: voided.sessions }, Some(voided.before)))
    }

    /// Takes back everybody's place at this moment.
    pub(super) fn reset_at(&mut self, at: Timestamp, now: Timestamp) -> u64 {
        let next = self.lanes.values().map(|lane| lane.next_rank).fold(self.next_rank(now), Rank::max);
        // Ranks of a pre-queue to come are told by its own time, however far the line runs ahead.
        let drawn = self.rules.prequeue_at.filter(|prequeue_at| *prequeue_at > now).map(Rank::first_of);
        let below = drawn.map_or(next, |drawn| drawn.min(next));
        self.lanes.values_mut().for_each(|lane| lane.next_rank = lane.next_rank.max(below));
        let places = self.clear_below(Rank::MAX);
        self.forgotten.clear();
        self.by_hand.called.clear();
        self.by_hand.relocated.clear();
        self.by_hand.reset_at = at;
        self.by_hand.reset_below = below.max(self.by_hand.reset_below);
        places
    }

    /// Takes in that the line was reset, which it has forgotten or never knew.
    pub(super) fn recall_reset(&mut self, at: Timestamp, below: Rank) {
        if at > self.by_hand.reset_at {
            self.by_hand.reset_at = at;
            self.by_hand.reset_below = below.max(self.by_hand.reset_below);
            self.clear_below(self.by_hand.reset_below);
        }
    }

    /// Takes back the places and turns of ranks below one. How many there were.
    fn clear_below(&mut self, below: Rank) -> u64 {
        let mut places = 0;
        for lane in self.lanes.values_mut() {
            places += lane.waiting.len() + lane.passed.len() + lane.turns.len();
            let mut waiting = RankSet::default();
            lane.waiting.iter().filter(|rank| *rank >= below).for_each(|rank| {
                waiting.insert(rank);
            });
            lane.waiting = waiting;
            lane.seen.retain(|rank, _| *rank >= below);
            for gone in [&mut lane.passed, &mut lane.turns] {
                let ranks: Vec<Rank> =
                    gone.iter().map(|(rank, _)| rank).filter(|rank| *rank < below).collect();
                ranks.iter().for_each(|rank| {
                    gone.remove(rank);
                });
            }
            places -= lane.waiting.len() + lane.passed.len() + lane.turns.len();
        }
        places
    }

    /// Whether a turn may be given to this ticket out of order.
    fn can_be_called(&self, place: &Place) -> bool {
        !self.ended.contains(&place.id)
            && self
                .lanes
                .get(&place.lane)
                .is_some_and(|lane| lane.waiting.contains(place.rank) || lane.passed.contains(&place.rank))
    }

    /// What was done by hand, as far as it matters still.
    pub(super) fn by_hand_now(&self) -> ByHand {
        let mut by_hand = self.by_hand.clone();
        by_hand
            .called
            .retain(|(lane, rank)| self.lanes.get(lane).is_some_and(|lane| lane.turns.contains(rank)));
        by_hand
    }

    pub(super) fn admit(&mut self, places: &[Place], now: Timestamp) -> Vec<Standing> {
        self.expire(now);
        self.gather(now);
        self.by_hand = self.by_hand_now();
        let is_running = matches!(self.rules.phase(now), Phase::Open | Phase::Paused);
        let until = now + self.rules.claim_window;
        for place in places {
            if !is_running || self.room_left() == 0 || !self.can_be_called(place) {
                continue;
            }
            let Some(lane) = self.lanes.get_mut(&place.lane) else { continue };
            lane.waiting.remove(place.rank);
            lane.seen.remove(&place.rank);
            lane.passed.remove(&place.rank);
            lane.turns.set(place.rank, until);
            self.units = self.units.saturating_sub(UNITS_PER_PERMIT);
            self.admitted_total += 1;
            self.by_hand.admitted += 1;
            self.by_hand.called.push((place.lane.clone(), place.rank));
        }
        let beyond = self.by_hand.called.len().saturating_sub(CALLED_MAX);
        self.by_hand.called.drain(..beyond);
        places.iter().map(|place| self.look(place, now)).collect()
    }
}

impl Line {
    /// Moves a place. Where it stands then; nothing where it cannot be.
    pub(super) fn relocate(&mut self, wanted: &Relocation, now: Timestamp) -> Option<Place> {
        self.expire(now);
        if let Some(known) = self.relocated_before(wanted) {
            return Some(known);
        }
        if !self.can_be_relocated(wanted, now) {
            return None;
        }
        let Relocation { from, lane: name, behind, id } = wanted;
        self.leave(from, now);
        let rank = match behind {
            None => self.give_rank(name, now),
            Some(behind) => {
                let lane = self.lanes.get_mut(name)?;
                let mut rank = lane.cursor.max(*behind).ahead_by(1).afterwards();
                while lane.has(rank) {
                    rank = rank.ahead_by(2);
                }
                lane.next_rank = lane.next_rank.max(rank.ahead_by(1));
                rank
            }
        };
        // Not seen yet: their page follows within moments, and a turn is for who is there.
        self.lanes.get_mut(name)?.waiting.insert(rank);
        let to = Place { lane: name.clone(), rank, id: *id };
        self.by_hand.relocated.push(Relocated { from: from.clone(), to: to.clone() });
        let beyond = self.by_hand.relocated.len().saturating_sub(RELOCATED_MAX);
        self.by_hand.relocated.drain(..beyond);
        Some(to)
    }

    fn relocated_before(&self, wanted: &Relocation) -> Option<Place> {
        let is_it = |known: &&Relocated| known.from == wanted.from && known.to.id == wanted.id;
        self.by_hand.relocated.iter().find(is_it).map(|known| known.to.clone())
    }

    fn can_be_relocated(&self, wanted: &Relocation, now: Timestamp) -> bool {
        self.phase(now) != Phase::Prequeue
            && self.rules.lanes.iter().any(|lane| lane.name == wanted.lane)
            && self.can_be_called(&wanted.from)
    }
}

impl Line {
    /// Invitations that are not good any more need not be remembered.
    pub(super) fn forget_invitations(&mut self, now: Timestamp) {
        for forgotten in self.invitations_until.take_expired(now) {
            self.invitations.remove(&forgotten);
            self.withdrawn.remove(&forgotten);
            self.has_expired = true;
        }
    }

    pub(super) fn withdraw(&mut self, invitations: &[(TicketId, Timestamp)], now: Timestamp) {
        self.forget_invitations(now);
        for (id, until) in invitations.iter().filter(|(_, until)| *until > now) {
            self.invitations.entry(*id).or_default();
            self.withdrawn.insert(*id);
            self.invitations_until.set(*id, *until);
        }
    }

    fn invitation_records(&mut self, most: usize, now: Timestamp) -> Vec<InvitationRecord> {
        self.forget_invitations(now);
        let mut records: Vec<InvitationRecord> = self
            .invitations_until
            .iter()
            .map(|(id, until)| {
                let noted = self.invitations.get(&id).copied().unwrap_or_default();
                let used = if noted >= RANKS_FROM { 1 } else { noted };
                InvitationRecord { id, used, is_withdrawn: self.withdrawn.contains(&id), until }
            })
            .collect();
        records.sort_by_cached_key(|record| std::cmp::Reverse((record.until, record.id.to_string())));
        records.truncate(most.clamp(1, INVITATIONS_MAX));
        records
    }
}

#[async_trait]
impl ByHandStore for MemoryStore {
    async fn withdraw(&self, room: &RoomId, invitations: &[(TicketId, Timestamp)]) -> Result<(), StoreError> {
        self.with_line(room, |line, now| {
            line.withdraw(invitations, now);
            ((), Some(Verb::Withdraw(invitations.to_vec())))
        })
    }

    async fn invitations(&self, room: &RoomId, most: usize) -> Result<Vec<InvitationRecord>, StoreError> {
        self.with_line(room, |line, now| (line.invitation_records(most, now), None))
    }

    async fn relocate(&self, room: &RoomId, wanted: &Relocation) -> Result<Option<Place>, StoreError> {
        self.with_line(room, |line, now| {
            line.expire(now);
            let is_news = line.relocated_before(wanted).is_none() && line.can_be_relocated(wanted, now);
            (line.relocate(wanted, now), is_news.then(|| Verb::Relocate(wanted.clone())))
        })
    }

    async fn reset(&self, room: &RoomId, since: Timestamp) -> Result<Option<Reset>, StoreError> {
        self.with_line(room, |line, now| match line.reset(since, now) {
            None => (None, None),
            Some((reset, voided)) => {
                let verb = voided.map(|voided| Verb::Reset { at: reset.at, voided });
                (Some(reset), verb)
            }
        })
    }

    async fn admit(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.with_line(room, |line, now| {
            line.expire(now);
            let called = those(places, |place| line.can_be_called(place));
            (line.admit(places, now), called.map(Verb::Admit))
        })
    }
}
