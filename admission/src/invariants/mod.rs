//! The promises, stated once: each is a predicate over plain data, namely what fans saw and what the operator had
//! set. Nothing here knows a store or a proxy, so a simulation, a test or a record of real fans can be judged by
//! the same words.
//!
//! What a fan sees comes late and through an edge that may be cut off. A predicate therefore never asks for more
//! than could be known: a turn is not a moment but the stretch between the last time that its fan surely waited
//! and the time they heard ([`Turn`]), and a fan counts as present only where the line could know of them
//! ([`Story::present`]). A predicate speaks up when no course of events within those bounds keeps the promise.

mod arrival;
mod capacity;
mod draw;
mod order;
mod passage;
mod place;
mod presence;
mod rate;
mod setting;
mod share;
mod story;
mod truth;
mod turns;

#[cfg(test)]
mod example;

use std::fmt;

use crate::clock::Timestamp;

pub use arrival::arrival;
pub use capacity::capacity;
pub use draw::{Draw, Drawn, draw};
pub use order::order;
pub use passage::{entry, passage};
pub use place::place;
pub use presence::presence;
pub use rate::rate;
pub use setting::{InForce, Setting, Tolerance, Voided};
pub use share::share;
pub use story::{Line, Seen, Span, Story, Told, What};
pub use truth::{Coverage, coverage, estimate, position};
pub use turns::Turn;

/// A promise to the fans, by its id in the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// P1.
    Order,
    /// P2.
    Rate,
    /// P3.
    Capacity,
    /// P4.
    Place,
    /// P5.
    Truth,
    /// P6.
    NoTurnNoEntry,
    /// P7.
    FreePassage,
    /// P8.
    Presence,
    /// P9.
    OneSeatOneFan,
    /// P10.
    FairDraw,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Order,
        Self::Rate,
        Self::Capacity,
        Self::Place,
        Self::Truth,
        Self::NoTurnNoEntry,
        Self::FreePassage,
        Self::Presence,
        Self::OneSeatOneFan,
        Self::FairDraw,
    ];

    /// `P1` to `P10`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Order => "P1",
            Self::Rate => "P2",
            Self::Capacity => "P3",
            Self::Place => "P4",
            Self::Truth => "P5",
            Self::NoTurnNoEntry => "P6",
            Self::FreePassage => "P7",
            Self::Presence => "P8",
            Self::OneSeatOneFan => "P9",
            Self::FairDraw => "P10",
        }
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Rate => "rate",
            Self::Capacity => "capacity",
            Self::Place => "place",
            Self::Truth => "truth",
            Self::NoTurnNoEntry => "no turn, no entry",
            Self::FreePassage => "free passage",
            Self::Presence => "presence",
            Self::OneSeatOneFan => "one seat, one fan",
            Self::FairDraw => "fair draw",
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id(), self.title())
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub promise: Promise,
    /// When it was broken.
    pub at: Timestamp,
    /// The names of the stories that show it.
    pub fans: Vec<String>,
    /// What happened, for a person to read.
    pub message: String,
}

impl Violation {
    fn new(promise: Promise, at: Timestamp, fans: &[&Story], message: impl Into<String>) -> Self {
        let fans = fans.iter().map(|story| story.name.clone()).collect();
        Self { promise, at, fans, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.promise, self.at, self.message)
    }
}

/// Judges the stories by every promise that concerns the line as fans see it, in the order of the promises. The
/// estimate of the wait is not among them: it is judged over many stories ([`estimate`]). Nor is the draw
/// ([`fn@draw`]), which needs the revealed seed.
pub fn judge(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    let predicates = [order, arrival, share, rate, capacity, place, position, entry, passage, presence];
    predicates.iter().flat_map(|predicate| predicate(stories, setting)).collect()
}

/// Seconds with three places, for messages.
fn seconds(from: Timestamp, to: Timestamp) -> String {
    format!("{:.3} s", to.since(from).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_have_the_ids_of_the_design() {
        let ids: Vec<String> = (1..=10).map(|number| format!("P{number}")).collect();
        assert_eq!(Promise::ALL.map(Promise::id).to_vec(), ids);
        assert_eq!(Promise::Order.to_string(), "P1 order");
    }

    #[test]
    fn nothing_seen_breaks_nothing() {
        assert_eq!(judge(&[], &example::setting()), []);
    }
}
