//! The port to where the line lives, and its two adapters.
//!
//! One verb per atomic step. Each is one function of [`memory`] and one Lua script of [`redis`], and both
//! pass one conformance suite. The store's clock is the only clock.
//!
//! # A ticket's life
//!
//! ```text
//!          join                drain (present)          claim
//!   ───────────────▶ waiting ──────────────────▶ turn ─────────▶ active ──▶ ended
//!     │  (auto mode,   │  ▲                        │                ▲
//!     │   room free)   │  │ report_presence        │ not claimed    │
//!     │                ▼  │                        │ in time        │
//!     │               passed ◀─────────────────────┘                │
//!     └─────────────────────────────────────────────────────────────┘
//! ```
//!
//! A fan who is absent when their turn would come is *passed* over and costs no permit; when they are seen
//! again within the return window they wait at their rank, which is before everybody else's.

mod by_hand;
mod fleet;
mod join;
mod joins;
pub mod memory;
pub mod redis;
mod sessions;
mod snapshot;

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::adaptive::{History, LoadInterval, LoadReport};
use crate::clock::Timestamp;
use crate::name::{LaneId, RoomId};
use crate::rank::Rank;
use crate::rules::Rules;
use crate::ticket::{Place, TicketId};

pub use by_hand::{
    ByHand, ByHandStore, CALLED_MAX, INVITATIONS_MAX, InvitationRecord, RELOCATED_MAX, Relocated, Relocation,
    Reset,
};
pub use fleet::{
    AUDIT_MAX, AUDIT_TEXT_MAX, AuditEntry, Basis, CONFIGURATION_MAX, Configuration, FleetStore, Proposed,
    RoomsFile,
};
pub use join::{BatchId, Intent, InvitationUse, Join, Joined};
pub use joins::Joins;
pub use sessions::{LiveSession, PageMark, SESSIONS_PER_PAGE, SessionPage};
pub use snapshot::{LaneSnapshot, Memory, Snapshot};

/// How long nobody asks for turns until the store takes it that the edges were cut off from it, not that the fans went.
/// Edges ask several times a second.
pub(crate) const SILENCE: Duration = Duration::from_secs(3);

/// Most tickets in one call of a verb that changes where each of them stands. Callers cut longer lists into several
/// calls.
pub const BATCH_MAX: usize = 1000;

/// Most tickets in one report of presence, and most that are looked at in one call: so many that one call a tick is
/// enough, however many fans there are.
pub const REPORT_MAX: usize = 10_000;

/// Most turns that one drain gives; what is due beyond it waits for the next call.
pub const TURNS_PER_DRAIN_MAX: u64 = 10_000;

/// Most ended sessions that one snapshot tells.
pub const ENDED_PER_SNAPSHOT_MAX: usize = 2000;

/// How long the answer to a batch of joins is remembered, so that repeating it gives the same ranks.
pub const JOIN_MEMORY: Duration = Duration::from_secs(60);

/// How long an ended ticket is remembered: as long as anyone could still present it.
pub const ENDED_MEMORY: Duration = Duration::from_secs(24 * 3600);

/// Most stretches of ranks that a line remembers to have forgotten; of more, the two oldest become one.
pub const FORGOTTEN_MAX: usize = 16;

/// Units of a permit: a rate of 1 a minute gathers one unit a millisecond.
pub const UNITS_PER_PERMIT: u64 = 60_000;

/// How far a turn moves on a lane of weight 1; a lane of weight w moves on by a w-th of it, and the lane that
/// is furthest behind goes next. A multiple of every small weight, so that shares are exact.
pub const STRIDE: u64 = 720_720;

/// How many waiting fans one drain looks at in each lane, where it may give `turns` of them.
pub const fn scan_depth(turns: u64) -> u64 {
    let four_times = turns.saturating_mul(4);
    if four_times < 2000 { 2000 } else { four_times }
}

/// How deep into each lane presence has to be known: well beyond what the drains of the next seconds look at.
pub const fn horizon_depth(drain_per_minute: u64) -> u64 {
    4000 + drain_per_minute / 60 * 8
}

/// A verb failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached or did not answer in time. What was asked may have happened.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The store knows no such room: it was never configured, or the store lost its data.
    #[error("the store does not know the room `{0}`")]
    UnknownRoom(RoomId),
    /// The store answered something that makes no sense.
    #[error("the store gave an answer that could not be read: {0}")]
    Unreadable(String),
}

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In the line, or passed over and not yet back; with so many waiting before it.
    Waiting {
        /// Fans of the same lane waiting with a lower rank.
        ahead: u64,
    },
    /// Its turn has come and was not claimed yet.
    Turn {
        /// When the turn passes to others.
        until: Timestamp,
    },
    /// It has a session.
    Active {
        /// When the session ends, unless it slides.
        until: Timestamp,
        /// When the fan was admitted.
        admitted_at: Timestamp,
    },
    /// It left, its session is over, or its return window has passed.
    Ended,
    /// The store may have forgotten it: its rank is one of [`Snapshot::forgotten`]. [`QueueStore::restore`] puts
    /// it back.
    Unknown,
}

/// What one call of [`QueueStore::drain`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// The turns that were given: lane by lane in the order of the rules, in each in ascending order of rank.
    pub turns: Vec<(LaneId, Rank)>,
    /// Absent fans who were passed over.
    pub passed: u64,
}

/// What one call of [`QueueStore::void`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voided {
    /// Every admission up to this moment is void.
    pub before: Timestamp,
    /// Sessions that this call ended.
    pub sessions: u64,
}

/// What a proxy reports of the fans it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Tickets that wait, of fans with an open connection or a recent poll.
    pub waiting: Vec<Place>,
    /// Tickets that wait, of fans who just went away: they are absent from now on.
    pub gone: Vec<Place>,
    /// Sessions that saw a request.
    pub active: Vec<Stay>,
}

/// A session that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// The ticket.
    pub ticket: TicketId,
    /// How long ago the fan was admitted, for a store that has forgotten it.
    pub stayed: Duration,
    /// How long the session is to live from now on, within [`Rules::session_max`].
    pub keep_for: Duration,
}

/// What the store says to a report of presence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceAnswer {
    /// Reported as waiting, but not in the line, not passed, and without a turn: look at them.
    pub not_waiting: Vec<Place>,
    /// Reported as active, but ended: their tokens are worth nothing any more.
    pub ended: Vec<TicketId>,
}

/// Where the line lives.
///
/// Every verb is one atomic step. A verb that failed with [`StoreError::Unavailable`] may have happened, and
/// may be repeated: repeating it changes nothing more, and costs no fan anything.
#[async_trait]
pub trait QueueStore: Send + Sync {
    /// Puts `rules` in force unless a newer `revision` already is. The first call begins the room's line. What
    /// the caller remembers of a line that was lost raises ranks, cursors and totals, never lowers them.
    async fn configure(
        &self,
        room: &RoomId,
        rules: &Rules,
        revision: u64,
        memory: &Memory,
    ) -> Result<(), StoreError>;

    /// Takes fans into the line, or at once into the room, in the order given. `batch` names the call: the
    /// same one again within [`JOIN_MEMORY`] gives the same answer.
    async fn join(&self, room: &RoomId, batch: BatchId, joins: &[Join]) -> Result<Vec<Joined>, StoreError>;

    /// Where these tickets stand.
    async fn look(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError>;

    /// Puts tickets back that the store has forgotten, each at its rank, and tells where all stand.
    async fn restore(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError>;

    /// Turns into sessions the turns that have come, and tells where all stand. Claiming again gives the same
    /// session.
    async fn claim(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError>;

    /// Gives up places: in the line, turns and sessions.
    async fn leave(&self, room: &RoomId, places: &[Place]) -> Result<(), StoreError>;

    /// Ends sessions: the shop says that the fan is done, or an operator revokes them.
    async fn end(&self, room: &RoomId, tickets: &[TicketId]) -> Result<(), StoreError>;

    /// Voids every admission up to `before`, at the latest now; all there are where it is not said. Their sessions end,
    /// and tokens of them are worth nothing from then on, whoever knows of the sessions. Turns that were not claimed yet
    /// stay. To be sure that a call which failed is done and voids nothing more, repeat it with a moment.
    async fn void(&self, room: &RoomId, before: Option<Timestamp>) -> Result<Voided, StoreError>;

    /// Gives the turns that are due by the store's clock since anyone last called this.
    async fn drain(&self, room: &RoomId) -> Result<Drained, StoreError>;

    /// Takes in which fans are there, lets the passed who came back wait again, and lets sessions slide.
    async fn report_presence(&self, room: &RoomId, presence: &Presence)
    -> Result<PresenceAnswer, StoreError>;

    /// Adds what the caller saw of the shop to what the other proxies did. Whoever comes first after an interval
    /// of [`INTERVAL`](crate::adaptive::INTERVAL) gets the sums and what the controller remembers, to decide about
    /// the rate. Nothing in a room whose drain does not adapt.
    async fn report_load(
        &self,
        room: &RoomId,
        report: &LoadReport,
    ) -> Result<Option<(LoadInterval, History)>, StoreError>;

    /// Puts in force the rate, in fans a minute, that was decided about the interval of this number; false when a
    /// later one is over already.
    async fn set_rate(
        &self,
        room: &RoomId,
        interval: u64,
        rate: u64,
        history: &History,
    ) -> Result<bool, StoreError>;

    /// What there is to know of the room. `ended_mark` is that of the snapshot before, or 0.
    async fn snapshot(&self, room: &RoomId, ended_mark: u64) -> Result<Snapshot, StoreError>;

    /// The live sessions, a page at a time, for callers that did not see them begin. `from` is what the page before
    /// said.
    async fn sessions(&self, room: &RoomId, from: PageMark) -> Result<SessionPage, StoreError>;
}
