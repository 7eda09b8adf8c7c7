//! The port to wherever the saga keeps how far it got.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::model::{Deed, Happened, RefundReason};
use crate::ids::{EventId, ReservationId, SeatId};
use crate::reservations::Reservation;
use crate::store::StoreError;

/// Something that happened, with what there is to know about it.
#[derive(Clone, Debug)]
pub struct Report {
    /// What happened.
    pub happened: Happened,
    /// To which attempt to pay.
    pub attempt: i64,
    /// What the provider charged.
    pub charge_id: Option<String>,
    /// Codes for tickets, one for each seat.
    pub codes: Vec<String>,
    /// Why money is to go back, if it is.
    pub reason: Option<RefundReason>,
    /// Until when the seats are kept, if the payment is delayed.
    pub keep_until: Option<Timestamp>,
}

impl Report {
    /// `happened`, to the attempt that `reservation` is at.
    pub fn of(happened: Happened, reservation: &Reservation) -> Self {
        Self {
            happened,
            attempt: reservation.attempt,
            charge_id: None,
            codes: Vec::new(),
            reason: None,
            keep_until: None,
        }
    }
}

/// What came of something that happened.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The reservation as it stands then.
    pub reservation: Reservation,
    /// What is to be done now; nothing where it was old report.
    pub deeds: &'static [Deed],
    /// Whether anything changed.
    pub changed: bool,
}

/// Keeps how far each reservation got.
#[async_trait]
pub trait CheckoutStore: Send + Sync {
    /// The reservation `id`, whoever it belongs to.
    async fn find(&self, id: &ReservationId) -> Result<Option<Reservation>, StoreError>;

    /// The reservation whose ticket is for this seat.
    async fn of_seat(&self, event: &EventId, seat: &SeatId) -> Result<Option<Reservation>, StoreError>;

    /// The reservation with the ticket of this code.
    async fn of_ticket(&self, code: &str) -> Result<Option<Reservation>, StoreError>;

    /// Takes the step of the saga that `report` leads to: the new state and all that is written with it, in one
    /// transaction. Report that is old, or of another attempt, changes nothing.
    async fn take(&self, id: &ReservationId, report: &Report, now: Timestamp) -> Result<Taken, StoreError>;

    /// Reservations whose payment or refund has been without an answer since `since` or longer.
    async fn unsettled(&self, since: Timestamp, limit: u32) -> Result<Vec<Reservation>, StoreError>;

    /// The event does not take place.
    async fn call_off(&self, event: &EventId, now: Timestamp) -> Result<(), StoreError>;

    /// Reservations that are paid, of events that do not take place.
    async fn called_off(&self, limit: u32) -> Result<Vec<Reservation>, StoreError>;
}
