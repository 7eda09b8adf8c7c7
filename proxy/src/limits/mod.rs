//! How much one place, or one session, may ask for. What is too much is told to wait, never turned away for good: many
//! fans may share an address.

mod pace;
mod prefixes;
mod spent;
mod tally;
mod work;

pub use pace::{Pace, Paced};
pub use prefixes::PrefixLimit;
pub use tally::{WorkDone, WorkTally};
pub use work::{Asked, Lacking, Proof, Theirs, Work, WorkRules};
