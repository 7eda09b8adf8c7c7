//! What the shop tells the edge about a fan's session.

use admission::edge_signature::HEADER_SESSION;
use axum::http::{HeaderMap, HeaderValue};

/// The fan is done here: the edge may give the place to the next.
pub(crate) fn end_session(headers: &mut HeaderMap) {
    headers.insert(HEADER_SESSION, HeaderValue::from_static("end"));
}
