//! What an event is.

use admission::clock::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{EventId, PriceClassId, RoomName, SeatId, SectionId};

/// Something that happens once, at one place, and has seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// What it is called.
    pub name: String,
    /// Where it happens.
    pub venue: String,
    /// In which city; may be empty.
    pub city: String,
    /// What it is about, in lines; may be empty.
    pub description: String,
    /// When it starts.
    pub starts_at: Timestamp,
    /// The currency of its prices, such as `EUR`.
    pub currency: String,
    /// The waiting room through which its buyers must have come, if any.
    pub waiting_room: Option<RoomName>,
    /// How many seats it has, the places where nobody sits among them.
    pub seats_total: i64,
    /// Whether it can be seen and bought.
    pub status: EventStatus,
    /// How often it was changed, from 1. A change made from an older version is refused.
    pub version: i64,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// Whether an event can be seen and bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventStatus {
    /// Only organisers see it.
    Draft,
    /// Everybody sees it; its sales say when it can be bought.
    Published,
    /// Everybody sees that it does not happen; nobody buys it.
    CalledOff,
}

impl EventStatus {
    const ALL: [Self; 3] = [Self::Draft, Self::Published, Self::CalledOff];

    /// The status as the database spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::CalledOff => "called_off",
        }
    }

    /// The status that the database spells `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Seat {
    /// Its id: section, row and number.
    pub id: SeatId,
    /// The section that it is in.
    pub section: SectionId,
    /// The price class that it is of.
    pub price_class: PriceClassId,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
