//! The process ends, kindly or not, and nobody loses their place.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Edge, PATIENCE, STANDING, browser, navigate, room, until_state};
use crate::live;
use crate::shop::Shop;
use crate::store_away::Redis;

#[tokio::test]
async fn sigterm_finishes_requests_and_tells_fans_to_come_back() {
    let shop = Shop::start().await;
    let upstream = format!("shutdown_grace = \"20s\"\n[upstream]\naddress = \"{}\"", shop.address);
    let mut edge = Edge::start_with(&upstream, &room(STANDING));
    let ticket = live::join(&edge).await;
    let mut socket = live::open(&edge, &[("wr-ticket", &ticket)]).await.unwrap();
    live::next(&mut socket).await;
    let slow = tokio::spawn(browser().get(edge.url("/slow")).send());
    // An idle connection must not keep the process.
    let _idle = tokio::net::TcpStream::connect(edge.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    edge.terminate();
    let began = Instant::now();
    let code = loop {
        match tokio::time::timeout(PATIENCE, socket.next()).await.unwrap() {
            Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, Some(1012));
    drop(socket);
    let answer = slow.await.unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), "slow but whole");
    let status = tokio::task::spawn_blocking(move || (edge.wait(), edge)).await.unwrap();
    assert_eq!(status.0.code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(18), "the whole grace was slept through");
    assert!(tokio::net::TcpStream::connect(status.1.address).await.is_err());
}

/// The shop says that a fan is done while the store hangs, and the edge is told to end: the store hears of it all the
/// same, or the next edge would let the fan in again.
#[tokio::test]
async fn what_the_store_was_not_told_yet_it_is_told_at_the_end() {
    let shop = Shop::start().await;
    let redis = Redis::start(None);
    let rooms = room("mode = \"always\"\ndrain_per_minute = 6000");
    let mut edge = Edge::start_with(&redis.edge_file(&shop), &rooms);
    let other = Edge::start_with(&redis.edge_file(&shop), &rooms);
    let (first, second) = (admitted(&edge).await, admitted(&edge).await);
    let page = async |edge: &Edge, token: &str, path: &str| {
        let request = browser().get(edge.url(path)).header("wr-admission", token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(page(&other, &second, "/events/demo").await, 200);
    redis.signal("STOP");
    // The store is asked to end the first session; the second one waits for its answer.
    for token in [&first, &second] {
        assert_eq!(page(&edge, token, "/events/demo/end").await, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    edge.terminate();
    tokio::time::sleep(Duration::from_millis(500)).await;
    redis.signal("CONT");
    let (status, _edge) = tokio::task::spawn_blocking(move || (edge.wait(), edge)).await.unwrap();
    assert_eq!(status.code(), Some(0));
    let until = Instant::now() + PATIENCE;
    while page(&other, &second, "/events/demo").await == 200 {
        assert!(Instant::now() < until, "it was forgotten that the session is over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The admission token of a fan who just got one.
async fn admitted(edge: &Edge) -> String {
    let ticket = live::join(edge).await;
    let until = Instant::now() + PATIENCE;
    loop {
        let request = browser().get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", &ticket);
        let status: Value = request.send().await.unwrap().json().await.unwrap();
        if let Some(token) = status["admission_token"].as_str() {
            return token.to_owned();
        }
        assert!(Instant::now() < until, "{status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn an_idle_edge_ends_at_once() {
    let shop = Shop::start().await;
    let upstream = format!("shutdown_grace = \"1h\"\n[upstream]\naddress = \"{}\"", shop.address);
    let mut edge = Edge::start_with(&upstream, &room(""));
    let fan = browser();
    assert_eq!(fan.get(edge.url("/open")).send().await.unwrap().status(), 200);
    edge.terminate();
    assert_eq!(edge.wait().code(), Some(0));
}

#[tokio::test]
async fn health_is_told_on_its_own_listener() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    for (path, code) in [("/healthz", 200), ("/readyz", 200), ("/other", 404)] {
        let answer = browser().get(format!("http://{}{path}", edge.admin)).send().await.unwrap();
        assert_eq!(answer.status(), code, "{path}");
    }
    assert_eq!(browser().get(edge.url("/healthz")).send().await.unwrap().status(), 200);
    assert_eq!(shop.asked().pop().unwrap().target, "/healthz", "the public /healthz is the shop's");
}

/// The line of one proxy with the memory store is gone with it; the tickets bring it back.
#[tokio::test]
async fn a_killed_proxy_costs_nobody_their_rank() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"paused\"\nrecovery_grace = \"2s\""));
    let mut fans = Vec::new();
    for position in 1..=5 {
        let fan = browser();
        let url = edge.url("/.waiting-room/demo/ticket");
        let body: Value = fan.post(&url).send().await.unwrap().json().await.unwrap();
        assert_eq!(body["position"], position);
        fans.push((fan, body["ticket"].clone()));
    }
    let edge = edge.kill_and_restart();
    let url = edge.url("/.waiting-room/demo/ticket");
    // A newcomer is there before anyone is back.
    let newcomer = browser();
    let joined: Value = newcomer.post(&url).send().await.unwrap().json().await.unwrap();
    // The fans come back in any order.
    for (fan, ticket) in fans.iter().rev() {
        let again: Value = fan.post(&url).send().await.unwrap().json().await.unwrap();
        assert_eq!(again["ticket"], *ticket);
    }
    let until = Instant::now() + PATIENCE;
    loop {
        let mut positions = Vec::new();
        for (fan, _) in &fans {
            let status: Value = fan.get(&url).send().await.unwrap().json().await.unwrap();
            positions.push(status["position"].as_u64());
        }
        let last: Value = newcomer.get(&url).send().await.unwrap().json().await.unwrap();
        if positions == [Some(1), Some(2), Some(3), Some(4), Some(5)] && last["waiting"] == 6 {
            break;
        }
        assert!(Instant::now() < until, "{positions:?} {last} {joined}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn an_admitted_fan_stays_admitted_over_a_restart() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 600"));
    let fan = browser();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 202);
    until_state(&fan, &edge, "admitted").await;
    let edge = edge.kill_and_restart();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
}
