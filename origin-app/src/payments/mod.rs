//! Money: the port to a payment provider, the sandbox behind it, and how a payment is carried through.

mod sandbox;
mod service;

use async_trait::async_trait;

pub use sandbox::{CARDS, ChargeBook, ChargeEntry, ChargeOutcome, SandboxProvider, Standing};
pub use service::{PaymentOutcome, PaymentRefused, Payments};

/// What the provider is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeRequest {
    /// Same key, same charge: asking again never charges twice.
    pub key: String,
    /// What it is for, in the provider's books: the reservation.
    pub reference: String,
    /// How much.
    pub amount_cents: i64,
    /// In which currency.
    pub currency: String,
    /// The card, as the provider names it; never a card's number.
    pub card: String,
}

/// Why there is no charge, or none that is known.
#[derive(Debug, thiserror::Error)]
pub enum ChargeError {
    /// The provider refuses this card, now and for this key for ever.
    #[error("the card was declined")]
    Declined,
    /// Whether there is a charge is not known; ask again with the same key.
    #[error("the payment provider gave no answer")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Takes money and gives it back.
///
/// The first definite answer to a key is the answer to that key for ever: a caller that crashed, or whose
/// answer was lost, asks again and learns what happened.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Whether the provider could charge such a card at all.
    fn knows(&self, card: &str) -> bool;

    /// Charges, and gives the charge's id.
    async fn charge(&self, request: &ChargeRequest) -> Result<String, ChargeError>;

    /// Gives the charge of `key` back, if there is one; again changes nothing.
    async fn refund(&self, key: &str) -> Result<(), ChargeError>;
}
