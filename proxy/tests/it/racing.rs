//! Operators at two proxies at the same moment.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::admin::{answer, call, get, until};
use crate::harness::{Edge, OPERATOR, PATIENCE, room};
use crate::shop::Shop;
use crate::store_away::Redis;

/// Whoever names no revision means whichever is in force, however many change something else at that moment.
#[tokio::test]
async fn changes_that_race_at_two_proxies_are_all_made() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let rooms: String = (0..12).map(|n| format!("[[room]]\nid = \"r{n}\"\npaths = [\"/r{n}\"]\n")).collect();
    let start = || Edge::start_with(&redis.edge_file(&shop), &rooms);
    let edges = [start(), start()];
    let change = async |n: usize| {
        let room = format!("/rooms/r{n}");
        let request = call(&edges[n % 2], OPERATOR, Method::PATCH, &room).json(&json!({ "message": room }));
        answer(request).await
    };
    for (status, told) in futures_util::future::join_all((0..12).map(change)).await {
        assert_eq!(status, 200, "{told}");
    }
    for n in 0..12 {
        let room = format!("/rooms/r{n}");
        let deadline = Instant::now() + PATIENCE;
        while get(&edges[0], &room).await["message"] != room {
            assert!(Instant::now() < deadline, "{room} was undone");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// What is noted and refused goes by what is in force everywhere, also at a proxy that is about to hear of it.
#[tokio::test]
async fn what_was_done_at_one_proxy_counts_at_once_at_the_other() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let rooms = room("mode = \"always\"");
    let start = || Edge::start_with(&redis.edge_file(&shop), &rooms);
    let (here, there) = (start(), start());
    until(&here, "up", |room| room["reachable"] == true).await;
    let act = async |edge: &Edge, action: &str| {
        let (status, told) =
            answer(call(edge, OPERATOR, Method::POST, &format!("/rooms/demo/{action}"))).await;
        (status.as_u16(), told["code"].as_str().unwrap_or_default().to_owned())
    };
    let done = (200, String::new());
    for _ in 0..10 {
        assert_eq!(act(&here, "close").await, done);
        assert_eq!(act(&there, "pause").await, (409, "room_closed".to_owned()));
        // Nor is it refused for what is over elsewhere; and it goes on as it was before it was closed.
        assert_eq!(act(&here, "resume").await, done);
        assert_eq!(act(&there, "pause").await, done);
        assert_eq!(act(&here, "resume").await, done);
    }
    let entries = get(&here, "/audit?limit=50").await["entries"].clone();
    let pauses = entries.as_array().unwrap().iter().filter(|entry| entry["action"] == "pause");
    let told: Vec<&str> = pauses.map(|entry| entry["detail"].as_str().unwrap()).collect();
    assert_eq!(told, ["was always: demo: mode \"always\" → \"paused\""; 10]);
}
