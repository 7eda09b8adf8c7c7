//! The port to wherever events are kept.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::model::{EventOnSale, Sales, Seat};
use super::new_event::NewEvent;
use crate::ids::{EventId, FanId};
use crate::store::StoreError;

/// What came of creating an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is there now.
    Yes,
    /// There was one of that id before; nothing changed.
    Existed,
}

/// Keeps events and their seats. `now` decides which holds still count.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Adds an event with all its seats, or nothing.
    async fn create(&self, new: &NewEvent, now: Timestamp) -> Result<Created, StoreError>;

    /// One event.
    async fn find(&self, id: &EventId, now: Timestamp) -> Result<Option<EventOnSale>, StoreError>;

    /// The next `limit` events by start, after the event `after`.
    async fn page(
        &self,
        after: Option<&EventId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<EventOnSale>, StoreError>;

    /// All seats of an event in the order of the seat map, as `fan` sees them.
    async fn seats(&self, id: &EventId, fan: Option<&FanId>, now: Timestamp)
    -> Result<Vec<Seat>, StoreError>;

    /// How an event sold.
    async fn sales(&self, id: &EventId, now: Timestamp) -> Result<Option<Sales>, StoreError>;
}
