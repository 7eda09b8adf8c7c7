//! The line on its real stores: one suite for both, and what only one of them can show.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

mod adaptive;
mod conformance;
mod differential;
mod draw;
mod journal;
mod parsers;
mod redis_cluster;
mod redis_fleet;
mod redis_load;
mod redis_sentinel;
mod redis_server;
mod redis_time;
mod redis_tls;
mod support;
mod wait_coverage;
