//! The sandbox provider: no money moves, and the card says what happens. It keeps its books in the database,
//! as a real provider keeps them elsewhere, so that they survive a crash of the shop.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Timestamp};
use async_trait::async_trait;

use super::{ChargeError, ChargeRequest, PaymentProvider};
use crate::store::StoreError;

/// The cards that the sandbox knows, and what they do.
pub const CARDS: [(&str, &str); 3] = [
    ("sandbox-ok", "Sandbox card that pays"),
    ("sandbox-declined", "Sandbox card that is declined"),
    ("sandbox-timeout", "Sandbox card whose first answer gets lost"),
];

/// How long the lost answer is waited for; longer than any timeout that can be configured.
const LOST_ANSWER: Duration = Duration::from_secs(120);

/// What the provider decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// Money was taken.
    Charged,
    /// It was not, and will not be for this key.
    Declined,
}

/// A line in the provider's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeEntry {
    /// What was asked.
    pub request: ChargeRequest,
    /// The charge's id.
    pub charge_id: String,
    /// What was decided.
    pub outcome: ChargeOutcome,
}

/// What stands in the books under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The charge's id.
    pub charge_id: String,
    /// What was decided.
    pub outcome: ChargeOutcome,
    /// Whether it was written just now.
    pub new: bool,
}

/// The port to the sandbox provider's books.
#[async_trait]
pub trait ChargeBook: Send + Sync {
    /// Writes `entry` unless its key is there already; gives what stands then.
    async fn record(&self, entry: &ChargeEntry, now: Timestamp) -> Result<Standing, StoreError>;

    /// Notes that the charge of `key` went back, once.
    async fn refund(&self, key: &str, now: Timestamp) -> Result<(), StoreError>;
}

/// A provider for development and tests.
pub struct SandboxProvider {
    book: Arc<dyn ChargeBook>,
    clock: Arc<dyn Clock>,
    latency: Duration,
}

impl SandboxProvider {
    /// A provider that writes into `book` and answers after `latency`.
    pub fn new(book: Arc<dyn ChargeBook>, clock: Arc<dyn Clock>, latency: Duration) -> Self {
        Self { book, clock, latency }
    }
}

#[async_trait]
impl PaymentProvider for SandboxProvider {
    fn knows(&self, card: &str) -> bool {
        CARDS.iter().any(|(known, _)| *known == card)
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<String, ChargeError> {
        let outcome = match request.card.as_str() {
            "sandbox-declined" => ChargeOutcome::Declined,
            _ => ChargeOutcome::Charged,
        };
        let entry =
            ChargeEntry { request: request.clone(), charge_id: format!("sandbox-{}", request.key), outcome };
        let standing =
            self.book.record(&entry, self.clock.now()).await.map_err(|error| no_answer(error.into()))?;
        tokio::time::sleep(self.latency).await;
        if standing.new && request.card == "sandbox-timeout" {
            // The charge is in the books, and the shop never hears of it.
            tokio::time::sleep(LOST_ANSWER).await;
            return Err(no_answer("the sandbox lost its answer".into()));
        }
        match standing.outcome {
            ChargeOutcome::Charged => Ok(standing.charge_id),
            ChargeOutcome::Declined => Err(ChargeError::Declined),
        }
    }

    async fn refund(&self, key: &str) -> Result<(), ChargeError> {
        self.book.refund(key, self.clock.now()).await.map_err(|error| no_answer(error.into()))
    }
}

fn no_answer(cause: Box<dyn std::error::Error + Send + Sync>) -> ChargeError {
    ChargeError::NoAnswer(cause)
}
