//! What is counted and measured while the edge runs, for `/metrics`.
//!
//! Whoever counts pays a few nanoseconds: no lock, no allocation, and threads do not fight over a number, for each has its
//! own share of it ([`cells`]). The shares are added up by who asks. What has a room or an instance of the shop as its label
//! is kept with that room or instance, so that there is nothing to look up, and nothing left of what is gone.

pub mod calls;
pub mod cells;
pub mod instances;
mod left;
pub mod log;
pub mod paths;
pub mod promises;
pub mod requests;
pub mod sockets;
pub mod traces;

use crate::limits::WorkTally;

pub use calls::{Measured, StoreCalls};
pub use instances::{Fate, InstanceTally};
pub use promises::PromiseTally;
pub use requests::RequestTally;
pub use sockets::{Closed, SocketTally};
pub use traces::Traces;
pub(crate) use traces::{Facts, RequestTrace};

/// What is counted of one room at this proxy.
#[derive(Debug, Default)]
pub struct RoomTally {
    /// The requests for its paths.
    pub requests: RequestTally,
    /// What was seen of the promises.
    pub promises: PromiseTally,
    /// What became of the work that was asked for before a ticket.
    pub work: WorkTally,
}
