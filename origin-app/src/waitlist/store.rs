//! The port to wherever those who wait are kept.

use admission::clock::Timestamp;
use async_trait::async_trait;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ids::{EventId, FanId, ReservationId};
use crate::notifications::Contact;
use crate::outbox::Message;
use crate::store::StoreError;

/// How far somebody got who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaceState {
    /// No seat has come back for them yet.
    Waiting,
    /// Seats are kept for them, for a while.
    Offered,
    /// They had an offer. Whether they took it, their reservation says.
    Done,
}

/// The place of a fan who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// How far they got.
    pub state: PlaceState,
    /// For how many seats they wait.
    pub quantity: u32,
    /// How many fans come before them.
    pub ahead: u32,
    /// The seats that are kept for them.
    pub reservation: Option<ReservationId>,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// Who is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The fan.
    pub fan: FanId,
    /// For how many seats they wait.
    pub quantity: u32,
    /// Where a guest is told.
    pub contact: Option<Contact>,
}

/// Keeps who waits.
#[async_trait]
pub trait WaitlistStore: Send + Sync {
    /// Puts a fan at the end, unless they wait already or have an offer. A guest is told at `contact`.
    async fn join(
        &self,
        event: &EventId,
        fan: &FanId,
        quantity: u32,
        contact: Option<&Contact>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Takes a fan out; false where they were not in.
    async fn leave(&self, event: &EventId, fan: &FanId) -> Result<bool, StoreError>;

    /// The place of a fan.
    async fn place(&self, event: &EventId, fan: &FanId) -> Result<Option<Place>, StoreError>;

    /// For which events anybody waits.
    async fn events(&self) -> Result<Vec<EventId>, StoreError>;

    /// Who is first.
    async fn first(&self, event: &EventId) -> Result<Option<Waiter>, StoreError>;

    /// Seats are kept for a fan who waits, who is told so. False where they do not wait any more.
    async fn offered(
        &self,
        event: &EventId,
        fan: &FanId,
        offer: (&ReservationId, Timestamp),
        told: &Message,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// A fan can have no more seats: they are done.
    async fn passed(&self, event: &EventId, fan: &FanId) -> Result<(), StoreError>;

    /// Nobody waits for this event any more.
    async fn end(&self, event: &EventId) -> Result<(), StoreError>;

    /// Offers whose time is over are done.
    async fn lapse(&self, now: Timestamp) -> Result<(), StoreError>;
}
