//! A run: a whole on-sale by a scenario file, with faults, judged and reported.
//!
//! - [`scenario`] is what is played; [`play`] plays it.
//! - [`crowds`] are the processes in which the fans live; [`gather`] puts together what they tell.
//! - [`needs`] is how many processes that takes.
//! - [`opening`] is the room's, where it has one in the middle of the run.
//! - [`mod@machine`] is what it is played on, and what that is kept busy with.
//! - [`record`] is what a run leaves: all that a report shows, and nothing that a report would have to guess.
//! - [`command`] is `loadtest run`.

pub mod command;
pub mod crowds;
mod facts;
pub mod gather;
pub mod machine;
pub mod needs;
pub mod opening;
pub mod play;
pub mod record;
pub mod scenario;
