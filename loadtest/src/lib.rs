//! The crowd: simulated fans, the demo, and checks of the promises. All of it goes over the wire but for one room:
//! [`mod@rehearse`] has no wire, and links in the line and how the edge reads its configuration.
//!
//! - [`stack`] starts the real binaries, and Redis, on free ports.
//! - [`fan`] is one fan as a state machine, [`client`] their browser, [`crowd`] many of them.
//! - [`story`] is what a fan saw; [`checks`] judge the promises from it, without doing anything.
//! - [`cheats`] try to get in without a turn, [`published`] reads what a room publishes of its draw.
//! - [`fault`] lets things fail meanwhile.
//! - [`away`] has the store fail for long while fans are inside.
//! - [`lateness`] is how exact all of this can be on a busy machine.
//! - [`mod@rehearse`] plays a room's configuration through in virtual time.
//! - [`mod@report`] shows a run: while it goes on, as a page, beside another run.
//! - [`mod@capacity`] reckons what an on-sale needs from what was measured.
//! - [`check`], [`demo`] and [`mod@run`] put these together; [`mod@bench`] measures.

pub mod away;
pub mod bench;
pub mod capacity;
pub mod cheats;
pub mod check;
pub mod checks;
pub mod client;
pub mod clock;
pub mod crowd;
pub mod demo;
pub mod fan;
pub mod fault;
pub mod lateness;
pub mod meter;
pub mod published;
pub mod random;
pub mod rehearse;
pub mod report;
pub mod run;
pub mod stack;
pub mod story;
pub mod tally;
pub mod ticket;
