//! What the proxies saw of the shop, in numbers that add up.

use std::time::Duration;

/// Upper ends of the steps in which latencies are counted, in milliseconds. The last step has no end.
const STEPS: [u64; 17] =
    [10, 20, 35, 50, 75, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 10_000];

/// How many steps there are.
const STEPS_COUNT: usize = STEPS.len() + 1;

/// How many integers a report is.
pub const REPORT_NUMBERS: usize = 3 + STEPS_COUNT;

/// Highest load that is told, in thousandths: whoever says more says no more than that.
const LOAD_MAX: u64 = 1_000_000;

/// What one proxy, or several together, saw of the shop since the last report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    answered: u64,
    failed: u64,
    load: u64,
    latencies: [u64; STEPS_COUNT],
}

impl LoadReport {
    /// Takes in one request to the shop: how long it took, whether it failed (5xx, no answer in time, no
    /// connection), and what the shop said of its load, 1.0 being full.
    pub fn record(&mut self, latency: Duration, failed: bool, load: Option<f64>) {
        self.answered = self.answered.saturating_add(1);
        self.failed = self.failed.saturating_add(u64::from(failed));
        if let Some(load) = load.filter(|load| load.is_finite() && *load > 0.0) {
            self.load = self.load.max(((load * 1000.0).ceil() as u64).min(LOAD_MAX));
        }
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        let step = STEPS.partition_point(|end| *end < millis);
        if let Some(count) = self.latencies.get_mut(step) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds what another proxy saw. Counts add up; of the loads the highest stays.
    pub fn add(&mut self, other: &Self) {
        self.answered = self.answered.saturating_add(other.answered);
        self.failed = self.failed.saturating_add(other.failed);
        self.load = self.load.max(other.load);
        for (mine, theirs) in self.latencies.iter_mut().zip(other.latencies) {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// Whether nothing was seen.
    pub const fn is_empty(&self) -> bool {
        self.answered == 0
    }

    /// Requests that ended, well or not.
    pub const fn answered(&self) -> u64 {
        self.answered
    }

    /// Those of them that failed.
    pub const fn failed(&self) -> u64 {
        self.failed
    }

    /// The highest load that the shop told, 1.0 being full; nothing where it told none.
    pub fn load(&self) -> Option<f64> {
        (self.load > 0).then_some(self.load as f64 / 1000.0)
    }

    /// The latency that this share of the requests did not exceed, in milliseconds, read off between the ends
    /// of its step; nothing where there were no requests.
    pub fn latency(&self, share: f64) -> Option<f64> {
        let total: u64 = self.latencies.iter().fold(0, |sum, count| sum.saturating_add(*count));
        let wanted = total as f64 * share.clamp(0.0, 1.0);
        let mut below = 0.0;
        let mut from = 0.0;
        for (index, count) in self.latencies.iter().enumerate() {
            let count = *count as f64;
            // Whoever takes longer than the longest step counts as twice that.
            let to = STEPS.get(index).map_or(from * 2.0, |end| *end as f64);
            if count > 0.0 && below + count >= wanted {
                return Some(from + (to - from) * ((wanted - below) / count).clamp(0.0, 1.0));
            }
            below += count;
            from = to;
        }
        None
    }

    /// The report as integers, in a fixed order: requests, failed ones, the highest load in thousandths, then
    /// the latencies by step. Two reports add up number by number, except that of the third the higher stays.
    pub fn to_numbers(self) -> [u64; REPORT_NUMBERS] {
        let mut numbers = [0; REPORT_NUMBERS];
        let all = [self.answered, self.failed, self.load].into_iter().chain(self.latencies);
        for (place, number) in numbers.iter_mut().zip(all) {
            *place = number;
        }
        numbers
    }

    /// The report of these integers; nothing where they are not one.
    pub fn from_numbers(numbers: &[u64]) -> Option<Self> {
        let (head, latencies) = numbers.split_first_chunk::<3>()?;
        let [answered, failed, load] = *head;
        let latencies = latencies.try_into().ok()?;
        (failed <= answered && load <= LOAD_MAX).then_some(Self { answered, failed, load, latencies })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(latencies: &[u64], failed: usize, load: Option<f64>) -> LoadReport {
        let mut report = LoadReport::default();
        for (index, latency) in latencies.iter().enumerate() {
            report.record(Duration::from_millis(*latency), index < failed, load);
        }
        report
    }

    #[test]
    fn reports_of_several_proxies_add_up() {
        let (one, two) = (report(&[5, 60, 900], 1, Some(0.4)), report(&[60, 20_000], 2, Some(0.7)));
        let mut sum = one;
        sum.add(&two);
        assert_eq!(sum, {
            let mut other_way = two;
            other_way.add(&one);
            other_way
        });
        assert_eq!((sum.answered(), sum.failed(), sum.load()), (5, 3, Some(0.7)));
        for (index, number) in sum.to_numbers().into_iter().enumerate() {
            let (a, b) = (one.to_numbers()[index], two.to_numbers()[index]);
            assert_eq!(number, if index == 2 { a.max(b) } else { a + b });
        }
    }

    #[test]
    fn integers_and_back() {
        for report in [LoadReport::default(), report(&[0, 10, 11, 99_999], 2, Some(1.25))] {
            assert_eq!(LoadReport::from_numbers(&report.to_numbers()), Some(report));
        }
        assert_eq!(LoadReport::from_numbers(&[]), None);
        assert_eq!(LoadReport::from_numbers(&[1; REPORT_NUMBERS - 1]), None);
        assert_eq!(LoadReport::from_numbers(&[1; REPORT_NUMBERS + 1]), None);
        let mut more_failed_than_asked = [0; REPORT_NUMBERS];
        more_failed_than_asked[1] = 1;
        assert_eq!(LoadReport::from_numbers(&more_failed_than_asked), None);
    }

    #[test]
    fn a_percentile_lies_within_its_step() {
        let report = report(&[40; 100], 0, None);
        assert!(report.latency(0.95).is_some_and(|latency| (35.0..=50.0).contains(&latency)));
        let mut mixed = report;
        for _ in 0..10 {
            mixed.record(Duration::from_millis(1200), false, None);
        }
        assert!(mixed.latency(0.5).is_some_and(|latency| latency <= 50.0));
        assert!(mixed.latency(0.95).is_some_and(|latency| (1000.0..=1500.0).contains(&latency)));
        assert_eq!(LoadReport::default().latency(0.95), None);
    }

    #[test]
    fn a_load_that_is_no_number_is_none() {
        for load in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            assert_eq!(report(&[1], 0, Some(load)).load(), None, "{load}");
        }
        assert_eq!(report(&[1], 0, Some(1e12)).load(), Some(1000.0));
    }
}
