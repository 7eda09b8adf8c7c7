//! What one fan saw with one ticket.

use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::name::LaneId;
use crate::rank::Rank;
use crate::wait::Wait;

/// A stretch of time. One that ends before it begins is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Its first moment.
    pub from: Timestamp,
    /// Its last moment.
    pub to: Timestamp,
}

impl Span {
    /// From `from` to `to`.
    pub const fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to }
    }

    /// Whether `at` lies in it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }

    /// Whether all of `other` lies in it.
    pub fn covers(self, other: Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    /// Whether the two have a moment in common.
    pub fn meets(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// How long it is.
    pub fn length(self) -> Duration {
        self.to.since(self.from)
    }

    pub(super) fn is_empty(self) -> bool {
        self.to < self.from
    }
}

/// Where a fan is told to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// In the line, which moves.
    Waiting,
    /// In the line, which stands: the room is paused, closed or not open yet.
    Standing,
    /// Their turn has come.
    Turn,
    /// The ticket is worth nothing any more.
    Expired,
}

/// What a fan was told of their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where they are.
    pub line: Line,
    /// The position shown.
    pub position: Option<u64>,
    /// The range of the wait.
    pub wait: Option<Wait>,
    /// Whether the edge vouched for it: it did not say that the line is out of reach or being put together.
    pub sure: bool,
}

/// Something that a fan saw or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// They were given, or presented, a ticket of this place.
    Ticket {
        /// Its lane.
        lane: LaneId,
        /// Its rank.
        rank: Rank,
    },
    /// They are there from now on.
    Came {
        /// By a connection on which they hear of news at once; otherwise they ask now and then.
        live: bool,
    },
    /// They are not there any more.
    Went,
    /// They were told of their place.
    Told(Told),
    /// They hold a session.
    Entered,
    /// They used, or tried to use, their session.
    Used {
        /// Whether they were let through.
        accepted: bool,
    },
    /// They told the shop that they are done, and it ended the session.
    Finished,
    /// They gave their place up, and were told that it is done.
    Left,
}

/// One line of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When, by a clock that nobody can shift.
    pub at: Timestamp,
    /// Through which edge. One that was started anew is another.
    pub edge: u32,
    /// What.
    pub what: What,
}

/// What one fan saw with one ticket, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Names the fan.
    pub name: String,
    /// The lane.
    pub lane: LaneId,
    /// The rank; none for a fan who was let in without a ticket.
    pub rank: Option<Rank>,
    /// Between when the fan came, as far as that decides about the rank; nothing where a draw does.
    pub came: Option<Span>,
    /// What they saw.
    pub seen: Vec<Seen>,
}

impl Story {
    /// The rank that orders this fan: whoever was let in without a ticket is behind everybody.
    pub fn order(&self) -> Rank {
        self.rank.unwrap_or(Rank::MAX)
    }

    /// When it begins.
    pub fn begins(&self) -> Timestamp {
        self.seen.first().map_or(Timestamp::default(), |seen| seen.at)
    }

    /// When the fan first saw something of which `is_it` holds.
    pub(super) fn first(&self, is_it: impl Fn(&What) -> bool) -> Option<&Seen> {
        self.seen.iter().find(|seen| is_it(&seen.what))
    }

    /// When, and through which edge, they finished or left.
    pub(super) fn over(&self) -> Option<(Timestamp, u32)> {
        self.first(|what| matches!(what, What::Finished | What::Left)).map(|seen| (seen.at, seen.edge))
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in lane {}, ", self.name, self.lane)?;
        match self.rank {
            Some(rank) => writeln!(f, "rank {rank}:")?,
            None => writeln!(f, "without a ticket:")?,
        }
        for Seen { at, edge, what } in &self.seen {
            writeln!(f, "  {at} edge {edge}: {}", Words(what))?;
        }
        Ok(())
    }
}

struct Words<'a>(&'a What);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            What::Ticket { lane, rank } => write!(f, "has a ticket: {lane}, {rank}"),
            What::Came { live: true } => f.write_str("is connected"),
            What::Came { live: false } => f.write_str("asks now and then"),
            What::Went => f.write_str("is gone"),
            What::Told(Told { line, position, wait, sure }) => {
                let line = match line {
                    Line::Waiting => "waiting",
                    Line::Standing => "the line stands",
                    Line::Turn => "it is your turn",
                    Line::Expired => "expired",
                };
                write!(f, "told: {line}")?;
                if let Some(position) = position {
                    write!(f, ", position {position}")?;
                }
                if let Some(Wait { low, high }) = wait {
                    write!(f, ", {} to {} s", low.as_secs(), high.as_secs())?;
                }
                if *sure { Ok(()) } else { f.write_str(" (the edge does not vouch for it)") }
            }
            What::Entered => f.write_str("has a session"),
            What::Used { accepted: true } => f.write_str("is let through"),
            What::Used { accepted: false } => f.write_str("is not let through"),
            What::Finished => f.write_str("is done"),
            What::Left => f.write_str("gave the place up"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{at, fan, told, waiting};
    use super::*;

    #[test]
    fn a_story_reads_as_one() {
        let story = fan("fan 1", 10).sees(0, What::Came { live: true }).sees(1, waiting(3)).into_story();
        let text = story.to_string();
        assert!(
            text.contains("fan 1 in lane general, rank 10") && text.contains("told: waiting, position 3")
        );
        let unsure = What::Told(Told { sure: false, ..told(Line::Waiting) });
        assert!(Words(&unsure).to_string().ends_with("(the edge does not vouch for it)"));
    }

    #[test]
    fn spans_meet_at_their_ends() {
        let span = Span::new(at(1), at(2));
        assert!(span.meets(Span::new(at(2), at(3))) && !span.meets(Span::new(at(3), at(4))));
        assert!(span.covers(span) && span.contains(at(2)) && !span.contains(at(3)));
    }
}
