//! The port to wherever answers are kept.

use admission::clock::Timestamp;
use async_trait::async_trait;

use crate::store::StoreError;

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Those of its headers that belong to it, and not to the connection or the day.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nothing; it is this request's from now on.
    New,
    /// It was answered.
    Answered(Answer),
    /// It is being answered.
    UnderWay,
    /// It came with another request.
    Other,
}

/// Keeps answers.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Takes `key` for the request `request`, until `until`, unless it is known.
    async fn begin(
        &self,
        key: &str,
        request: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Begun, StoreError>;

    /// Keeps the answer to `request` under each of `keys` until `until`.
    async fn answered(
        &self,
        keys: &[String],
        request: &str,
        answer: &Answer,
        until: Timestamp,
    ) -> Result<(), StoreError>;

    /// The request came to nothing: the next one is the first.
    async fn give_up(&self, key: &str) -> Result<(), StoreError>;

    /// Forgets what is over.
    async fn forget(&self, now: Timestamp) -> Result<(), StoreError>;
}
