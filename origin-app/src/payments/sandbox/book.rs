//! The sandbox provider's books: what it remembers of every key. They survive a crash of the shop, as a real provider's
//! books elsewhere do.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::super::provider::ChargeRequest;
use super::script::Decision;
use crate::store::StoreError;

/// What was decided about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// The provider was asked, and nothing is decided.
    Asked,
    /// Money was taken.
    Charged,
    /// It was not, and will not be for this key.
    Declined,
    /// The key was closed before anything was charged.
    Closed,
}

impl ChargeOutcome {
    const ALL: [Self; 4] = [Self::Asked, Self::Charged, Self::Declined, Self::Closed];

    /// As the books spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Charged => "charged",
            Self::Declined => "declined",
            Self::Closed => "closed",
        }
    }

    /// The outcome that the books spell `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

impl From<Decision> for ChargeOutcome {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Charge => Self::Charged,
            Decision::Decline => Self::Declined,
            Decision::Nothing => Self::Asked,
        }
    }
}

/// A line in the provider's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeEntry {
    /// What was asked.
    pub request: ChargeRequest,
    /// The charge's id.
    pub charge_id: String,
}

/// What stands in the books under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The charge's id.
    pub charge_id: String,
    /// The card that was asked for first; the key is that card's for ever.
    pub card: String,
    /// What was decided.
    pub outcome: ChargeOutcome,
    /// How often a charge was asked for.
    pub asked: i64,
    /// How often it was asked to go back.
    pub refunds_asked: i64,
}

/// The port to the sandbox provider's books.
#[async_trait]
pub trait ChargeBook: Send + Sync {
    /// Notes that `entry` was asked for. Where nothing was decided about its key, `first` is, or `later` if it was asked
    /// for before. Gives what stands then.
    async fn ask(
        &self,
        entry: &ChargeEntry,
        first: ChargeOutcome,
        later: ChargeOutcome,
        now: Timestamp,
    ) -> Result<Standing, StoreError>;

    /// Closes the key of `entry` unless something was decided; gives what stands then.
    async fn close(&self, entry: &ChargeEntry, now: Timestamp) -> Result<Standing, StoreError>;

    /// Notes that the charge of `key` is asked to go back; gives what stands, if anything does.
    async fn ask_refund(&self, key: &str) -> Result<Option<Standing>, StoreError>;

    /// Notes that the charge of `key` went back, once.
    async fn refund(&self, key: &str, now: Timestamp) -> Result<(), StoreError>;
}
