//! Model shops, and the loop that an adaptive drain and a shop make.

use std::collections::VecDeque;
use std::time::Duration;

use admission::adaptive::{
    Decision, DrainRange, History, INTERVAL, LoadInterval, LoadReport, Targets, decide,
};

/// Steps of the model in a second.
const PER_SECOND: usize = 4;
/// How long a shop lets a request wait.
const TIMEOUT: f64 = 10.0;

/// How a shop shows that it has too much to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shows {
    /// Refuses what is beyond its capacity, and is as quick as ever with the rest.
    Errors,
    /// Lets requests wait, and refuses those that waited too long.
    Queue,
    /// Becomes slower the closer it comes to its capacity, as a queue with chance arrivals does.
    Slowness,
    /// Tells its load, and is otherwise as `Errors`.
    Load,
}

/// A shop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shop {
    pub(crate) shows: Shows,
    /// Fans a minute that it can serve for ever, at this second.
    pub(crate) capacity: fn(f64) -> f64,
    /// Seconds from a fan's admission to their first request, and from that to their last.
    pub(crate) delay: f64,
    pub(crate) stay: f64,
    /// Requests a fan.
    pub(crate) requests: f64,
    /// How much chance there is in it, as a share, and the share of requests that fail anyway.
    pub(crate) noise: f64,
    pub(crate) failing_anyway: f64,
}

impl Shop {
    pub(crate) const fn new(shows: Shows, capacity: fn(f64) -> f64) -> Self {
        Self { shows, capacity, delay: 0.0, stay: 1.0, requests: 12.0, noise: 0.0, failing_anyway: 0.0 }
    }

    /// The same shop with fans who take ten seconds to begin and stay for a minute.
    pub(crate) const fn late(self) -> Self {
        Self { delay: 10.0, stay: 60.0, ..self }
    }

    pub(crate) const fn noisy(self) -> Self {
        Self { noise: 0.2, failing_anyway: 0.002, ..self }
    }
}

/// What happened in one interval.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Seconds from the beginning to the end of the interval.
    pub(crate) at: f64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) decision: Decision,
}

/// Numbers that look like chance and are the same each time.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// From 0 to 1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal, around 0 with a deviation of 1.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }

    /// `mean` things that happen by themselves, so many in fact.
    fn count(&mut self, mean: f64, noise: f64) -> f64 {
        if noise == 0.0 { mean } else { (mean + mean.sqrt() * self.normal() * noise * 5.0).max(0.0) }
    }
}

/// Runs the loop for so many seconds, with a line in which fans always wait.
pub(crate) fn run(shop: &Shop, range: DrainRange, seconds: u64, seed: u64) -> Vec<Seen> {
    run_with_line(shop, range, seconds, seed, |_| f64::MAX)
}

/// The same, with a line that never takes more than this many fans a minute.
pub(crate) fn run_with_line(
    shop: &Shop,
    range: DrainRange,
    seconds: u64,
    seed: u64,
    line: fn(f64) -> f64,
) -> Vec<Seen> {
    let mut chance = Chance::new(seed);
    let mut rate = range.start;
    let mut history = History::default().to_string();
    let mut admitted: VecDeque<f64> = VecDeque::new();
    let (mut permits, mut requests_due, mut failures_due) = (0.0, 0.0, 0.0);
    let (mut backlog, mut spare, mut load) = (0.0_f64, 0.0_f64, 0.0_f64);
    let mut seen = Vec::new();
    let per_interval = INTERVAL.as_secs() as usize * PER_SECOND;
    let (delay, stay) = ((shop.delay * PER_SECOND as f64) as usize, (shop.stay * PER_SECOND as f64) as usize);
    for number in 0..seconds * PER_SECOND as u64 / per_interval as u64 {
        let mut report = LoadReport::default();
        let mut entered = 0.0;
        for step in 0..per_interval {
            let at = (number as usize * per_interval + step) as f64 / PER_SECOND as f64;
            permits += (rate as f64).min(line(at)) / 60.0 / PER_SECOND as f64;
            let fans = permits.floor();
            permits -= fans;
            entered += fans;
            admitted.push_front(fans);
            admitted.truncate(delay + stay);
            let staying: f64 = admitted.iter().skip(delay).sum();
            let mean = staying * shop.requests / stay as f64;
            requests_due += chance.count(mean, shop.noise);
            let asked = requests_due.floor();
            requests_due -= asked;

            let wobble = 1.0 + shop.noise * chance.normal() / 3.0;
            let capacity = (shop.capacity)(at) / 60.0 * shop.requests / PER_SECOND as f64 * wobble.max(0.1);
            load += (asked / capacity - load) / (3 * PER_SECOND) as f64;
            let mut latency = 0.06;
            let refused;
            match shop.shows {
                Shows::Errors | Shows::Load => {
                    // A little of what was not used before can still be used.
                    let can = spare + capacity;
                    refused = (asked - can).max(0.0);
                    spare = (can - asked).clamp(0.0, capacity);
                }
                Shows::Queue | Shows::Slowness => {
                    if shop.shows == Shows::Slowness {
                        latency /= (1.0 - load).clamp(0.02, 1.0);
                    }
                    backlog = (backlog + asked - capacity).max(0.0);
                    let room = TIMEOUT * capacity * PER_SECOND as f64;
                    refused = (backlog - room).max(0.0);
                    backlog -= refused;
                    latency += backlog / capacity / PER_SECOND as f64;
                }
            }
            failures_due += refused + asked * shop.failing_anyway;
            let told = (shop.shows == Shows::Load).then_some(load);
            for _ in 0..asked as u64 {
                let failed = failures_due >= 1.0;
                failures_due -= f64::from(u8::from(failed));
                let spread = 0.5 + chance.next();
                report.record(Duration::from_secs_f64(latency * spread), failed, told);
            }
        }
        let interval = LoadInterval { number, length: INTERVAL, report, admitted: entered as u64, rate };
        // As the proxy that decides next would: from the text in the store.
        let decision = decide(&interval, &history.parse().unwrap(), range, &Targets::default());
        history = decision.history.to_string();
        rate = decision.rate;
        let at = (number + 1) as f64 * INTERVAL.as_secs_f64();
        seen.push(Seen { at, answered: report.answered(), failed: report.failed(), decision });
    }
    seen
}

/// What is to be said of a stretch of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) mean: f64,
    pub(crate) failed: f64,
    /// Lower than this, and higher than that, a twentieth of the time each.
    usually: (f64, f64),
}

impl Stretch {
    /// From one second to another.
    pub(crate) fn of(seen: &[Seen], from: f64, to: f64) -> Self {
        let part: Vec<&Seen> = seen.iter().filter(|seen| seen.at > from && seen.at <= to).collect();
        let rates = || part.iter().map(|seen| seen.decision.rate as f64);
        let mut sorted: Vec<f64> = rates().collect();
        sorted.sort_by(f64::total_cmp);
        let usually = (sorted[sorted.len() / 20], sorted[sorted.len() - 1 - sorted.len() / 20]);
        let answered: u64 = part.iter().map(|seen| seen.answered).sum();
        let failed: u64 = part.iter().map(|seen| seen.failed).sum();
        Self {
            low: rates().fold(f64::MAX, f64::min),
            high: rates().fold(0.0, f64::max),
            mean: rates().sum::<f64>() / part.len() as f64,
            failed: failed as f64 / answered.max(1) as f64,
            usually,
        }
    }

    /// The same without the lowest and the highest twentieth of the time.
    pub(crate) fn usual_swing(&self) -> f64 {
        (self.usually.1 - self.usually.0) / self.mean
    }

    /// From the lowest to the highest rate, as a share of the mean.
    pub(crate) fn swing(&self) -> f64 {
        (self.high - self.low) / self.mean
    }
}
