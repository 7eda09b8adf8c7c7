//! What stands between the shop and its payment provider: a timeout for every call, and a circuit breaker that asks
//! nobody while the provider does not answer. To the shop both look like no answer, and the saga knows what to do then.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admission::clock::Clock;
use async_trait::async_trait;

use super::breaker::{Breaker, BreakerRules, Change};
use super::provider::{
    Card, ChargeError, ChargeRequest, Closed, HandOver, NoAnswer, PaymentProvider, RefundRequest,
};

/// A provider that is not waited for longer than is useful.
pub struct Guarded {
    provider: Arc<dyn PaymentProvider>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    breaker: Mutex<Breaker>,
}

/// Nobody was asked.
#[derive(Debug, thiserror::Error)]
#[error("the provider has not answered lately, and is not asked for now")]
struct CircuitOpen;

impl Guarded {
    /// Guards `provider`.
    pub fn new(
        provider: Arc<dyn PaymentProvider>,
        clock: Arc<dyn Clock>,
        timeout: Duration,
        rules: BreakerRules,
    ) -> Self {
        Self { provider, clock, timeout, breaker: Mutex::new(Breaker::new(rules)) }
    }

    /// Makes a call. `answered` says of an error whether the provider was well all the same.
    async fn call<T, E: From<NoAnswer>>(
        &self,
        call: impl Future<Output = Result<T, E>> + Send,
        answered: impl Fn(&E) -> bool + Send,
    ) -> Result<T, E> {
        let permit = self.breaker.lock().unwrap_or_else(PoisonError::into_inner).ask(self.clock.now());
        let Some(permit) = permit else {
            return Err(NoAnswer::new(CircuitOpen).into());
        };
        let outcome = match tokio::time::timeout(self.timeout, call).await {
            Ok(outcome) => outcome,
            Err(elapsed) => Err(NoAnswer::new(elapsed).into()),
        };
        let well = outcome.as_ref().err().is_none_or(answered);
        let change =
            self.breaker.lock().unwrap_or_else(PoisonError::into_inner).tell(permit, well, self.clock.now());
        match change {
            Some(Change::Opened) => {
                tracing::error!("the payment provider does not answer; it is not asked for a while");
            }
            Some(Change::Closed) => tracing::info!("the payment provider answers again"),
            None => {}
        }
        outcome
    }
}

/// Whether the provider was well all the same.
const fn is_answer(error: &ChargeError) -> bool {
    matches!(error, ChargeError::Declined | ChargeError::Waiting)
}

#[async_trait]
impl PaymentProvider for Guarded {
    fn knows(&self, card: &str) -> bool {
        self.provider.knows(card)
    }

    fn cards(&self) -> &'static [Card] {
        self.provider.cards()
    }

    fn is_spared(&self) -> bool {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).state() != "closed"
    }

    fn browser_key(&self) -> Option<&str> {
        self.provider.browser_key()
    }

    async fn hand_over(&self, request: &ChargeRequest) -> Result<HandOver, ChargeError> {
        self.call(self.provider.hand_over(request), is_answer).await
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<String, ChargeError> {
        self.call(self.provider.charge(request), is_answer).await
    }

    async fn close(&self, request: &ChargeRequest) -> Result<Closed, NoAnswer> {
        self.call(self.provider.close(request), |_| false).await
    }

    async fn refund(&self, request: &RefundRequest) -> Result<(), NoAnswer> {
        self.call(self.provider.refund(request), |_| false).await
    }
}
