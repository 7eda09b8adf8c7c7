//! Seats held for a fan, until they are paid, given back, or the time is over.

mod model;
mod paying;
mod routes;
mod service;
mod store;
mod sweep;

pub use model::{PaymentFacts, Reservation, ReservationState, ReservedSeat};
pub use paying::Intent;
pub use routes::routes;
pub(crate) use routes::{already_paid, found, give_back, payment_in_progress, released};
pub use service::{Found, HoldRefused, Reservations, Wanted};
pub use store::{Begin, Release, ReservationStore};
pub use sweep::sweep;

/// Most reservations in one answer.
pub const LIST_MAX: u32 = 100;
/// Most seats that one request may name; the limit per fan is lower in any sane configuration.
pub const SEATS_PER_REQUEST_MAX: usize = 100;
