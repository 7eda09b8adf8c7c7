//! What the shop's load does to the rate, where the drain adapts.

use crate::adaptive::{History, INTERVAL, LoadInterval, LoadReport};
use crate::clock::Timestamp;

use super::line::Line;

/// What the proxies saw of the shop in the interval that goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Load {
    number: u64,
    since: Timestamp,
    /// Fans who had been admitted when it began.
    admitted: u64,
    sums: Vec<u64>,
    history: String,
}

impl Load {
    /// The beginning of an interval that nobody saw anything of yet, with what the controller remembers.
    pub(super) fn remembering(history: String) -> Self {
        Self { history, ..Self::default() }
    }

    /// What the controller remembers.
    pub(super) fn history(&self) -> &str {
        &self.history
    }
}

impl Line {
    pub(super) fn report_load(
        &mut self,
        report: &LoadReport,
        now: Timestamp,
    ) -> Option<(LoadInterval, History)> {
        self.rules.adaptive?;
        let mut sums = LoadReport::from_numbers(&self.load.sums).unwrap_or_default();
        sums.add(report);
        let length = now.since(self.load.since);
        let went_back = now < self.load.since;
        if !went_back && length < INTERVAL {
            self.load.sums = sums.to_numbers().to_vec();
            return None;
        }
        // Turns that lapsed were no admissions.
        let admitted = self.admitted_total.saturating_sub(self.lapsed_total);
        let is_over = self.load.since != Timestamp::default() && !went_back;
        let interval = is_over.then(|| LoadInterval {
            number: self.load.number,
            length,
            report: sums,
            admitted: admitted.saturating_sub(self.load.admitted),
            rate: self.rate,
        });
        let history = self.load.history.clone();
        let number = self.load.number + 1;
        self.load = Load { number, since: now, admitted, sums: vec![], history };
        interval.map(|interval| (interval, self.load.history.parse().unwrap_or_default()))
    }

    pub(super) fn set_rate(&mut self, interval: u64, rate: u64, history: &History, now: Timestamp) -> bool {
        if self.rules.adaptive.is_none() || self.load.number != interval + 1 {
            return false;
        }
        // What gathered until now gathered under the old rate.
        self.gather(now);
        self.rate = self.rules.bounded_rate(rate);
        self.load.history = history.to_string();
        true
    }
}
