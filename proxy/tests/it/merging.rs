//! A file and the API change one configuration: neither takes back what the other did, unless both mean the same key.

use reqwest::Method;
use serde_json::{Value, json};

use crate::admin::{answer, call, get, post, until};
use crate::harness::{ADMIN, Edge, OPERATOR, room};
use crate::hot_configuration::an_old_file;
use crate::shop::Shop;
use crate::store_away::Redis;

fn rooms(rate: u64, message: &str) -> String {
    room(&format!("mode = \"always\" # as agreed\ndrain_per_minute = {rate}\nmessage = \"{message}\""))
}

async fn revision(edge: &Edge) -> u64 {
    get(edge, "/rooms").await["revision"].as_u64().unwrap()
}

async fn patch(edge: &Edge, body: Value) -> Value {
    let (status, changed) = answer(call(edge, OPERATOR, Method::PATCH, "/rooms/demo").json(&body)).await;
    assert_eq!(status, 200, "{changed}");
    changed
}

#[tokio::test]
async fn a_saved_file_leaves_what_the_api_changed_and_the_newest_has_what_both_did() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let start = || Edge::start_with(&redis.edge_file(&shop), &rooms(60, "one"));
    let (here, there) = (start(), start());
    post(&there, "/rooms/demo/pause", &json!({})).await;
    patch(&there, json!({ "drain_per_minute": 300 })).await;
    here.rewrite(&rooms(60, "two"));
    for edge in [&here, &there] {
        until(edge, "both", |room| {
            room["message"] == "two" && room["drain_per_minute"] == 300 && room["mode"] == "paused"
        })
        .await;
    }
    // The same file reaches the other edge too, after another change over the API.
    patch(&here, json!({ "message": "three" })).await;
    until(&there, "told", |room| room["message"] == "three").await;
    let before = revision(&there).await;
    there.rewrite(&rooms(60, "two"));
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(revision(&there).await, before, "it was taken already");
    assert_eq!(get(&there, "/rooms/demo").await["message"], "three");
    // Both change one key: the file is the newest.
    here.rewrite(&rooms(120, "two"));
    until(&there, "as in the file", |room| room["drain_per_minute"] == 120 && room["message"] == "three")
        .await;
    let lost = "demo: drain_per_minute 300, set since, gave way to the file's 120";
    here.until_logged(lost).await;
    let entry = get(&there, "/audit?limit=1").await["entries"][0].clone();
    assert_eq!(entry["via"], "file");
    assert!(entry["detail"].as_str().unwrap().ends_with(&format!("(lost: {lost})")), "{entry}");
    let text = call(&there, ADMIN, Method::GET, "/configuration").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("mode = \"paused\" # as agreed"), "{text}");
    // What is in force, written into the file, is nothing new, and from then on the file has it.
    here.rewrite(&text);
    patch(&there, json!({ "drain_per_minute": 60 })).await;
    here.rewrite(&text.replace("three", "four"));
    until(&there, "merged", |room| room["message"] == "four" && room["drain_per_minute"] == 60).await;
}

#[tokio::test]
async fn what_changes_nothing_is_no_change() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &rooms(60, "one"));
    until(&edge, "up", |room| room["reachable"] == true).await;
    let changed = patch(&edge, json!({ "drain_per_minute": 300 })).await;
    assert!(changed["changes"].as_array().unwrap().contains(&json!("demo: drain_per_minute 60 → 300")));
    let before = revision(&edge).await;
    let again = patch(&edge, json!({ "drain_per_minute": 300 })).await;
    assert_eq!((&again["revision"], &again["changes"]), (&json!(before), &json!([])));
    edge.rewrite(&format!("# Another comment.\n{}", rooms(60, "one")));
    let deadline = std::time::Instant::now() + crate::harness::PATIENCE;
    while !edge.log().iter().any(|line| line.contains("so it changes nothing")) {
        // Of two signals at once one is heard.
        edge.signal("HUP");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert!(std::time::Instant::now() < deadline, "{:?}", edge.log());
    }
    assert_eq!(revision(&edge).await, before);
    assert_eq!(get(&edge, "/rooms/demo").await["drain_per_minute"], 300);
    let entries = get(&edge, "/audit").await["entries"].clone();
    let configured = entries.as_array().unwrap().iter().filter(|entry| entry["via"] == "api").count();
    assert_eq!(configured, 1, "{entries}");
}

#[tokio::test]
async fn a_file_that_was_edited_while_no_edge_ran_takes_nothing_back() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let edge = Edge::start_in(an_old_file(&redis.edge_file(&shop), &rooms(60, "one")));
    until(&edge, "up", |room| room["reachable"] == true).await;
    patch(&edge, json!({ "drain_per_minute": 300 })).await;
    drop(edge);
    // Written just now, with another message.
    let edge = Edge::start_with(&redis.edge_file(&shop), &rooms(60, "two"));
    until(&edge, "both", |room| room["message"] == "two" && room["drain_per_minute"] == 300).await;
    edge.until_logged("rooms.toml was changed while this edge was not running").await;
    drop(edge);
    let edge = Edge::start_with(&redis.edge_file(&shop), &rooms(60, "two"));
    until(&edge, "as before", |room| room["message"] == "two" && room["drain_per_minute"] == 300).await;
    // Who means the file as a whole says so.
    let put = call(&edge, ADMIN, Method::PUT, "/configuration").body(rooms(60, "two"));
    assert_eq!(answer(put).await.0, 200);
    until(&edge, "as in the file", |room| room["drain_per_minute"] == 60).await;
}

#[tokio::test]
async fn a_file_that_does_not_go_together_with_what_the_api_changed_is_refused_in_words() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &rooms(60, "one"));
    patch(&edge, json!({ "session_max": "30m" })).await;
    edge.rewrite(&format!("{}session = \"50m\"\n", rooms(60, "two")));
    // It is the newest and has `session`; `session_max` it does not name, so that is what the API set.
    edge.until_logged("not together with what was changed over the API since").await;
    let room = get(&edge, "/rooms/demo").await;
    assert_eq!((&room["message"], &room["configuration"]["session"]), (&json!("one"), &json!("10m")));
}
