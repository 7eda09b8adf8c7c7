//! The shop over real sockets, on SQLite and on a PostgreSQL of its own.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected should stop there and say so"
)]

mod accounts;
mod api;
mod binary;
mod checkout;
mod cold_path;
mod crowd;
mod dead_letters;
mod edge;
mod edge_keys;
mod events;
mod general;
mod holds;
mod idempotency;
mod inventory;
mod kills;
mod limit;
mod lost;
mod metrics;
mod openapi;
mod outbox;
mod pages;
mod password;
mod payments;
mod random;
mod resume;
mod sale;
mod sandbox;
mod secured_stores;
mod stripe;
mod stripe_in_browser;
mod support;
mod tickets;
mod waitlist;
mod warm_up;
