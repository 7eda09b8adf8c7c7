//! How long a fan has yet to wait, as an honest range, from the drain that was observed.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Timestamp;

/// How far back the meter looks.
const WINDOW: Duration = Duration::from_secs(60);
/// Shorter than this, chance is too large a part of what was observed.
const WINDOW_MIN: Duration = Duration::from_secs(10);
/// Most samples kept: the window at four a second, with room to spare.
const SAMPLES_MAX: usize = 512;

/// A range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Hardly less than this.
    pub low: Duration,
    /// Hardly more than this.
    pub high: Duration,
}

/// Measures how fast a line really moves while fans wait in it.
#[derive(Clone, Debug, Default)]
pub struct DrainMeter {
    samples: VecDeque<(Timestamp, u64)>,
}

impl DrainMeter {
    /// Takes in that by `at` (the store's clock) `admitted` fans had been admitted in all, and whether fans
    /// were waiting. A line without waiting fans says nothing about how fast it can move.
    pub fn observe(&mut self, at: Timestamp, admitted: u64, anyone_waits: bool) {
        let went_back = self.samples.back().is_some_and(|&(last, count)| at < last || admitted < count);
        if !anyone_waits || went_back {
            self.samples.clear();
        }
        if !anyone_waits {
            return;
        }
        let step = WINDOW / SAMPLES_MAX as u32;
        if self.samples.back().is_none_or(|&(last, _)| at.since(last) >= step) {
            self.samples.push_back((at, admitted));
        }
        while self.samples.len() > SAMPLES_MAX
            || self.samples.front().is_some_and(|&(first, _)| at.since(first) > WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// Forgets what was observed: the rate was changed.
    pub fn reset(&mut self) {
        self.samples.clear();
    }

    /// Fans a minute, over the last minute; nothing while too little was seen.
    pub fn per_minute(&self) -> Option<f64> {
        let (first, from) = *self.samples.front()?;
        let (last, to) = *self.samples.back()?;
        let span = last.since(first);
        (span >= WINDOW_MIN).then(|| to.saturating_sub(from) as f64 * 60.0 / span.as_secs_f64())
    }

    /// The wait of a fan with `ahead` others before them, where the line is to move at
    /// `configured_per_minute`. Nothing when it does not move: then nobody knows.
    pub fn wait(&self, ahead: u64, configured_per_minute: u64) -> Option<Wait> {
        let configured = configured_per_minute as f64;
        if configured <= 0.0 {
            return None;
        }
        // The line never moves faster than configured for long; how much slower it moves (a full shop, turns
        // nobody claims) was seen.
        let observed = self.per_minute().map_or(configured, |rate| rate.min(configured));
        if observed <= 0.0 {
            return None;
        }
        let turns = ahead as f64 + 1.0;
        // Fans before this one who leave shorten the wait, a drain that falters lengthens it; and nothing is
        // told more finely than the steps in which the line moves.
        let low = (turns - 1.0) * 60.0 / configured * 0.8;
        let high = turns * 60.0 / observed * 1.2 + 2.0;
        Some(Wait { low: seconds(low), high: seconds(high) })
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + seconds * 1000)
    }

    fn steady(per_second: u64, seconds: u64) -> DrainMeter {
        let mut meter = DrainMeter::default();
        for second in 0..=seconds {
            meter.observe(at(second), second * per_second, true);
        }
        meter
    }

    #[test]
    fn a_steady_drain_is_measured() {
        assert_eq!(steady(2, 30).per_minute(), Some(120.0));
        assert_eq!(steady(2, 300).per_minute(), Some(120.0));
        assert_eq!(steady(2, 5).per_minute(), None, "too short to tell");
    }

    #[test]
    fn the_true_wait_lies_in_the_range() {
        let meter = steady(2, 60);
        for ahead in [0, 1, 10, 1000] {
            let wait = meter.wait(ahead, 120).unwrap();
            let truth = Duration::from_secs_f64((ahead as f64 + 1.0) / 2.0);
            assert!(wait.low <= truth && truth <= wait.high, "{ahead}: {wait:?}");
        }
    }

    #[test]
    fn a_slower_drain_than_configured_lengthens_the_range() {
        let wait = steady(1, 60).wait(59, 120).unwrap();
        assert!(wait.low <= Duration::from_secs(30) && wait.high >= Duration::from_secs(60), "{wait:?}");
    }

    #[test]
    fn nobody_knows_while_the_line_stands() {
        assert_eq!(steady(0, 60).wait(5, 120), None);
        assert_eq!(steady(2, 60).wait(5, 0), None);
    }

    #[test]
    fn an_empty_line_or_a_counter_that_went_back_starts_the_measure_anew() {
        let mut meter = steady(2, 60);
        meter.observe(at(61), 122, false);
        assert_eq!(meter.per_minute(), None);
        let mut meter = steady(2, 60);
        meter.observe(at(61), 3, true);
        assert_eq!(meter.per_minute(), None);
    }
}
