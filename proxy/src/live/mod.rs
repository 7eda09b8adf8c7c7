//! Fans' WebSockets on the proxy's own port: handshake, hand-over, one light task each.

mod app;
pub mod handshake;
mod load;
mod socket;

pub use app::EdgeApp;
pub use handshake::HandOver;
pub use load::{HeadArrived, Load};
