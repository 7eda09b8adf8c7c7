//! The controller of the adaptive drain: how many fans a minute the shop can take.
//!
//! Every proxy reports what it saw of the shop ([`LoadReport`]); the store adds the reports up; about every two
//! seconds one proxy gets the sums ([`LoadInterval`]), asks [`decide`], and puts the rate that comes out in
//! force. Nothing here reads a clock or talks to anyone. Whatever has to last from one decision to the next is in
//! [`History`], a short text beside the rate.
//!
//! # Why it settles
//!
//! Fans stay for minutes. The load of now was made by those who were admitted over the last minute, and a cut
//! shows in it only when they are gone. A controller that cuts until the load falls cuts far too deep. This one
//! asks instead what *made* the load: the rate of admissions averaged over the last minute, when trouble begins.
//! From then on the answers a second say how much of that load is left, late or prompt, and the share of them that
//! the shop can bear says what rate it can take. As long as the load falls as it should, that stays the same however
//! often it is asked, so one cut is enough. Where it does not get better for half a minute, the rate goes down
//! another twentieth.
//!
//! - **Cuts fast**: at once, to what the shop can take, at most to a quarter in one step.
//! - **Raises slowly**: a percent at a time, and only where all signs are calm, the line uses the rate, and there is
//!   enough to judge by. Where the shop tells its load, never beyond what that leaves.
//! - **Remembers what hurt**: it goes up to just below that, waits there, and tries more only in far smaller steps.
//!   Each time it is hurt at about the same rate it waits longer and tries more gently. Once it is well past, it
//!   goes faster, and forgets.
//! - **Leaves it alone in between**: between calm and high it does nothing.
//! - **Nothing asked of the shop** says nothing. The rate stays for a minute, and then goes back step by step to
//!   the one that the operator set to begin with: what was good for yesterday's crowd is not proven for the next.
//!
//! Failures that have nothing to do with load look the same as others. A shop that always fails more often than
//! [`Targets`] bears is cut down to the least rate, and needs other targets.

mod controller;
mod history;
mod report;
mod signs;

use std::time::Duration;

use controller::{Controller, LENGTH_MAX, beginning, in_thousandths, thousandths};
pub use history::{History, HistoryError};
pub use report::{LoadReport, REPORT_NUMBERS};
pub use signs::{Steps, Targets};

/// How long an interval is meant to be. Shorter and longer ones count for as much as they are.
pub const INTERVAL: Duration = Duration::from_secs(2);

/// What there is to know of one interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadInterval {
    /// Which interval it is; each is decided about once.
    pub number: u64,
    /// How long it was.
    pub length: Duration,
    /// What all proxies together saw of the shop in it.
    pub report: LoadReport,
    /// Fans who were admitted in it.
    pub admitted: u64,
    /// Fans a minute, the rate in force.
    pub rate: u64,
}

/// Between which rates to decide, fans a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainRange {
    /// The least.
    pub min: u64,
    /// What it begins with.
    pub start: u64,
    /// The most.
    pub max: u64,
}

/// Which way a decision went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// More fans a minute.
    Raised,
    /// As many as before.
    Kept,
    /// Fewer fans a minute.
    Cut,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Fans a minute from now on.
    pub rate: u64,
    /// Which way that is.
    pub change: Change,
    /// Why, in one sentence with the figures.
    pub reason: String,
    /// What to remember for the next decision.
    pub history: History,
}

/// Decides how many fans a minute are admitted from now on.
pub fn decide(interval: &LoadInterval, history: &History, range: DrainRange, targets: &Targets) -> Decision {
    let range = DrainRange { max: range.max.max(range.min), ..range };
    let within = |level: f64| level.clamp(range.min as f64, range.max as f64);
    // Somebody else may have set another rate since: then that one counts.
    let known = thousandths(history.level);
    let level = if known.floor() == interval.rate as f64 { known } else { interval.rate as f64 };
    let level = within(level);
    let mut controller = Controller {
        level,
        length: interval.length.as_secs_f64().clamp(0.1, LENGTH_MAX),
        history: if history.level == 0 { beginning(level) } else { history.clone() },
    };
    controller.take_in(interval);
    let why = controller.act(interval, range, targets);

    let level = within(controller.level);
    let rate = (level.floor() as u64).clamp(range.min, range.max);
    controller.history.level = in_thousandths(level);
    let (change, reason) = match rate.cmp(&interval.rate) {
        std::cmp::Ordering::Greater => {
            (Change::Raised, format!("raised from {} to {rate} a minute: {why}", interval.rate))
        }
        std::cmp::Ordering::Equal => (Change::Kept, format!("kept {rate} a minute: {why}")),
        std::cmp::Ordering::Less => {
            (Change::Cut, format!("cut from {} to {rate} a minute: {why}", interval.rate))
        }
    };
    Decision { rate, change, reason, history: controller.history }
}
