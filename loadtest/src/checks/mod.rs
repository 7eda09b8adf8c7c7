//! The promises of the design, judged from what the fans saw. Each is a pure function over recorded facts.

pub mod arrival;
pub mod books;
pub mod bound;
pub mod capacity;
pub mod draw;
pub mod entry;
pub mod estimate;
mod evidence;
pub mod exact;
mod fenwick;
mod judged;
pub mod order;
pub mod passage;
pub mod place;
pub mod position;
pub mod presence;
pub mod rate;
pub mod recovery;
pub mod seats;
pub mod steady;

use std::fmt;

pub use evidence::{Effects, Evidence, LineTotals, Setting, Strike};
pub use judged::judge_all;

use crate::run::record::{OutcomeFacts, VerdictFacts};
use crate::story::Story;

/// Most stories that one verdict tells.
const STORIES_MAX: usize = 5;

/// A promise that is judged here, with the names that the predicates of the line have. Some have several parts, and
/// each a verdict of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// A shown position never goes up, and is exact.
    Truth,
    /// The wait is what it was said to be.
    Estimate,
    /// Without a turn there is no entry.
    NoEntry,
    /// With the store away, who is inside goes on.
    Passage,
    /// Turns are spent on fans who are there.
    Presence,
    /// A seat is sold at most once, and every charge ends in a ticket or a refund.
    OneSeat,
    /// Everybody can compute the order of the pre-queue.
    FairDraw,
}

impl Promise {
    /// All of them, in order.
    pub const ALL: [Self; 13] = [
        Self::Order,
        Self::Rate,
        Self::Capacity,
        Self::Place,
        Self::Arrival,
        Self::Recovery,
        Self::Truth,
        Self::Estimate,
        Self::NoEntry,
        Self::Passage,
        Self::Presence,
        Self::OneSeat,
        Self::FairDraw,
    ];

    /// Its name in a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "P1 order",
            Self::Rate => "P2 rate",
            Self::Capacity => "P3 capacity",
            Self::Place => "P4 place",
            Self::Arrival => "P4 arrival",
            Self::Recovery => "P4 recovery",
            Self::Truth => "P5 truth",
            Self::Estimate => "P5 estimate",
            Self::NoEntry => "P6 no turn, no entry",
            Self::Passage => "P7 free passage",
            Self::Presence => "P8 presence",
            Self::OneSeat => "P9 one seat, one fan",
            Self::FairDraw => "P10 fair draw",
        }
    }

    /// What it says, for who does not know it.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Order => {
                "Within a lane nobody is admitted before a fan with a lower rank who is present and willing."
            }
            Self::Rate => {
                "Over any window of time no more fans are admitted than the rate and the burst give, and at least 99 % of \
                 what the rate gives while enough present fans wait."
            }
            Self::Capacity => "Active fans never exceed the most that may be inside.",
            Self::Place => {
                "A fan who refreshes, closes the tab and comes back, changes network, or meets a crash keeps their rank, and \
                 nobody else has it."
            }
            Self::Arrival => "Whoever comes before another stands before them, also while the store is away.",
            Self::Recovery => "After a fault the line goes on by itself, and everybody who stayed gets in.",
            Self::Truth => "The shown position never goes up, and is exact within one fan or one percent.",
            Self::Estimate => {
                "The true wait falls inside the range that is shown at least 90 % of the time under a steady drain."
            }
            Self::NoEntry => {
                "A token that is forged, expired, edited or for another room opens nothing; neither does another spelling of a \
                 protected path, nor a request to the shop itself."
            }
            Self::Passage => "With the store down, admitted fans go on.",
            Self::Presence => "Turns are spent on fans who are there: a closed tab costs the shop nothing.",
            Self::OneSeat => {
                "A seat is sold at most once, and every charge ends in a ticket or a refund, whatever crashes in between."
            }
            Self::FairDraw => {
                "The order of the pre-queue can be verified by anyone afterwards and foreseen by no fan beforehand; the operator \
                 is bound by a commitment published before the first fan joins."
            }
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
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
    /// The run was not about it: there was no draw, no fault, or nothing is known of the stores.
    NotAsked(String),
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

    /// Whether it was not: broken, or meant to be judged and not.
    pub const fn is_bad(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Unjudged(_))
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
            Outcome::NotAsked(why) => write!(f, "{promise:<21} not asked: {why}"),
        }
    }
}

impl From<&Verdict> for VerdictFacts {
    fn from(verdict: &Verdict) -> Self {
        let (outcome, told) = match &verdict.outcome {
            Outcome::Kept(what) => (OutcomeFacts::Kept, vec![what.clone()]),
            Outcome::Broken(stories) => (OutcomeFacts::Broken, stories.clone()),
            Outcome::Unjudged(why) => (OutcomeFacts::Unjudged, vec![why.clone()]),
            Outcome::NotAsked(why) => (OutcomeFacts::NotAsked, vec![why.clone()]),
        };
        let promise = verdict.promise;
        Self { promise: promise.name().to_owned(), says: promise.says().to_owned(), outcome, told }
    }
}

/// How a fan was shut out, and how long they had tried.
fn shut_out(why: &str, story: &Story) -> String {
    let tried = story.last_tries().map(|(tries, from_ms, to_ms)| {
        let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
        format!(", after asking {times} from {} to {}", seconds(from_ms), seconds(to_ms))
    });
    format!("was shut out: {why}{}", tried.unwrap_or_default())
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
