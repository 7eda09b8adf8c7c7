//! Benchmarks of the real binaries over the wire, each beside a peer in the same run: machines differ, ratios less.

mod certificate;
mod cores;
pub mod edge;
pub mod fans;
pub mod joins;
mod pipe;
pub mod shop;
