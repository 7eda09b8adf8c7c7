//! What the dashboard is drawn from: what a room was like, what would come of a change, and who asks.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::admin::{answer, call, get, until};
use crate::harness::{Edge, OPERATOR, PATIENCE, STANDING, VIEWER, browser, navigate, room, until_state};
use crate::shop::Shop;
use crate::store_away::Redis;

/// The history of the room, when `is_so`.
async fn history(edge: &Edge, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let history = get(edge, "/rooms/demo/history").await;
        if is_so(&history) {
            return history;
        }
        assert!(Instant::now() < deadline, "not {what}: {history}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn sum(column: &Value) -> u64 {
    column.as_array().unwrap().iter().filter_map(Value::as_u64).sum()
}

#[tokio::test]
async fn the_history_tells_who_came_waited_and_got_in_and_how_the_shop_answered() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 600"));
    // A count is told from the second sample on.
    history(&edge, "known", |history| sum(&history["waiting"]) == 0 && history["given"][1].is_u64()).await;
    let fan = browser();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), StatusCode::ACCEPTED);
    until_state(&fan, &edge, "admitted").await;
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), StatusCode::OK);
    let told = history(&edge, "in", |history| {
        sum(&history["joined"]) == 1 && sum(&history["given"]) == 1 && sum(&history["origin_requests"]) == 1
    })
    .await;
    let known = |column: &str| told[column].as_array().unwrap().iter().any(Value::is_number);
    assert!(known("wait_p50_seconds") && known("origin_p95_ms") && known("allowed_per_minute"), "{told}");
    assert_eq!(told["step_seconds"], 2);
    // Asked for what is newer, it tells no more than that.
    let at = told["at"].as_array().unwrap();
    let newest = at.last().unwrap().as_u64().unwrap();
    let newer = get(&edge, &format!("/rooms/demo/history?after={newest}")).await;
    assert!(
        newer["at"].as_array().unwrap().len() < at.len()
            && !newer["at"].to_string().contains(&newest.to_string())
    );
    assert_eq!(get(&edge, "/rooms/demo/history?span=far").await["step_seconds"], 60);
    let wrong = answer(call(&edge, VIEWER, Method::GET, "/rooms/demo/history?span=year")).await;
    assert_eq!((wrong.0, &wrong.1["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("bad_query")));
    assert_eq!(
        answer(call(&edge, VIEWER, Method::GET, "/rooms/none/history")).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_line_of_the_fleet_is_in_the_history_of_each_proxy() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let start = || Edge::start_with(&redis.edge_file(&shop), &room(STANDING));
    let (here, there) = (start(), start());
    history(&there, "known", |history| history["given"][1].is_u64()).await;
    for _ in 0..3 {
        navigate(&browser(), &here.url("/events/demo")).await;
    }
    history(&there, "of the fleet", |history| {
        let waiting = history["waiting"].as_array().unwrap().last();
        sum(&history["joined"]) == 3 && waiting == Some(&json!(3))
    })
    .await;
    // Where the line cannot be reached, nobody knows.
    redis.signal("STOP");
    let told = history(&there, "away", |history| {
        history["waiting"].as_array().unwrap().last() == Some(&Value::Null)
    })
    .await;
    assert!(told["max_active"].as_array().unwrap().last().is_some_and(Value::is_u64), "{told}");
}

#[tokio::test]
async fn a_preview_says_what_would_come_of_a_change_and_changes_nothing() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    for _ in 0..3 {
        navigate(&browser(), &edge.url("/events/demo")).await;
    }
    until(&edge, "three wait", |room| room["waiting"] == 3).await;
    let before = get(&edge, "/rooms/demo").await["configuration"].clone();
    let preview = |body: Value| answer(call(&edge, VIEWER, Method::POST, "/rooms/demo/preview").json(&body));
    let (status, told) = preview(json!({ "mode": "auto", "drain_per_minute": 2 })).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!((&told["now"]["phase"], &told["now"]["last_high_seconds"]), (&json!("paused"), &Value::Null));
    assert!(told["now"]["words"].as_str().unwrap().contains("The 3 who wait keep their places"), "{told}");
    assert_eq!((&told["then"]["limited_by"], &told["then"]["per_minute"]), (&json!("rate"), &json!(2)));
    let [low, high] = ["last_low_seconds", "last_high_seconds"].map(|at| told["then"][at].as_u64().unwrap());
    assert!((50..=90).contains(&low) && (90..=100).contains(&high), "{told}");
    let lines = told["changes"].as_array().unwrap();
    assert!(lines.contains(&json!("demo: drain_per_minute 600 → 2")), "{told}");
    let (status, problem) = preview(json!({ "drain_per_minute": -1 })).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("bad_configuration")));
    let (_, problem) = preview(json!({ "pages": { "template": "/etc/hostname" } })).await;
    assert!(problem["detail"].as_str().unwrap().contains("`pages`"), "{problem}");
    assert_eq!(get(&edge, "/rooms/demo").await["configuration"], before);
}

#[tokio::test]
async fn the_page_is_for_who_reaches_the_listener_and_lets_nothing_from_elsewhere_in() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/dashboard/main.js", "text/javascript; charset=utf-8"),
        ("/dashboard/dashboard.css", "text/css; charset=utf-8"),
        ("/dashboard/icon.svg", "image/svg+xml"),
    ] {
        let answer = browser().get(format!("http://{}{path}", edge.admin)).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((answer.status(), header("content-type").as_deref()), (StatusCode::OK, Some(kind)));
        assert_eq!(header("cache-control").as_deref(), Some("no-store"), "{path}");
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
        assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
        let policy = header("content-security-policy").unwrap();
        for rule in
            ["default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "form-action 'none'"]
        {
            assert!(policy.contains(rule) && !policy.contains("unsafe"), "{policy}");
        }
        assert_eq!(header("set-cookie"), None);
    }
    // Nothing of it is where fans are.
    let public = browser().get(edge.url("/dashboard/main.js")).send().await.unwrap();
    assert_eq!(public.headers().get("content-security-policy"), None);
    assert_eq!(shop.last().target, "/dashboard/main.js");
    let posted = browser().post(format!("http://{}/", edge.admin)).send().await.unwrap();
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_token_tells_who_it_is_of() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    for (token, name, role) in [(VIEWER, "ben", "viewer"), (OPERATOR, "anna", "operator")] {
        let (_, me) = answer(call(&edge, token, Method::GET, "/me")).await;
        assert_eq!((&me["name"], &me["role"]), (&json!(name), &json!(role)));
    }
}
