//! What a proxy knows of a room's line: the snapshot of each tick, and what is left of it when the store has
//! lost the line.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ByHand;
use crate::clock::Timestamp;
use crate::name::LaneId;
use crate::position::Ladder;
use crate::rank::{Rank, RankRange, UNSEEN_LEAD};
use crate::rules::{Mode, Phase, Rules};
use crate::ticket::TicketId;

/// What a proxy needs to know of a room, once per tick, for any number of fans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The store's time.
    pub at: Timestamp,
    /// When this line began, or another server took it over that may not have known all of it. Whenever this
    /// changes, callers tell the store what they know: who waits, who has a session, whose is over.
    pub resumed_at: Timestamp,
    /// Ranks that this line may have given and forgotten, oldest first.
    pub forgotten: Vec<RankRange>,
    /// How many ranks the line runs ahead of its clock.
    pub lead: u64,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// Which revision of the rules that is.
    pub revision: u64,
    /// Until when nobody is admitted because the line is being rebuilt; the past when it is not.
    pub hold_until: Timestamp,
    /// Fans a minute, now: as the rules say, or as the drain has adapted.
    pub rate: u64,
    /// Fans with a session.
    pub active: u64,
    /// Fans whose turn has come and who have not claimed it yet.
    pub turns: u64,
    /// Fans who joined, in all.
    pub joined_total: u64,
    /// Turns given, in all.
    pub admitted_total: u64,
    /// Turns that nobody claimed in time, in all. Their permits went back to the drain.
    pub lapsed_total: u64,
    /// Admissions up to this moment are void: [`QueueStore::void`](super::QueueStore::void).
    pub voided_before: Timestamp,
    /// `prequeue_at` of the latest pre-queue whose opening has been: the seed of its draw is public, and so are those of
    /// all before it. Zero before the first.
    pub revealed: Timestamp,
    /// One entry per lane, in the order of the rules.
    pub lanes: Vec<LaneSnapshot>,
    /// Sessions that ended after the mark that the caller gave, oldest first.
    pub ended: Vec<TicketId>,
    /// The mark to give next time. When [`ENDED_PER_SNAPSHOT_MAX`](super::ENDED_PER_SNAPSHOT_MAX) came, there are more: ask again.
    pub ended_mark: u64,
    /// What operators did by hand.
    pub by_hand: ByHand,
}

/// One lane in a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneSnapshot {
    /// The lane.
    pub name: LaneId,
    /// The highest rank whose turn has come.
    pub cursor: Rank,
    /// The next rank that will be given; all given so far are lower.
    pub next_rank: Rank,
    /// Presence has to be reported for the fans up to this rank.
    pub horizon: Rank,
    /// Who waits where.
    pub ladder: Ladder,
}

impl Snapshot {
    /// Fans who wait, in all lanes.
    pub fn waiting(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.ladder.waiting()).sum()
    }

    /// The lane of this name.
    pub fn lane(&self, name: &LaneId) -> Option<&LaneSnapshot> {
        self.lanes.iter().find(|lane| lane.name == *name)
    }

    /// What mode and times come to. An opening that has been stays, though the store's clock be behind now.
    pub fn phase(&self) -> Phase {
        let opened = self.rules.opens_at.filter(|_| self.has_revealed());
        self.rules.phase(opened.map_or(self.at, |opens_at| opens_at.max(self.at)))
    }

    /// Whether the opening that the rules in force name has been, and with it the seed of their draw.
    pub fn has_revealed(&self) -> bool {
        self.rules.prequeue_at.is_some_and(|prequeue_at| prequeue_at <= self.revealed)
    }

    /// Whether fans whose turn comes are admitted. A rate of zero admits nobody.
    pub fn drains(&self) -> bool {
        self.phase() == Phase::Open && self.rate > 0
    }

    /// Whether the line may have forgotten a ticket with this rank.
    pub fn may_have_forgotten(&self, rank: Rank) -> bool {
        self.forgotten.iter().any(|range| range.contains(rank))
    }

    /// Whether a fan who came now would be let in without waiting, as far as this snapshot knows.
    pub fn is_free(&self) -> bool {
        self.rules.mode == Mode::Auto
            && self.drains()
            && self.hold_until <= self.at
            && self.waiting() == 0
            && self.active + self.turns < self.rules.max_active
    }
}

/// What a proxy remembers of a line, for a store that has lost it. Whoever never saw the line knows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Above every rank that was seen in any lane.
    pub next_rank: Rank,
    /// How many ranks the line ran ahead of its clock.
    pub lead: u64,
    /// Fans who had joined, in all.
    pub joined_total: u64,
    /// Turns that had been given, in all.
    pub admitted_total: u64,
    /// The cursor of each lane.
    pub cursors: Vec<(LaneId, Rank)>,
    /// Admissions up to this moment are void. A journal notes that by itself.
    #[serde(skip)]
    pub voided_before: Timestamp,
    /// When the line was reset last, and below which rank tickets are from before that. Noted by itself too.
    #[serde(skip)]
    pub reset: (Timestamp, Rank),
    /// The latest pre-queue whose seed is public. A journal notes that by itself.
    #[serde(skip)]
    pub revealed: Timestamp,
}

impl Memory {
    /// Above every rank that the line can have given, though nobody saw it: zero where there is nothing to remember.
    pub(crate) fn above_all(&self) -> Rank {
        if self.is_empty() { Rank::ZERO } else { self.next_rank.ahead_by(UNSEEN_LEAD) }
    }

    /// Whether there is anything to remember.
    pub fn is_empty(&self) -> bool {
        self.next_rank == Rank::ZERO
    }

    /// What a snapshot leaves to remember.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            next_rank: snapshot.lanes.iter().map(|lane| lane.next_rank).max().unwrap_or_default(),
            lead: snapshot.lead,
            joined_total: snapshot.joined_total,
            admitted_total: snapshot.admitted_total,
            cursors: snapshot.lanes.iter().map(|lane| (lane.name.clone(), lane.cursor)).collect(),
            voided_before: snapshot.voided_before,
            reset: (snapshot.by_hand.reset_at, snapshot.by_hand.reset_below),
            revealed: snapshot.revealed,
        }
    }
}
