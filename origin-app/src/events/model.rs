//! What an event is.

use admission::clock::Timestamp;
use serde::Serialize;

use crate::datetime;
use crate::ids::{EventId, RoomName, SeatId};

/// Something that happens once, at one place, and has seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// What it is called.
    pub name: String,
    /// Where it happens.
    pub venue: String,
    /// When it starts.
    pub starts_at: Timestamp,
    /// The currency of its prices, such as `EUR`.
    pub currency: String,
    /// The waiting room through which its buyers must have come, if any.
    pub waiting_room: Option<RoomName>,
    /// How many seats it has.
    pub seats_total: i64,
}

/// An event and how many of its seats can be had now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventOnSale {
    /// The event.
    pub event: Event,
    /// Seats that nobody holds or has bought.
    pub seats_available: i64,
}

/// A seat as a visitor sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seat {
    /// Its id, row and number.
    pub id: SeatId,
    /// The row's name.
    pub row: String,
    /// The number in the row.
    pub number: i64,
    /// What it costs.
    pub price_cents: i64,
    /// Whether it can be had.
    pub state: SeatState,
    /// Whether it is this visitor who holds or has bought it.
    pub mine: bool,
}

/// Whether a seat can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    /// Anybody may hold it.
    Available,
    /// Somebody thinks about it, or is paying.
    Held,
    /// Somebody has bought it.
    Sold,
}

/// How an event sold, counted in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sales {
    /// The event.
    pub event: EventId,
    /// Seats there are.
    pub seats_total: i64,
    /// Seats held or being paid.
    pub held: i64,
    /// Seats of confirmed reservations.
    pub sold: i64,
    /// Tickets issued.
    pub tickets: i64,
    /// What those tickets cost together.
    pub tickets_cents: i64,
    /// What the payment provider took and did not give back.
    pub charges_cents: i64,
    /// Seats that more than one confirmed reservation was made for; never anything but zero.
    pub double_sold: i64,
}

/// An event on the wire.
#[derive(Serialize)]
pub(super) struct EventBody<'a> {
    id: &'a EventId,
    name: &'a str,
    venue: &'a str,
    starts_at: String,
    currency: &'a str,
    waiting_room: Option<&'a RoomName>,
    seats_total: i64,
    seats_available: i64,
}

impl<'a> From<&'a EventOnSale> for EventBody<'a> {
    fn from(on_sale: &'a EventOnSale) -> Self {
        let EventOnSale { event, seats_available } = on_sale;
        let Event { id, name, venue, starts_at, currency, waiting_room, seats_total } = event;
        Self {
            id,
            name,
            venue,
            starts_at: datetime::to_rfc3339(*starts_at),
            currency,
            waiting_room: waiting_room.as_ref(),
            seats_total: *seats_total,
            seats_available: *seats_available,
        }
    }
}
