//! How the requests of the last moments ended.

use std::collections::VecDeque;
use std::time::Duration;

use super::{BreakerRules, Outcome};

/// The requests of the last `window`.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    silent_in_a_row: u32,
    slices: VecDeque<Slice>,
}

/// Requests of one stretch of time.
#[derive(Clone, Copy, Debug)]
struct Slice {
    from: Duration,
    all: u32,
    bad: u32,
}

/// Into how many stretches the window is divided.
const SLICES: u32 = 10;

impl Recent {
    /// Counts one more. Whether it shows that the shop fails.
    pub(super) fn tell(&mut self, rules: &BreakerRules, now: Duration, outcome: Outcome) -> bool {
        let is_bad = match outcome {
            Outcome::Unknown => return false,
            Outcome::Good | Outcome::Late => false,
            Outcome::Bad | Outcome::Silent => true,
        };
        self.silent_in_a_row = if outcome == Outcome::Silent { self.silent_in_a_row + 1 } else { 0 };
        self.count(now, rules.window, is_bad);
        if !is_bad {
            return false;
        }
        let (all, bad) =
            self.slices.iter().fold((0, 0), |(all, bad), slice| (all + slice.all, bad + slice.bad));
        let too_many =
            all >= rules.least && u64::from(bad) * 100 >= u64::from(all) * u64::from(rules.percent);
        self.silent_in_a_row >= rules.failures || too_many
    }

    fn count(&mut self, now: Duration, window: Duration, is_bad: bool) {
        while self.slices.front().is_some_and(|slice| slice.from + window <= now) {
            self.slices.pop_front();
        }
        let is_new = self.slices.back().is_none_or(|slice| slice.from + window / SLICES <= now);
        if is_new {
            self.slices.push_back(Slice { from: now, all: 0, bad: 0 });
        }
        if let Some(slice) = self.slices.back_mut() {
            slice.all += 1;
            slice.bad += u32::from(is_bad);
        }
    }
}
