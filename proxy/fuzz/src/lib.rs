//! Attacks on what the edge reads of a request before it trusts anybody, for libFuzzer. The ordinary tests of `proxy`
//! run the same ones on random bytes (`proxy/tests/it/attacked.rs`).
//!
//! The decision is pure and names no library that carries HTTP, so it is taken in here without the rest of the edge.

pub mod attacks;
#[path = "../../src/gate/mod.rs"]
mod gate;
