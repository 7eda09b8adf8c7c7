//! How long answers take, as fans feel it: from the moment that a request was meant to be sent, whatever held it up. What is
//! counted is taken out once a second.

use std::collections::BTreeMap;
use std::time::Instant;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Most kinds of mistakes that are told apart.
const WRONGS_MAX: usize = 64;
/// Longest time that is told apart from longer ones, in microseconds.
const TIME_MAX_US: u64 = 600_000_000;

/// What fans ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Step {
    /// The event's page, answered with a place in the line.
    Join,
    /// The waiting page again.
    Refresh,
    /// How far the line is.
    Status,
    /// The WebSocket.
    Socket,
    /// The admission, when the turn has come.
    Admission,
    /// The event's page, in the shop.
    EventPage,
    /// Which seats are free.
    Seats,
    /// Seats are held.
    Hold,
    /// Seats are given back.
    Cancel,
    /// Seats are paid for.
    Pay,
    /// A page or a list that no room protects.
    Browse,
}

impl Step {
    /// All of them.
    const ALL: [Self; 11] = [
        Self::Join,
        Self::Refresh,
        Self::Status,
        Self::Socket,
        Self::Admission,
        Self::EventPage,
        Self::Seats,
        Self::Hold,
        Self::Cancel,
        Self::Pay,
        Self::Browse,
    ];

    /// The one that people call so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// What is asked, for who reads of it for the first time.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Join => {
                "A fan opens the event's page, for the first time or after being away: most are answered with their place in the line."
            }
            Self::Refresh => "The waiting page of a fan without script loads itself again.",
            Self::Status => "A fan without a live connection asks for their place.",
            Self::Socket => "A fan in line opens the live connection over which places are told.",
            Self::Admission => "A fan whose turn has come fetches the cookie that lets them in.",
            Self::EventPage => "A fan who is inside opens the event's page: the shop answers.",
            Self::Seats => "A fan who is inside asks which seats are free.",
            Self::Hold => "Seats are held for a fan.",
            Self::Cancel => "A fan gives held seats back.",
            Self::Pay => "A fan pays, and has the tickets with the answer.",
            Self::Browse => "Somebody asks for what no room protects.",
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Refresh => "refresh",
            Self::Status => "status",
            Self::Socket => "WebSocket",
            Self::Admission => "admission",
            Self::EventPage => "event page",
            Self::Seats => "seat map",
            Self::Hold => "hold",
            Self::Cancel => "cancel",
            Self::Pay => "pay",
            Self::Browse => "browse",
        }
    }
}

/// Times and how often each was seen, in microseconds, least first.
pub type Times = Vec<(u64, u64)>;

/// What was counted since it was last taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Requests that were answered.
    pub answers: u64,
    /// How long that took.
    pub times: Vec<(Step, Times)>,
    /// What went wrong, in words, and how often.
    pub wrong: Vec<(String, u64)>,
}

/// Counts.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Counting>);

#[derive(Debug, Default)]
struct Counting {
    answers: u64,
    times: BTreeMap<Step, Histogram<u32>>,
    wrong: BTreeMap<String, u64>,
}

impl Meter {
    /// What was meant to be asked at `due` has been answered now.
    pub fn answered(&self, step: Step, due: Instant) {
        let micros = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX).min(TIME_MAX_US);
        let mut counting = self.0.lock();
        counting.answers += 1;
        if let Some(times) = counting.times.get_mut(&step) {
            times.saturating_record(micros);
        } else if let Ok(mut times) = Histogram::new_with_bounds(1, TIME_MAX_US, 2) {
            times.saturating_record(micros);
            counting.times.insert(step, times);
        }
    }

    /// It was not answered, or with what no fan should see.
    pub fn wrong(&self, step: Step, what: &str) {
        let what = format!("{}: {what}", step.name());
        let mut counting = self.0.lock();
        if counting.wrong.len() < WRONGS_MAX || counting.wrong.contains_key(&what) {
            *counting.wrong.entry(what).or_default() += 1;
        } else {
            *counting.wrong.entry("other".to_owned()).or_default() += 1;
        }
    }

    /// What was counted since this was last asked.
    pub fn take(&self) -> Counted {
        let mut counting = self.0.lock();
        let mut times = Vec::new();
        for (step, seen) in &mut counting.times {
            if !seen.is_empty() {
                let each = seen.iter_recorded();
                let each = each.map(|time| (time.value_iterated_to(), time.count_since_last_iteration()));
                times.push((*step, each.collect()));
                seen.reset();
            }
        }
        let wrong = std::mem::take(&mut counting.wrong).into_iter().collect();
        Counted { answers: std::mem::take(&mut counting.answers), times, wrong }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_counted_is_taken_once() {
        let meter = Meter::default();
        let second_ago = Instant::now() - Duration::from_secs(1);
        meter.answered(Step::Join, second_ago);
        meter.answered(Step::Join, second_ago);
        meter.answered(Step::Pay, Instant::now());
        meter.wrong(Step::Pay, "no connection");
        let counted = meter.take();
        assert_eq!((counted.answers, counted.times.len()), (3, 2));
        let (step, times) = &counted.times[0];
        let (micros, count) = times[0];
        assert!(*step == Step::Join && (1_000_000..1_020_000).contains(&micros) && count > 0, "{micros}");
        assert_eq!(counted.wrong, [("pay: no connection".to_owned(), 1)]);
        assert_eq!(meter.take(), Counted::default());
    }

    #[test]
    fn mistakes_are_bounded() {
        let meter = Meter::default();
        (0..1000).for_each(|nth| meter.wrong(Step::Hold, &nth.to_string()));
        assert_eq!(meter.take().wrong.len(), WRONGS_MAX + 1);
    }
}
