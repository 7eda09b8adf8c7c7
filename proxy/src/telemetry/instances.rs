//! The shop's instances: what became of the requests that they were sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;

use super::cells::{Counters, Times, TimesRead};
use super::requests::class;

/// What became of a request that was sent to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was answered.
    Answered(StatusCode),
    /// No connection was to be had.
    Unreachable,
    /// The connection broke, or nothing came in time.
    Broke,
    /// The client went away, or it is sent again.
    Abandoned,
}

const FATES: [&str; 8] = ["abandoned", "1xx", "2xx", "3xx", "4xx", "5xx", "unreachable", "broke"];

/// The requests of one instance, at this proxy.
#[derive(Debug, Default)]
pub struct InstanceTally {
    fates: Counters<{ FATES.len() }>,
    times: Times,
    sent: AtomicU64,
    circuit_opened: AtomicU64,
    went_down: AtomicU64,
}

impl InstanceTally {
    /// One is on its way.
    pub fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// One ended; its answer began so long after all of it was sent.
    pub fn ended(&self, fate: Fate, time: Option<Duration>) {
        let index = match fate {
            Fate::Answered(status) => class(status.as_u16()),
            Fate::Abandoned => 0,
            Fate::Unreachable => 6,
            Fate::Broke => 7,
        };
        self.fates.add(index, 1);
        if let Some(time) = time {
            self.times.observe(time);
        }
    }

    /// The circuit opened.
    pub fn circuit_opened(&self) {
        self.circuit_opened.fetch_add(1, Ordering::Relaxed);
    }

    /// The looks say that the instance is down.
    pub fn went_down(&self) {
        self.went_down.fetch_add(1, Ordering::Relaxed);
    }

    /// How many of each fate.
    pub fn fates(&self) -> impl Iterator<Item = (&'static str, u64)> {
        FATES.into_iter().zip(self.fates.totals())
    }

    /// How many answers are awaited.
    pub fn awaited(&self) -> u64 {
        let ended: u64 = self.fates.totals().iter().sum();
        self.sent.load(Ordering::Relaxed).saturating_sub(ended)
    }

    /// How long answers took to begin.
    pub fn times(&self) -> TimesRead {
        self.times.read()
    }

    /// How often the circuit opened, and how often the instance went down.
    pub fn troubles(&self) -> [u64; 2] {
        [self.circuit_opened.load(Ordering::Relaxed), self.went_down.load(Ordering::Relaxed)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fate_is_counted_under_its_name() {
        let tally = InstanceTally::default();
        (0..6).for_each(|_| tally.sent());
        tally.ended(Fate::Answered(StatusCode::OK), Some(Duration::from_millis(7)));
        tally.ended(Fate::Answered(StatusCode::BAD_GATEWAY), None);
        tally.ended(Fate::Unreachable, None);
        tally.ended(Fate::Broke, None);
        tally.ended(Fate::Abandoned, None);
        let seen: Vec<_> = tally.fates().filter(|(_, count)| *count == 1).map(|(name, _)| name).collect();
        assert_eq!(seen, ["abandoned", "2xx", "5xx", "unreachable", "broke"]);
        assert_eq!((tally.awaited(), tally.times().count), (1, 1));
    }
}
