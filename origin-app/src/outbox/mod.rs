//! Messages out: written in the transaction that they tell of, sent by whoever runs, tried again, given up at last.
//!
//! A message is sent once, as far as mail allows: a shop that dies between handing a mail over and noting that leaves it to
//! be sent again, with the same `Message-ID`, by which mail programs show it once.

mod message;
mod sender;
mod store;

pub use message::{Backlog, DeadLetter, Letter, Message, Recipient};
pub use sender::{Delivered, Sender};
pub use store::OutboxStore;
