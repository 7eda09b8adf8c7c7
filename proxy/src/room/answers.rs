//! What a room answers a fan who asks about their place.

use admission::store::StoreError;
use admission::token::TokenError;

use super::Pass;

/// Where a fan with a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// In the line; with so many before them, where that can be told.
    Waiting(Option<u64>),
    /// Their turn has come.
    Admitted,
    /// The ticket is worth nothing any more.
    Expired,
}

/// A ticket's turn was to be claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The fan has a session.
    Active(Pass),
    /// Not yet, or not any more; with so many before them, where that can be told.
    Waiting(Option<u64>),
    /// The ticket is worth nothing any more.
    Expired,
}

/// Something that a visitor asked for could not be done now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomError {
    /// The store cannot be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A ticket or token could not be made.
    #[error("{0}")]
    Unsigned(String),
}

impl From<TokenError> for RoomError {
    fn from(error: TokenError) -> Self {
        Self::Unsigned(error.to_string())
    }
}
