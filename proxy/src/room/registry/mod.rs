//! The fans that this proxy holds: those with an open WebSocket, and those who polled a moment ago.

mod due;
mod fan;
mod lanes;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::Timestamp;
use admission::rank::Rank;
use admission::store::{BATCH_MAX, LaneSnapshot, REPORT_MAX, Snapshot};
use admission::ticket::{Place, TicketId};
use tokio::time::Instant;

use crate::wire::Wire;
pub(super) use due::{Due, Round};
use fan::Fan;
pub(super) use fan::{Known, Stage};
use lanes::{Lanes, Spot};

/// Most fans that one proxy holds.
const FANS_MAX: usize = 500_000;
/// Most WebSockets of one ticket: two tabs are one fan, fifty are not.
const SOCKETS_PER_TICKET_MAX: usize = 8;

/// The fans that this proxy holds.
#[derive(Default)]
pub(super) struct Registry {
    fans: Lanes,
}

impl Registry {
    fn fan(&mut self, place: &Place, now: Instant) -> Option<&mut Fan> {
        if self.fans.len() >= FANS_MAX && self.fans.get(place).is_none() {
            return None;
        }
        Some(self.fans.get_or_insert(place, || Fan::new(now)))
    }

    /// A fan opened a WebSocket; over `wire` they hear what there is to tell. Refused when there are too many.
    pub(super) fn attach(&mut self, place: &Place, wire: &Arc<Wire>, now: Instant) -> bool {
        match self.fan(place, now) {
            Some(fan) if fan.wires.len() < SOCKETS_PER_TICKET_MAX => {
                fan.wires.push(wire.clone());
                // Their task tells them first of all.
                fan.told(dice(place.id), now);
                true
            }
            _ => false,
        }
    }

    /// A fan's WebSocket closed. They count as there for `grace` more, for a page that is being reloaded.
    pub(super) fn detach(&mut self, place: &Place, wire: &Arc<Wire>, grace: Duration, now: Instant) {
        if let Some(fan) = self.fans.get_mut(place) {
            fan.wires.retain(|other| !Arc::ptr_eq(other, wire));
            fan.polled_until = fan.polled_until.max(now + grace);
            if !fan.has_sockets() {
                fan.told(0, now);
            }
        }
    }

    /// A fan polled, and will again before `until`. What is known of them, unless there are too many.
    pub(super) fn polled(&mut self, place: &Place, until: Instant, now: Instant) -> Option<Known> {
        let fan = self.fan(place, now)?;
        fan.polled_until = fan.polled_until.max(until);
        Some(fan.known())
    }

    /// The fan joined a moment ago, with so many before them.
    pub(super) fn joined(&mut self, place: &Place, ahead: u64, now: Instant) {
        if let Some(fan) = self.fan(place, now) {
            fan.ahead_at_join = Some(ahead);
        }
    }

    /// What is known of the ticket.
    pub(super) fn known(&self, place: &Place) -> Option<Known> {
        self.fans.get(place).map(Fan::known)
    }

    /// How long a turn that has come is still good for.
    pub(super) fn admitted_for(&self, place: &Place, now: Instant) -> Option<Duration> {
        match self.known(place)?.stage {
            Stage::Admitted(until) => until.checked_duration_since(now),
            Stage::Waiting | Stage::Expired => None,
        }
    }

    /// Takes in what the store said, and tells the fan if it is news.
    pub(super) fn learn(&mut self, place: &Place, stage: Stage, now: Instant) {
        if let Some(fan) = self.fans.get_mut(place) {
            let is_news = std::mem::discriminant(&fan.stage) != std::mem::discriminant(&stage);
            fan.stage = stage;
            fan.looked_at = Some(now);
            if is_news {
                fan.ring();
            }
        }
    }

    /// The ticket is gone: the fan left.
    pub(super) fn forget(&mut self, place: &Place) {
        if let Some(fan) = self.fans.get_mut(place) {
            fan.stage = Stage::Expired;
            fan.ring();
        }
    }

    /// The ticket has to be restored, whatever was done before.
    pub(super) fn lost(&mut self, place: &Place) {
        if let Some(fan) = self.fans.get_mut(place) {
            fan.restored = None;
        }
    }

    /// The position to show for a fan with so many before them: never higher than what was shown.
    pub(super) fn show(&mut self, place: &Place, ahead: u64) -> u64 {
        match self.fans.get_mut(place) {
            Some(fan) => fan.shown.show(ahead),
            None => ahead.saturating_add(1),
        }
    }

    /// The fan was shown this position before, maybe by another proxy.
    pub(super) fn was_shown(&mut self, place: &Place, position: NonZeroU64) {
        if let Some(fan) = self.fans.get_mut(place) {
            fan.shown.was_shown(position);
        }
    }

    /// The waiting fans near the front whose presence was not reported within `every`. Takes note that it is now.
    pub(super) fn due_for_presence(
        &mut self,
        snapshot: &Snapshot,
        every: Duration,
        now: Instant,
    ) -> Vec<Place> {
        let mut due = Vec::new();
        for lane in &snapshot.lanes {
            for (spot, fan) in self.fans.range_mut(&lane.name, Rank::ZERO, lane.horizon) {
                let is_due = fan.reported_at.is_none_or(|at| now.duration_since(at) >= every);
                // What does not fit is due again the next time; those in front come first.
                if is_due && fan.stage == Stage::Waiting && fan.is_here(now) && due.len() < REPORT_MAX {
                    fan.reported_at = Some(now);
                    due.push(spot.place());
                }
            }
        }
        due
    }

    /// All presence has to be reported again: the store may have forgotten it.
    pub(super) fn all_are_due(&mut self) {
        self.fans.values_mut().for_each(|fan| fan.reported_at = None);
    }

    /// The reports of these fans did not arrive.
    pub(super) fn presence_failed(&mut self, places: &[Place]) {
        for place in places {
            if let Some(fan) = self.fans.get_mut(place) {
                fan.reported_at = None;
            }
        }
    }

    /// The fans whose turn may have come and who do not know it yet. Each is asked about every `every` at most.
    pub(super) fn due_for_a_look(&self, snapshot: &Snapshot, every: Duration, now: Instant) -> Vec<Place> {
        let mut due = Vec::new();
        for lane in &snapshot.lanes {
            for (spot, fan) in self.fans.range(&lane.name, Rank::ZERO, lane.cursor) {
                let wants_to_know = match fan.stage {
                    Stage::Waiting => true,
                    Stage::Admitted(until) => until <= now,
                    Stage::Expired => false,
                };
                let is_due = fan.looked_at.is_none_or(|at| now.duration_since(at) >= every);
                if wants_to_know && is_due && due.len() < REPORT_MAX {
                    due.push(spot.place());
                }
            }
        }
        due
    }

    /// Those whose turns were given out of order, and who do not know it yet.
    pub(super) fn called(&self, snapshot: &Snapshot, every: Duration, now: Instant) -> Vec<Place> {
        let called = &snapshot.by_hand.called;
        let here = called.iter().flat_map(|(lane, rank)| self.fans.range(lane, *rank, *rank));
        let is_due = |fan: &Fan| {
            fan.stage == Stage::Waiting && fan.looked_at.is_none_or(|at| now.duration_since(at) >= every)
        };
        here.filter(|(_, fan)| is_due(fan)).map(|(spot, _)| spot.place()).collect()
    }

    /// Everybody's place was taken back whose rank is below this one.
    pub(super) fn reset(&mut self, below: Rank, now: Instant) {
        let all = self.fans.iter();
        let gone: Vec<Place> =
            all.filter(|(spot, _)| spot.rank < below).map(|(spot, _)| spot.place()).collect();
        gone.iter().for_each(|place| self.learn(place, Stage::Expired, now));
    }

    /// The fans from before the store lost its data who were not put back yet.
    pub(super) fn due_for_restoring(&self, snapshot: &Snapshot) -> Vec<Place> {
        let mut due = Vec::new();
        for (lane, range) in
            snapshot.lanes.iter().flat_map(|lane| snapshot.forgotten.iter().map(move |range| (lane, range)))
        {
            for (spot, fan) in self.fans.range(&lane.name, range.from, range.to) {
                let is_due = snapshot.may_have_forgotten(spot.rank)
                    && fan.restored.is_none_or(|(line, _)| line != snapshot.resumed_at);
                if is_due && fan.stage != Stage::Expired && due.len() < 8 * BATCH_MAX {
                    due.push(spot.place());
                }
            }
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    /// These fans were put back.
    pub(super) fn restored(&mut self, places: &[Place], line: Timestamp, now: Instant) {
        for place in places {
            if let Some(fan) = self.fans.get_mut(place) {
                fan.restored = Some((line, now));
            }
        }
    }

    /// Rings for everyone: something changed that concerns them all.
    pub(super) fn ring_all(&self) {
        self.fans.values().for_each(Fan::ring);
    }

    /// Nobody is told anything any more: WebSockets are to be closed.
    pub(super) fn shut_all(&self) {
        self.fans.values().for_each(|fan| fan.wires.iter().for_each(|wire| wire.shut()));
    }

    /// Those who wait here and have no turn, the lowest ranks of all lanes first.
    pub(super) fn first_waiting(&self, most: usize, now: Instant) -> Vec<Place> {
        let mut waiting: Vec<Spot<'_>> = self.waiting(now).collect();
        if waiting.len() > most {
            waiting.select_nth_unstable_by_key(most, |spot| spot.rank);
            waiting.truncate(most);
        }
        waiting.sort_unstable_by_key(|spot| spot.rank);
        waiting.into_iter().map(Spot::place).collect()
    }

    /// Whether anybody waits here and has no turn.
    pub(super) fn anyone_waits(&self, now: Instant) -> bool {
        self.waiting(now).next().is_some()
    }

    fn waiting(&self, now: Instant) -> impl Iterator<Item = Spot<'_>> {
        let waits = move |stage: Stage| match stage {
            Stage::Waiting => true,
            Stage::Admitted(until) => until <= now,
            Stage::Expired => false,
        };
        let is_due = move |fan: &Fan| waits(fan.stage) && fan.is_here(now);
        self.fans.iter().filter(move |(_, fan)| is_due(fan)).map(|(spot, _)| spot)
    }

    /// How many wait here though the cursor of their lane is at their rank, or beyond it.
    pub(super) fn overtaken(&self, snapshot: &Snapshot) -> usize {
        let passed = |lane: &LaneSnapshot| {
            let fans = self.fans.range(&lane.name, Rank::ZERO, lane.cursor);
            fans.filter(|(_, fan)| fan.stage == Stage::Waiting && fan.has_sockets()).count()
        };
        snapshot.lanes.iter().map(passed).sum()
    }

    /// Lets go of fans who are not there any more.
    pub(super) fn drop_the_gone(&mut self, now: Instant) {
        self.fans.retain(|fan| fan.is_here(now));
    }

    /// How many fans are held.
    pub(super) fn len(&self) -> usize {
        self.fans.len()
    }
}

/// Any number, another one for each fan: their tickets' ids are random.
fn dice(id: TicketId) -> u8 {
    let [first, ..] = id.bytes();
    first
}

#[cfg(test)]
mod tests;
