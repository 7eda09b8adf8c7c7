//! Whom to tell something at a tick: one walk along all fans.

use std::sync::Arc;

use admission::name::LaneId;
use admission::rank::Rank;
use admission::store::{LaneSnapshot, Snapshot};
use admission::ticket::TicketId;
use tokio::time::Instant;

use super::{Registry, Stage, dice};
use crate::room::view::is_told;
use crate::wire::{Turn, Wire};

/// What is known when all fans are walked along.
#[derive(Clone, Copy)]
pub(in crate::room) struct Round<'a> {
    /// Where fans stand, and below which rank that can be told; nothing while it cannot.
    pub places: Option<(&'a Snapshot, Rank)>,
    /// Whether that is news: whoever is misled by what they were shown is told.
    pub is_news: bool,
    /// The lanes whose fans can be told the same but for their places.
    pub lanes: &'a [LaneId],
    /// The time.
    pub now: Instant,
}

/// A WebSocket over which a fan is to be told their place.
pub(in crate::room) struct Due {
    pub wire: Arc<Wire>,
    pub turn: Turn,
    /// The fan's lane: an index of [`Round::lanes`].
    pub lane: usize,
    pub id: TicketId,
    /// What they are shown.
    pub position: u64,
    /// How many stand before them.
    pub ahead: u64,
    /// Whether they were told nothing for a heartbeat.
    pub is_beat: bool,
}

/// A lane, as it is walked along.
struct Walked<'a> {
    snapshot: &'a Snapshot,
    lane: &'a LaneSnapshot,
    below: Rank,
}

impl Walked<'_> {
    fn tells(&self, rank: Rank) -> bool {
        rank < self.below && is_told(self.snapshot, self.lane, rank)
    }

    /// Whether nothing but the ladder decides what a fan of this rank is told.
    fn is_plain(&self, rank: Rank) -> bool {
        !self.snapshot.may_have_forgotten(rank) && rank >= self.snapshot.by_hand.reset_below
    }
}

impl Registry {
    /// Those to tell where they stand: whoever what they were shown would mislead, and who was told nothing for a
    /// heartbeat. Takes note that they are told. Whoever cannot be told the same as the others is left to their task.
    pub(in crate::room) fn due(&mut self, round: &Round<'_>) -> Vec<Due> {
        let mut due = Vec::new();
        for (name, fans) in self.fans.lanes_mut() {
            let walked = round
                .places
                .and_then(|(snapshot, below)| Some(Walked { snapshot, lane: snapshot.lane(name)?, below }));
            let mut ladder = walked.as_ref().map(|walked| walked.lane.ladder.ascent());
            let like_all = round.lanes.iter().position(|lane| lane == name);
            for (rank, id, fan) in fans {
                let is_beat = fan.beat_at <= round.now;
                let may_be_misled = round.is_news
                    && ladder.as_mut().is_some_and(|ladder| ladder.may_mislead(rank, fan.shown));
                // Nothing else of the fan is looked at, for this is done for everybody at every tick.
                if !(is_beat || may_be_misled) || !fan.has_sockets() {
                    continue;
                }
                let is_placed =
                    fan.stage == Stage::Waiting && walked.as_ref().is_some_and(|walked| walked.tells(rank));
                let ahead = ladder.as_mut().filter(|_| is_placed).map(|ladder| ladder.ahead(rank));
                let is_misled = may_be_misled && ahead.is_some_and(|ahead| fan.shown.misleads(ahead));
                if !is_beat && !is_misled {
                    continue;
                }
                fan.told(dice(id), round.now);
                let is_plain = walked.as_ref().is_some_and(|walked| walked.is_plain(rank));
                let place = ahead.zip(like_all).filter(|_| is_plain);
                let place = place.map(|(ahead, lane)| (fan.shown.show(ahead), ahead, lane));
                for wire in &fan.wires {
                    match place.zip(wire.turn()) {
                        Some(((position, ahead, lane), turn)) => {
                            due.push(Due { wire: wire.clone(), turn, lane, id, position, ahead, is_beat });
                        }
                        None if is_beat => wire.ring_with_ping(),
                        None => wire.ring(),
                    }
                }
            }
        }
        due
    }
}
