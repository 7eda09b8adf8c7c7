//! What a fan shows at the entrance: a ticket that is signed, so that it is checked where there is no network, and an
//! entry for a calendar.

mod calendar;
mod keys;
mod qr;
mod routes;
mod token;

pub use calendar::entry as calendar_entry;
pub use keys::{PublicKeys, TicketKeyError, TicketKeys};
pub(crate) use qr::qr;
pub use routes::routes;
pub use token::{BadTicket, TicketClaims};
