//! What one fan saw, with times: all that the checks judge from.
//!
//! Times are milliseconds since the run began, on the one clock of its machine.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::clock::monotonic;

/// The run's clock. Processes of one machine can have the same one.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    zero_us: u64,
}

impl Watch {
    /// Starts now.
    pub fn start() -> Self {
        Self::at(monotonic())
    }

    /// Starts, or was started, at this moment of the machine's clock.
    pub const fn at(zero_us: u64) -> Self {
        Self { zero_us }
    }

    /// Milliseconds since the start.
    pub fn ms(&self) -> u64 {
        self.us() / 1000
    }

    /// Microseconds since the start.
    pub fn us(&self) -> u64 {
        monotonic().saturating_sub(self.zero_us)
    }
}

/// The place that a ticket names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The lane.
    pub lane: String,
    /// The rank in it.
    pub rank: u64,
    /// The ticket's id, as bytes.
    pub id: Vec<u8>,
}

/// A place, and when the fan was given it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPlace {
    /// When.
    pub at_ms: u64,
    /// Which.
    pub place: Place,
}

/// A ticket that tells no rank: it follows from a draw, and can be computed once the seed is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// When the fan was given it.
    pub at_ms: u64,
    /// The lane.
    pub lane: String,
    /// The id that is drawn for, as bytes.
    pub id: Vec<u8>,
    /// When the pre-queue of the draw begins: milliseconds since 1970.
    pub prequeue_at: u64,
}

/// A request that the fan sent with an admission in hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// When it was sent.
    pub from_ms: u64,
    /// When the answer had come, or the fan gave up on it.
    pub to_ms: u64,
    /// To which edge.
    pub edge: usize,
    /// The status of the answer; nothing when there was none.
    pub status: Option<u16>,
    /// What the answer calls what is wrong, where it says.
    pub code: Option<String>,
    /// Whether a page was asked for, not a call of a script.
    pub page: bool,
}

/// A position that the fan was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPosition {
    /// When.
    pub at_ms: u64,
    /// Which.
    pub position: u64,
    /// Over which of the fan's connections, counted from 1.
    pub connection: u32,
    /// Which edge showed it.
    pub edge: usize,
    /// Between how many and how many seconds the wait was said to be, where anything was said of it.
    pub wait_s: Option<(u64, u64)>,
}

/// A stretch of time in which the edge could know that the fan is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// The first sign.
    pub from_ms: u64,
    /// The last.
    pub to_ms: u64,
    /// Which edge saw them.
    pub edge: usize,
    /// How long the fan may not hear of news: nothing over a WebSocket, the time between two polls without.
    pub deaf_ms: u64,
}

/// Why the fan is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Still there.
    #[default]
    None,
    /// Has tickets.
    Bought,
    /// Was let in, looked around, and left.
    LeftEarly,
    /// Lost patience while waiting.
    LeftLine,
    /// Found no seat that was free.
    NoSeats,
    /// Met an obstacle that no fan should meet.
    ShutOut(String),
    /// The run ended first.
    Stopped,
}

/// What one fan saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// Which fan.
    pub fan: u32,
    /// When the fan first asked for the event.
    pub asked_ms: Option<u64>,
    /// When the fan was first answered with a ticket, maybe one that tells no rank yet.
    pub answered_ms: Option<u64>,
    /// Every ticket given, oldest first; the same one again is listed again.
    pub places: Vec<SeenPlace>,
    /// The ticket of a draw, where the fan was given one.
    pub drawn: Option<Drawn>,
    /// Other tickets of a draw that the fan was given afterwards: there should be none.
    pub redrawn: Vec<Drawn>,
    /// How often the fan asked for a place, had none yet, and was not answered: each may be a place that nobody waits at.
    pub joins_unanswered: u32,
    /// Every position shown, oldest first.
    pub positions: Vec<SeenPosition>,
    /// When the edge knew the fan to be there.
    pub present: Vec<Present>,
    /// When the fan was told that the turn has come.
    pub told_ms: Option<u64>,
    /// Whether that news came over a WebSocket the moment it was news, not with a poll, a reload or a reconnect.
    pub told_live: bool,
    /// When the fan held the admission cookie.
    pub admitted_ms: Option<u64>,
    /// Every request sent with the admission, oldest first.
    pub inside: Vec<Asked>,
    /// When the fan began to leave the shop: the last request of the session was sent.
    pub over_ms: Option<u64>,
    /// How often the fan went away and came back.
    pub returns: u32,
    /// Times at which the fan was told that the place is lost.
    pub expired_ms: Vec<u64>,
    /// Seats on the fan's tickets.
    pub seats: Vec<String>,
    /// What the fan paid.
    pub paid_cents: u64,
    /// Payments whose answer was lost, and could not be asked for again.
    pub payments_unknown: u32,
    /// How it ended.
    pub ending: Ending,
}

impl Story {
    /// The place that the first ticket named.
    pub fn place(&self) -> Option<&Place> {
        self.places.first().map(|seen| &seen.place)
    }

    /// How often the fan asked in vain at last, and from when until when, where that is how it ended.
    pub fn last_tries(&self) -> Option<(usize, u64, u64)> {
        let in_vain = |asked: &&Asked| asked.status.is_none_or(|status| status >= 500);
        let tries = self.inside.iter().rev().take_while(in_vain).count();
        let first = self.inside.iter().rev().nth(tries.checked_sub(1)?)?;
        Some((tries, first.from_ms, self.inside.last()?.to_ms))
    }

    /// Notes that the store stopped, or lost what it had done lately. Nobody heard any more of turns that had come
    /// just before.
    pub fn news_stopped(&mut self, at_ms: u64) {
        let edges: BTreeSet<usize> = self.present.iter().map(|present| present.edge).collect();
        for edge in edges {
            self.edge_was_killed(edge, at_ms);
        }
    }

    /// Notes that the machine was so late with things that news may have come so much later at any time.
    pub fn machine_was_late(&mut self, late_ms: u64) {
        for present in &mut self.present {
            present.deaf_ms += late_ms;
        }
    }

    /// Notes that the store was slow: meanwhile, fans may have heard of turns so much later.
    pub fn news_was_late(&mut self, from_ms: u64, to_ms: u64, late_ms: u64) {
        let mut pieces = Vec::new();
        for present in std::mem::take(&mut self.present) {
            let mut rest = present;
            for (cut_ms, deaf_ms) in [(from_ms, 0), (to_ms, late_ms)] {
                if rest.from_ms < cut_ms && cut_ms < rest.to_ms {
                    pieces.push(Present { to_ms: cut_ms, deaf_ms: present.deaf_ms + deaf_ms, ..rest });
                    rest.from_ms = cut_ms;
                }
            }
            let ends_within = rest.to_ms > from_ms && rest.to_ms <= to_ms;
            pieces.push(Present { deaf_ms: present.deaf_ms + if ends_within { late_ms } else { 0 }, ..rest });
        }
        self.present = pieces;
    }

    /// Notes that an edge was killed. Fans who only poll may not have noticed, but what that edge had not told
    /// them yet was lost with it: they were there until then, and from then on anew.
    pub fn edge_was_killed(&mut self, edge: usize, at_ms: u64) {
        let mut after = Vec::new();
        for present in &mut self.present {
            if present.edge == edge && present.from_ms < at_ms && at_ms < present.to_ms {
                after.push(Present { from_ms: at_ms, ..*present });
                present.to_ms = at_ms;
            }
        }
        self.present.extend(after);
    }

    /// Notes that an edge did nothing, or could not ask the line, for a while: nobody could know that its fans are there,
    /// and what came meanwhile they heard of in a moment.
    pub fn edge_was_away(&mut self, edge: usize, from_ms: u64, to_ms: u64) {
        let mut pieces = Vec::new();
        for present in std::mem::take(&mut self.present) {
            if present.edge != edge || present.to_ms <= from_ms || to_ms <= present.from_ms {
                pieces.push(present);
                continue;
            }
            if self.told_ms.is_some_and(|told_ms| from_ms <= told_ms && told_ms <= to_ms) {
                self.told_live = false;
            }
            if present.from_ms < from_ms {
                pieces.push(Present { to_ms: from_ms, ..present });
            }
            if to_ms < present.to_ms {
                pieces.push(Present { from_ms: to_ms, ..present });
            }
        }
        self.present = pieces;
    }

    /// Notes that everybody was cut off at `at_ms` by a fault after which the line waits for its fans: who was
    /// back by `back_by_ms` is to be treated as if they had been there all the time.
    pub fn line_waited(&mut self, at_ms: u64, back_by_ms: u64) {
        if self.places.first().is_some_and(|first| first.at_ms < at_ms) {
            for present in &mut self.present {
                if present.from_ms > at_ms && present.from_ms <= back_by_ms {
                    present.from_ms = at_ms;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_in_vain_at_last_is_counted() {
        let asked =
            |from_ms, status| Asked { from_ms, to_ms: from_ms + 5, edge: 0, status, code: None, page: true };
        let inside = vec![asked(10, Some(503)), asked(20, Some(200)), asked(30, Some(503)), asked(40, None)];
        let mut story = Story { inside, ..Story::default() };
        assert_eq!(story.last_tries(), Some((2, 30, 45)));
        story.inside.push(asked(50, Some(200)));
        assert_eq!(story.last_tries(), None);
    }

    #[test]
    fn news_are_late_only_while_the_store_was_slow() {
        let present = |from_ms, to_ms, deaf_ms| Present { from_ms, to_ms, edge: 0, deaf_ms };
        let mut story = Story {
            present: vec![present(0, 1000, 1), present(0, 450, 0), present(500, 900, 0), present(0, 50, 0)],
            ..Story::default()
        };
        story.news_was_late(100, 500, 70);
        assert_eq!(
            story.present,
            [
                present(0, 100, 1),
                present(100, 500, 71),
                present(500, 1000, 1),
                present(0, 100, 0),
                present(100, 450, 70),
                present(500, 900, 0),
                present(0, 50, 0)
            ]
        );
    }

    #[test]
    fn at_an_edge_that_was_away_nobody_counts_as_there() {
        let present = |from_ms, to_ms, edge| Present { from_ms, to_ms, edge, deaf_ms: 0 };
        let all = vec![present(0, 1000, 0), present(0, 1000, 1), present(250, 300, 0), present(400, 900, 0)];
        let mut story = Story { present: all, told_ms: Some(450), told_live: true, ..Story::default() };
        story.edge_was_away(0, 200, 500);
        let left = [present(0, 200, 0), present(500, 1000, 0), present(0, 1000, 1), present(500, 900, 0)];
        assert_eq!(story.present, left);
        assert!(!story.told_live);
    }

    #[test]
    fn who_was_back_in_time_was_there_all_the_time() {
        let place = Place { lane: "general".to_owned(), rank: 1, id: vec![] };
        let present = |from_ms, to_ms| Present { from_ms, to_ms, edge: 0, deaf_ms: 0 };
        let mut story = Story {
            places: vec![SeenPlace { at_ms: 10, place }],
            present: vec![present(10, 100), present(150, 200), present(400, 500)],
            ..Story::default()
        };
        story.line_waited(120, 300);
        assert_eq!(story.present, [present(10, 100), present(120, 200), present(400, 500)]);
        story.line_waited(5, 500);
        assert_eq!(story.present[0].from_ms, 10, "a newcomer had no place then");
    }
}
