//! What is told of a room's draw.

use serde::Serialize;
use utoipa::ToSchema;

/// How to check a draw, in short. `docs/fairness.md` says it at length.
pub const HOW: &str = "commitment = SHA-256(seed). The draw number of a ticket = the first 25 bits of \
                       HMAC-SHA-256(key: seed, text: the ticket's id, 16 characters); lower goes first. The id is in the \
                       second part of the cookie wr-ticket-<room>. docs/check_draw.py in the source of Stanchion does it.";

/// What anyone is told of a room's draw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Draw)]
pub struct DrawFacts {
    /// The room.
    pub room: String,
    /// When the pre-queue begins.
    pub prequeue_at: String,
    /// When the room opens, and the order is told.
    pub opens_at: String,
    /// `committed`, and once the room has opened `revealed`.
    pub state: &'static str,
    /// The SHA-256 of the seed.
    pub commitment: String,
    /// The seed, once the room has opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// How to check it.
    pub how: &'static str,
}

/// What a fan's own page says of the draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawNote {
    /// The SHA-256 of the seed.
    pub commitment: String,
    /// The id of the fan's ticket.
    pub ticket: String,
}
