//! The figures of a rehearsal, summed up.

use admission::clock::Timestamp;
use serde::Serialize;

use super::Plan;
use super::advice::{self, Advice};
use super::tally::{LaneTally, Sample, Tally};

/// Most points of a plot: neighbouring seconds are put together.
const POINTS_MAX: usize = 400;

/// How long fans waited, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Waits {
    /// Half of them no longer than this.
    pub p50: f64,
    /// Nine of ten no longer than this.
    pub p90: f64,
    /// Ninety-nine of a hundred no longer than this.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// What became of the fans of one lane.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaneFigures {
    /// The lane.
    pub lane: String,
    /// Its weight.
    pub weight: u32,
    /// Who came and got a place or got in.
    pub came: u64,
    /// Who got in.
    pub got_in: u64,
    /// How long they waited.
    pub wait_seconds: Waits,
    /// Who closed the page while they waited.
    pub left: u64,
    /// Whose turn lapsed because they did not take it.
    pub no_shows: u64,
    /// Whose turn lapsed before they came to take it, and who waited on.
    pub late: u64,
    /// Who still waited when it ended.
    pub still_waiting: u64,
}

/// The figures of a rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The room.
    pub room: String,
    /// The seed that repeats it.
    pub seed: u64,
    /// How many fans came.
    pub fans: u64,
    /// Most of them in one second.
    pub arrivals_per_second_max: u64,
    /// Who was told that the room is not open, or closed.
    pub turned_away: u64,
    /// Who was told that the line is full.
    pub full: u64,
    /// Lane by lane.
    pub lanes: Vec<LaneFigures>,
    /// The longest line.
    pub waiting_max: u64,
    /// When that was, in seconds after the opening.
    pub waiting_max_at: f64,
    /// The rate as configured, fans a minute.
    pub drain_per_minute: u64,
    /// The lowest and the highest rate in force while fans waited.
    pub rate_range: (u64, u64),
    /// How much of the rate fans got who took their turn, while somebody waited; 1 is all of it.
    pub utilisation: f64,
    /// In how much of that time the shop was full.
    pub full_share: f64,
    /// Most fans in the room at one time, as `max_active` counts them.
    pub active_max: u64,
    /// How many there were on average, from the first to the last who got in.
    pub active_mean: f64,
    /// How many may be there.
    pub max_active: u64,
    /// Requests to the shop a second, the most and on average over the same time.
    pub shop_requests_max: f64,
    /// The same, on average.
    pub shop_requests_mean: f64,
    /// What it can answer, where that was said.
    pub shop_capacity: Option<f64>,
    /// The slowest second of the shop, in milliseconds.
    pub shop_latency_ms_max: f64,
    /// The share of the requests that failed.
    pub shop_failed: f64,
    /// Who was put out of the shop by `session_max`.
    pub put_out: u64,
    /// When the last fan got in, in seconds after the opening.
    pub last_in_at: Option<f64>,
    /// Whether the time was over before everybody was through.
    pub is_cut_short: bool,
    /// What an operator should know.
    pub advice: Vec<Advice>,
    /// The room over time.
    pub course: Vec<Sample>,
    /// Half, and nine of ten, of those who came at about that time waited no longer than so many seconds.
    pub waits: Vec<(f64, f64, f64)>,
}

/// Sums up.
pub fn sum_up(plan: &Plan, mut tally: Tally) -> Figures {
    let lanes: Vec<LaneFigures> = plan
        .rules
        .lanes
        .iter()
        .zip(&mut tally.lanes)
        .map(|(rule, tally)| lane(rule.name.to_string(), rule.weight, tally))
        .collect();
    let longest = tally.samples.iter().max_by_key(|sample| sample.waiting).copied().unwrap_or_default();
    let busy = busy(&tally);
    let seconds = match busy {
        [first, .., last] => (last.at - first.at).max(1.0),
        _ => 1.0,
    };
    let asked: u64 = tally.samples.iter().map(|sample| sample.asked).sum();
    let failed: u64 = tally.samples.iter().map(|sample| sample.failed).sum();
    let rates = || busy.iter().filter(|sample| sample.waiting > 0).map(|sample| sample.rate);
    let taken = tally.turns.saturating_sub(tally.lapsed) as f64;
    let mut figures = Figures {
        room: plan.room.to_string(),
        seed: plan.seed,
        fans: plan.fans as u64,
        arrivals_per_second_max: tally.samples.iter().map(|sample| sample.came).max().unwrap_or_default(),
        turned_away: tally.turned_away,
        full: tally.full,
        lanes,
        waiting_max: longest.waiting,
        waiting_max_at: longest.at,
        drain_per_minute: plan.rules.drain_per_minute,
        rate_range: (
            rates().min().unwrap_or(plan.rules.drain_per_minute),
            rates().max().unwrap_or(plan.rules.drain_per_minute),
        ),
        utilisation: if tally.due < 1.0 { 0.0 } else { (taken / tally.due).min(1.0) },
        full_share: tally.full_seconds as f64 / tally.waiting_seconds.max(1) as f64,
        active_max: tally.samples.iter().map(|sample| sample.active).max().unwrap_or_default(),
        active_mean: busy.iter().map(|sample| sample.active as f64).sum::<f64>() / busy.len().max(1) as f64,
        max_active: plan.rules.max_active,
        shop_requests_max: tally.samples.iter().map(|sample| sample.asked).max().unwrap_or_default() as f64,
        shop_requests_mean: busy.iter().map(|sample| sample.asked).sum::<u64>() as f64 / seconds,
        shop_capacity: plan.shop.requests_per_second,
        shop_latency_ms_max: tally.samples.iter().map(|sample| sample.latency_ms).fold(0.0, f64::max),
        shop_failed: failed as f64 / asked.max(1) as f64,
        put_out: tally.put_out,
        last_in_at: tally.last_in.map(|at| tally.seconds(at)),
        is_cut_short: tally.is_cut_short,
        advice: Vec::new(),
        course: points(&tally.samples),
        waits: waits_by_arrival(&mut tally.waits_by_arrival),
    };
    figures.advice = advice::of(plan, &figures);
    figures
}

fn lane(name: String, weight: u32, tally: &mut LaneTally) -> LaneFigures {
    tally.waits.sort_unstable();
    let at = |share: f64| percentile(&tally.waits, share).map_or(0.0, |millis| *millis as f64 / 1000.0);
    LaneFigures {
        lane: name,
        weight,
        came: tally.came,
        got_in: tally.waits.len() as u64,
        wait_seconds: Waits { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1.0) },
        left: tally.left,
        no_shows: tally.no_shows + tally.lost,
        late: tally.late,
        still_waiting: tally.still_waiting,
    }
}

/// What this share of a sorted list does not exceed.
fn percentile<T>(sorted: &[T], share: f64) -> Option<&T> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.max(1) - 1)
}

/// The samples from the first fan who got in to the last.
fn busy(tally: &Tally) -> &[Sample] {
    let first = tally.samples.iter().position(|sample| sample.got_in > 0).unwrap_or_default();
    let last = tally.last_in.map_or(0.0, |at: Timestamp| tally.seconds(at));
    let end = tally.samples.partition_point(|sample| sample.at <= last + 1.0);
    tally.samples.get(first..end.max(first)).unwrap_or_default()
}

/// The samples, few enough to plot: counts as counts a second, the rest at their highest.
fn points(samples: &[Sample]) -> Vec<Sample> {
    let many = samples.len().div_ceil(POINTS_MAX).max(1);
    samples
        .chunks(many)
        .filter_map(|chunk| {
            let last = chunk.last()?;
            let sum = |of: fn(&Sample) -> u64| chunk.iter().map(of).sum();
            let most = |of: fn(&Sample) -> u64| chunk.iter().map(of).max().unwrap_or_default();
            Some(Sample {
                at: last.at,
                came: sum(|sample| sample.came),
                waiting: most(|sample| sample.waiting),
                active: most(|sample| sample.active),
                got_in: sum(|sample| sample.got_in),
                rate: last.rate,
                asked: sum(|sample| sample.asked),
                failed: sum(|sample| sample.failed),
                latency_ms: chunk.iter().map(|sample| sample.latency_ms).fold(0.0, f64::max),
            })
        })
        .collect()
}

fn waits_by_arrival(waits: &mut [(f64, f64)]) -> Vec<(f64, f64, f64)> {
    waits.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let many = waits.len().div_ceil(POINTS_MAX / 2).max(1);
    waits
        .chunks(many)
        .filter_map(|chunk| {
            let mut lengths: Vec<f64> = chunk.iter().map(|(_, wait)| *wait).collect();
            lengths.sort_by(f64::total_cmp);
            let (at, _) = chunk.get(chunk.len() / 2)?;
            Some((*at, *percentile(&lengths, 0.5)?, *percentile(&lengths, 0.9)?))
        })
        .collect()
}
