//! How long a fan has yet to wait, as an honest range, from the drain that was observed.
//!
//! Three things make a wait uncertain, and the range has room for each of them.
//!
//! - **How fast turns are given.** Where the drain does what it is set to, the rate in force is the best that there
//!   is to know, and a change of it shows at once. Where it does less (a full shop), what was seen counts.
//! - **How many of those before are still there.** A fan who just closes the page stands in the line until their
//!   turn comes, and then costs none. The meter sees how many leave the line without a turn, but not from where.
//! - **How many of other lanes come first** ([`Ahead`]).

mod meter;

use std::time::Duration;

pub use meter::{DrainMeter, Line};

/// A range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Hardly less than this.
    pub low: Duration,
    /// Hardly more than this.
    pub high: Duration,
}

/// A lane, as far as it matters to those who wait in it or in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneLoad {
    /// Its weight.
    pub weight: u32,
    /// How many wait in it.
    pub waiting: u64,
}

/// Who may have a turn before a fan.
#[derive(Clone, Debug, PartialEq)]
pub struct Ahead {
    own: f64,
    /// Of each other lane: how many wait, and how many turns it gets at most until the fan has theirs.
    others: Vec<(f64, f64)>,
}

impl Ahead {
    /// Of a fan with `ahead` others before them in their own lane of this weight, with these lanes beside it.
    pub fn new(ahead: u64, weight: u32, others: impl IntoIterator<Item = LaneLoad>) -> Self {
        let share =
            |other: &LaneLoad| (ahead as f64 + 1.0) * f64::from(other.weight) / f64::from(weight.max(1));
        let others = others.into_iter().map(|other| (other.waiting as f64, share(&other))).collect();
        Self { own: ahead as f64, others }
    }

    /// Turns before the fan's, if nobody else came to the other lanes.
    fn least(&self) -> f64 {
        self.own + self.others.iter().map(|(waiting, share)| waiting.min(*share)).sum::<f64>()
    }

    /// Turns before the fan's, if so many fans came to the other lanes for each turn that is given.
    fn most(&self, joins_by_turn: f64) -> f64 {
        let least = self.least();
        let more: f64 = self.others.iter().map(|(waiting, share)| (share - waiting).max(0.0)).sum();
        // Those who come while these have their turns, and those who come while those do, and so on.
        let come = if joins_by_turn < 1.0 { least * joins_by_turn / (1.0 - joins_by_turn) } else { f64::MAX };
        least + come.min(more)
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}
