//! The line in virtual time: the real rooms of several edges over a store that fails in every way, and fans who
//! write down what they see. The promises are judged by that alone.
//!
//! `STANCHION_SEED=n` repeats one run of each family. `STANCHION_SEEDS=n` runs so many of each.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on stops, and says why"
)]

mod dice;
mod edge;
mod fan;
mod house;
mod mutants;
mod plan;
mod record;
mod seeds;
mod trouble;
mod world;
