//! The port to whoever takes the money.

use std::error::Error;

use admission::clock::Timestamp;
use async_trait::async_trait;
use serde::Serialize;

/// What went wrong, for the log.
pub type Cause = Box<dyn Error + Send + Sync>;

/// What stands for a card where the fan's browser makes the payment with the provider's own script, so that the shop hears
/// nothing of the card.
pub const IN_BROWSER: &str = "in-browser";

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
    /// When the provider was first asked under this key, or a little before. Providers forget keys after a day.
    pub begun_at: Timestamp,
}

/// A charge that is to go back, the whole of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// The key that the charge was asked for with.
    pub key: String,
    /// The charge, as the provider named it.
    pub charge_id: String,
    /// How much.
    pub amount_cents: i64,
}

/// Why there is no charge, or none that is known.
#[derive(Debug, thiserror::Error)]
pub enum ChargeError {
    /// The provider refuses this card, now and for this key for ever.
    #[error("the card was declined")]
    Declined,
    /// The provider failed, and is certain: under this key nothing was charged and nothing will be.
    #[error("the payment provider failed before it charged")]
    Failed(#[source] Cause),
    /// The fan's browser has not confirmed the payment yet; it may never do so.
    #[error("the fan has not confirmed the payment yet")]
    Waiting,
    /// Whether there is a charge is not known; ask again with the same key, or have it closed.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
}

/// The provider did not say what happened.
#[derive(Debug, thiserror::Error)]
#[error("the payment provider gave no answer: {0}")]
pub struct NoAnswer(#[source] pub Cause);

impl NoAnswer {
    /// No answer, because of `cause`.
    pub fn new(cause: impl Into<Cause>) -> Self {
        Self(cause.into())
    }
}

/// What stands under a key that was closed. It is certain, and does not change any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// There is a charge.
    Charged(String),
    /// There is none, and there never will be one.
    Nothing,
}

/// What a browser needs to confirm a payment by itself.
#[derive(Clone, PartialEq, Eq)]
pub enum HandOver {
    /// The secret of this one payment, for the fan's browser alone.
    Secret(String),
    /// There is nothing to confirm any more: the payment has an outcome.
    Settled,
}

/// A way to pay that the checkout page offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Card {
    /// As the provider names it.
    pub id: &'static str,
    /// As the page names it.
    pub label: &'static str,
}

/// Takes money and gives it back.
///
/// The first definite answer to a key is the answer to that key for ever: a caller that crashed, or whose
/// answer was lost, asks again and learns what happened.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Whether the provider could charge such a card at all.
    fn knows(&self, card: &str) -> bool;

    /// What the checkout page offers to pay with.
    fn cards(&self) -> &'static [Card];

    /// Whether it is not asked for now, because it has not answered lately.
    fn is_spared(&self) -> bool {
        false
    }

    /// By which public key the provider's script in a browser knows this shop; nothing where browsers do not pay by
    /// themselves.
    fn browser_key(&self) -> Option<&str> {
        None
    }

    /// Prepares a payment `IN_BROWSER`. Again gives the same payment.
    async fn hand_over(&self, request: &ChargeRequest) -> Result<HandOver, ChargeError> {
        let _ = request;
        Err(ChargeError::Failed("browsers do not pay by themselves here".into()))
    }

    /// Charges, and gives the charge's id.
    async fn charge(&self, request: &ChargeRequest) -> Result<String, ChargeError>;

    /// Ends what was begun under the request's key: either it is charged already, or it never will be.
    async fn close(&self, request: &ChargeRequest) -> Result<Closed, NoAnswer>;

    /// Gives the charge back; again changes nothing.
    async fn refund(&self, request: &RefundRequest) -> Result<(), NoAnswer>;
}
