//! `mode = "shadow"`: everybody passes, and the edge tells who would have waited.

use reqwest::Method;
use serde_json::json;

use crate::admin::{answer, call, get, until};
use crate::harness::{Edge, OPERATOR, all, browser, navigate, room, set_cookie};
use crate::shop::Shop;
use crate::store_away::Redis;

/// One a second, and one at once.
const RULES: &str = "mode = \"shadow\"\ndrain_per_minute = 60\nburst = 1";

fn shadow(room: &serde_json::Value, figure: &str) -> f64 {
    room["shadow"][figure].as_f64().unwrap_or(f64::NAN)
}

#[tokio::test]
async fn everybody_passes_and_the_room_tells_who_would_have_waited() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(RULES));
    until(&edge, "in shadow mode", |room| room["mode"] == "shadow" && room["phase"] == "off").await;
    let fans: Vec<_> = (0..30).map(|_| browser()).collect();
    for fan in &fans {
        // Twice the same visitor is one, by the cookie.
        for first in [true, false] {
            let page = navigate(fan, &edge.url("/events/demo")).await;
            assert_eq!(page.status(), 200);
            let given = all(&page, "set-cookie");
            assert_eq!(set_cookie(&page, "wr-shadow-demo").is_some(), first, "{given:?}");
            assert!(
                given
                    .iter()
                    .all(|cookie| !cookie.starts_with("wr-ticket") && !cookie.starts_with("wr-admission"))
            );
            let asked = shop.last();
            assert!(asked.signed, "the shop takes it");
            assert_eq!(asked.header("x-waiting-room-ticket"), Some("off"), "as with mode = \"off\"");
            assert!(
                !asked.header("cookie").unwrap_or_default().contains("wr-shadow"),
                "the shop sees none of it"
            );
        }
    }
    // A call that cannot wait passes too, and would have been refused.
    until(&edge, "a line", |room| shadow(room, "waiting") > 15.0).await;
    let api = browser().get(edge.url("/api/reservations")).send().await.unwrap();
    assert_eq!(api.status(), 200);
    until(&edge, "told", |room| {
        shadow(room, "arrivals_total") == 30.0
            && shadow(room, "queued_here") >= 25.0
            && shadow(room, "refused_here") == 1.0
            && shadow(room, "wait_high_seconds") > 5.0
            && shadow(room, "wait_low_seconds") <= 30.0
    })
    .await;
    let told = get(&edge, "/rooms/demo").await;
    assert!(
        told["waiting"] == 0 && told["active"] == 0 && told["joined_total"] == 0,
        "the room's own line is empty: {told}"
    );
    let facts: serde_json::Value =
        browser().get(edge.url("/.waiting-room/demo")).send().await.unwrap().json().await.unwrap();
    assert!(facts["waiting"] == 0 && facts.get("shadow").is_none(), "fans are told none of it: {facts}");
    let metrics =
        browser().get(format!("http://{}/metrics", edge.admin)).send().await.unwrap().text().await.unwrap();
    for series in [
        "stanchion_room_shadow_arrivals_total{room=\"demo\"} 30",
        "stanchion_requests_total{outcome=\"shadow\"",
    ] {
        assert!(metrics.contains(series), "{series}: {metrics}");
    }
    // The turns come, and the waits are counted.
    until(&edge, "waits", |room| {
        shadow(room, "waited_here") >= 3.0 && shadow(room, "waited_here_mean_seconds") > 0.5
    })
    .await;
}

#[tokio::test]
async fn what_was_counted_gives_nobody_a_place_in_another_mode() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(RULES));
    until(&edge, "in shadow mode", |room| room["mode"] == "shadow").await;
    let fan = browser();
    for fan in [browser(), browser(), browser(), fan.clone()] {
        navigate(&fan, &edge.url("/events/demo")).await;
    }
    until(&edge, "a line", |room| shadow(room, "waiting") >= 1.0).await;
    let (status, changed) =
        answer(call(&edge, OPERATOR, Method::PATCH, "/rooms/demo").json(&json!({ "mode": "paused" }))).await;
    assert_eq!(status, 200, "{changed}");
    until(&edge, "paused", |room| room["phase"] == "paused" && room["shadow"].is_null()).await;
    // Whoever passed stands in line like anybody, and nobody stands before them.
    let page = navigate(&fan, &edge.url("/events/demo")).await;
    assert_eq!(page.status(), 202);
    let status: serde_json::Value =
        fan.get(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap().json().await.unwrap();
    assert_eq!(status["ahead"], 0, "{status}");
    until(&edge, "one in line", |room| room["waiting"] == 1).await;
    // And back again, without a name for it.
    let (status, resumed) =
        answer(call(&edge, OPERATOR, Method::POST, "/rooms/demo/resume").json(&json!({ "mode": "shadow" })))
            .await;
    assert_eq!(status, 200, "{resumed}");
    until(&edge, "in shadow mode again", |room| room["phase"] == "off" && !room["shadow"].is_null()).await;
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
}

#[tokio::test]
async fn two_edges_have_one_shadow_line_and_a_visitor_of_both_is_one() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let start = || Edge::start_with(&redis.edge_file(&shop), &room(RULES));
    let (here, there) = (start(), start());
    for edge in [&here, &there] {
        until(edge, "in shadow mode", |room| room["mode"] == "shadow").await;
    }
    for _ in 0..10 {
        let fan = browser();
        let page = navigate(&fan, &here.url("/events/demo")).await;
        let visit = set_cookie(&page, "wr-shadow-demo").expect("a cookie");
        let again = browser()
            .get(there.url("/events/demo"))
            .header("accept", "text/html")
            .header("cookie", format!("wr-shadow-demo={visit}"));
        let again = again.send().await.unwrap();
        assert_eq!((again.status().as_u16(), set_cookie(&again, "wr-shadow-demo")), (200, None));
    }
    for edge in [&here, &there] {
        until(edge, "told", |room| shadow(room, "arrivals_total") == 10.0 && shadow(room, "waiting") >= 3.0)
            .await;
    }
    // With the store away everybody passes as before.
    redis.signal("STOP");
    let page = navigate(&browser(), &here.url("/events/demo")).await;
    assert_eq!(page.status(), 200);
    redis.signal("CONT");
}

#[tokio::test]
async fn a_restart_forgets_visits_and_no_figures() {
    let shop = Shop::start().await;
    let folder = tempfile::tempdir().unwrap();
    let store = format!("[store]\nkind = \"memory\"\npath = \"{}\"", folder.path().join("line").display());
    let edge =
        Edge::start_with(&format!("[upstream]\naddress = \"{}\"\n{store}", shop.address), &room(RULES));
    until(&edge, "in shadow mode", |room| room["mode"] == "shadow").await;
    for _ in 0..5 {
        navigate(&browser(), &edge.url("/events/demo")).await;
    }
    until(&edge, "told", |room| shadow(room, "arrivals_total") == 5.0).await;
    // Long enough for the journal to be on the disk.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let edge = edge.kill_and_restart();
    until(&edge, "told again", |room| shadow(room, "arrivals_total") == 5.0).await;
    assert_eq!(navigate(&browser(), &edge.url("/events/demo")).await.status(), 200);
    until(&edge, "one more", |room| shadow(room, "arrivals_total") == 6.0).await;
}

#[tokio::test]
async fn an_invitation_leads_to_its_lane_and_is_not_used_up() {
    let shop = Shop::start().await;
    let lanes = "[[room.lane]]\nname = \"general\"\n[[room.lane]]\nname = \"member\"";
    let edge = Edge::start(&shop, &room(&format!("{RULES}\n{lanes}")));
    until(&edge, "in shadow mode", |room| room["mode"] == "shadow" && !room["shadow"].is_null()).await;
    let mint =
        call(&edge, OPERATOR, Method::POST, "/rooms/demo/invitations").json(&json!({ "lane": "member" }));
    let code = answer(mint).await.1["invitations"][0].as_str().unwrap().to_owned();
    for _ in 0..4 {
        navigate(&browser(), &edge.url("/events/demo")).await;
    }
    for _ in 0..4 {
        let page = browser().get(edge.url("/events/demo")).header("accept", "text/html");
        assert_eq!(page.header("wr-invitation", &code).send().await.unwrap().status(), 200);
    }
    let in_lane =
        |room: &serde_json::Value, at: usize| room["shadow"]["lanes"][at]["waiting"].as_u64().unwrap_or(0);
    until(&edge, "both lanes", |room| in_lane(room, 0) >= 1 && in_lane(room, 1) >= 1).await;
    // Both lanes move, and all get in.
    until(&edge, "all had their turn", |room| {
        shadow(room, "waiting") == 0.0 && shadow(room, "active") == 8.0
    })
    .await;
    let used = get(&edge, "/rooms/demo/invitations").await;
    assert_eq!(used["invitations"], json!([]), "the room's own line knows nothing of it");
}

#[tokio::test]
async fn times_are_heeded_before_the_opening_and_in_a_prequeue() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(&format!("{RULES}\nopens_at = 2199-01-01T00:00:00Z")));
    until(&edge, "early", |room| room["shadow"]["phase"] == "early").await;
    assert_eq!(navigate(&browser(), &edge.url("/events/demo")).await.status(), 200);
    until(&edge, "turned away", |room| {
        shadow(room, "turned_away_here") == 1.0 && shadow(room, "waiting") == 0.0
    })
    .await;
    let change = json!({ "prequeue_at": "2020-01-01T00:00:00Z" });
    let (status, told) = answer(call(&edge, OPERATOR, Method::PATCH, "/rooms/demo").json(&change)).await;
    assert_eq!(status, 200, "{told}");
    until(&edge, "gathering", |room| room["shadow"]["phase"] == "prequeue").await;
    for _ in 0..3 {
        navigate(&browser(), &edge.url("/events/demo")).await;
    }
    until(&edge, "they gather", |room| {
        shadow(room, "waiting") == 3.0 && room["shadow"]["wait_low_seconds"].is_null()
    })
    .await;
    assert_eq!(get(&edge, "/rooms/demo").await["shadow"]["active"], 0);
}

#[tokio::test]
async fn its_rate_follows_what_the_shop_says_of_its_load() {
    let busy = axum::Router::new().fallback(|| async { ([("x-waiting-room-load", "3.0")], "busy") });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, busy).await.unwrap() });
    let rules = "mode = \"shadow\"\ndrain_per_minute = 600\ndrain_min = 6\ndrain_max = 600";
    let edge = Edge::start_with(&format!("[upstream]\naddress = \"{address}\""), &room(rules));
    until(&edge, "in shadow mode", |room| shadow(room, "rate") == 600.0).await;
    let url = edge.url("/events/demo");
    let crowd = tokio::spawn(async move {
        loop {
            navigate(&browser(), &url).await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    until(&edge, "slowed", |room| shadow(room, "rate") < 600.0).await;
    crowd.abort();
}
