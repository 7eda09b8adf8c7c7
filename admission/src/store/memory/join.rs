//! Joining: who enters at once, who waits, and at which rank.

use crate::clock::Timestamp;
use crate::name::LaneId;
use crate::rank::{RANKS_PER_MILLI, Rank};
use crate::rules::{Mode, Phase};
use crate::ticket::TicketId;

use super::line::Line;
use crate::store::{
    BatchId, Intent, InvitationUse, JOIN_MEMORY, Join, Joined, UNITS_PER_PERMIT, horizon_depth,
};

impl Line {
    pub(super) fn join(&mut self, batch: BatchId, joins: &[Join], now: Timestamp) -> Vec<Joined> {
        for forgotten in self.answers_until.take_expired(now) {
            self.answers.remove(&forgotten);
        }
        if let Some(answer) = self.answers.get(&batch) {
            return answer.clone();
        }
        let answer = self.take_in(joins, now);
        self.answers.insert(batch, answer.clone());
        self.answers_until.set(batch, now + JOIN_MEMORY);
        answer
    }

    /// Whether joining with this batch only tells the answer of before.
    pub(super) fn has_answered(&self, batch: &BatchId, now: Timestamp) -> bool {
        self.answers_until.get(batch).is_some_and(|until| now < until)
    }

    /// Takes fans in, as a batch that nobody has seen before.
    pub(super) fn take_in(&mut self, joins: &[Join], now: Timestamp) -> Vec<Joined> {
        self.forget_invitations(now);
        self.expire(now);
        self.gather(now);
        let mut answer: Vec<Joined> = joins.iter().map(|join| self.join_one(join, now)).collect();
        // Who is ranked afterwards, or came again, stands somewhere in the middle: told when all are in.
        for (join, joined) in joins.iter().zip(&mut answer) {
            if let Joined::Waiting { rank, ahead } = joined
                && (join.arrived_at.is_some() || join.invitation.is_some())
            {
                *ahead = self.lanes.get(&join.lane).map_or(0, |lane| lane.waiting.count_below(*rank));
            }
        }
        answer
    }

    fn join_one(&mut self, join: &Join, now: Timestamp) -> Joined {
        let phase = self.phase(now);
        if !self.lanes.contains_key(&join.lane) || matches!(phase, Phase::Closed | Phase::Early) {
            return Joined::Closed;
        }
        if let Some(answer) = join.invitation.as_ref().and_then(|invitation| self.used(invitation, join)) {
            return answer;
        }
        let (arrival, own_time) = (self.arrival(join, now), self.own_time(now));
        let is_drawn = self.came_for_the_draw(arrival.unwrap_or(now), now);
        let enters = self.is_free(now) && join.intent != Intent::Wait && arrival.is_none() && !is_drawn;
        if !enters && join.intent == Intent::EnterOnly {
            return Joined::NotFree;
        }
        if !enters && self.waiting() >= self.rules.waiting_max {
            return Joined::Full;
        }
        let (rank, answer) = if is_drawn {
            let Some(rank) = join.drawn else { return Joined::Closed };
            if self.lanes.get(&join.lane).is_some_and(|lane| lane.has(rank)) {
                return Joined::Taken;
            }
            if let Some(lane) = self.lanes.get_mut(&join.lane) {
                lane.put(rank, own_time);
            }
            (rank, Joined::Drawn)
        } else if let Some(arrived_at) = arrival {
            self.rank_afterwards(&join.lane, join.id, arrived_at, now)
        } else if enters {
            self.enter(&join.lane, join.id, now)
        } else {
            self.wait(&join.lane, now)
        };
        self.joined_total += 1;
        if let Some(InvitationUse { id, uses, good_for }) = &join.invitation {
            let used = self.invitations.entry(*id).or_default();
            *used = if *uses == 1 { rank.get() } else { *used + 1 };
            self.invitations_until.set(*id, now + *good_for);
        }
        answer
    }

    /// What somebody gets with an invitation that was used up: the one fan it is for, their place again.
    fn used(&self, invitation: &InvitationUse, join: &Join) -> Option<Joined> {
        if self.withdrawn.contains(&invitation.id) {
            return Some(Joined::InvitationUsed);
        }
        let used = *self.invitations.get(&invitation.id)?;
        if invitation.uses != 1 {
            return (used >= u64::from(invitation.uses)).then_some(Joined::InvitationUsed);
        }
        let rank = Rank::new(used);
        Some(if self.ended.contains(&join.id) {
            Joined::InvitationUsed
        } else if rank < self.by_hand.reset_below {
            // That place is nobody's any more.
            return None;
        } else if join.drawn == Some(rank) {
            Joined::Drawn
        } else {
            Joined::Waiting { rank, ahead: 0 }
        })
    }

    /// When a fan came, if that still counts: no longer than the return window after, in the line's own time, in no
    /// pre-queue before the one that is, and after the line was reset. Whoever comes later has come now.
    fn arrival(&self, join: &Join, now: Timestamp) -> Option<Timestamp> {
        let arrived_at = join.arrived_at?.min(now);
        let silent = self.silence.min(self.awake_at.since(arrived_at));
        let waited = now.since(arrived_at).saturating_sub(silent);
        let is_before_the_draw =
            self.rules.prequeue_at.is_some_and(|prequeue_at| prequeue_at <= now && arrived_at < prequeue_at);
        let counts = waited <= self.rules.return_window && !is_before_the_draw;
        (counts && arrived_at > self.by_hand.reset_at).then_some(arrived_at)
    }

    /// Whether the fan came during the pre-queue, now or while the store was away.
    fn came_for_the_draw(&self, arrived_at: Timestamp, now: Timestamp) -> bool {
        let (Some(from), Some(to)) = (self.rules.prequeue_at, self.opens_at(now)) else { return false };
        from <= arrived_at && arrived_at < to
    }

    fn is_free(&self, now: Timestamp) -> bool {
        self.rules.mode == Mode::Auto
            && self.drains(now)
            && self.hold_until <= now
            && self.waiting() == 0
            && self.units >= UNITS_PER_PERMIT
            && self.room_left() > 0
    }

    pub(super) fn give_rank(&mut self, lane: &LaneId, now: Timestamp) -> Rank {
        let least = self.next_rank(now);
        let Some(lane) = self.lanes.get_mut(lane) else { return least };
        let rank = lane.next_rank.max(least);
        lane.next_rank = rank.next();
        rank
    }

    fn enter(&mut self, lane: &LaneId, id: TicketId, now: Timestamp) -> (Rank, Joined) {
        let rank = self.give_rank(lane, now);
        let admitted_at = self.admission_time(now);
        let until = admitted_at + self.rules.session;
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.cursor = lane.cursor.max(rank);
        }
        self.active.set(id, until);
        self.admitted.insert(id, admitted_at);
        self.units -= UNITS_PER_PERMIT;
        self.admitted_total += 1;
        (rank, Joined::Entered { rank, until })
    }

    fn wait(&mut self, lane: &LaneId, now: Timestamp) -> (Rank, Joined) {
        let rank = self.give_rank(lane, now);
        let (depth, own_time) = (horizon_depth(self.rules.rate_max()), self.own_time(now));
        let Some(lane) = self.lanes.get_mut(lane) else { return (rank, Joined::Closed) };
        let ahead = lane.waiting.len();
        lane.waiting.insert(rank);
        // Only near the front does it matter who is there; those behind are reported when they come near.
        if ahead < depth {
            lane.seen.insert(rank, own_time);
        }
        (rank, Joined::Waiting { rank, ahead })
    }

    /// Ranks a fan by when they came: at or soon after that moment, behind everybody whose turn has come.
    fn rank_afterwards(
        &mut self,
        lane: &LaneId,
        id: TicketId,
        arrived_at: Timestamp,
        now: Timestamp,
    ) -> (Rank, Joined) {
        let (least, own_time) = (self.next_rank(arrived_at), self.own_time(now));
        let Some(lane) = self.lanes.get_mut(lane) else { return (least, Joined::Closed) };
        let mut rank = least.max(lane.cursor.ahead_by(1)).ahead_by(2 * spread(id)).afterwards();
        while lane.has(rank) {
            rank = rank.ahead_by(RANKS_PER_MILLI);
        }
        lane.put(rank, own_time);
        lane.next_rank = lane.next_rank.max(rank.ahead_by(1));
        (rank, Joined::Waiting { rank, ahead: 0 })
    }
}

/// Spreads tickets over the ranks of a millisecond that are given afterwards.
fn spread(id: TicketId) -> u64 {
    id.to_string().bytes().fold(0, |sum, byte| (sum * 31 + u64::from(byte)) % (RANKS_PER_MILLI / 2))
}
