//! `on_store_failure = "open"`: while the store is away this proxy lets fans in by itself, at a pace of its own. Those
//! who wait here go first, by rank; then whoever comes.

use std::sync::Arc;
use std::time::Duration;

use admission::name::LaneId;
use admission::rank::Rank;
use admission::rules::Phase;
use admission::ticket::{Place, Ticket};
use tokio::time::Instant;

use super::registry::Stage;
use super::{Pass, Room, RoomError};
use crate::config::rooms::OnStoreFailure;
use crate::limits::{Pace, Paced};

/// How often turns are given while the store is away.
const EVERY: Duration = Duration::from_millis(250);
/// Most turns given at once.
const TURNS_MAX: usize = 1000;

/// The pace at which fans are let in without the store.
pub(super) struct WithoutStore {
    paced: Paced,
    began: Instant,
}

impl WithoutStore {
    pub(super) fn new() -> Self {
        Self { paced: Paced::default(), began: Instant::now() }
    }

    /// Whether one more may go at this rate; at 0 nobody is let in.
    fn take(&self, per_minute: u64) -> bool {
        // From one second on, or the first moments would owe what was never given.
        let now =
            u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_add(1_000_000);
        let pace = Pace::new(per_minute, per_minute.div_ceil(60));
        pace.is_some_and(|pace| self.paced.take(pace, now).is_ok())
    }
}

/// Gives turns for as long as there is the room. By itself, for the tick waits for the store.
pub(super) fn start(room: &Arc<Room>) {
    let room = Arc::downgrade(room);
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(EVERY);
        loop {
            interval.tick().await;
            let Some(room) = room.upgrade() else { break };
            if room.opens_without_store() {
                room.give_turns_without_store();
            }
        }
    });
}

impl Room {
    /// Whether fans are let in though the store is away: where the room is to be open then, and would admit anybody.
    pub(super) fn opens_without_store(&self) -> bool {
        self.config().on_store_failure == OnStoreFailure::Open
            && self.view.load().store_is_gone()
            && self.phase_now() == Phase::Open
    }

    fn give_turns_without_store(&self) {
        let now = Instant::now();
        let mut registry = self.registry.lock();
        for place in registry.first_waiting(TURNS_MAX, now) {
            if self.sessions.knows(place.id) {
                continue;
            }
            if !self.without_store.take(self.config().open_per_minute) {
                break;
            }
            registry.learn(&place, Stage::Admitted(now + self.config().rules.claim_window), now);
        }
    }

    /// A fan whose turn has come claims it while the store is away.
    pub(super) fn claim_without_store(&self, place: &Place) -> Result<Option<Pass>, RoomError> {
        let now = Instant::now();
        if !self.opens_without_store() || self.registry.lock().admitted_for(place, now).is_none() {
            return Ok(None);
        }
        let pass = self.pass_without_store(place)?;
        self.registry.lock().learn(place, Stage::Admitted(now + pass.age), now);
        Ok(Some(pass))
    }

    /// A fan without a place comes while the store is away: they are let in where nobody waits here and the pace
    /// allows.
    pub fn enter_without_store(&self, noted: Option<&Ticket>) -> Option<Pass> {
        if !self.opens_without_store() || self.registry.lock().anyone_waits(Instant::now()) {
            return None;
        }
        let (id, lane) = match noted {
            Some(ticket) if self.sessions.has_ended(ticket.id) => return None,
            Some(ticket) => (ticket.id, ticket.lane.clone()),
            None => (self.random_id().ok()?, LaneId::general()),
        };
        let place = Place { lane, rank: Rank::ZERO, id };
        self.without_store
            .take(self.config().open_per_minute)
            .then(|| self.pass_without_store(&place).ok())
            .flatten()
    }

    /// A session that the store hears of when it is back, with all the others.
    fn pass_without_store(&self, place: &Place) -> Result<Pass, RoomError> {
        let view = self.view.load();
        let now = view.store_now().unwrap_or_else(|| self.ports.clock.now());
        self.pass(place, now + view.rules(&self.config().rules).session, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_a_minute_and_no_more() {
        let open = WithoutStore::new();
        let take = || (0..1000).filter(|_| open.take(120)).count();
        assert_eq!(take(), 2, "a second's worth at once");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(take(), 2, "what was not used is not saved up");
        let mut taken = 0;
        for _ in 0..600 {
            tokio::time::advance(Duration::from_millis(100)).await;
            taken += take();
        }
        assert_eq!(taken, 120);
        assert!(!WithoutStore::new().take(0));
    }
}
