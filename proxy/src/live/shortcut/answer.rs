//! An answer as bytes: the same that the HTTP library writes for it.

use admission::edge_signature::HEADER_REQUEST_ID;
use http::{HeaderValue, StatusCode};

use crate::waiting::reply::{Reply, titled, write_line};

/// As long as the heads of the longest answers, about.
const HEAD: usize = 2048;

/// What else there is to say in the head of an answer.
pub(super) struct Facts<'a> {
    pub(super) request_id: &'a str,
    pub(super) date: &'a HeaderValue,
    /// Whether the connection is closed after it.
    pub(super) closes: bool,
}

/// The head of `reply`.
pub(super) fn head(reply: &Reply, facts: &Facts<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD);
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(reply.status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reply.status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&reply.common.lines);
    let mut line = |name: &str, value: &[u8]| write_line(&mut out, name, value);
    for (name, value) in &reply.headers {
        line(titled(name), value.as_bytes());
    }
    if reply.status != StatusCode::NO_CONTENT {
        line("Content-Length", reply.body.len().to_string().as_bytes());
    }
    line(HEADER_REQUEST_ID, facts.request_id.as_bytes());
    line("Date", facts.date.as_bytes());
    line("Connection", if facts.closes { b"close" } else { b"keep-alive" });
    out.extend_from_slice(b"\r\n");
    out
}
