//! Request bodies: how long, how slow, and those that nobody reads.

use std::time::Duration;

use http::header;
use pingora::http::RequestHeader;
use pingora::proxy::Session;

use super::context::Context;
use crate::config::edge::Limits;

/// The longest body that is read to its end though it was of no use, so that the connection can be used again. To
/// open another one costs both sides more.
const DRAIN_BYTES: u64 = 64 * 1024;

/// The status that refuses a body of which `bytes` came in `time`: too long, or too slow.
pub(super) fn body_refused(limits: &Limits, bytes: u64, time: Duration, is_whole: bool) -> Option<u16> {
    if bytes > limits.body_bytes {
        return Some(413);
    }
    // Whoever sends one byte before each silence ends would send for ever.
    let measured = time.saturating_sub(limits.body_idle).as_secs();
    (!is_whole && bytes < measured.saturating_mul(limits.body_rate)).then_some(408)
}

/// Before the edge answers by itself: reads what is left of the request's body where that is little, else sees to it
/// that the client gets to read the answer.
pub(super) async fn dispose(session: &mut Session, context: &Context) {
    if session.is_http2() || session.is_body_done() {
        return;
    }
    // Who waits to be told to go on sends nothing now, and may or may not after the answer.
    if !is_short(session.req_header()) || session.drain_request_body().await.is_err() {
        session.set_keepalive(None);
        if let Some(head) = &context.head {
            head.answered_early();
        }
    }
}

fn is_short(request: &RequestHeader) -> bool {
    let length = request
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length <= DRAIN_BYTES) && !request.headers.contains_key(header::EXPECT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_be_neither_too_long_nor_too_slow() {
        let limits = Limits {
            body_bytes: 10_000,
            body_idle: Duration::from_secs(30),
            body_rate: 500,
            ..crate::config::edge::Limits::default()
        };
        let after = |seconds, bytes| body_refused(&limits, bytes, Duration::from_secs(seconds), false);
        assert_eq!(after(0, 10_001), Some(413));
        assert_eq!(after(30, 0), None);
        assert_eq!(after(32, 999), Some(408));
        assert_eq!(after(32, 1000), None);
        assert_eq!(body_refused(&limits, 1, Duration::from_secs(99), true), None);
        assert_eq!(body_refused(&Limits { body_rate: 0, ..limits }, 1, Duration::from_secs(99), false), None);
    }
}
