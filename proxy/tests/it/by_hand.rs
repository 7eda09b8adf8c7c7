//! What operators do by hand: a line begins anew, one fan comes before the others.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::admin::{answer, call, get, post, until};
use crate::harness::{
    ADMIN, Edge, OPERATOR, PATIENCE, STANDING, browser, navigate, room, set_cookie, until_state,
};
use crate::live::{next, open};
use crate::shop::Shop;
use crate::store_away::Redis;

async fn reset(edge: &Edge, token: &str, body: Value) -> (StatusCode, Value) {
    answer(call(edge, token, Method::POST, "/rooms/demo/reset").json(&body)).await
}

/// Waits until the fan's ticket is worth nothing.
async fn until_nothing(fan: &reqwest::Client, edge: &Edge) {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let answer = fan.get(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
        let told: Value = answer.json().await.unwrap();
        if told["state"] == "expired" || told["code"] == "no_ticket" {
            return;
        }
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn admit(edge: &Edge, ticket: &str) -> (StatusCode, Value) {
    let body = json!({ "ticket": ticket, "reason": "in a wheelchair" });
    answer(call(edge, OPERATOR, Method::POST, "/rooms/demo/tickets/admit").json(&body)).await
}

#[tokio::test]
async fn a_reset_is_meant_and_everybody_joins_anew_at_every_proxy() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let start = || Edge::start_with(&redis.edge_file(&shop), &room("burst = 5"));
    let (here, there) = (start(), start());
    let inside = browser();
    assert_eq!(navigate(&inside, &here.url("/events/demo")).await.status(), 200);
    post(&here, "/rooms/demo/pause", &json!({})).await;
    until(&there, "paused", |room| room["phase"] == "paused").await;
    let (first, second) = (browser(), browser());
    navigate(&first, &here.url("/events/demo")).await;
    navigate(&second, &there.url("/events/demo")).await;
    assert_eq!(until_state(&second, &there, "paused").await["position"], 2);
    for (token, body, code) in [
        (OPERATOR, json!({ "confirm": "demo" }), "role"),
        (ADMIN, json!({ "confirm": "dem" }), "not_confirmed"),
        (ADMIN, json!({}), "bad_body"),
    ] {
        assert_eq!(reset(&here, token, body).await.1["code"], code);
    }
    until(&here, "as before", |room| room["waiting"] == 2 && room["active"] == 1).await;
    let (status, told) =
        reset(&here, ADMIN, json!({ "confirm": "demo", "reason": "opened too early" })).await;
    assert_eq!(
        (status, &told["places"], &told["sessions"]),
        (StatusCode::OK, &json!(2), &json!(1)),
        "{told}"
    );
    // Whom another proxy holds hears of it too; the ticket of before opens and is nothing.
    for (fan, edge) in [(&first, &here), (&second, &there), (&first, &there)] {
        until_nothing(fan, edge).await;
    }
    // Who was inside stands in line as who waited does: whoever comes first.
    assert_eq!(navigate(&second, &there.url("/events/demo")).await.status(), 202);
    assert_eq!(until_state(&second, &there, "paused").await["position"], 1);
    assert_eq!(navigate(&inside, &here.url("/events/demo")).await.status(), 202);
    assert_eq!(until_state(&inside, &here, "paused").await["position"], 2);
    let entry = get(&there, "/audit?limit=1").await["entries"][0].clone();
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("reset"), &json!("root")));
    assert_eq!(entry["detail"], "2 places, 1 sessions: opened too early");
    // The places of after it outlive the store's loss, those of before it do not come back.
    redis.command("FLUSHALL");
    assert_eq!(until_state(&second, &there, "paused").await["lane"], "general");
    assert_eq!(navigate(&first, &here.url("/events/demo")).await.status(), 202);
    until(&here, "put together", |room| room["waiting"] == 3 && room["rebuilding"] == false).await;
}

#[tokio::test]
async fn one_fan_is_admitted_before_the_others_wherever_they_are() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let start = || Edge::start_with(&redis.edge_file(&shop), &room(&format!("{STANDING}\nmax_active = 1")));
    let (here, there) = (start(), start());
    until(&here, "up", |room| room["reachable"] == true).await;
    until(&there, "up", |room| room["reachable"] == true).await;
    let (first, second) = (browser(), browser());
    let page = navigate(&first, &here.url("/events/demo")).await;
    let other = set_cookie(&page, "wr-ticket-demo").unwrap();
    let page = navigate(&second, &there.url("/events/demo")).await;
    let ticket = set_cookie(&page, "wr-ticket-demo").unwrap();
    let mut socket = open(&there, &[("wr-ticket", &ticket)]).await.unwrap();
    assert_eq!(next(&mut socket).await["state"], "paused");
    let (status, told) = admit(&here, &ticket).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    // Told at once at the proxy that holds the connection, though it is not the one that was asked.
    while next(&mut socket).await["state"] != "admitted" {}
    until_state(&second, &there, "admitted").await;
    assert_eq!(navigate(&second, &there.url("/events/demo")).await.status(), 200);
    assert_eq!(until_state(&first, &here, "paused").await["position"], 1);
    assert_eq!(admit(&here, &other).await.1["code"], "no_way_in", "P3 holds");
    assert_eq!(admit(&here, &ticket).await.1["code"], "inside_already");
    let view = get(&there, "/rooms/demo").await;
    assert_eq!((&view["admitted_by_hand_total"], &view["admitted_total"]), (&json!(1), &json!(1)));
    let entry = get(&there, "/audit?limit=1").await["entries"][0].clone();
    assert_eq!(entry["action"], "admit");
    assert!(entry["detail"].as_str().unwrap().ends_with("before 1 others: in a wheelchair"), "{entry}");
    let taken = json!({ "ticket": other });
    post(&here, "/rooms/demo/tickets/revoke", &taken).await;
    assert_eq!(admit(&here, &other).await.1["code"], "already_ended");
}

#[tokio::test]
async fn an_invitation_is_withdrawn_at_every_proxy() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let lanes = format!("{STANDING}\n[[room.lane]]\nname = \"general\"\n[[room.lane]]\nname = \"member\"");
    let start = || Edge::start_with(&redis.edge_file(&shop), &room(&lanes));
    let (here, there) = (start(), start());
    until(&there, "up", |room| room["reachable"] == true).await;
    let mut invite = crate::harness::command();
    invite.args(["invite", "--room", "demo", "--lane", "member", "--uses", "3", "--config"]);
    invite.arg(here.folder.path().join("edge.toml")).arg("--rooms").arg(here.rooms_file());
    let invitation = String::from_utf8(invite.output().unwrap().stdout).unwrap().trim().to_owned();
    let join = async |edge: &Edge| {
        let request =
            browser().post(edge.url("/.waiting-room/demo/ticket")).header("wr-invitation", &invitation);
        answer(request).await
    };
    assert_eq!(join(&here).await.1["lane"], "member");
    let withdraw = async |body: Value| {
        answer(call(&here, OPERATOR, Method::POST, "/rooms/demo/invitations/withdraw").json(&body)).await
    };
    assert_eq!(withdraw(json!({ "invitation": "v1.x.y" })).await.1["code"], "bad_invitation");
    let list = get(&there, "/rooms/demo/invitations").await["invitations"].clone();
    assert_eq!((&list[0]["used"], &list[0]["withdrawn"]), (&json!(1), &json!(false)), "{list}");
    let (status, told) = withdraw(json!({ "invitation": invitation, "reason": "leaked" })).await;
    assert_eq!((status, &told["used"], &told["id"]), (StatusCode::OK, &json!(1), &list[0]["id"]), "{told}");
    let (status, refused) = join(&there).await;
    assert!(status.is_client_error() && refused["ticket"].is_null(), "{refused}");
    let list = get(&there, "/rooms/demo/invitations").await["invitations"].clone();
    assert_eq!(list[0]["withdrawn"], true);
    let entry = get(&there, "/audit?limit=1").await["entries"][0].clone();
    assert_eq!(entry["action"], "withdraw");
    assert!(entry["detail"].as_str().unwrap().ends_with("used 1 times: leaked"), "{entry}");
}
