//! The port to wherever messages wait.
//!
//! Whoever changes something and tells of it writes both in one transaction, behind its own port: `persistence` has a
//! function for it. What stands here is for the sender, for operators, and for what is told without a change.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::message::{Backlog, DeadLetter, Letter, Message};
use crate::store::StoreError;

/// Keeps messages until they are sent.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Writes a message, unless there is or was one of its key.
    async fn enqueue(&self, message: &Message, now: Timestamp) -> Result<(), StoreError>;

    /// Takes up to `limit` messages that are due; nobody else takes them before `until`.
    async fn take(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<Letter>, StoreError>;

    /// It is out: address and content are forgotten.
    async fn sent(&self, key: &str, now: Timestamp) -> Result<(), StoreError>;

    /// It is not: it may be tried again at `next_at`.
    async fn retry(&self, key: &str, failure: &str, next_at: Timestamp) -> Result<(), StoreError>;

    /// It will not be tried again.
    async fn bury(&self, key: &str, failure: &str, now: Timestamp) -> Result<(), StoreError>;

    /// How much there is.
    async fn backlog(&self) -> Result<Backlog, StoreError>;

    /// What was given up, the newest first.
    async fn dead(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError>;

    /// Has given up messages tried anew: the one of `key`, or all of them. Gives how many.
    async fn revive(&self, key: Option<&str>, now: Timestamp) -> Result<u64, StoreError>;

    /// Takes given up messages for done, without sending them: the one of `key`, or all of them. Gives how many.
    async fn drop_dead(&self, key: Option<&str>, now: Timestamp) -> Result<u64, StoreError>;

    /// Forgets what was sent before `before`, up to `limit`; gives how many.
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
