//! The port to wherever reservations are kept. Each verb is one transaction.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::model::Reservation;
use crate::ids::{EventId, FanId, ReservationId};
use crate::inventory::Holding;
use crate::store::StoreError;

/// What came of giving seats back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// They are free, or were before.
    Released,
    /// The provider was asked for the money; its answer decides.
    Paying,
    /// They are paid.
    Confirmed,
    /// They were paid, and the money is on its way back or there.
    Returned,
    /// This fan has no such reservation.
    Missing,
}

/// What came of beginning a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// The intention is kept; now the provider may be asked.
    Started(Reservation),
    /// An earlier attempt has no answer yet; it must be asked for again with its own key and card.
    Unsettled(Reservation),
    /// Paid already.
    Confirmed(Reservation),
    /// Nothing to pay for any more; the reservation's state says why.
    Over(Reservation),
}

/// Keeps reservations and claims. What becomes of a payment that has begun, [`CheckoutStore`](crate::checkout::CheckoutStore)
/// writes down.
///
/// A reservation that is held claims no seat here: who may hold which seat is the inventory's to say, and what it
/// said comes here later, perhaps twice, perhaps after the payment. Claims begin with the payment.
#[async_trait]
pub trait ReservationStore: Send + Sync {
    /// Writes down what happened to seats of an event, in this order. What is known already changes nothing, and
    /// what is newer stays.
    async fn record(&self, event: &EventId, happened: &[Holding]) -> Result<(), StoreError>;

    /// What of an event is held, being paid or sold at `now`: what is paid first, then the newest.
    async fn live(&self, event: &EventId, now: Timestamp) -> Result<Vec<Holding>, StoreError>;

    /// Notes that the event was loaded into the inventory; whether it had been before, and so was lost since.
    async fn note_load(&self, event: &EventId, now: Timestamp) -> Result<bool, StoreError>;

    /// Events that were ever loaded and have not begun at `now`.
    async fn loaded_events(&self, now: Timestamp) -> Result<Vec<EventId>, StoreError>;

    /// Published events of which a sale opens after `from` and not after `until`, the first to open first.
    async fn opening_events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<EventId>, StoreError>;

    /// When an inventory was first lost, of those that were lost last at `since` or after.
    async fn lost_after(&self, since: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// The fan's reservation `id`.
    async fn find(&self, id: &ReservationId, fan: &FanId) -> Result<Option<Reservation>, StoreError>;

    /// The fan's newest reservations: so many, of those that come `after` this one.
    async fn of_fan(
        &self,
        fan: &FanId,
        after: Option<&ReservationId>,
        limit: u32,
    ) -> Result<Vec<Reservation>, StoreError>;

    /// How many seats of the event the fan has paid for.
    async fn paid_seats(&self, event: &EventId, fan: &FanId) -> Result<u32, StoreError>;

    /// Ends a hold that the inventory does not know.
    async fn release(&self, id: &ReservationId, fan: &FanId, now: Timestamp) -> Result<Release, StoreError>;

    /// Keeps the intention to pay with `card`, before the provider is asked, and claims the seats. The inventory keeps
    /// them for `holding`, which is written down first where it is not yet. Seats that others have claimed end it.
    async fn begin_payment(
        &self,
        event: &EventId,
        holding: &Holding,
        card: &str,
        now: Timestamp,
    ) -> Result<Begin, StoreError>;

    /// Ends up to `limit` holds whose time was over at `before`, of which the log did not tell; gives how many.
    async fn expire_due(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
