//! Requests: what became of them, and how long they took.

use std::time::Duration;

use super::cells::{Counters, Times, TimesRead};

/// What may become of a request, in the words of the log's `outcome`. The last stands for any other.
pub const OUTCOMES: [&str; 36] = [
    // They go to the shop: by a session, let in just now, past the line, where nobody is asked to wait.
    "admitted",
    "claimed",
    "entered",
    "bypass",
    "public",
    "unprotected",
    "shadow",
    "open",
    // They see the line.
    "waiting",
    "joined",
    "noted",
    "moved",
    // They are not let in.
    "refused",
    "prefetch",
    "full",
    "closed",
    "invitation_used",
    "too_many_requests",
    "too_many_joins",
    "work_needed",
    "work_or_wait",
    "work_or_wait_longer",
    "work_wrong",
    "work_used",
    "work_of_another_network",
    "work_expired",
    "work_unknown",
    // The edge's own paths.
    "edge",
    "live",
    "to_https",
    // Nothing came of them.
    "bad_request",
    "too_large",
    "failed",
    "circuit_open",
    "unread",
    "other",
];
/// The last of [`OUTCOMES`].
const OTHER: usize = OUTCOMES.len() - 1;

/// What answers say by the first digit of their status; `none` where nobody could be answered.
pub const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Who answered.
pub const ANSWERED_BY: [&str; 2] = ["edge", "shop"];

/// The requests for the paths of one room, or of none, at this proxy.
#[derive(Debug, Default)]
pub struct RequestTally {
    outcomes: Counters<{ OUTCOMES.len() }>,
    classes: Counters<{ CLASSES.len() }>,
    times: [Times; 2],
}

/// The class of a status, as its index in [`CLASSES`].
pub(super) const fn class(status: u16) -> usize {
    match status {
        100..=599 => (status / 100) as usize,
        _ => 0,
    }
}

impl RequestTally {
    /// One was answered, or was not: status 0. Connections that were switched to another protocol have no time.
    pub fn add(&self, outcome: &str, status: u16, by_shop: bool, time: Duration) {
        self.outcomes.add(OUTCOMES.iter().position(|known| *known == outcome).unwrap_or(OTHER), 1);
        self.classes.add(class(status), 1);
        if status != 101
            && let Some(times) = self.times.get(usize::from(by_shop))
        {
            times.observe(time);
        }
    }

    /// How many of each outcome.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        OUTCOMES.into_iter().zip(self.outcomes.totals())
    }

    /// How many answers of each class.
    pub fn classes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        CLASSES.into_iter().zip(self.classes.totals())
    }

    /// How long answers took, by who gave them.
    pub fn times(&self) -> impl Iterator<Item = (&'static str, TimesRead)> {
        ANSWERED_BY.into_iter().zip(self.times.iter().map(Times::read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_what_became_of_them() {
        let tally = RequestTally::default();
        tally.add("admitted", 200, true, Duration::from_millis(3));
        tally.add("admitted", 101, true, Duration::from_secs(3600));
        tally.add("waiting", 202, false, Duration::from_millis(1));
        tally.add("a word that nobody knows", 0, false, Duration::ZERO);
        let of = |list: Vec<(&str, u64)>, name: &str| {
            list.into_iter().find_map(|(known, count)| (known == name).then_some(count))
        };
        for (name, count) in [("admitted", 2), ("waiting", 1), ("other", 1), ("joined", 0)] {
            assert_eq!(of(tally.outcomes().collect(), name), Some(count), "{name}");
        }
        for (name, count) in [("1xx", 1), ("2xx", 2), ("none", 1), ("5xx", 0)] {
            assert_eq!(of(tally.classes().collect(), name), Some(count), "{name}");
        }
        let counts: Vec<_> = tally.times().map(|(by, times)| (by, times.count)).collect();
        assert_eq!(counts, [("edge", 2), ("shop", 1)]);
    }
}
