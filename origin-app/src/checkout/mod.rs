//! From a hold to tickets, and back: the saga of a reservation.

mod store;

pub use store::CheckoutStore;
