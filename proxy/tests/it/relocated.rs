//! An operator moves a fan's place; the fan's page follows by itself, wherever it is.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::admin::{answer, call, get, until};
use crate::harness::{Edge, OPERATOR, STANDING, VIEWER, browser, navigate, room, set_cookie, until_state};
use crate::live::{join, next, open};
use crate::shop::Shop;
use crate::store_away::Redis;

const LANES: &str = "[[room.lane]]\nname = \"general\"\n[[room.lane]]\nname = \"access\"";

async fn relocate(edge: &Edge, body: Value) -> (StatusCode, Value) {
    answer(call(edge, OPERATOR, Method::POST, "/rooms/demo/tickets/move").json(&body)).await
}

async fn position(edge: &Edge, ticket: &str) -> Value {
    let request = browser().get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", ticket);
    answer(request).await.1
}

#[tokio::test]
async fn a_fan_who_is_moved_follows_to_the_new_place_at_every_proxy() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let start = || Edge::start_with(&redis.edge_file(&shop), &room(&format!("{STANDING}\n{LANES}")));
    let (here, there) = (start(), start());
    for edge in [&here, &there] {
        until(edge, "up", |room| room["reachable"] == true).await;
    }
    let first = join(&here).await;
    let fan = browser();
    let page = navigate(&fan, &there.url("/events/demo")).await;
    let ticket = set_cookie(&page, "wr-ticket-demo").unwrap();
    let last = join(&there).await;
    assert_eq!(until_state(&fan, &there, "paused").await["position"], 2);
    let mut socket = open(&there, &[("wr-ticket", &ticket)]).await.unwrap();
    assert_eq!(next(&mut socket).await["state"], "paused");
    let (status, told) =
        relocate(&here, json!({ "ticket": ticket, "lane": "access", "reason": "wheelchair" })).await;
    assert_eq!(
        (status, &told["lane"], &told["ahead"]),
        (StatusCode::OK, &json!("access"), &json!(0)),
        "{told}"
    );
    // Where the connection is held the fan hears at once that the place is over, and asks what became of it.
    while next(&mut socket).await["state"] != "expired" {}
    let answer = fan.get(there.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    let fresh = set_cookie(&answer, "wr-ticket-demo").unwrap();
    let status: Value = answer.json().await.unwrap();
    assert_eq!((&status["lane"], &status["position"]), (&json!("access"), &json!(1)), "{status}");
    assert!(fresh != ticket && status["ticket"] == fresh.as_str());
    assert_eq!(until_state(&fan, &here, "paused").await["lane"], "access", "the cookie is the new ticket's");
    // Whoever shows the ticket of before, to page, API or WebSocket, has that place and no other.
    assert_eq!(position(&here, &ticket).await["lane"], "access");
    let mut socket = open(&here, &[("wr-ticket", &ticket)]).await.unwrap();
    assert_eq!(next(&mut socket).await["lane"], "access");
    until(&here, "all of them", |room| room["waiting"] == 3).await;
    // The others: nobody stands further back than before.
    assert_eq!(position(&here, &first).await["position"], 1);
    assert_eq!(position(&here, &last).await["position"], 2);
    let entry = get(&there, "/audit?limit=1").await["entries"][0].clone();
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("move"), &json!("anna")));
    let detail = entry["detail"].as_str().unwrap();
    assert!(
        detail.contains("from general to access, to the end") && detail.ends_with("wheelchair"),
        "{detail}"
    );
    // The line is lost: the new place comes back, the one of before does not.
    redis.command("FLUSHALL");
    for ticket in [&first, &fresh, &last] {
        position(&here, ticket).await;
    }
    until(&here, "put together", |room| room["waiting"] == 3 && room["rebuilding"] == false).await;
    assert_eq!(position(&here, &fresh).await["lane"], "access");
}

#[tokio::test]
async fn a_place_moves_behind_another_and_only_where_it_can() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(&format!("{STANDING}\n{LANES}")));
    until(&edge, "up", |room| room["reachable"] == true).await;
    let mut tickets = Vec::new();
    for _ in 0..4 {
        tickets.push(join(&edge).await);
    }
    let [first, second, third, fourth] = tickets.as_slice() else { panic!() };
    let (status, told) = relocate(&edge, json!({ "ticket": fourth, "behind": first })).await;
    assert_eq!((status, &told["ahead"]), (StatusCode::OK, &json!(1)), "{told}");
    until(&edge, "all of them", |room| room["waiting"] == 4).await;
    for (ticket, place) in [(first, 1), (fourth, 2), (second, 3), (third, 4)] {
        let deadline = std::time::Instant::now() + crate::harness::PATIENCE;
        let before = |told: &Value| told["ahead"] == place - 1;
        loop {
            let look = call(&edge, OPERATOR, Method::POST, "/rooms/demo/tickets/look");
            let told = answer(look.json(&json!({ "ticket": ticket }))).await.1;
            if before(&told) {
                break;
            }
            assert!(std::time::Instant::now() < deadline, "{told}");
        }
    }
    // A link brings the place to whoever opens it.
    let link = told["link"].as_str().unwrap();
    let page = navigate(&browser(), &edge.url(link)).await;
    assert_eq!(page.status(), 200);
    for (body, code) in [
        (json!({ "ticket": second }), "bad_body"),
        (json!({ "ticket": second, "lane": "vip" }), "bad_body"),
        (json!({ "ticket": second, "behind": second }), "bad_body"),
        (json!({ "ticket": second, "behind": third, "lane": "access" }), "bad_body"),
        (json!({ "ticket": "v1.x.y", "lane": "access" }), "bad_ticket"),
    ] {
        assert_eq!(relocate(&edge, body.clone()).await.1["code"], code, "{body}");
    }
    let look = call(&edge, VIEWER, Method::POST, "/rooms/demo/tickets/move");
    assert_eq!(answer(look.json(&json!({ "ticket": second, "lane": "access" }))).await.1["code"], "role");
    let taken = json!({ "ticket": first });
    answer(call(&edge, OPERATOR, Method::POST, "/rooms/demo/tickets/revoke").json(&taken)).await;
    assert_eq!(
        relocate(&edge, json!({ "ticket": first, "lane": "access" })).await.1["code"],
        "already_ended"
    );
    assert_eq!(
        relocate(&edge, json!({ "ticket": second, "behind": first })).await.1["code"],
        "behind_nobody"
    );
}

#[tokio::test]
async fn before_the_draw_nobody_moves() {
    let shop = Shop::start().await;
    let times = "prequeue_at = 2020-01-01T00:00:00Z\nopens_at = 2199-01-01T00:00:00Z";
    let edge = Edge::start(&shop, &room(&format!("{times}\n{LANES}")));
    until(&edge, "in its pre-queue", |room| room["phase"] == "prequeue").await;
    let ticket = join(&edge).await;
    assert_eq!(
        relocate(&edge, json!({ "ticket": ticket, "lane": "access" })).await.1["code"],
        "order_is_secret"
    );
}

#[tokio::test]
async fn invitations_are_minted_over_the_api_as_by_the_command() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(&format!("{STANDING}\n{LANES}")));
    until(&edge, "up", |room| room["reachable"] == true).await;
    let mint = async |token: &str, body: Value| {
        answer(call(&edge, token, Method::POST, "/rooms/demo/invitations").json(&body)).await
    };
    let body = json!({ "lane": "access", "count": 2, "expires_in": "2h", "reason": "press" });
    let (status, told) = mint(OPERATOR, body).await;
    assert_eq!(
        (status, told["invitations"].as_array().map(Vec::len)),
        (StatusCode::CREATED, Some(2)),
        "{told}"
    );
    let code = told["invitations"][0].as_str().unwrap();
    let request = browser().post(edge.url("/.waiting-room/demo/ticket")).header("wr-invitation", code);
    assert_eq!(answer(request).await.1["lane"], "access");
    let list = get(&edge, "/rooms/demo/invitations").await["invitations"].clone();
    assert_eq!((&list[0]["id"], &list[0]["used"]), (&told["ids"][0], &json!(1)), "{list}");
    let entry = get(&edge, "/audit?limit=1").await["entries"][0].clone();
    let detail = entry["detail"].as_str().unwrap();
    assert!(entry["action"] == "invite" && detail.ends_with("press") && !detail.contains(code), "{entry}");
    let (_, told) = mint(OPERATOR, json!({ "lane": "access", "link": "https://shop.example/" })).await;
    let link = told["invitations"][0].as_str().unwrap();
    assert!(link.starts_with("https://shop.example/.waiting-room/demo/invitation?code=v1."), "{link}");
    for (body, said) in [
        (json!({ "lane": "vip" }), "general, access"),
        (json!({ "lane": "access", "count": 1001 }), "1 to 1000"),
        (json!({ "lane": "access", "uses": 0 }), "1 or more"),
        (json!({ "lane": "access", "expires_in": "soon" }), "24h"),
        (json!({ "lane": "access", "link": "shop" }), "https://SITE"),
    ] {
        let (status, told) = mint(OPERATOR, body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(told["detail"].as_str().unwrap().contains(said), "{told}");
    }
    assert_eq!(mint(VIEWER, json!({ "lane": "access" })).await.1["code"], "role");
}
