//! Events, their seats, and how they sell.

mod model;
mod new_event;
mod routes;
mod store;

pub use model::{Event, EventOnSale, Sales, Seat, SeatState};
pub use new_event::{NewEvent, NewSeat};
pub use routes::routes;
pub use store::{Created, EventStore};

/// Most seats of one event.
pub const SEATS_MAX: usize = 100_000;
/// Most rows of one event.
pub const ROWS_MAX: usize = 1000;
/// Most events in one answer.
pub const LIST_MAX: u32 = 100;
