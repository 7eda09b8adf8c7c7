//! Stories for tests, in seconds.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::name::LaneId;
use crate::rank::Rank;

use super::{InForce, Line, Seen, Setting, Story, Told, Tolerance, What};

pub(super) fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + second * 1000)
}

pub(super) fn setting() -> Setting {
    Setting {
        until: at(100),
        rules: vec![InForce { since: at(0), per_minute: 60, burst: 2, max_active: 100 }],
        cut_off: vec![],
        lost: vec![],
        voided: vec![],
        weights: vec![],
        ghosts: 0,
        troubled: vec![],
        tolerance: Tolerance {
            settle: Duration::from_secs(1),
            stale: Duration::from_secs(1),
            linger: Duration::from_secs(3),
            skew: Duration::ZERO,
        },
        shown_travels: false,
        claim_window: Duration::from_secs(10),
        return_window: Duration::from_secs(20),
        session: Duration::from_secs(30),
        session_max: Duration::from_secs(80),
    }
}

pub(super) fn told(line: Line) -> Told {
    Told { line, position: None, wait: None, sure: true }
}

pub(super) fn waiting(position: u64) -> What {
    What::Told(Told { position: Some(position), ..told(Line::Waiting) })
}

pub(super) fn turn() -> What {
    What::Told(told(Line::Turn))
}

pub(super) struct Fan(Story);

/// A fan who gets a ticket at second 0.
pub(super) fn fan(name: &str, rank: u64) -> Fan {
    let (lane, rank) = (LaneId::general(), Rank::new(rank));
    let seen = vec![Seen { at: at(0), edge: 0, what: What::Ticket { lane: lane.clone(), rank } }];
    Fan(Story { name: name.to_owned(), lane, rank: Some(rank), came: None, seen })
}

impl Fan {
    pub(super) fn sees(self, second: u64, what: What) -> Self {
        self.through(0, second, what)
    }

    pub(super) fn through(mut self, edge: u32, second: u64, what: What) -> Self {
        self.0.seen.push(Seen { at: at(second), edge, what });
        self
    }

    pub(super) fn connects(self, second: u64) -> Self {
        self.sees(second, What::Came { live: true })
    }

    pub(super) fn polls(self, second: u64) -> Self {
        self.sees(second, What::Came { live: false })
    }

    pub(super) fn into_story(self) -> Story {
        self.0
    }
}
