//! What a room was like over time, in two steps: the last half hour closely, the last day by the minute. Bounded, and
//! pure: it is told the time.

use std::collections::VecDeque;
use std::time::Duration;

use admission::adaptive::LoadReport;

use super::forecast::Observed;

/// How far apart the close samples are.
pub(super) const CLOSE_STEP: Duration = Duration::from_secs(2);
/// How far apart the others are.
pub(super) const FAR_STEP: Duration = Duration::from_secs(60);
/// Most close samples: half an hour.
const CLOSE_MAX: usize = 900;
/// Most others: a day.
const FAR_MAX: usize = 1440;
/// How far back what is going on now is judged by, in milliseconds.
const LATELY: u64 = 60_000;

/// The line of a room at a moment, the same at every proxy of the fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) waiting: u32,
    pub(super) active: u32,
    pub(super) turns: u32,
    /// Fans a minute, now: as configured, or as the drain adapted to the shop.
    pub(super) allowed: u32,
    /// Fans who joined, turns given, and turns that nobody claimed since the sample before; nothing where that one is
    /// not known.
    pub(super) counts: Option<[u32; 3]>,
}

/// A room at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sample {
    /// When, by this proxy's clock, in milliseconds since the Unix epoch.
    pub(super) at: u64,
    /// Fans a minute, as configured.
    pub(super) configured: u32,
    /// Most sessions, as configured.
    pub(super) max_active: u32,
    /// Nothing while the line cannot be reached.
    pub(super) line: Option<Line>,
    /// Seconds that half, nine tenths, and 99 of 100 did not wait longer than, of those let in here in the last minute.
    pub(super) waits: Option<[u32; 3]>,
    /// Requests to the shop that ended here since the sample before, and those of them that failed.
    pub(super) requests: [u32; 2],
    /// Milliseconds in which half and 95 of 100 were answered.
    pub(super) latency: Option<[f32; 2]>,
}

/// A number that takes half the room; nobody plots more than four billion fans.
pub(super) fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What 50, 90 and 99 of 100 waits do not exceed.
pub(super) fn percentiles(mut waits: Vec<u32>) -> Option<[u32; 3]> {
    waits.sort_unstable();
    let last = waits.len().checked_sub(1)?;
    let of =
        |share: usize| waits.get((waits.len() * share).div_ceil(100).saturating_sub(1).min(last)).copied();
    Some([of(50)?, of(90)?, of(99)?])
}

fn latency(report: &LoadReport) -> Option<[f32; 2]> {
    Some([report.latency(0.5)? as f32, report.latency(0.95)? as f32])
}

/// A minute that is not over.
#[derive(Clone, Debug)]
struct Minute {
    number: u64,
    sample: Sample,
    report: LoadReport,
}

/// The series of a room.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    close: VecDeque<Sample>,
    far: VecDeque<Sample>,
    minute: Option<Minute>,
    totals: Option<[u64; 3]>,
}

impl Series {
    /// What was added to totals since they were last told. Nothing for the first ones, after a time in which they were
    /// not known, and for a line that began anew.
    pub(super) fn counts(&mut self, totals: Option<[u64; 3]>) -> Option<[u32; 3]> {
        let before = std::mem::replace(&mut self.totals, totals)?;
        let mut counts = [0; 3];
        for (count, (now, before)) in counts.iter_mut().zip(totals?.into_iter().zip(before)) {
            *count = small(now.checked_sub(before)?);
        }
        Some(counts)
    }

    /// Takes in a sample, and what was seen of the shop since the one before.
    pub(super) fn push(&mut self, sample: Sample, report: &LoadReport) {
        let sample = Sample {
            requests: [small(report.answered()), small(report.failed())],
            latency: latency(report),
            ..sample
        };
        keep(&mut self.close, sample, CLOSE_MAX);
        let number = sample.at / (FAR_STEP.as_millis() as u64);
        match &mut self.minute {
            Some(minute) if minute.number == number => minute.add(sample, report),
            other => {
                let over = other.replace(Minute { number, sample, report: *report });
                if let Some(Minute { sample, report, .. }) = over {
                    keep(&mut self.far, Sample { latency: latency(&report), ..sample }, FAR_MAX);
                }
            }
        }
    }

    /// The close samples after a moment.
    pub(super) fn close(&self, after: u64) -> impl Iterator<Item = &Sample> {
        self.close.iter().filter(move |sample| sample.at > after)
    }

    /// The samples of whole minutes after a moment.
    pub(super) fn far(&self, after: u64) -> impl Iterator<Item = &Sample> {
        self.far.iter().filter(move |sample| sample.at > after)
    }

    /// How the line moved in the last minute before `now`; nothing where it cannot be told.
    pub(super) fn lately(&self, now: u64) -> Option<Observed> {
        let mut samples =
            self.close(now.saturating_sub(LATELY)).filter_map(|sample| Some((sample, sample.line?)));
        let (first, from) = samples.next()?;
        let (mut last, mut to) = (first, from);
        let [mut joined, mut given, mut lapsed] = [0.0; 3];
        let (mut inside, mut count) = (f64::from(from.active), 1.0);
        for (sample, line) in samples {
            let Some(counts) = line.counts else { continue };
            let [more_joined, more_given, more_lapsed] = counts.map(f64::from);
            (joined, given, lapsed) = (joined + more_joined, given + more_given, lapsed + more_lapsed);
            (inside, count) = (inside + f64::from(line.active), count + 1.0);
            (last, to) = (sample, line);
        }
        let more = |of: fn(&Line) -> u32| f64::from(of(&to)) - f64::from(of(&from));
        let claimed = given - lapsed - more(|line| line.turns);
        Some(Observed {
            seconds: last.at.saturating_sub(first.at) as f64 / 1000.0,
            given,
            lapsed,
            gone: (joined - given - more(|line| line.waiting)).max(0.0),
            ended: (claimed - more(|line| line.active)).max(0.0),
            inside: inside / count,
        })
    }
}

fn keep(samples: &mut VecDeque<Sample>, sample: Sample, most: usize) {
    while samples.len() >= most {
        samples.pop_front();
    }
    samples.push_back(sample);
}

impl Minute {
    /// Counts add up; of everything else the last stays.
    fn add(&mut self, sample: Sample, report: &LoadReport) {
        let before = self.sample;
        self.report.add(report);
        let sum = |counts: Option<[u32; 3]>, more: Option<[u32; 3]>| match (counts, more) {
            (Some([a, b, c]), Some([x, y, z])) => {
                Some([a.saturating_add(x), b.saturating_add(y), c.saturating_add(z)])
            }
            (some, none) => some.or(none),
        };
        let counts = sum(before.line.and_then(|line| line.counts), sample.line.and_then(|line| line.counts));
        let [requests, failed] = before.requests;
        self.sample = Sample {
            line: sample.line.map(|line| Line { counts, ..line }).or(before.line),
            waits: sample.waits.or(before.waits),
            requests: [
                requests.saturating_add(sample.requests[0]),
                failed.saturating_add(sample.requests[1]),
            ],
            ..sample
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_800_000_000_000 / 60_000 * 60_000;

    fn report(failed: bool) -> LoadReport {
        let mut report = LoadReport::default();
        report.record(Duration::from_millis(40), failed, None);
        report
    }

    fn sample(at: u64, waiting: u32, counts: Option<[u32; 3]>) -> Sample {
        let line = Line { waiting, active: 30, turns: 2, allowed: 60, counts };
        Sample { at: START + at, line: Some(line), ..Sample::default() }
    }

    #[test]
    fn counts_are_the_difference_of_totals_that_are_known_and_grow() {
        let mut series = Series::default();
        assert_eq!(series.counts(Some([10, 5, 1])), None);
        assert_eq!(series.counts(Some([14, 6, 1])), Some([4, 1, 0]));
        assert_eq!(series.counts(None), None, "the line is away");
        assert_eq!(series.counts(Some([90, 80, 70])), None, "nobody knows when they came");
        assert_eq!(series.counts(Some([0, 0, 0])), None, "the line began anew");
        assert_eq!(series.counts(Some([1, 0, 0])), Some([1, 0, 0]));
    }

    #[test]
    fn minutes_sum_what_is_counted_and_keep_the_last_of_the_rest() {
        let mut series = Series::default();
        for step in 0..31_u32 {
            series.push(sample(u64::from(step) * 2000, 100 + step, Some([3, 2, 1])), &report(step % 2 == 0));
        }
        assert_eq!((series.close(0).count(), series.far(0).count()), (31, 1));
        let minute = series.far(0).next().unwrap();
        let line = minute.line.unwrap();
        assert_eq!((line.counts, line.waiting), (Some([90, 60, 30]), 129));
        assert_eq!(minute.requests, [30, 15]);
        assert!(minute.latency.is_some_and(|[half, _]| (35.0..=50.0).contains(&half)));
        assert_eq!(series.close(START + 57_000).count(), 2, "only what is newer");
        // A line that is away for the end of a minute leaves what was known of it.
        series.push(Sample { at: START + 62_000, ..Sample::default() }, &LoadReport::default());
        series.push(sample(120_000, 7, None), &LoadReport::default());
        assert_eq!(series.far(START + 60_000).next().unwrap().line.unwrap().waiting, 130);
    }

    #[test]
    fn there_is_a_bound_to_each() {
        let mut series = Series::default();
        for step in 0..u64::try_from(FAR_MAX + 5).unwrap() * 30 {
            series.push(sample(step * 2000, 1, None), &LoadReport::default());
        }
        assert_eq!((series.close(0).count(), series.far(0).count()), (CLOSE_MAX, FAR_MAX));
    }

    #[test]
    fn what_happened_lately_is_told_from_the_samples() {
        let mut series = Series::default();
        assert_eq!(series.lately(START), None);
        // Each step three join, two get turns of which one lapses, and nothing else changes.
        for step in 0..11_u32 {
            series.push(sample(u64::from(step) * 2000, 100, Some([3, 2, 1])), &LoadReport::default());
        }
        let lately = series.lately(START + 20_000).unwrap();
        assert_eq!(
            lately,
            Observed { seconds: 20.0, given: 20.0, lapsed: 10.0, gone: 10.0, ended: 10.0, inside: 30.0 }
        );
        assert_eq!(series.lately(START + 200_000), None, "that was long ago");
    }

    #[test]
    fn percentiles_are_waits_of_fans() {
        assert_eq!(percentiles(Vec::new()), None);
        assert_eq!(percentiles(vec![7]), Some([7, 7, 7]));
        assert_eq!(percentiles((1..=100).rev().collect()), Some([50, 90, 99]));
        assert_eq!(percentiles((1..=1000).collect()), Some([500, 900, 990]));
    }
}
