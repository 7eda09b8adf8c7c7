//! One room's line: its state, how it begins, and what time does to it. The verbs are in the files beside this.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Timestamp, millis};
use crate::name::LaneId;
use crate::rank::{Rank, RankRange, TAKEOVER_LEAD};
use crate::rules::{Phase, Rules};
use crate::ticket::TicketId;

use super::deadlines::Deadlines;
use super::ended::Ended;
use super::load::Load;
use super::rank_set::RankSet;
use crate::store::{BatchId, ByHand, ENDED_MEMORY, FORGOTTEN_MAX, Joined, Memory, SILENCE, UNITS_PER_PERMIT};

#[derive(Clone)]
pub(super) struct Line {
    pub(super) rules: Arc<Rules>,
    pub(super) revision: u64,
    pub(super) resumed_at: Timestamp,
    pub(super) forgotten: Vec<RankRange>,
    pub(super) hold_until: Timestamp,
    /// How far ranks run ahead of the clock.
    pub(super) lead: u64,
    /// The rate in force, fans a minute.
    pub(super) rate: u64,
    /// Permits that have gathered, in units; exact, so that no rounding gives or takes a turn.
    pub(super) units: u64,
    pub(super) load: Load,
    pub(super) gathered_at: Timestamp,
    pub(super) lanes: BTreeMap<LaneId, Lane>,
    pub(super) active: Deadlines<TicketId>,
    /// When each fan with a session was admitted.
    pub(super) admitted: HashMap<TicketId, Timestamp>,
    pub(super) ended: Ended,
    /// Admissions up to this moment are void.
    pub(super) voided_before: Timestamp,
    /// What operators did by hand.
    pub(super) by_hand: ByHand,
    /// The latest pre-queue whose opening has been: its seed is public.
    pub(super) revealed: Timestamp,
    pub(super) joined_total: u64,
    pub(super) admitted_total: u64,
    pub(super) lapsed_total: u64,
    pub(super) answers: HashMap<BatchId, Vec<Joined>>,
    pub(super) answers_until: Deadlines<BatchId>,
    /// What became of invitations: the rank of the one fan, or how many used it.
    pub(super) invitations: HashMap<TicketId, u64>,
    pub(super) invitations_until: Deadlines<TicketId>,
    /// Those of them that were withdrawn.
    pub(super) withdrawn: HashSet<TicketId>,
    /// How long nobody reached the store, in all.
    pub(super) silent: Duration,
    /// How long the last time was in which nobody did.
    pub(super) silence: Duration,
    /// When that ended.
    pub(super) awake_at: Timestamp,
    /// Own time from which on fans have to have shown themselves.
    pub(super) shows_after: Timestamp,
    /// Whether time changed anything since this was last taken: what a journal has to note besides the verbs.
    pub(super) has_expired: bool,
}

#[derive(Clone)]
pub(super) struct Lane {
    pub(super) waiting: RankSet,
    /// When each fan near the front was last seen, in own time.
    pub(super) seen: HashMap<Rank, Timestamp>,
    /// Fans who were absent when their turn would have come, until their right to return lapses, in own time.
    pub(super) passed: Deadlines<Rank>,
    /// Fans who did not take a turn, and until when they keep the right to return nevertheless, in own time.
    pub(super) unclaimed: Deadlines<Rank>,
    /// Turns, until they lapse.
    pub(super) turns: Deadlines<Rank>,
    pub(super) cursor: Rank,
    pub(super) next_rank: Rank,
    /// Up to where presence was last asked for.
    pub(super) horizon: Rank,
    /// How much of the drain the lane has had, by its weight.
    pub(super) pass: u64,
}

impl Lane {
    pub(super) fn new(next_rank: Rank) -> Self {
        Self {
            waiting: RankSet::default(),
            seen: HashMap::new(),
            passed: Deadlines::default(),
            unclaimed: Deadlines::default(),
            turns: Deadlines::default(),
            cursor: Rank::ZERO,
            next_rank,
            horizon: Rank::MAX,
            pass: 0,
        }
    }

    /// Whether somebody has this rank: waits with it, was passed over, or has their turn.
    pub(super) fn has(&self, rank: Rank) -> bool {
        self.waiting.contains(rank) || self.passed.contains(&rank) || self.turns.contains(&rank)
    }

    /// Puts a fan in who is there now.
    pub(super) fn put(&mut self, rank: Rank, own_time: Timestamp) {
        self.waiting.insert(rank);
        if rank <= self.horizon {
            self.seen.insert(rank, own_time);
        }
    }
}

impl Line {
    pub(super) fn new(rules: &Rules, revision: u64, memory: &Memory, now: Timestamp) -> Self {
        // One millisecond ahead: should this line replace one that was lost just now, its ranks are above all
        // that the lost one gave. It begins without permits, for those of the lost one may have been used.
        let moment = Rank::first_of(now + Duration::from_millis(1));
        let first_rank = moment.ahead_by(memory.lead).max(memory.above_all());
        let mut line = Self {
            rules: Arc::new(rules.clone()),
            revision,
            resumed_at: now,
            forgotten: vec![RankRange { from: Rank::ZERO, to: first_rank }],
            hold_until: Timestamp::default(),
            lead: first_rank.get() - moment.get(),
            rate: rules.first_rate(),
            units: 0,
            load: Load::default(),
            gathered_at: now,
            lanes: BTreeMap::new(),
            active: Deadlines::default(),
            admitted: HashMap::new(),
            ended: Ended::default(),
            voided_before: Timestamp::default(),
            by_hand: ByHand::default(),
            revealed: memory.revealed,
            joined_total: 0,
            admitted_total: 0,
            lapsed_total: 0,
            answers: HashMap::new(),
            answers_until: Deadlines::default(),
            invitations: HashMap::new(),
            invitations_until: Deadlines::default(),
            withdrawn: HashSet::new(),
            silent: Duration::ZERO,
            silence: Duration::ZERO,
            awake_at: now,
            shows_after: now,
            has_expired: false,
        };
        line.forget_the_draw(now, now);
        line.add_lanes(first_rank);
        line.recall(memory, now);
        if !memory.is_empty() {
            line.hold_until = now + rules.recovery_grace;
        }
        line
    }

    /// Takes notice of the time. While nobody asked for turns for longer than edges do, the store was out of reach,
    /// and so no fan could show: that time counts neither against their presence nor against their right to return.
    /// How long that was, or zero.
    pub(super) fn listen(&mut self, now: Timestamp) -> Duration {
        self.note_opening(now);
        let silence = now.since(self.gathered_at.max(self.awake_at));
        if silence <= SILENCE {
            return Duration::ZERO;
        }
        self.was_silent(silence, now);
        silence
    }

    /// Takes notice of an opening.
    pub(super) fn note_opening(&mut self, now: Timestamp) {
        if let (Some(prequeue_at), Some(opens_at)) = (self.rules.prequeue_at, self.rules.opens_at)
            && opens_at <= now
        {
            self.revealed = self.revealed.max(prequeue_at);
        }
    }

    /// When the line opens, or opened. An opening that has been stays, whatever a clock that is behind says or rules
    /// that put it off: otherwise fans would be drawn with a seed that everybody knows.
    pub(super) fn opens_at(&self, now: Timestamp) -> Option<Timestamp> {
        let is_revealed = self.rules.prequeue_at.is_some_and(|prequeue_at| prequeue_at <= self.revealed);
        self.rules.opens_at.map(|opens_at| if is_revealed { opens_at.min(now) } else { opens_at })
    }

    /// What mode and times come to.
    pub(super) fn phase(&self, now: Timestamp) -> Phase {
        let opens_at = self.opens_at(now);
        let has_opened = opens_at.is_some_and(|opens_at| opens_at <= now);
        self.rules.phase(if has_opened { now.max(self.rules.opens_at.unwrap_or_default()) } else { now })
    }

    /// Nobody reached the store for so long, until `now`.
    pub(super) fn was_silent(&mut self, silence: Duration, now: Timestamp) {
        self.silent += silence;
        if !silence.is_zero() {
            (self.silence, self.awake_at) = (silence, now);
        }
    }

    /// The line's own time, which stands still while nobody reaches the store.
    pub(super) fn own_time(&self, now: Timestamp) -> Timestamp {
        now - self.silent
    }

    /// Lanes that the rules no longer name keep their fans until they are named again.
    fn add_lanes(&mut self, next_rank: Rank) {
        for rule in &self.rules.lanes {
            self.lanes.entry(rule.name.clone()).or_insert_with(|| Lane::new(next_rank));
        }
    }

    pub(super) fn configure(&mut self, rules: &Rules, revision: u64, memory: &Memory, now: Timestamp) {
        self.recall(memory, now);
        if revision <= self.revision {
            return;
        }
        // What gathered until now gathered under the old rate.
        self.gather(now);
        let goes_on = rules.drain_per_minute == self.rules.drain_per_minute;
        self.rate = if goes_on { rules.bounded_rate(self.rate) } else { rules.first_rate() };
        self.rules = Arc::new(rules.clone());
        self.revision = revision;
        self.units = self.units.min(self.units_max());
        self.add_lanes(self.next_rank(now));
    }

    /// The lowest rank that may be given now in a lane that gave none yet.
    pub(super) fn next_rank(&self, now: Timestamp) -> Rank {
        Rank::first_of(now).ahead_by(self.lead)
    }

    /// Takes in what somebody remembers of this line, or of one that it replaces.
    fn recall(&mut self, memory: &Memory, now: Timestamp) {
        let mut least = memory.next_rank;
        if memory.lead > self.lead {
            self.lead = memory.lead;
            least = least.max(self.next_rank(now));
        }
        self.rise(least, now);
        for (name, cursor) in &memory.cursors {
            if let Some(lane) = self.lanes.get_mut(name) {
                lane.cursor = lane.cursor.max(*cursor);
            }
        }
        self.revealed = self.revealed.max(memory.revealed);
        self.joined_total = self.joined_total.max(memory.joined_total);
        self.admitted_total = self.admitted_total.max(memory.admitted_total);
    }

    /// Goes on with ranks from `least` on, for those below it were given by a line that was lost: they may be
    /// forgotten.
    pub(super) fn rise(&mut self, least: Rank, now: Timestamp) {
        let mut forgotten: Option<RankRange> = None;
        for lane in self.lanes.values_mut().filter(|lane| lane.next_rank < least) {
            let from = forgotten.map_or(lane.next_rank, |range| range.from.min(lane.next_rank));
            forgotten = Some(RankRange { from, to: least });
            lane.next_rank = least;
        }
        if let Some(range) = forgotten {
            self.forget(range);
            self.lead = self.lead.max(range.to.get().saturating_sub(Rank::first_of(now).get()));
        }
    }

    /// Goes on with a line that may have lost what happened lately: since permits last gathered, which every
    /// drain does. Nobody is admitted until those who know more have told it; no rank of before is given again;
    /// and no permit is left, for it may have been used.
    pub(super) fn resume(&mut self, now: Timestamp) {
        let from = Rank::first_of(self.gathered_at).ahead_by(self.lead);
        self.lead += TAKEOVER_LEAD;
        let least = self.next_rank(now);
        let mut to = least;
        for lane in self.lanes.values_mut() {
            lane.next_rank = lane.next_rank.max(least);
            to = to.max(lane.next_rank);
        }
        self.forget(RankRange { from, to });
        self.forget_the_draw(self.gathered_at, now);
        self.units = 0;
        self.gathered_at = now;
        self.hold_until = now + self.rules.recovery_grace;
        self.resumed_at = now.max(self.resumed_at + Duration::from_millis(1));
        self.shows_after = self.own_time(now);
    }

    /// Notes that ranks of the draw may be forgotten, if any were given between two moments.
    fn forget_the_draw(&mut self, known_until: Timestamp, now: Timestamp) {
        if let (Some(prequeue_at), Some(opens_at)) = (self.rules.prequeue_at, self.rules.opens_at)
            && prequeue_at <= now
            && known_until < opens_at
        {
            self.forget(RankRange { from: Rank::first_of(prequeue_at), to: Rank::first_of(opens_at) });
        }
    }

    fn forget(&mut self, range: RankRange) {
        self.forgotten.push(range);
        if let [first, second, ..] = *self.forgotten.as_slice()
            && self.forgotten.len() > FORGOTTEN_MAX
        {
            let both = RankRange { from: first.from.min(second.from), to: first.to.max(second.to) };
            self.forgotten.splice(..2, [both]);
        }
    }

    /// Whether a ticket of this rank may have been in the line, which does not know it any more. Ranks given afterwards
    /// say when a fan came, not when they were given: every older one may have been in the missing stretch.
    pub(super) fn may_have_forgotten(&self, rank: Rank, now: Timestamp) -> bool {
        if rank < self.by_hand.reset_below {
            return false;
        }
        // Longer than this nobody remembers who has been in.
        rank >= Rank::first_of(now - ENDED_MEMORY) && self.forgotten.iter().any(|range| range.contains(rank))
            || (rank.is_afterwards() && !self.is_drawn(rank))
                && self.forgotten.last().is_some_and(|last| rank < last.to)
    }

    fn is_drawn(&self, rank: Rank) -> bool {
        let (Some(from), Some(to)) = (self.rules.prequeue_at, self.rules.opens_at) else { return false };
        Rank::first_of(from) <= rank && rank < Rank::first_of(to)
    }

    fn units_max(&self) -> u64 {
        self.rules.burst * UNITS_PER_PERMIT
    }

    /// Whether fans whose turn comes are admitted. A rate of zero admits nobody, not even a burst.
    pub(super) fn drains(&self, now: Timestamp) -> bool {
        self.phase(now) == Phase::Open && self.rate > 0
    }

    /// Gathers the permits due since this was last done, up to the burst. While the room does not drain none
    /// gather, so that nothing is dumped after a pause. A clock that went back gathers nothing.
    pub(super) fn gather(&mut self, now: Timestamp) {
        if self.rules.mode.admits() {
            let (_, closes_at) = self.rules.open_time();
            let opens_at = self.opens_at(now).unwrap_or_default();
            let elapsed = millis(now.min(closes_at).since(self.gathered_at.max(opens_at)));
            let due = elapsed.saturating_mul(self.rate);
            self.units = self.units.saturating_add(due).min(self.units_max());
        }
        self.gathered_at = now;
    }

    /// Ends what has run out: sessions, turns that nobody claimed, rights to return. The permits of such turns
    /// go back to the drain.
    pub(super) fn expire(&mut self, now: Timestamp) {
        for ticket in self.active.take_expired(now) {
            self.admitted.remove(&ticket);
            self.ended.add(ticket, now);
            self.has_expired = true;
        }
        let own_time = self.own_time(now);
        let mut lapsed = 0;
        for lane in self.lanes.values_mut() {
            for rank in lane.turns.take_expired(now) {
                // From the first turn that they did not take: who stays and never claims is not offered turns for ever.
                let may_return_until =
                    lane.unclaimed.get(&rank).unwrap_or(own_time + self.rules.return_window);
                if may_return_until > own_time {
                    lane.unclaimed.set(rank, may_return_until);
                    lane.passed.set(rank, may_return_until);
                } else {
                    lane.unclaimed.remove(&rank);
                }
                lapsed += 1;
            }
            self.has_expired |= !lane.passed.take_expired(own_time).is_empty();
            let long_ago = own_time - self.rules.return_window - self.rules.claim_window;
            self.has_expired |= !lane.unclaimed.take_expired(long_ago).is_empty();
        }
        if lapsed > 0 {
            self.has_expired = true;
            self.lapsed_total += lapsed;
            self.units = self.units.saturating_add(lapsed * UNITS_PER_PERMIT).min(self.units_max());
        }
        self.has_expired |= self.ended.forget(now - ENDED_MEMORY);
    }

    pub(super) fn turns(&self) -> u64 {
        self.lanes.values().map(|lane| lane.turns.len()).sum()
    }

    /// Fans who wait in lanes that are drained. Who waits in one that the rules no longer name is in nobody's way.
    pub(super) fn waiting(&self) -> u64 {
        let lanes = self.rules.lanes.iter().filter_map(|rule| self.lanes.get(&rule.name));
        lanes.map(|lane| lane.waiting.len()).sum()
    }

    pub(super) fn room_left(&self) -> u64 {
        self.rules.max_active.saturating_sub(self.active.len() + self.turns())
    }
}
