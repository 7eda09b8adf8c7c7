//! The payment provider, with each answer to a charge counted.

use std::sync::Arc;

use async_trait::async_trait;

use super::metrics::Metrics;
use crate::payments::{
    Card, ChargeError, ChargeRequest, Closed, HandOver, NoAnswer, PaymentProvider, RefundRequest,
};

struct Counted {
    port: Arc<dyn PaymentProvider>,
    metrics: Arc<Metrics>,
}

/// The same provider, counted.
pub(crate) fn provider(port: Arc<dyn PaymentProvider>, metrics: &Arc<Metrics>) -> Arc<dyn PaymentProvider> {
    Arc::new(Counted { port, metrics: Arc::clone(metrics) })
}

#[async_trait]
impl PaymentProvider for Counted {
    fn knows(&self, card: &str) -> bool {
        self.port.knows(card)
    }

    fn cards(&self) -> &'static [Card] {
        self.port.cards()
    }

    fn is_spared(&self) -> bool {
        self.port.is_spared()
    }

    fn browser_key(&self) -> Option<&str> {
        self.port.browser_key()
    }

    async fn hand_over(&self, request: &ChargeRequest) -> Result<HandOver, ChargeError> {
        self.port.hand_over(request).await
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<String, ChargeError> {
        let answer = self.port.charge(request).await;
        self.metrics.payment(match &answer {
            Ok(_) => "charged",
            Err(ChargeError::Declined) => "declined",
            // Nothing has happened yet.
            Err(ChargeError::Waiting) => return answer,
            Err(_) => "no_answer",
        });
        answer
    }

    async fn close(&self, request: &ChargeRequest) -> Result<Closed, NoAnswer> {
        self.port.close(request).await
    }

    async fn refund(&self, request: &RefundRequest) -> Result<(), NoAnswer> {
        self.port.refund(request).await
    }
}
