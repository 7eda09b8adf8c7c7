//! What operators see: the page, what a room was like lately, and what would come of a change.
//!
//! ```text
//!  rooms ─▶ recorder ─▶ series ─▶ history ─┐
//!                         └─▶ forecast ────┼─▶ the API ─▶ the page (assets)
//! ```

pub(super) mod assets;
mod forecast;
pub(super) mod history;
pub(super) mod me;
pub(super) mod preview;
mod recorder;
mod series;

pub(super) use recorder::Recorder;
