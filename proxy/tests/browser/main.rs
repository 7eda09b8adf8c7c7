//! The waiting page and the dashboard in a real Chromium, against the real binary: every state, by keyboard, without script, on two
//! devices; judged by axe and by the browser's own log.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

mod axe;
mod chromium;
mod dashboard;
mod devices;
mod gallery;
#[expect(dead_code, reason = "what the tests over the wire need more of it")]
#[path = "../it/harness.rs"]
mod harness;
mod keeping;
mod previews;
mod reading;
#[expect(dead_code, reason = "what the tests over the wire need more of it")]
#[path = "../it/shop.rs"]
mod shop;
mod states;
mod staying;
mod turn;
mod ways;
mod work;
