//! Benchmarks of the real binaries over the wire, each beside a peer in the same run: machines differ, ratios less.

pub mod joins;
mod pipe;
