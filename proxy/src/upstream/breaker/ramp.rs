//! A circuit that is half open: from one request at a time to as many as come.
//!
//! The number that may be under way at once grows as TCP's congestion window does in slow start (RFC 5681, section 3.1), and
//! is halved by a failure.

use std::time::Duration;

use super::recent::Recent;
use super::{BreakerRules, Outcome};

/// How far the circuit is on its way from open to closed.
#[derive(Clone, Debug)]
pub(super) struct Ramp {
    /// So many may be under way at once. Grows by answers to real requests, so it is never far above what came.
    room: u32,
    under_way: u32,
    /// Trials that were good.
    good: u32,
    /// What was sent after the trials.
    recent: Recent,
    /// When somebody last had to be refused for want of room.
    refused_at: Option<Duration>,
    /// When the room was last halved: one stumble of the shop fails many requests at once.
    halved_at: Option<Duration>,
}

/// What an outcome shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The shop still fails.
    Fails,
    /// The shop has answered all who came.
    IsWell,
    /// Neither is sure.
    GoesOn,
}

/// How long after the room was halved failures do not halve it again.
const STUMBLE: Duration = Duration::from_secs(1);

impl Default for Ramp {
    fn default() -> Self {
        Self { room: 1, under_way: 0, good: 0, recent: Recent::default(), refused_at: None, halved_at: None }
    }
}

impl Ramp {
    /// Whether one more may be sent now; it is under way then.
    pub(super) fn has_room(&mut self, now: Duration) -> bool {
        let has_room = self.under_way < self.room;
        if has_room {
            self.under_way += 1;
        } else {
            self.refused_at = Some(now);
        }
        has_room
    }

    /// Tells how one ended that was under way.
    pub(super) fn tell(&mut self, rules: &BreakerRules, now: Duration, outcome: Outcome) -> Verdict {
        self.under_way = self.under_way.saturating_sub(1);
        if self.good < rules.trials {
            return self.tried(rules, now, outcome);
        }
        if self.recent.tell(rules, now, outcome) {
            return Verdict::Fails;
        }
        match outcome {
            Outcome::Good => self.room = self.room.saturating_add(1),
            Outcome::Late => {}
            Outcome::Unknown => return Verdict::GoesOn,
            Outcome::Bad | Outcome::Silent => {
                if self.halved_at.is_none_or(|at| at + STUMBLE <= now) {
                    self.room = (self.room / 2).max(1);
                    self.halved_at = Some(now);
                }
                return Verdict::GoesOn;
            }
        }
        self.after_an_answer(rules, now)
    }

    fn tried(&mut self, rules: &BreakerRules, now: Duration, outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Unknown => Verdict::GoesOn,
            Outcome::Bad | Outcome::Silent => Verdict::Fails,
            Outcome::Good | Outcome::Late => {
                self.good += 1;
                if self.good < rules.trials {
                    return Verdict::GoesOn;
                }
                self.room = 2;
                self.after_an_answer(rules, now)
            }
        }
    }

    fn after_an_answer(&self, rules: &BreakerRules, now: Duration) -> Verdict {
        let all_had_room = self.refused_at.is_none_or(|at| at + rules.window <= now);
        if all_had_room { Verdict::IsWell } else { Verdict::GoesOn }
    }
}
