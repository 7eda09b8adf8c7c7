//! The line on its real stores: one suite for both, and what only one of them can show.

mod conformance;
mod redis_server;
mod redis_time;
mod support;
