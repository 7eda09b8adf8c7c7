//! Money: the port to a payment provider and those behind it, and the ledger. How a payment is carried through is in
//! [`crate::checkout`].
//!
//! - `provider`: the port; `sandbox`, `stripe`: who is behind it; `guard`, `breaker`: what stands before it
//! - `ledger`: where all the money is, in double entry

mod breaker;
mod guard;
mod ledger;
mod provider;
mod routes;
mod sandbox;
mod stripe;

pub use breaker::{Breaker, BreakerRules, Change, Permit};
pub use guard::Guarded;
pub use ledger::{Account, Balance, LedgerAudit, LedgerStore, Posting};
pub use provider::{
    Card, Cause, ChargeError, ChargeRequest, Closed, HandOver, IN_BROWSER, NoAnswer, PaymentProvider,
    RefundRequest,
};
pub use routes::routes;
pub use sandbox::{ChargeBook, ChargeEntry, ChargeOutcome, SandboxProvider, Standing};
pub use stripe::{SIGNATURE_HEADER, Stripe, WebhookError, WebhookNews, verified_news};
