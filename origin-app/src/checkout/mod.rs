//! From a hold to tickets, and back: the saga of a reservation.
//!
//! - `saga`: state and what happened → next state, what is written with it, what is done then; pure
//! - `store`: the port that takes one such step in one transaction
//! - `service`: what fans and organisers ask for: pay, cancel, refund, call off; and taking up what a crash left
//! - `carry`: how one reservation is carried from step to step
//! - `browser`: payments that the fan's browser makes
//! - `probe`: where a test can have the shop die

mod browser;
mod carry;
mod model;
mod outcome;
mod probe;
mod routes;
pub(crate) mod saga;
mod service;
mod store;

pub use browser::Handed;
pub(crate) use browser::is_in_browser;
pub use model::{Deed, Happened, RefundReason, Write};
pub use outcome::{CancelRefused, PaymentOutcome, PaymentRefused};
pub(crate) use probe::NoProbe;
pub use probe::{Point, Probe};
pub use routes::routes;
pub use saga::{Next, Situation, Step};
pub use service::{Checkout, CheckoutParts, CheckoutRules};
pub use store::{CheckoutStore, Report, Taken};
