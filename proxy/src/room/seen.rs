//! What this proxy alone sees of a room: how its fans waited, and how the shop answered them. For operators who look.

use std::collections::VecDeque;
use std::time::Duration;

use admission::adaptive::LoadReport;
use admission::clock::Timestamp;
use admission::ticket::Ticket;
use parking_lot::Mutex;

use super::{Pass, Room};

/// Most waits that are kept: of more, those before go.
const WAITS_MAX: usize = 4096;
/// A session that began longer ago is claimed once more, from a second tab.
const JUST_NOW: Duration = Duration::from_secs(2);

/// What was seen and not asked for yet.
#[derive(Default)]
pub(super) struct Seen {
    shop: Mutex<LoadReport>,
    /// When a fan was let in, and how many seconds they had waited.
    waits: Mutex<VecDeque<(Timestamp, u32)>>,
}

impl Seen {
    pub(super) fn shop(&self, latency: Duration, failed: bool, load: Option<f64>) {
        self.shop.lock().record(latency, failed, load);
    }

    fn let_in(&self, at: Timestamp, wait: Duration) {
        let mut waits = self.waits.lock();
        while waits.len() >= WAITS_MAX {
            waits.pop_front();
        }
        waits.push_back((at, u32::try_from(wait.as_secs()).unwrap_or(u32::MAX)));
    }

    fn waits_since(&self, since: Timestamp) -> Vec<u32> {
        let mut waits = self.waits.lock();
        while waits.front().is_some_and(|(at, _)| *at < since) {
            waits.pop_front();
        }
        waits.iter().map(|(_, wait)| *wait).collect()
    }
}

impl Room {
    /// A fan with this ticket claimed their turn and has this pass: they waited from when they came, or from the
    /// opening.
    pub fn let_in(&self, ticket: &Ticket, pass: &Pass) {
        let now = self.ports.clock.now();
        if now.since(pass.admission.admitted_at) > JUST_NOW {
            return;
        }
        let opened_at = self.config().rules.opens_at.unwrap_or_default();
        self.load.seen.let_in(now, now.since(ticket.issued_at.max(opened_at)));
    }

    /// How the shop answered fans of this room here since this was last asked.
    pub fn take_shop_report(&self) -> LoadReport {
        std::mem::take(&mut self.load.seen.shop.lock())
    }

    /// How many seconds those had waited who were let in here since then, in the order of their turns.
    pub fn waits_since(&self, since: Timestamp) -> Vec<u32> {
        self.load.seen.waits_since(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_kept_for_as_long_as_they_are_asked_for_and_there_are_only_so_many() {
        let seen = Seen::default();
        let at = |millis: u64| Timestamp::from_millis(1_000_000 + millis);
        for second in 0..10 {
            seen.let_in(at(second * 1000), Duration::from_secs(second * 60));
        }
        assert_eq!(seen.waits_since(at(7000)), [420, 480, 540]);
        assert_eq!(seen.waits_since(at(0)), [420, 480, 540], "what was older is gone");
        for _ in 0..2 * WAITS_MAX {
            seen.let_in(at(20_000), Duration::MAX);
        }
        assert_eq!(seen.waits_since(at(0)).len(), WAITS_MAX);
    }
}
