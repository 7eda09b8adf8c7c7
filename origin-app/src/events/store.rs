//! The port to wherever events are kept.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::house::EventDetail;
use super::model::{EventOnSale, Sales, Seat};
use super::new_event::{NewEvent, NewSeat};
use super::query::EventQuery;
use crate::ids::{EventId, FanId, SeatId, SectionId};
use crate::store::StoreError;

/// What came of creating an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is there now.
    Yes,
    /// There was one of that id before; nothing changed.
    Existed,
}

/// What came of changing an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// It is as it should be now.
    Yes,
    /// There is no such event, or not of the version that the change was made from; nothing changed.
    Stale,
}

/// How many places of a section nobody can have now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionCount {
    /// The section.
    pub section: SectionId,
    /// Places that somebody holds or has bought.
    pub claimed: i64,
}

/// A place of an event, as it is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its id.
    pub id: SeatId,
    /// The section that it is in.
    pub section: SectionId,
    /// What it costs.
    pub price_cents: i64,
    /// Where it comes in the seat map.
    pub place: i64,
    /// Whether it is one of a section where nobody sits.
    pub general: bool,
}

/// Keeps events and their seats. `now` decides which holds still count.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Adds an event with all its seats, or nothing.
    async fn create(&self, new: &NewEvent, now: Timestamp) -> Result<Created, StoreError>;

    /// Makes the event what `changed` says, with `seats` instead of its own where there are any, if it is still of
    /// version `from`. An older change never undoes a newer one.
    async fn update(
        &self,
        changed: &EventDetail,
        seats: Option<&[NewSeat]>,
        from: i64,
    ) -> Result<Updated, StoreError>;

    /// One event, of whatever status.
    async fn find(&self, id: &EventId, now: Timestamp) -> Result<Option<EventOnSale>, StoreError>;

    /// One event with its house and its sales.
    async fn detail(&self, id: &EventId) -> Result<Option<EventDetail>, StoreError>;

    /// The events that `query` asks for, by start.
    async fn page(&self, query: &EventQuery, now: Timestamp) -> Result<Vec<EventOnSale>, StoreError>;

    /// Where published events happen, by name; the first `limit`.
    async fn venues(&self, limit: u32) -> Result<Vec<String>, StoreError>;

    /// All numbered seats of an event in the order of the seat map, as `fan` sees them.
    async fn seats(&self, id: &EventId, fan: Option<&FanId>, now: Timestamp)
    -> Result<Vec<Seat>, StoreError>;

    /// All places of an event, those where nobody sits among them.
    async fn places(&self, id: &EventId) -> Result<Vec<Place>, StoreError>;

    /// How many places of each section of an event are gone; of a section that is not named, none.
    async fn claimed(&self, id: &EventId, now: Timestamp) -> Result<Vec<SectionCount>, StoreError>;

    /// How an event sold.
    async fn sales(&self, id: &EventId, now: Timestamp) -> Result<Option<Sales>, StoreError>;
}
