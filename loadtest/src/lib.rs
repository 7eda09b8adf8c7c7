//! The crowd: simulated fans, the demo, and checks of the promises. Everything goes over the wire; nothing of
//! the edge or the shop is linked in.

pub mod checks;
pub mod client;
pub mod crowd;
pub mod fan;
pub mod random;
pub mod stack;
pub mod story;
pub mod tally;
pub mod ticket;
