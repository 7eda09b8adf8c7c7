//! How the shop is doing, sign by sign.

use super::history::History;
use super::report::LoadReport;

/// Fewer requests than this say nothing about the rate at which they fail.
const FAILED_OF_MIN: f64 = 20.0;
/// From so many requests in one interval on, it is judged by itself, before the average follows.
const FAILED_AT_ONCE_MIN: f64 = 50.0;
/// From so many requests on, the slowest in twenty say how slow the shop is; from so few on, the slower half.
const SLOWEST_OF_MIN: u64 = 40;
const SLOWER_HALF_OF_MIN: u64 = 5;

/// The share of what it can do at which a shop works off a queue.
const QUEUE_GOES: f64 = 0.98;

/// The steps of one sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// Up to here the rate may be raised.
    pub calm: f64,
    /// Beyond this it is eased down.
    pub high: f64,
    /// Beyond this it is cut at once.
    pub alarm: f64,
}

/// What is asked of the shop. Between `calm` and `high` the rate stays as it is: the gap is what keeps it from
/// swinging.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Targets {
    /// The latency that 95 % of the requests do not exceed, in milliseconds: 700, 1000, 1500.
    pub latency: Steps,
    /// The share of requests that fail: 0.4 %, 1 %, 5 %. A shop that always fails more often than that needs
    /// higher steps, or its rate goes down to the least.
    pub failed: Steps,
    /// What the shop says of its load: 0.8, 0.9, 1.
    pub load: Steps,
}

impl Default for Targets {
    fn default() -> Self {
        Self {
            latency: Steps { calm: 700.0, high: 1000.0, alarm: 1500.0 },
            failed: Steps { calm: 0.004, high: 0.01, alarm: 0.05 },
            load: Steps { calm: 0.8, high: 0.9, alarm: 1.0 },
        }
    }
}

/// How good or bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Zone {
    /// There is room for more.
    Calm,
    /// It is as it should be.
    Full,
    /// It is a little too much.
    High,
    /// It is far too much.
    Alarm,
}

/// What a sign tells the bearable share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Of the answers that the shop gives.
    Answers,
    /// Of those answers too; and there is a queue in front of them, which takes a while to go.
    AnswersBehindQueue,
    /// Of the load that there is.
    Load,
}

/// One sign of how the shop is doing.
#[derive(Clone, Debug)]
pub(super) struct Sign {
    pub(super) zone: Zone,
    /// Its value by what would be bearable.
    pub(super) strain: f64,
    /// The share of the present load that the shop could take, as far as this sign tells.
    pub(super) bearable: f64,
    /// What it is the share of.
    pub(super) of: Of,
    /// Whether requests surely fail, more than they may.
    pub(super) fails: bool,
    /// What was seen, in figures.
    pub(super) seen: String,
    /// What it is held against when it is too much.
    pub(super) bound: String,
}

/// What can be told of the shop from this interval and the ones before.
pub(super) fn signs(report: &LoadReport, history: &History, targets: &Targets) -> Vec<Sign> {
    [failed(report, history, &targets.failed), latency(report, &targets.latency), load(report, &targets.load)]
        .into_iter()
        .flatten()
        .collect()
}

fn failed(report: &LoadReport, history: &History, steps: &Steps) -> Option<Sign> {
    let now = (report.answered() as f64, report.failed() as f64);
    let lately = (history.answered as f64 / 1000.0, history.failed as f64 / 1000.0);
    let at_once = now.0 >= FAILED_AT_ONCE_MIN && surely(now) > steps.alarm;
    let (of, count) = if at_once { now } else { lately };
    if of < FAILED_OF_MIN {
        return None;
    }
    let share = count / of;
    // To slow down takes more failures than chance would bring; to go faster takes few of them, by chance or not.
    let zone = match surely((of, count)) {
        sure if sure > steps.alarm => Zone::Alarm,
        sure if sure > steps.high => Zone::High,
        _ if share > steps.calm && count > 2.5 => Zone::Full,
        _ => Zone::Calm,
    };
    Some(Sign {
        zone,
        strain: share / steps.high,
        bearable: 1.0 - share,
        of: Of::Answers,
        fails: surely((of, count)) > steps.calm,
        seen: format!("{} of {of:.0} answers failed", percent(share)),
        bound: percent(bound(zone, steps)),
    })
}

/// The share that failed, less what chance may have added.
fn surely((of, count): (f64, f64)) -> f64 {
    (count - count.sqrt()) / of
}

fn latency(report: &LoadReport, steps: &Steps) -> Option<Sign> {
    let share = match report.answered() {
        SLOWEST_OF_MIN.. => 0.95,
        SLOWER_HALF_OF_MIN.. => 0.5,
        _ => return None,
    };
    let value = report.latency(share)?;
    let zone = zone(value, steps);
    Some(Sign {
        zone,
        strain: value / steps.high,
        // A shop with a queue gives as many answers as it can. A little less, and the queue goes.
        bearable: QUEUE_GOES,
        of: Of::AnswersBehindQueue,
        fails: false,
        seen: format!("{} of {} answers took up to {}", percent(share), report.answered(), time(value)),
        bound: time(bound(zone, steps)),
    })
}

fn load(report: &LoadReport, steps: &Steps) -> Option<Sign> {
    let value = report.load()?;
    let zone = zone(value, steps);
    Some(Sign {
        zone,
        strain: value / steps.high,
        bearable: (steps.calm + steps.high) / 2.0 / value,
        of: Of::Load,
        fails: false,
        seen: format!("the shop told a load of {value:.2}"),
        bound: format!("{:.2}", bound(zone, steps)),
    })
}

fn zone(value: f64, steps: &Steps) -> Zone {
    match value {
        value if value > steps.alarm => Zone::Alarm,
        value if value > steps.high => Zone::High,
        value if value > steps.calm => Zone::Full,
        _ => Zone::Calm,
    }
}

/// The step that a value in this zone is beyond.
const fn bound(zone: Zone, steps: &Steps) -> f64 {
    match zone {
        Zone::Alarm => steps.alarm,
        Zone::High => steps.high,
        Zone::Full | Zone::Calm => steps.calm,
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 9.95 || (percent - percent.round()).abs() < 0.05 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

fn time(millis: f64) -> String {
    if millis < 1000.0 { format!("{millis:.0} ms") } else { format!("{:.1} s", millis / 1000.0) }
}
