//! Returned tickets: a fan may wait for a sold-out event. When seats come back they are kept for those who wait, and offered
//! to the first of them for a limited time, by mail and among their reservations; then to the next.

mod offers;
mod routes;
mod service;
mod store;

pub use offers::{Offer, Offers};
pub use routes::routes;
pub(crate) use routes::{leave, not_waiting, quantity_max, wait};
pub use service::Waitlist;
pub use store::{Place, PlaceState, Waiter, WaitlistStore};

/// Most seats that one fan may wait for.
pub const QUANTITY_MAX: u32 = 10;
