//! What a fan who joins asks for, and what becomes of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::name::LaneId;
use crate::rank::Rank;
use crate::ticket::TicketId;

/// Names one batch of joins, so that a batch whose answer was lost can be sent again.
pub type BatchId = TicketId;

/// One fan who wants in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The lane to stand in. It has to be one of the room's.
    pub lane: LaneId,
    /// The ticket's id.
    pub id: TicketId,
    /// Whether to enter, to wait, or either.
    pub intent: Intent,
    /// The rank that the draw gives this ticket, where the room has a pre-queue: counts for who came during it.
    pub drawn: Option<Rank>,
    /// When the fan came, by the store's clock as far as the caller could tell, if that was while the store was
    /// away; now otherwise.
    pub arrived_at: Option<Timestamp>,
    /// The invitation that opens the lane to the fan, if they need one.
    pub invitation: Option<InvitationUse>,
}

impl Join {
    /// Somebody who comes now, without an invitation, to a room without a pre-queue.
    pub fn new(lane: LaneId, id: TicketId, intent: Intent) -> Self {
        Self { lane, id, intent, drawn: None, arrived_at: None, invitation: None }
    }
}

/// An invitation that a fan joins with. The caller has checked it; the store counts how often it was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationUse {
    /// The invitation.
    pub id: TicketId,
    /// How often it may be used. One for a single fan gives that fan the same place again.
    pub uses: u32,
    /// How long it still is good; its uses are remembered for that long.
    pub good_for: Duration,
}

/// What a fan who joins is ready to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// Enter at once where the room is free, else wait: a page navigation.
    EnterOrWait,
    /// Enter at once or not at all: a request that cannot show a waiting page.
    EnterOnly,
    /// Stand in the line.
    Wait,
}

/// What became of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The room was free: the fan has a session.
    Entered {
        /// The rank that they would have waited with.
        rank: Rank,
        /// When the session ends, unless it slides.
        until: Timestamp,
    },
    /// The fan waits.
    Waiting {
        /// Their rank.
        rank: Rank,
        /// Fans of the same lane before them.
        ahead: u64,
    },
    /// The fan came during the pre-queue and waits with the rank that the draw gives them.
    Drawn,
    /// The draw gave that rank to somebody else before. The fan needs a ticket with another id.
    Taken,
    /// [`Intent::EnterOnly`], and the room is not free.
    NotFree,
    /// The line is as long as it may get.
    Full,
    /// The room is closed, or not open yet, or has no such lane.
    Closed,
    /// The invitation was used as often as it may be.
    InvitationUsed,
}
