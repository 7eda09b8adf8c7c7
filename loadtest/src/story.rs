//! What one fan saw, with times: all that the checks judge from.
//!
//! Times are milliseconds since the run began, on the one clock of this process.

use std::time::Instant;

/// The run's clock.
#[derive(Clone, Copy, Debug)]
pub struct Watch(Instant);

impl Watch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the start.
    pub fn ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The place that a ticket names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The lane.
    pub lane: String,
    /// The rank in it.
    pub rank: u64,
    /// The ticket's id, as bytes.
    pub id: Vec<u8>,
}

/// A place, and when the fan was given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPlace {
    /// When.
    pub at_ms: u64,
    /// Which.
    pub place: Place,
}

/// A position that the fan was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenPosition {
    /// When.
    pub at_ms: u64,
    /// Which.
    pub position: u64,
    /// Over which of the fan's connections, counted from 1.
    pub connection: u32,
    /// Which edge showed it.
    pub edge: usize,
}

/// A stretch of time in which the edge could know that the fan is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Which fan.
    pub fan: u32,
    /// Every ticket given, oldest first; the same one again is listed again.
    pub places: Vec<SeenPlace>,
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
}
