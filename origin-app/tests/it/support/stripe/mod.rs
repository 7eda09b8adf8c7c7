//! A Stripe for tests, over HTTP: it keeps its promises about idempotency keys, checks that they are kept to, and loses
//! answers when it is told to.

mod books;
mod front;
mod localstripe;
mod process;

pub(crate) use books::Charge;
pub(crate) use front::{FakeStripe, Fault};
pub(crate) use localstripe::LocalStripe;
pub(crate) use process::StripeProcess;

pub(crate) const STRIPE_KEY: &str = "sk_test_of_the_tests";
