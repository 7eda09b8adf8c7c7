//! The same over HTTP/2, where fields and bodies have lengths of their own.

use std::time::Duration;

use tokio::time::timeout;

use super::{INNER, start};
use crate::wire::http1::{exchange, status};
use crate::wire::http2::{self, Frames, Outcome};
use crate::wire::origin::Origin;

const HEAD: [(&[u8], &[u8]); 4] =
    [(b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"a"), (b":path", b"/")];

fn head_with(fields: &[(&'static [u8], &'static [u8])]) -> Vec<(&'static [u8], &'static [u8])> {
    HEAD.iter().chain(fields).copied().collect()
}

/// HTTP/2 carries any bytes in any field. What would become another line or another length over HTTP/1.1 ends here.
#[tokio::test]
async fn what_http2_may_carry_and_http1_may_not_is_refused() {
    let origin = Origin::start().await;
    let edge = start(&origin);
    type Fields = Vec<(&'static [u8], &'static [u8])>;
    let replaced = |name: &[u8], value: &'static [u8]| -> Fields {
        HEAD.iter().map(|(found, old)| (*found, if *found == name { value } else { *old })).collect()
    };
    let without =
        |name: &[u8]| -> Fields { HEAD.iter().filter(|(found, _)| *found != name).copied().collect() };
    let cases: Vec<Fields> = vec![
        // Lines within a value or a name.
        head_with(&[(b"x", b"y\r\nTransfer-Encoding: chunked")]),
        head_with(&[(b"x", b"y\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")]),
        head_with(&[(b"x", b"y\nz: 1")]),
        head_with(&[(b"x", b"y\rz: 1")]),
        head_with(&[(b"x", b"y\0")]),
        head_with(&[(b"x: 1\r\ny", b"z")]),
        head_with(&[(b"x\ny", b"z")]),
        head_with(&[(b"x y", b"z")]),
        head_with(&[(b"x:", b"z")]),
        head_with(&[(b"", b"z")]),
        head_with(&[(b"X-Upper", b"z")]),
        // What belongs to one connection over HTTP/1.1.
        head_with(&[(b"transfer-encoding", b"chunked")]),
        head_with(&[(b"connection", b"keep-alive")]),
        head_with(&[(b"connection", b"x-forwarded-for")]),
        head_with(&[(b"upgrade", b"websocket")]),
        head_with(&[(b"keep-alive", b"timeout=5")]),
        head_with(&[(b"proxy-connection", b"keep-alive")]),
        head_with(&[(b"te", b"gzip")]),
        // Lengths.
        head_with(&[(b"content-length", b"+5")]),
        head_with(&[(b"content-length", b"5"), (b"content-length", b"6")]),
        head_with(&[(b"content-length", b"x")]),
        head_with(&[(b"content-length", b"5\r\nTransfer-Encoding: chunked")]),
        // Pseudo-headers.
        replaced(b":path", b"/ HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled"),
        replaced(b":path", b"/x y"),
        replaced(b":path", b""),
        replaced(b":path", b"smuggled"),
        replaced(b":path", b"http://a/smuggled"),
        replaced(b":method", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\nGET"),
        replaced(b":method", b"GET /smuggled"),
        replaced(b":method", b""),
        replaced(b":method", b"CONNECT"),
        replaced(b":scheme", b"http://a/smuggled?"),
        replaced(b":scheme", b"http\r\nX: y"),
        replaced(b":authority", b"a\r\nX: y"),
        replaced(b":authority", b"a/smuggled"),
        replaced(b":authority", b"u@a"),
        replaced(b":authority", b"a b"),
        replaced(b":authority", b""),
        without(b":path"),
        without(b":method"),
        without(b":scheme"),
        without(b":authority"),
        head_with(&[(b":path", b"/smuggled")]),
        head_with(&[(b":method", b"GET")]),
        head_with(&[(b":authority", b"b")]),
        head_with(&[(b":status", b"200")]),
        head_with(&[(b":protocol", b"websocket")]),
        head_with(&[(b":other", b"x")]),
        [vec![(b"x".as_slice(), b"y".as_slice())], HEAD.to_vec()].concat(),
        head_with(&[(b"host", b"b")]),
        head_with(&[(b"host", b"a"), (b"host", b"b")]),
        head_with(&[(b"host", b"a\r\nX: y")]),
    ];
    let mut taken = Vec::new();
    for fields in &cases {
        let frames = Frames::default().headers(fields, true).data(b"hello", true);
        let outcome = http2::exchange(edge.address, frames).await;
        let record = origin.take();
        let text: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}: {}", name.escape_ascii(), value.escape_ascii()))
            .collect();
        let is_refused = matches!(outcome, Outcome::Reset(_) | Outcome::Closed | Outcome::Status(400 | 405));
        if !is_refused || !record.requests.is_empty() || !record.strays.is_empty() {
            taken.push(format!("{text:?}: {outcome:?} {record:?}"));
        }
    }
    assert!(taken.is_empty(), "{} were taken:\n{}", taken.len(), taken.join("\n"));
}

/// A body over HTTP/2 that is not as long as it was said to be must leave no half of a request on a connection to the
/// shop that others use.
#[tokio::test]
async fn a_body_over_http2_is_as_long_as_it_says_or_goes_nowhere() {
    let origin = Origin::start().await;
    let edge = start(&origin);
    let length: (&[u8], &[u8]) = (b"content-length", b"5");
    for (case, frames) in [
        ("shorter", Frames::default().headers(&head_with(&[length]), true).data(b"hi", true)),
        (
            "longer",
            Frames::default().headers(&head_with(&[length]), true).data(b"hello, GET /smuggled", true),
        ),
        (
            "longer, in pieces",
            Frames::default()
                .headers(&head_with(&[length]), true)
                .data(b"hello", false)
                .data(INNER.as_bytes(), true),
        ),
        ("none", Frames::default().headers(&head_with(&[length]), false)),
        ("given up", Frames::default().headers(&head_with(&[length]), true).data(b"hi", false).reset()),
        (
            "zero, with a body",
            Frames::default()
                .headers(&head_with(&[(b"content-length", b"0")]), true)
                .data(INNER.as_bytes(), true),
        ),
    ] {
        let outcome = if case == "given up" {
            // Nobody is answered who went away.
            timeout(Duration::from_secs(2), http2::exchange(edge.address, frames))
                .await
                .unwrap_or(Outcome::Closed)
        } else {
            http2::exchange(edge.address, frames).await
        };
        assert_ne!(outcome.status(), 200, "{case}");
        // Another fan's request is read as what it is, whichever connection it goes over.
        for _ in 0..3 {
            let plain = "GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            let answer = exchange(edge.address, plain.as_bytes()).await;
            assert_eq!(status(&answer), 200, "{case}: {answer}");
        }
        let record = origin.take();
        let after = record.requests.iter().filter(|seen| seen.target() == b"/after").count();
        assert_eq!(after, 3, "{case}: {record:?}");
        // That it has no body was said with the head, and the head is all of it then.
        let may_be_whole = case == "zero, with a body";
        let whole: Vec<_> = record.requests.iter().filter(|seen| seen.target() != b"/after").collect();
        assert!(whole.iter().all(|seen| may_be_whole && seen.body.is_empty()), "{case}: {record:?}");
        let smuggled = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains("/smuggled");
        assert!(!record.strays.iter().any(smuggled), "{case}: {record:?}");
    }
}
