//! No spelling of a protected path opens anything.

mod attempt;
mod liberal;
mod table;

use attempt::{Attempt, Expected};
use liberal::protected;
use table::ATTEMPTS;

use crate::harness::{Edge, room};
use crate::shop::Shop;
use crate::wire::http1::{exchange, status};
use crate::wire::origin::{Origin, Seen};

/// Nobody is let in, and rules let one method of one page each past the line.
const ROOMS: &str = "mode = \"always\"
drain_per_minute = 0
[[room.bypass]]
name = \"health\"
paths = [\"/events/demo/health\"]
methods = [\"GET\"]
[[room.bypass]]
name = \"hook\"
paths = [\"/events/demo/hook\"]
methods = [\"POST\"]
[[room]]
id = \"hall\"
hosts = [\"hall.example\"]
paths = [\"/*\"]
mode = \"always\"
drain_per_minute = 0";

/// An edge that speaks both versions of HTTP.
fn start(origin: &Origin) -> Edge {
    let edge = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nhttp2 = true\n[upstream]\naddress = \"{}\"",
        origin.address
    );
    Edge::start_listening(&edge, &room(ROOMS))
}

fn is_as_expected(attempt: &Attempt, status: u16) -> bool {
    let is_queued = matches!(status, 202 | 429);
    // Prefetches take no place, and wait for nothing.
    let is_refused = matches!(status, 0 | 400 | 404 | 405 | 501 | 503 | 505);
    match attempt.expected {
        Expected::Queued => is_queued,
        Expected::Refused => is_refused,
        Expected::QueuedOrRefused => is_queued || is_refused,
        Expected::Harmless => true,
    }
}

#[tokio::test]
async fn no_attempt_gets_past_the_line_over_either_version_of_http() {
    let origin = Origin::start().await;
    let edge = start(&origin);
    let mut broken = Vec::new();
    for attempt in ATTEMPTS {
        let first = ("HTTP/1.1", attempt.over_http1(edge.address).await, origin.take());
        let second = ("HTTP/2", attempt.over_http2(edge.address).await.status(), origin.take());
        for (version, status, record) in [first, second] {
            let told = format!("{version} {}: {status}", attempt.text());
            if !is_as_expected(attempt, status) {
                broken.push(format!("{told}, not {:?}", attempt.expected));
            }
            if attempt.expected != Expected::Harmless && !record.requests.is_empty() {
                broken.push(format!("{told}, and the shop was asked"));
            }
            let is_let_past = matches!(attempt.target, b"/events/demo/health" | b"/events/demo/hook");
            for seen in record.requests.iter().filter(|_| !is_let_past) {
                if let Some(reading) = protected(seen) {
                    let target = seen.target().escape_ascii().to_string();
                    broken.push(format!("{told}, which got {target}, and that can be read as {reading}"));
                }
            }
            let overridden = |seen: &&Seen| seen.fields().iter().any(|(name, _)| name.contains("method"));
            if record.requests.iter().any(|seen| overridden(&seen)) {
                broken.push(format!("{told}, and the shop was told of another method"));
            }
            if !record.strays.is_empty() {
                broken.push(format!("{told}, and {:?}", record.strays));
            }
        }
    }
    assert!(broken.is_empty(), "{} of {}:\n{}", broken.len(), ATTEMPTS.len(), broken.join("\n"));
    let attempts: std::collections::BTreeSet<String> = ATTEMPTS.iter().map(Attempt::text).collect();
    assert!(attempts.len() == ATTEMPTS.len(), "an attempt is there twice");
}

#[tokio::test]
async fn the_forwarded_path_is_the_one_that_was_decided() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    for (spelling, forwarded) in [
        ("//a//b", "/a/b"),
        ("/a/../b?x=%2e/../", "/b?x=%2e/../"),
        ("/%61/%2e%2e/b%2fc", "/b%2Fc"),
        ("http://shop.example/a/./b", "/a/b"),
    ] {
        let request = format!("GET {spelling} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
        let answer = exchange(edge.address, request.as_bytes()).await;
        assert_eq!(status(&answer), 200, "{spelling}: {answer}");
        let asked = shop.asked().pop().unwrap();
        assert_eq!((asked.target.as_str(), asked.signed), (forwarded, true), "{spelling}");
        assert_eq!(asked.header("host"), Some("shop.example"));
    }
}

#[tokio::test]
async fn the_edges_own_paths_never_reach_the_shop() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    for spelling in [
        "/.waiting-room/demo",
        "//.waiting-room/nowhere",
        "/%2ewaiting-room/x/y/z",
        "/.waiting-room",
        "/x/..;/.waiting-room/demo",
    ] {
        let request = format!("GET {spelling} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
        let code = status(&exchange(edge.address, request.as_bytes()).await);
        assert!(matches!(code, 200 | 400 | 404), "{spelling}: {code}");
    }
    assert!(shop.asked().is_empty());
}
