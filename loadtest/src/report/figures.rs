//! A run in a few figures, for the words at the top, for tables and for comparisons.

use crate::run::record::{OutcomeFacts, ProcessSeries, RunRecord, Second, VerdictFacts};

/// How long after a fault what fails may still be due to it.
pub(crate) const AFTER_A_FAULT_S: f64 = 30.0;

/// A run in a few figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) length_s: f64,
    pub(crate) intended: u64,
    pub(crate) arrived: u64,
    pub(crate) admitted: u64,
    pub(crate) held: u64,
    pub(crate) bought: u64,
    pub(crate) left: u64,
    pub(crate) answers: u64,
    pub(crate) errors: u64,
    /// Those while a fault lasted, and soon after it.
    pub(crate) errors_by_faults: u64,
    pub(crate) waiting_most: u64,
    pub(crate) waiting_most_at: f64,
    pub(crate) inside_most: u64,
    pub(crate) sockets_most: u64,
    pub(crate) arrivals_most: u64,
    pub(crate) answers_most: u64,
    /// The second from the beginning in which the last fan was admitted.
    pub(crate) last_admitted_s: Option<f64>,
    /// Half of the fans who were admitted waited no longer, to the second of arrival.
    pub(crate) wait_median_s: Option<f64>,
    pub(crate) wait_most_s: Option<f64>,
    /// How many of the turns that were due while fans waited were given; 1 is all of them.
    pub(crate) drain_used: Option<f64>,
}

impl Figures {
    pub(crate) fn of(record: &RunRecord) -> Self {
        let seconds = &record.seconds;
        let sum = |of: fn(&Second) -> u64| seconds.iter().map(of).sum();
        let most = |of: fn(&Second) -> u64| seconds.iter().map(of).max().unwrap_or_default();
        let waiting_most = most(|second| second.waiting);
        let at = |wanted: &dyn Fn(&Second) -> bool| seconds.iter().position(wanted).map(|at| at as f64);
        Self {
            length_s: seconds.len() as f64,
            intended: sum(|second| second.intended),
            arrived: sum(|second| second.arrived),
            admitted: sum(|second| second.admitted),
            held: sum(|second| second.held),
            bought: sum(|second| second.bought),
            left: sum(|second| second.left),
            answers: sum(|second| second.answers),
            errors: sum(|second| second.errors),
            errors_by_faults: errors_by_faults(record),
            waiting_most,
            waiting_most_at: at(&|second| second.waiting == waiting_most).unwrap_or_default(),
            inside_most: most(|second| second.inside),
            sockets_most: most(|second| second.sockets),
            arrivals_most: most(|second| second.arrived),
            answers_most: most(|second| second.answers),
            last_admitted_s: seconds.iter().rposition(|second| second.admitted > 0).map(|at| at as f64),
            wait_median_s: wait_median(record),
            wait_most_s: record.waits.iter().map(|wait| wait.most_s).reduce(f64::max),
            drain_used: drain_used(record),
        }
    }

    /// Requests that were asked.
    pub(crate) fn asked(&self) -> u64 {
        self.answers + self.errors
    }
}

/// Requests that failed while a fault lasted, or in the time after it in which everything may have to find back.
fn errors_by_faults(record: &RunRecord) -> u64 {
    let is_near = |at: f64| {
        record.faults.iter().any(|fault| at + 1.0 >= fault.from_s && at <= fault.to_s + AFTER_A_FAULT_S)
    };
    let seconds = record.seconds.iter().enumerate().filter(|(at, _)| is_near(*at as f64));
    seconds.map(|(_, second)| second.errors).sum()
}

/// The rate in force in each second, in fans a minute; nothing before the first.
pub(crate) fn rate_at(record: &RunRecord, at: f64) -> Option<f64> {
    let since = record.configured.partition_point(|(from, _)| *from <= at);
    record.configured.get(since.checked_sub(1)?).map(|(_, rate)| *rate)
}

fn drain_used(record: &RunRecord) -> Option<f64> {
    let (mut due, mut given) = (0.0, 0.0);
    // What is due in the second in which the line becomes empty is not looked at: too little of it was waited for.
    for (at, pair) in record.seconds.windows(2).enumerate() {
        let [before, second] = pair else { continue };
        if before.waiting > 0 && second.waiting > 0 {
            due += rate_at(record, at as f64 + 1.0).unwrap_or_default() / 60.0;
            given += second.admitted as f64;
        }
    }
    (due >= 1.0).then(|| given / due)
}

fn wait_median(record: &RunRecord) -> Option<f64> {
    let mut waits: Vec<(f64, u64)> = record.waits.iter().map(|wait| (wait.median_s, wait.fans)).collect();
    waits.sort_by(|one, other| one.0.total_cmp(&other.0));
    let half = waits.iter().map(|(_, fans)| fans).sum::<u64>().div_ceil(2);
    let mut seen = 0;
    waits.into_iter().find_map(|(wait, fans)| {
        seen += fans;
        (seen >= half && half > 0).then_some(wait)
    })
}

/// What one process came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Use {
    pub(crate) cores_mean: f64,
    pub(crate) cores_most: f64,
    pub(crate) memory_most: u64,
    pub(crate) descriptors_most: u64,
}

impl Use {
    pub(crate) fn of(series: &ProcessSeries) -> Self {
        let samples = &series.samples;
        Self {
            cores_mean: samples.iter().map(|sample| sample.cores).sum::<f64>() / samples.len().max(1) as f64,
            cores_most: samples.iter().map(|sample| sample.cores).fold(0.0, f64::max),
            memory_most: samples.iter().map(|sample| sample.memory_bytes).max().unwrap_or_default(),
            descriptors_most: samples.iter().map(|sample| sample.descriptors).max().unwrap_or_default(),
        }
    }
}

/// Whether a process is of the crowd and not of the system.
pub(crate) fn is_crowd(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("crowd")
}

/// What became of the promises, put together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Promises<'a> {
    pub(crate) kept: Vec<&'a str>,
    pub(crate) broken: Vec<&'a str>,
    pub(crate) unjudged: Vec<&'a str>,
    pub(crate) not_asked: Vec<&'a str>,
}

impl<'a> Promises<'a> {
    pub(crate) fn of(verdicts: &'a [VerdictFacts]) -> Self {
        let mut promises = Self::default();
        for verdict in verdicts {
            let list = match verdict.outcome {
                OutcomeFacts::Kept => &mut promises.kept,
                OutcomeFacts::Broken => &mut promises.broken,
                OutcomeFacts::Unjudged => &mut promises.unjudged,
                OutcomeFacts::NotAsked => &mut promises.not_asked,
            };
            list.push(&verdict.promise);
        }
        promises
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::Waits;

    #[test]
    fn the_rate_that_was_used_is_that_while_fans_waited() {
        let second = |admitted, waiting| Second { admitted, waiting, ..Second::default() };
        let record = RunRecord {
            seconds: vec![
                second(0, 0),
                second(0, 50),
                second(10, 40),
                second(5, 35),
                second(35, 0),
                second(0, 0),
            ],
            configured: vec![(0.0, 600.0), (3.0, 300.0)],
            ..RunRecord::default()
        };
        assert_eq!(rate_at(&record, 2.9), Some(600.0));
        assert_eq!(rate_at(&record, 3.0), Some(300.0));
        assert_eq!(drain_used(&record), Some(1.0));
        assert_eq!(Figures::of(&record).last_admitted_s, Some(4.0));
        assert_eq!(drain_used(&RunRecord::default()), None);
    }

    #[test]
    fn the_median_counts_fans() {
        let wait = |median_s, fans| Waits { median_s, fans, ..Waits::default() };
        let record =
            RunRecord { waits: vec![wait(9.0, 1), wait(1.0, 1), wait(4.0, 5)], ..RunRecord::default() };
        assert_eq!(wait_median(&record), Some(4.0));
        assert_eq!(wait_median(&RunRecord::default()), None);
    }
}
