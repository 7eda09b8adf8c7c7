//! What an account is.

use admission::clock::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ids::{AccountId, FanId};
use crate::language::Language;
use crate::notifications::EmailAddress;

/// Somebody with an address and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The address, which its owner has shown to be theirs.
    pub email: EmailAddress,
    /// The fan who buys with it. No browser ever knows this id.
    pub fan: FanId,
    /// What its owner may do.
    pub role: Role,
    /// In which language its owner is written to.
    pub language: Language,
    /// When it was opened.
    pub created_at: Timestamp,
}

/// What the owner of an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Buy.
    Fan,
    /// Create and change events too, and see how they sell.
    Organiser,
}

impl Role {
    /// The role as the database spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fan => "fan",
            Self::Organiser => "organiser",
        }
    }

    /// The role that the database spells `text`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Fan, Self::Organiser].into_iter().find(|role| role.as_str() == text)
    }
}

/// Who is logged in: as much as a request needs, and nothing personal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub account: AccountId,
    /// The fan of the account.
    pub fan: FanId,
    /// What they may do.
    pub role: Role,
    /// When it ends.
    pub expires_at: Timestamp,
}
