//! The promises of the design, judged from what the fans saw. Each is a pure function over recorded facts.

pub mod arrival;
pub mod bound;
pub mod capacity;
pub mod entry;
pub mod order;
pub mod place;
pub mod position;
pub mod rate;
pub mod recovery;
pub mod seats;

use std::fmt;

/// Most stories that one verdict tells.
const STORIES_MAX: usize = 5;

/// A promise that is judged here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Nobody is admitted before a fan with a lower rank who is present.
    Order,
    /// Admissions keep the configured rate.
    Rate,
    /// No more fans are inside than may be.
    Capacity,
    /// Who comes back has the same place.
    Place,
    /// Who comes while something fails has a place by when they came.
    Arrival,
    /// After a fault the line goes on, and lets everybody in who stayed.
    Recovery,
    /// A shown position never goes up.
    Truth,
    /// Without a turn there is no entry.
    NoEntry,
    /// A seat is sold at most once, and every charge ends in a ticket.
    OneSeat,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Order => "P1 order",
            Self::Rate => "P2 rate",
            Self::Capacity => "P3 capacity",
            Self::Place => "P4 place",
            Self::Arrival => "P4 arrival",
            Self::Recovery => "P4 recovery",
            Self::Truth => "P5 truth",
            Self::NoEntry => "P6 no turn, no entry",
            Self::OneSeat => "P9 one seat, one fan",
        })
    }
}

/// Whether a promise was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was, and this is what was seen.
    Kept(String),
    /// It was not, and these are the shortest stories of how.
    Broken(Vec<String>),
    /// Too little was seen to tell.
    Unjudged(String),
}

impl Outcome {
    /// Broken if there are `stories`, kept otherwise.
    fn of(mut stories: Vec<String>, kept: impl FnOnce() -> String) -> Self {
        if stories.is_empty() {
            return Self::Kept(kept());
        }
        let more = stories.len().saturating_sub(STORIES_MAX);
        stories.truncate(STORIES_MAX);
        if more > 0 {
            stories.push(format!("and {more} more"));
        }
        Self::Broken(stories)
    }

    /// Whether it was kept. What could not be judged was not.
    pub const fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}

/// One promise and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Which promise.
    pub promise: Promise,
    /// What became of it.
    pub outcome: Outcome,
}

impl Verdict {
    /// A verdict on `promise`.
    pub const fn new(promise: Promise, outcome: Outcome) -> Self {
        Self { promise, outcome }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let promise = self.promise;
        match &self.outcome {
            Outcome::Kept(what) => write!(f, "{promise:<21} kept: {what}"),
            Outcome::Broken(stories) => write!(f, "{promise:<21} BROKEN: {}", stories.join("\n  ")),
            Outcome::Unjudged(why) => write!(f, "{promise:<21} NOT JUDGED: {why}"),
        }
    }
}

/// Milliseconds as seconds for people.
fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_reads_as_a_line() {
        let kept = Verdict::new(Promise::Order, Outcome::of(vec![], || "3 fans".to_owned()));
        assert_eq!(kept.to_string(), "P1 order              kept: 3 fans");
        let stories = (1..=7).map(|n| format!("story {n}")).collect();
        let broken = Verdict::new(Promise::Rate, Outcome::of(stories, String::new));
        assert!(broken.to_string().starts_with("P2 rate               BROKEN: story 1\n  story 2"));
        assert!(broken.to_string().ends_with("and 2 more"));
        assert!(!broken.outcome.is_kept());
    }
}
