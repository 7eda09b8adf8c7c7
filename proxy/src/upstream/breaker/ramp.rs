//! A circuit that is half open: from one request at a time to as many as come.
//!
//! The number that may be under way at once grows and shrinks as TCP's congestion window does (RFC 5681, section 3.1): by one with
//! each answer at first; it is halved by a failure, once for all that were sent before; from then on it grows by one with
//! as many answers as there is room. So a shop that refuses what is too much at once is kept just below that.

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
    /// Where growing with each answer ends.
    threshold: u32,
    /// Answers since the room last grew, beyond the threshold.
    answers: u32,
    /// Counts how often the room was halved: one stumble of the shop fails many requests at once.
    epoch: u32,
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

impl Default for Ramp {
    fn default() -> Self {
        Self {
            room: 1,
            under_way: 0,
            good: 0,
            recent: Recent::default(),
            refused_at: None,
            threshold: u32::MAX,
            answers: 0,
            epoch: 0,
        }
    }
}

impl Ramp {
    /// Whether one more may be sent now; it is under way then. With how often the room was halved before.
    pub(super) fn send(&mut self, now: Duration) -> Option<u32> {
        if self.under_way >= self.room {
            self.refused_at = Some(now);
            return None;
        }
        self.under_way += 1;
        Some(self.epoch)
    }

    /// Tells how one ended that was sent at `epoch`.
    pub(super) fn tell(
        &mut self,
        rules: &BreakerRules,
        now: Duration,
        epoch: u32,
        outcome: Outcome,
    ) -> Verdict {
        self.under_way = self.under_way.saturating_sub(1);
        if self.good < rules.trials {
            return self.tried(rules, now, outcome);
        }
        if self.recent.tell(rules, now, outcome) {
            return Verdict::Fails;
        }
        match outcome {
            Outcome::Good => self.grow(),
            Outcome::Late => {}
            Outcome::Unknown => return Verdict::GoesOn,
            Outcome::Bad | Outcome::Silent => {
                if epoch == self.epoch {
                    self.room = (self.room / 2).max(1);
                    (self.threshold, self.answers) = (self.room, 0);
                    self.epoch = self.epoch.wrapping_add(1);
                }
                return Verdict::GoesOn;
            }
        }
        self.after_an_answer(rules, now)
    }

    fn grow(&mut self) {
        self.answers += 1;
        if self.room < self.threshold || self.answers >= self.room {
            self.room = self.room.saturating_add(1);
            self.answers = 0;
        }
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
