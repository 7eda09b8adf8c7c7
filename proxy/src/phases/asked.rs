//! A request as it is judged, whoever read it; and what comes of that.

use std::net::IpAddr;
use std::sync::Arc;

use http::Method;

use crate::gate::fields::Fields;
use crate::room::Room;
use crate::waiting::reply::Reply;

/// What is known of a request before it is judged.
pub(crate) struct Asked<'a> {
    /// The method.
    pub(crate) method: &'a Method,
    /// The target, as it was sent.
    pub(crate) target: &'a [u8],
    /// The headers.
    pub(crate) headers: &'a Fields<'a>,
    /// All bytes of the head, over HTTP/1.
    pub(crate) head: Option<&'a [u8]>,
    /// Who is at the other end of the connection.
    pub(crate) peer: Option<IpAddr>,
    /// The port of the same host to which every request on this connection is led by TLS.
    pub(crate) redirect_to_https: Option<u16>,
}

/// What becomes of a request.
pub(crate) enum Judged {
    /// The edge answers.
    Reply {
        /// With this.
        reply: Reply,
        /// Whether nothing more is read from who asked.
        is_last: bool,
    },
    /// It goes to the shop.
    Pass,
    /// It is to become a WebSocket of a fan of this room.
    Live(Arc<Room>),
}
