//! The port to wherever reservations are kept. Each verb is one transaction.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::model::Reservation;
use crate::ids::{EventId, FanId, ReservationId, SeatId};
use crate::store::StoreError;

/// Seats that a fan asks for.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// The id of the reservation to be.
    pub id: ReservationId,
    /// The event.
    pub event: EventId,
    /// Who asks.
    pub fan: FanId,
    /// The waiting room's ticket that the fan came with, when there is one to count by.
    pub ticket: Option<String>,
    /// Which seats; sorted, none twice.
    pub seats: Vec<SeatId>,
    /// When the hold ends.
    pub expires_at: Timestamp,
    /// Most seats of the event that the fan may have then; equally what all holds with the ticket may have.
    pub seats_per_fan_max: u32,
}

/// What came of asking for seats. Anything but [`Hold::Held`] changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// All of them are held.
    Held(Reservation),
    /// Somebody else has these.
    Taken(Vec<SeatId>),
    /// The event has no such seats.
    Unknown(Vec<SeatId>),
    /// The fan would have more than allowed.
    OverLimit {
        /// Seats that the fan has already.
        has: u32,
    },
}

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
    /// This fan has no such reservation.
    Missing,
}

/// What came of turning a charge into tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// There are tickets, from now or from before.
    Confirmed(Reservation),
    /// The seats are not this reservation's any more: the charge must go back.
    RefundDue(Reservation),
    /// The charge has gone back already.
    Refunded(Reservation),
}

/// Keeps reservations, claims and tickets.
#[async_trait]
pub trait ReservationStore: Send + Sync {
    /// Holds all of the asked seats or none. A hold whose time is over does not stand in the way.
    async fn hold(&self, new: &NewHold, now: Timestamp) -> Result<Hold, StoreError>;

    /// The fan's reservation `id`.
    async fn find(&self, id: &ReservationId, fan: &FanId) -> Result<Option<Reservation>, StoreError>;

    /// The fan's newest reservations.
    async fn of_fan(&self, fan: &FanId, limit: u32) -> Result<Vec<Reservation>, StoreError>;

    /// How many seats of the event the fan has paid for.
    async fn paid_seats(&self, event: &EventId, fan: &FanId) -> Result<u32, StoreError>;

    /// Gives the seats of a hold back.
    async fn release(&self, id: &ReservationId, fan: &FanId, now: Timestamp) -> Result<Release, StoreError>;

    /// Keeps the intention to pay with `card`, before the provider is asked.
    async fn begin_payment(
        &self,
        id: &ReservationId,
        fan: &FanId,
        card: &str,
        now: Timestamp,
    ) -> Result<Begin, StoreError>;

    /// Turns the charge `charge_id` of the reservation as it stood in `paying` into tickets with these `codes`,
    /// one for each seat, or notes that it must go back. Doing it twice is doing it once.
    async fn confirm(
        &self,
        paying: &Reservation,
        charge_id: &str,
        codes: &[String],
        now: Timestamp,
    ) -> Result<Confirm, StoreError>;

    /// The provider declined the attempt of `paying`: the hold goes on where it was. Of an older attempt
    /// nothing is changed. Gives the reservation as it is then.
    async fn decline(&self, paying: &Reservation, now: Timestamp) -> Result<Reservation, StoreError>;

    /// Notes that an unsettled payment was asked for at `now`, so that others come first next time.
    async fn postpone(&self, id: &ReservationId, now: Timestamp) -> Result<(), StoreError>;

    /// Reservations whose payment or refund has been without an answer since `since` or longer.
    async fn unsettled(&self, since: Timestamp, limit: u32) -> Result<Vec<Reservation>, StoreError>;

    /// The charge has gone back.
    async fn refunded(&self, id: &ReservationId, now: Timestamp) -> Result<(), StoreError>;

    /// Ends up to `limit` holds whose time is over; gives how many.
    async fn expire_due(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
