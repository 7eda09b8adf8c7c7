//! The port to the log of an event: what happened to its seats, for the database.

use std::time::Duration;

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::{Holding, HoldingState, InventoryError};
use crate::ids::{EventId, ReservationId};

/// How long a reader of a log keeps its turn without reading again. One that works reads far more often; one that lost its
/// turn meanwhile does no harm, for what is written twice is written once.
pub const READ_TURN: Duration = Duration::from_secs(2);

/// Something that happened: the holding as it stood then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place in the log.
    pub mark: String,
    /// When it happened.
    pub at: Timestamp,
    /// The holding; an entry that cannot be read is what it says.
    pub holding: Result<Holding, String>,
}

impl LogEntry {
    /// The reservation that the entry says is over, and so may be forgotten once the database knows.
    pub fn ended(&self) -> Option<&ReservationId> {
        let holding = self.holding.as_ref().ok()?;
        matches!(holding.state, HoldingState::Released | HoldingState::Expired).then_some(&holding.id)
    }
}

/// An entry that could not be processed, put aside so that the others go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its place among the dead letters.
    pub mark: String,
    /// The entry.
    pub entry: LogEntry,
    /// Why it was put aside.
    pub reason: String,
}

/// How far the database is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Entries that are not processed yet.
    pub entries: u64,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
    /// Entries that were put aside.
    pub dead: u64,
    /// The inventory's time.
    pub now: Timestamp,
}

/// The log of each event, in the order in which things happened.
#[async_trait]
pub trait InventoryLog: Send + Sync {
    /// The oldest entries that are not acknowledged, at most `limit`. While another reader is at it, nothing: one
    /// reader at a time keeps the order. Who is silent for a while loses its turn.
    async fn read(
        &self,
        event: &EventId,
        reader: &str,
        limit: u32,
    ) -> Result<Option<Vec<LogEntry>>, InventoryError>;

    /// These are processed. Holds that are over and known to the database are forgotten.
    async fn acknowledge(&self, event: &EventId, entries: &[LogEntry]) -> Result<(), InventoryError>;

    /// Puts an entry aside.
    async fn bury(&self, event: &EventId, entry: &LogEntry, reason: &str) -> Result<(), InventoryError>;

    /// The oldest entries that were put aside.
    async fn dead(&self, event: &EventId, limit: u32) -> Result<Vec<DeadLetter>, InventoryError>;

    /// Takes a dead letter out, and writes it to the log again if `replay`. Whether it was there.
    async fn unbury(&self, event: &EventId, mark: &str, replay: bool) -> Result<bool, InventoryError>;

    /// How far the database is behind.
    async fn backlog(&self, event: &EventId) -> Result<Backlog, InventoryError>;
}
