//! Benchmarks of the real binaries over the wire, each beside a peer in the same run: machines differ, ratios less.

mod ceiling;
mod certificate;
pub mod command;
mod cores;
pub mod edge;
pub mod fans;
pub mod joins;
mod pipe;
pub mod record;
pub mod shop;
