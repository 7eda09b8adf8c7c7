//! A seed that was told draws nobody again, by whatever way the rules get there; and before it is told, operators learn
//! no rank either.

use std::time::Duration;

use admission::clock::{Clock as _, SystemClock};
use proxy::waiting::time::rfc3339;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::admin::{answer, call, post, until};
use crate::harness::{Edge, OPERATOR, VIEWER, browser, room, set_cookie};
use crate::prequeue::times;
use crate::shop::Shop;

async fn change(edge: &Edge, keys: Value) -> (StatusCode, Value) {
    answer(call(edge, OPERATOR, Method::PATCH, "/rooms/demo").json(&keys)).await
}

#[tokio::test]
async fn a_seed_that_was_told_draws_nobody_again_however_the_rules_get_there() {
    let shop = Shop::start().await;
    let (rules, prequeue_at) = times(Duration::from_secs(1));
    let edge = Edge::start(&shop, &room(&rules));
    until(&edge, "open", |room| room["phase"] == "open").await;
    let first = rfc3339(prequeue_at);
    let later = || rfc3339(SystemClock.now() + Duration::from_secs(600));
    let is_refused = async |keys: Value| {
        let (status, problem) = change(&edge, keys).await;
        assert_eq!(status, 422, "{problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("put off an opening") && detail.contains("`opens_at`"), "{problem}");
    };
    // In one step.
    is_refused(json!({ "opens_at": later() })).await;
    // By way of no draw at all.
    assert_eq!(change(&edge, json!({ "prequeue_at": null, "opens_at": null })).await.0, 200);
    until(&edge, "without a draw", |room| room["phase"] == "open" && room["prequeue_at"].is_null()).await;
    is_refused(json!({ "prequeue_at": first, "opens_at": later() })).await;
    // By way of a draw to come.
    let next = rfc3339(SystemClock.now() + Duration::from_secs(300));
    assert_eq!(change(&edge, json!({ "prequeue_at": next, "opens_at": later() })).await.0, 200);
    until(&edge, "early", |room| room["phase"] != "open").await;
    is_refused(json!({ "prequeue_at": first, "opens_at": later() })).await;
    // A new draw is what is left.
    let anew = rfc3339(SystemClock.now());
    assert_eq!(change(&edge, json!({ "prequeue_at": anew, "opens_at": later() })).await.0, 200);
    until(&edge, "drawing anew", |room| room["phase"] == "prequeue").await;
}

#[tokio::test]
async fn operators_learn_no_rank_before_the_draw() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(&times(Duration::from_secs(600)).0));
    until(&edge, "in the pre-queue", |room| room["phase"] == "prequeue").await;
    let joined = browser().post(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    let ticket = set_cookie(&joined, "wr-ticket-demo").unwrap();
    assert_eq!(joined.json::<Value>().await.unwrap()["state"], "prequeue");
    let looked = post(&edge, "/rooms/demo/tickets/look", &json!({ "ticket": ticket })).await;
    assert_eq!(
        (&looked["standing"], &looked["rank"], &looked["ahead"]),
        (&json!("waiting"), &Value::Null, &Value::Null)
    );
    let (status, viewed) = answer(
        call(&edge, VIEWER, Method::POST, "/rooms/demo/tickets/look").json(&json!({ "ticket": ticket })),
    )
    .await;
    assert_eq!((status, viewed), (StatusCode::OK, looked));
}
