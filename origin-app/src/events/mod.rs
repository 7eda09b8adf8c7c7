//! Events, their houses and sales, their seats, and how they sell.

mod body;
mod cache;
mod house;
mod model;
mod new_event;
mod query;
mod routes;
#[cfg(test)]
pub(crate) mod samples;
mod service;
mod store;

pub use house::{EventDetail, OnSale, PriceClass, Sale, Section, SectionKind};
pub use model::{Event, EventOnSale, EventStatus, Sales, Seat, SeatState};
pub use new_event::{InvalidEvent, NewEvent, NewSeat};
pub use query::EventQuery;
pub use routes::routes;
pub use service::{ChangeRefused, Events};
pub use store::{Created, EventStore, Place, SectionCount, Updated};

/// Most seats of one event.
pub const SEATS_MAX: usize = 100_000;
/// Most places of a section where nobody sits.
pub const PLACES_MAX: u32 = 50_000;
/// Most rows of one event.
pub const ROWS_MAX: usize = 1000;
/// Most sections of one event, and most price classes.
pub const SECTIONS_MAX: usize = 100;
/// Most sales of one event.
pub const SALES_MAX: usize = 50;
/// Most events in one answer.
pub const LIST_MAX: u32 = 100;
