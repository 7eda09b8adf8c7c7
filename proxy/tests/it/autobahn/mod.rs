//! RFC 6455 by the cases of the Autobahn test suite, as far as they concern a server that sends text and has no use for
//! what it is sent.

mod cases;
mod client;

use cases::{Case, Then};
use client::{CLOSE, Client, FIN, PING, PONG, frame};
use futures_util::{StreamExt as _, stream};

use crate::harness::{Edge, STANDING, room};
use crate::shop::Shop;

#[tokio::test]
async fn every_case_ends_as_it_has_to() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let cases = cases::all();
    assert!(cases.len() > 200, "{}", cases.len());
    let broken: Vec<String> = stream::iter(&cases)
        .map(|case| run(&edge, case))
        .buffer_unordered(8)
        .filter_map(async |broken| broken)
        .collect()
        .await;
    assert!(broken.is_empty(), "{} of {}:\n{}", broken.len(), cases.len(), broken.join("\n"));
}

/// What is wrong about how the case ends.
async fn run(edge: &Edge, case: &Case) -> Option<String> {
    let mut client = Client::open(edge).await;
    client.send(&case.bytes, case.is_chopped).await;
    if matches!(case.then, Then::GoesOn(_)) {
        client.send(&frame(FIN | PING, b"still there?"), false).await;
    }
    let mut seen = Vec::new();
    let mut is_there = true;
    while is_there {
        match client.next().await {
            Some((PONG, payload)) if payload == b"still there?" => break,
            Some(frame) => seen.push(frame),
            None => is_there = false,
        }
    }
    let code = |payload: &[u8]| payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
    let is_good = match (&case.then, seen.as_slice()) {
        (Then::GoesOn(pongs), seen) => {
            is_there
                && seen
                    .iter()
                    .map(|(opcode, payload)| (*opcode, payload))
                    .eq(pongs.iter().map(|pong| (PONG, pong)))
        }
        (Then::Fails(codes), [.., (CLOSE, payload)]) => {
            !is_there && code(payload).is_some_and(|code| codes.contains(&code))
        }
        (Then::Closes(wanted), [(CLOSE, payload)]) => !is_there && code(payload) == *wanted,
        _ => false,
    };
    (!is_good).then(|| format!("{}: {seen:?}, still there: {is_there}, but {:?}", case.number, case.then))
}
