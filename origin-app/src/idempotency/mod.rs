//! `Idempotency-Key`: whoever did not get an answer asks again, and is answered as before.
//!
//! Answers are kept in the database, for every shop on it and across restarts. A request without the header costs nothing.

mod answered;
mod store;

pub(crate) use answered::answer_once;
pub use store::{Answer, Begun, IdempotencyStore};
