//! The sandbox provider: no money moves, and the card says what happens (`script`). It keeps its books in the database
//! (`book`), as a real provider keeps them elsewhere, so that they survive a crash of the shop.

mod book;
mod script;

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Clock;
use async_trait::async_trait;

use super::provider::{Card, ChargeError, ChargeRequest, Closed, NoAnswer, PaymentProvider, RefundRequest};
pub use book::{ChargeBook, ChargeEntry, ChargeOutcome, Standing};
use script::Answer;

/// How long the lost answer is waited for; longer than any timeout that can be configured.
const LOST_ANSWER: Duration = Duration::from_secs(120);
/// How long the late answer takes.
const LATE_ANSWER: Duration = Duration::from_secs(1);

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
        script::CARDS.iter().any(|known| known.id == card)
    }

    fn cards(&self) -> &'static [Card] {
        script::CARDS
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<String, ChargeError> {
        let first = script::decision(&request.card, true).into();
        let later = script::decision(&request.card, false).into();
        let standing =
            self.book.ask(&entry(request), first, later, self.clock.now()).await.map_err(NoAnswer::new)?;
        tokio::time::sleep(self.latency).await;
        match script::answer(&standing.card, standing.asked == 1) {
            Answer::Given => {}
            Answer::Late => tokio::time::sleep(LATE_ANSWER).await,
            Answer::Failure => return Err(ChargeError::Failed("the sandbox fails at this card".into())),
            Answer::Broken => return Err(NoAnswer::new("the sandbox broke the connection").into()),
            Answer::Lost => {
                // Whatever is in the books, the shop does not hear of it.
                tokio::time::sleep(LOST_ANSWER).await;
                return Err(NoAnswer::new("the sandbox lost its answer").into());
            }
        }
        match standing.outcome {
            ChargeOutcome::Charged => Ok(standing.charge_id),
            ChargeOutcome::Declined => Err(ChargeError::Declined),
            ChargeOutcome::Closed => Err(ChargeError::Failed("the key was closed".into())),
            ChargeOutcome::Asked => Err(NoAnswer::new("the sandbox has decided nothing").into()),
        }
    }

    async fn close(&self, request: &ChargeRequest) -> Result<Closed, NoAnswer> {
        let standing = self.book.close(&entry(request), self.clock.now()).await.map_err(NoAnswer::new)?;
        tokio::time::sleep(self.latency).await;
        Ok(match standing.outcome {
            ChargeOutcome::Charged => Closed::Charged(standing.charge_id),
            ChargeOutcome::Asked | ChargeOutcome::Declined | ChargeOutcome::Closed => Closed::Nothing,
        })
    }

    async fn refund(&self, request: &RefundRequest) -> Result<(), NoAnswer> {
        let standing = self.book.ask_refund(&request.key).await.map_err(NoAnswer::new)?;
        let standing = standing.ok_or_else(|| NoAnswer::new("the sandbox knows no such charge"))?;
        tokio::time::sleep(self.latency).await;
        if !script::gives_back(&standing.card, standing.refunds_asked == 1) {
            return Err(NoAnswer::new("the sandbox fails at the first refund of this card"));
        }
        self.book.refund(&request.key, self.clock.now()).await.map_err(NoAnswer::new)
    }
}

fn entry(request: &ChargeRequest) -> ChargeEntry {
    ChargeEntry { request: request.clone(), charge_id: format!("sandbox-{}", request.key) }
}
