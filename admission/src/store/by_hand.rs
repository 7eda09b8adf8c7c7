//! What operators do to a line by hand: rare, and beyond what the promises say of it.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Standing, StoreError};
use crate::clock::Timestamp;
use crate::name::{LaneId, RoomId};
use crate::rank::Rank;
use crate::ticket::{Place, TicketId};

/// Most turns out of order that a snapshot tells at once; of more, it tells the latest.
pub const CALLED_MAX: usize = 100;

/// Most places that were moved which a line remembers and a snapshot tells; of more, the latest.
pub const RELOCATED_MAX: usize = 100;

/// What was done to a line by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByHand {
    /// When everybody's place was taken back last.
    pub reset_at: Timestamp,
    /// Tickets of lower ranks are from before that, and worth nothing.
    pub reset_below: Rank,
    /// Turns that were given out of order, in all. [`Snapshot::admitted_total`](super::Snapshot::admitted_total) has them
    /// too.
    pub admitted: u64,
    /// Those of them that may not be claimed yet. Cursors do not tell of them.
    pub called: Vec<(LaneId, Rank)>,
    /// Places that were moved, so that their fans follow. A journal notes them by themselves.
    #[serde(skip)]
    pub relocated: Vec<Relocated>,
}

/// A place that is to be moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relocation {
    /// It stands here now.
    pub from: Place,
    /// It is to stand in this lane.
    pub lane: LaneId,
    /// Right behind this rank, and behind all whose turn has come; at the end where there is none.
    pub behind: Option<Rank>,
    /// With a ticket of this id: the one of before is worth nothing from then on.
    pub id: TicketId,
}

/// A place that was moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relocated {
    /// Where it stood, with the ticket of before.
    pub from: Place,
    /// Where it stands now, with another ticket.
    pub to: Place,
}

/// What one call of [`ByHandStore::reset`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// When the line was reset.
    pub at: Timestamp,
    /// Places in the line, and turns, that this call took back.
    pub places: u64,
    /// Sessions that this call ended.
    pub sessions: u64,
}

/// An invitation that somebody used, or that was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRecord {
    /// Its id.
    pub id: TicketId,
    /// How many tickets were had for it.
    pub used: u64,
    /// Whether it was withdrawn.
    pub is_withdrawn: bool,
    /// Until when it would be good.
    pub until: Timestamp,
}

/// Most invitations that one call tells of.
pub const INVITATIONS_MAX: usize = 1000;

/// From here on what is noted of an invitation is the rank of the one fan that it is for, below it how many used it.
pub(super) const RANKS_FROM: u64 = 1 << 40;

/// The port to what operators do by hand.
#[async_trait]
pub trait ByHandStore: Send + Sync {
    /// Takes back everybody's place: who waits or has a turn or a session has to join anew. Nothing while the order of a
    /// pre-queue is yet to be drawn: there are no places then. Does nothing more where that was done at `since` or later, so
    /// a call that failed is repeated with the same moment.
    ///
    /// # Errors
    /// When the store cannot be reached, or knows no such room.
    async fn reset(&self, room: &RoomId, since: Timestamp) -> Result<Option<Reset>, StoreError>;

    /// Gives turns out of order to those of these tickets that wait or were passed over, as far as there is room inside,
    /// in a room that is open or paused. Each takes a permit, if there is one. Tells where all stand.
    ///
    /// # Errors
    /// When the store cannot be reached, or knows no such room.
    async fn admit(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError>;

    /// Moves a place that waits, or was passed over, to another lane or behind another place. Where it stands then; a
    /// repetition with the same ids is told the same. Nothing where it does not wait, where there is no such lane, and in a
    /// pre-queue, whose order is yet to be drawn.
    ///
    /// # Errors
    /// When the store cannot be reached, or knows no such room.
    async fn relocate(&self, room: &RoomId, wanted: &Relocation) -> Result<Option<Place>, StoreError>;

    /// Withdraws invitations, each until when it would be good: nobody joins by them any more. Who did before keeps their
    /// place.
    ///
    /// # Errors
    /// When the store cannot be reached, or knows no such room.
    async fn withdraw(&self, room: &RoomId, invitations: &[(TicketId, Timestamp)]) -> Result<(), StoreError>;

    /// The invitations that were used or withdrawn and would be good still, those that are good longest first: so many at
    /// most. Of those that nobody used yet the store knows nothing.
    ///
    /// # Errors
    /// When the store cannot be reached, or knows no such room.
    async fn invitations(&self, room: &RoomId, most: usize) -> Result<Vec<InvitationRecord>, StoreError>;
}

/// A reset is never of the same moment as the one before.
pub(super) const NEXT: Duration = Duration::from_millis(1);
