//! Which seats are free: the hot path of a sale, in this process or in Redis.
//!
//! Before a sale an event's inventory is loaded from the database. From then on holding, giving back and
//! lapsing happen here and nowhere else, each in one atomic step, and each writes an entry to the event's log.
//! The cold path reads the log and brings the database up to date. In the database a hold claims nothing;
//! who pays claims the seats there, and the primary key of the claims is the last word.
//!
//! ```text
//!            hold            keep             sell
//!  (free) ────────▶  held  ────────▶  kept  ────────▶  sold
//!                     │ ▲  put_back    │                 │
//!   release, lapse    │ └──────────────┤  free           │ free
//!                     ▼                ▼                 ▼
//!             released, expired      (free)            (free)
//! ```
//!
//! [`memory`] is the readable reference and a real choice for one shop; `redis/lua/` has one script a verb,
//! for several. Nothing but `redis/` names the crate of that name.

mod box_office;
mod holding;
mod house;
mod loading;
mod log;
pub mod memory;
pub mod redis;
pub mod seat_map;
mod warm_up;

use std::time::Duration;

use async_trait::async_trait;

use crate::ids::{EventId, FanId, ReservationId, SeatId};

pub use box_office::{BoxOffice, OfficeError, Written};
pub(crate) use holding::ticket_word;
pub use holding::{HeldSeat, Holding, HoldingState};
pub use house::{House, Houses};
pub use log::{Backlog, DeadLetter, InventoryLog, LogEntry, READ_TURN};
pub use warm_up::WarmUp;

/// Most holds that are ended in passing, by one step that does something else.
pub const LAPSE_MAX: u32 = 64;

/// What a fan asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The id of the reservation to be. Asking again with the same id is asking once.
    pub id: ReservationId,
    /// Who asks.
    pub fan: FanId,
    /// The waiting room's ticket that the fan came with, when there is one to count by.
    pub ticket: Option<String>,
    /// How long the hold lasts.
    pub duration: Duration,
    /// Most seats of the event that the fan may have then; equally what all holdings with the ticket may have.
    pub seats_max: u32,
    /// The currency of the prices.
    pub currency: String,
    /// The seats that are asked for by name; none twice.
    pub seats: Vec<HeldSeat>,
    /// Seats that are asked for by number; no section twice.
    pub general: Vec<GeneralAsk>,
}

/// Any seats of a section without numbers.
#[derive(Clone, Debug)]
pub struct GeneralAsk {
    /// The section; its seats are called `<section>-1` and so on.
    pub section: String,
    /// How many.
    pub quantity: u32,
    /// What one costs.
    pub price_cents: i64,
    /// The place of its seat number 0 in the seat map, were there one.
    pub place: i64,
    /// How many seats the section has.
    pub capacity: u32,
}

impl Ask {
    /// How many seats are asked for.
    pub fn quantity(&self) -> u32 {
        let general: u32 = self.general.iter().map(|ask| ask.quantity).sum();
        general.saturating_add(u32::try_from(self.seats.len()).unwrap_or(u32::MAX))
    }
}

/// What came of asking for seats. Anything but [`Held::Held`] holds nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// All of them are held.
    Held(Holding),
    /// Somebody else has these.
    Taken(Vec<SeatId>),
    /// The section has not so many seats left.
    SoldOut(String),
    /// The fan would have more than allowed.
    OverLimit {
        /// Seats that the fan has already.
        has: u32,
    },
}

/// What came of keeping seats for a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The hold does not lapse any more, from now or from before.
    Kept(Holding),
    /// It cannot be kept; the holding says how it stands.
    Over(Holding),
    /// This fan has no such holding here: it is over for longer, or was lost.
    Unknown,
}

/// What came of loading an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// It can be sold now.
    Now,
    /// It could before; nothing changed.
    Before,
}

/// The inventory did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// The event must be loaded first: it never was, or its data is lost.
    #[error("the inventory of the event is not loaded")]
    NotLoaded,
    /// Redis did not answer. What was asked may have happened.
    #[error("the inventory is out of reach: {0}")]
    Unavailable(String),
    /// Redis answered what nobody understands.
    #[error("the inventory answered something else: {0}")]
    Unreadable(String),
}

/// Keeps the seats of events on sale, and logs what happens to them. One verb is one atomic step.
#[async_trait]
pub trait Inventory: InventoryLog {
    /// Takes the turn to load an event, for `turn`: whether it is `loader`'s. So of several shops one reads the database.
    async fn begin_load(&self, event: &EventId, loader: &str, turn: Duration)
    -> Result<bool, InventoryError>;

    /// Loads an event that is not loaded with what the database says is held, being paid, or sold. A log that is
    /// there already stays.
    async fn load(&self, event: &EventId, holdings: &[Holding]) -> Result<Loaded, InventoryError>;

    /// The events that were ever loaded and not lost since.
    async fn events(&self) -> Result<Vec<EventId>, InventoryError>;

    /// Holds all of the asked seats or none. Ends lapsed holds that stand in the way.
    async fn hold(&self, event: &EventId, ask: &Ask) -> Result<Held, InventoryError>;

    /// Gives the seats of the fan's hold back. The holding says how it stands then; nothing, where this fan has none.
    async fn release(
        &self,
        event: &EventId,
        id: &ReservationId,
        fan: &FanId,
    ) -> Result<Option<Holding>, InventoryError>;

    /// Keeps the seats of the fan's hold for a payment, however long that takes.
    async fn keep(&self, event: &EventId, id: &ReservationId, fan: &FanId) -> Result<Keep, InventoryError>;

    /// No payment is under way any more: the hold goes on where it was, and lapses if its time is over.
    async fn put_back(&self, event: &EventId, id: &ReservationId) -> Result<Option<Holding>, InventoryError>;

    /// The seats are paid. Whether the inventory knows them as this reservation's; if not, [`Inventory::restore`]
    /// puts it right.
    async fn sell(&self, event: &EventId, id: &ReservationId) -> Result<bool, InventoryError>;

    /// The seats of a payment or a sale are free again. Whether there were any.
    async fn free(&self, event: &EventId, id: &ReservationId) -> Result<bool, InventoryError>;

    /// Ends up to `limit` holds whose time is over; gives how many.
    async fn lapse(&self, event: &EventId, limit: u32) -> Result<u32, InventoryError>;

    /// A holding, as long as the inventory has it.
    async fn look(&self, event: &EventId, id: &ReservationId) -> Result<Option<Holding>, InventoryError>;

    /// All holdings of a fan that the inventory has.
    async fn of_fan(&self, event: &EventId, fan: &FanId) -> Result<Vec<Holding>, InventoryError>;

    /// All that is `guest`'s is `fan`'s from now on; gives how many holdings that are.
    async fn adopt(&self, event: &EventId, guest: &FanId, fan: &FanId) -> Result<u32, InventoryError>;

    /// All holdings that have seats now, lapsed ones left out. Grows with the sale: for the seat map and the reconciler.
    async fn all(&self, event: &EventId) -> Result<Vec<Holding>, InventoryError>;

    /// Puts a holding right: it has its seats then, in its state. A payment or a sale wins over whoever else is
    /// written down for its seats; a hold wins over nobody.
    async fn restore(&self, event: &EventId, holding: &Holding) -> Result<bool, InventoryError>;

    /// Makes seats, counters and holdings agree with each other, where somebody changed one of them from outside. `sections`
    /// are those without numbers, and how many seats each has. How much it put right: nothing, always, where nobody did.
    async fn mend(&self, event: &EventId, sections: &[(String, u32)]) -> Result<u32, InventoryError>;

    /// The event is over: what is kept of it goes `after` the first time that this is said. Whether it is gone.
    async fn retire(&self, event: &EventId, after: Duration) -> Result<bool, InventoryError>;

    /// A sign of life.
    async fn ping(&self) -> Result<(), InventoryError>;
}
