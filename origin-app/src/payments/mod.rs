//! Money: the port to a payment provider and those behind it, and how a payment is carried through.
//!
//! - `provider`: the port; `sandbox`, `stripe`: who is behind it; `guard`, `breaker`: what stands before it
//! - `ledger`: where all the money is, in double entry
//! - `service`: how a payment is carried through

mod breaker;
mod guard;
mod ledger;
mod provider;
mod routes;
mod sandbox;
mod service;
mod stripe;

pub use breaker::{Breaker, BreakerRules, Change, Permit};
pub use guard::Guarded;
pub use ledger::{Account, Balance, LedgerAudit, LedgerStore, Posting};
pub use provider::{
    Card, Cause, ChargeError, ChargeRequest, Closed, NoAnswer, PaymentProvider, RefundRequest,
};
pub use routes::routes;
pub use sandbox::{ChargeBook, ChargeEntry, ChargeOutcome, SandboxProvider, Standing};
pub use service::{PaymentOutcome, PaymentRefused, Payments};
pub use stripe::{SIGNATURE_HEADER, Stripe, WebhookError, WebhookNews, verified_news};
