//! Fans' WebSockets on the proxy's own port: handshake, hand-over, one light task each. And the short way of plain requests.

mod app;
pub mod handshake;
mod http2;
mod load;
mod shortcut;
mod socket;

pub use app::EdgeApp;
pub use handshake::HandOver;
pub(crate) use handshake::comes_from_here;
pub use http2::StreamNote;
pub use load::{Arriving, HeadArrived, Load};
