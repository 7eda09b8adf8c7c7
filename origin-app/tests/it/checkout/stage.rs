//! What the tests of the saga stand on: a provider that is told what to do, and settings with short times.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use origin_app::config::Settings;
use origin_app::payments::{
    Card, ChargeError, ChargeRequest, Closed, NoAnswer, PaymentProvider, RefundRequest,
};

use crate::support::{Database, settings};

/// Settings for a provider that may not answer.
pub(super) fn short(database: &Database) -> Settings {
    let mut settings = settings(database);
    settings.payments.timeout = Duration::from_millis(1500);
    settings.payments.breaker.least = 1000;
    settings
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Charged(i64),
    Closed,
    Refunded,
}

/// A provider whose answers can get lost, whatever it does.
#[derive(Default)]
pub(super) struct Provider {
    books: Mutex<HashMap<String, Standing>>,
    loses_answers: AtomicBool,
}

impl Provider {
    pub(super) fn loses_answers(&self, loses: bool) {
        self.loses_answers.store(loses, Ordering::SeqCst);
    }

    /// What it has charged and not given back.
    pub(super) fn charged(&self) -> i64 {
        let books = self.books.lock().unwrap();
        books.values().map(|standing| if let Standing::Charged(cents) = standing { *cents } else { 0 }).sum()
    }

    fn answer(&self) -> Result<(), NoAnswer> {
        if self.loses_answers.load(Ordering::SeqCst) { Err(NoAnswer::new("lost")) } else { Ok(()) }
    }
}

#[async_trait]
impl PaymentProvider for Provider {
    fn knows(&self, _: &str) -> bool {
        true
    }

    fn cards(&self) -> &'static [Card] {
        &[]
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<String, ChargeError> {
        let standing = {
            let mut books = self.books.lock().unwrap();
            *books.entry(request.key.clone()).or_insert(Standing::Charged(request.amount_cents))
        };
        self.answer()?;
        match standing {
            Standing::Charged(_) | Standing::Refunded => Ok(format!("ch-{}", request.key)),
            Standing::Closed => Err(ChargeError::Failed("closed".into())),
        }
    }

    async fn close(&self, request: &ChargeRequest) -> Result<Closed, NoAnswer> {
        // It is out of reach altogether, or it answers.
        self.answer()?;
        let standing = *self.books.lock().unwrap().entry(request.key.clone()).or_insert(Standing::Closed);
        Ok(match standing {
            Standing::Closed => Closed::Nothing,
            Standing::Charged(_) | Standing::Refunded => Closed::Charged(format!("ch-{}", request.key)),
        })
    }

    async fn refund(&self, request: &RefundRequest) -> Result<(), NoAnswer> {
        self.books.lock().unwrap().insert(request.key.clone(), Standing::Refunded);
        self.answer()
    }
}
