//! The operator takes every admission back: at every edge within a tick, whatever becomes of the store.

use std::time::Duration;

use admission::clock::{Clock as _, SystemClock, SystemRandom};
use admission::keyring::Keyring;
use admission::name::{LaneId, RoomId};
use admission::ticket::TicketId;
use admission::token::Admission;
use serde_json::{Value, json};

use crate::admin::post;
use crate::harness::{
    Edge, KEYS, OPERATOR, VIEWER, browser, command, navigate, room, set_cookie, until_state,
};
use crate::live::{next, open};
use crate::shop::Shop;
use crate::store_away::{Redis, until};

const RULES: &str = "mode = \"always\"\ndrain_per_minute = 6000\nburst = 100\nrecovery_grace = \"1s\"";

/// What the command says, and whether it succeeded.
fn void(edge: &Edge, arguments: &[&str]) -> (bool, String) {
    let mut command = command();
    command.env_remove("STANCHION_KEYS").env_remove("STANCHION_EDGE_KEYS");
    command.arg("--config").arg(edge.folder.path().join("edge.toml"));
    command.arg("void").arg("--rooms").arg(edge.folder.path().join("rooms.toml")).args(arguments);
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// A fan who has stood in line and is in, and their token.
async fn inside(edge: &Edge) -> (reqwest::Client, String) {
    let fan = browser();
    navigate(&fan, &edge.url("/events/demo")).await;
    let status = until_state(&fan, edge, "admitted").await;
    (fan, status["admission_token"].as_str().unwrap().to_owned())
}

/// A token of somebody who was let in just now.
fn unheard() -> String {
    let (now, id) = (SystemClock.now(), || TicketId::random(&SystemRandom).unwrap());
    let admission = Admission {
        room: RoomId::parse("demo").unwrap(),
        ticket: id(),
        lane: LaneId::general(),
        admitted_at: now,
        began_at: now,
        issued_at: now,
        expires_at: now + Duration::from_secs(300),
        binding: None,
    };
    admission.mint(&Keyring::parse(KEYS).unwrap(), id()).unwrap()
}

async fn opens(edge: &Edge, token: &str) -> bool {
    let asked = browser().get(edge.url("/api/reservations")).header("wr-admission", token).send().await;
    asked.unwrap().status() == 200
}

#[tokio::test]
async fn what_is_voided_opens_nothing_at_any_edge_and_its_fan_may_join_again() {
    let shop = Shop::start().await;
    let redis = Redis::start(None);
    let [one, two] = [(); 2].map(|()| Edge::start_with(&redis.edge_file(&shop), &room(RULES)));
    let (fan, token) = inside(&one).await;
    let (_, other) = inside(&two).await;
    // Sessions that no store and no edge has heard of, as after a loss; each is shown to one edge only.
    let [unheard, unheard_later] = [(); 2].map(|()| unheard());
    for edge in [&one, &two] {
        assert!(opens(edge, &token).await && opens(edge, &other).await);
    }
    let (done, said) = void(&one, &["--room", "demo"]);
    assert!(done && said.starts_with("2 sessions ended; every admission to `demo` up to 20"), "{said}");
    for edge in [&one, &two] {
        edge.until_logged("all admissions up to this moment are void").await;
        assert!(!opens(edge, &token).await && !opens(edge, &other).await);
    }
    assert!(!opens(&one, &unheard).await);
    // Their ticket is over as well; with the next page they stand in line again, and are let in.
    let status: Value =
        fan.get(two.url("/.waiting-room/demo/ticket")).send().await.unwrap().json().await.unwrap();
    assert!(status["note"] == "voided" || status["code"] == "voided", "{status}");
    let page = navigate(&fan, &two.url("/events/demo")).await;
    assert_eq!(page.status(), 202);
    assert!(set_cookie(&page, "wr-ticket-demo").is_some(), "a new place");
    let status = until_state(&fan, &two, "admitted").await;
    assert!(opens(&one, status["admission_token"].as_str().unwrap()).await);

    // The store loses everything. The edges know, and tell it; so does one that comes later.
    redis.command("FLUSHALL");
    one.until_logged("the store lost some of the line").await;
    two.until_logged("the store lost some of the line").await;
    let three = Edge::start_with(&redis.edge_file(&shop), &room(RULES));
    for edge in [&one, &two, &three] {
        until("it is refused", async || !opens(edge, &token).await).await;
        assert!(!opens(edge, &other).await);
    }
    assert!(!opens(&three, &unheard_later).await, "the moment itself was told again");
    until("who came later is in", async || opens(&three, status["admission_token"].as_str().unwrap()).await)
        .await;

    let (done, said) = void(&one, &["--room", "nowhere"]);
    assert!(!done && said.contains("`--room` is \"nowhere\"; there are: demo"), "{said}");
}

#[tokio::test]
async fn an_embedded_line_is_voided_by_its_edge_or_while_that_is_stopped() {
    let shop = Shop::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |path: &str| {
        format!("[store]\nkind = \"memory\"\n{path}\n[upstream]\naddress = \"{}\"", shop.address)
    };
    let kept = file(&format!("path = \"{}\"", folder.path().join("line").display()));
    let mut edge = Edge::start_with(&kept, &room(RULES));
    let (_, token) = inside(&edge).await;
    let (done, said) = void(&edge, &["--room", "demo"]);
    assert!(!done && said.contains("ask it, by POST /api/v1/rooms/<room>/void"), "{said}");
    // Its own API reaches it.
    let ask = async |who: &str| {
        let request = browser().post(format!("http://{}/api/v1/rooms/demo/void", edge.admin));
        let answer = request
            .bearer_auth(who)
            .json(&json!({ "confirm": "demo", "reason": "a drill" }))
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(ask(VIEWER).await.0, 403);
    let (status, voided) = ask(OPERATOR).await;
    assert!(status == 200 && voided["sessions"] == 1, "{voided}");
    until("it is refused", async || !opens(&edge, &token).await).await;
    let audit = browser().get(format!("http://{}/api/v1/audit?limit=1", edge.admin)).bearer_auth(VIEWER);
    let audit: Value = audit.send().await.unwrap().json().await.unwrap();
    let entry = &audit["entries"][0];
    assert!(entry["action"] == "void" && entry["detail"].as_str().unwrap().ends_with(": a drill"), "{entry}");

    let (_, token) = inside(&edge).await;
    edge.terminate();
    assert!(edge.wait().success());
    let (done, said) = void(&edge, &["--room", "demo"]);
    assert!(done && said.starts_with("1 session ended"), "{said}");
    let again = Edge::start_with(&kept, &room(RULES));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!opens(&again, &token).await);

    let (done, said) = void(&Edge::start_with(&file(""), &room(RULES)), &["--room", "demo"]);
    assert!(!done && said.contains("has the line to itself"), "{said}");
}

#[tokio::test]
async fn who_was_inside_is_told_why_they_stand_in_line_again_and_nobody_else_is() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(RULES));
    let (fan, token) = inside(&edge).await;
    post(&edge, "/rooms/demo/pause", &json!({})).await;
    post(&edge, "/rooms/demo/void", &json!({ "confirm": "demo" })).await;
    edge.until_logged("all admissions up to this moment are void").await;
    let asked = async |fan: &reqwest::Client, path: &str| fan.get(edge.url(path)).send().await.unwrap();
    let told: Value = asked(&fan, "/.waiting-room/demo/ticket").await.json().await.unwrap();
    assert_eq!(told["code"], "voided", "{told}");
    let refused = asked(&fan, "/api/reservations").await;
    assert_eq!(refused.status(), 429);
    let refused: Value = refused.json().await.unwrap();
    assert!(refused["detail"].as_str().unwrap().contains("took all admissions back"), "{refused}");
    let page = navigate(&fan, &edge.url("/events/demo")).await;
    assert_eq!(page.status(), 202);
    let ticket = set_cookie(&page, "wr-ticket-demo").unwrap();
    let says = |page: &str, words: &str| page.contains(&format!("data-testid=\"note\">{words}"));
    assert!(says(&page.text().await.unwrap(), "You were inside, and the organiser ended all visits."));
    for (language, words) in [("ko", "안에 계셨지만"), ("de", "Sie waren drinnen"), ("ja", "中にいた方全員")]
    {
        let page = fan.get(edge.url("/events/demo")).header("accept", "text/html");
        let page = page.header("accept-language", language).send().await.unwrap().text().await.unwrap();
        assert!(says(&page, words), "{language}");
    }
    assert_eq!(until_state(&fan, &edge, "paused").await["note"], "voided");
    let cookies = format!("wr-ticket-demo={ticket}; wr-admission-demo={token}");
    let mut socket = open(&edge, &[("cookie", &cookies)]).await.unwrap();
    assert_eq!(next(&mut socket).await["note"], "voided");
    // Neither who was not inside, nor who makes a token up, is told such a thing.
    let other = browser();
    navigate(&other, &edge.url("/events/demo")).await;
    assert!(until_state(&other, &edge, "paused").await["note"].is_null());
    let made_up = other.get(edge.url("/.waiting-room/demo/ticket")).header("wr-admission", "e30.e30.x");
    let told: Value = made_up.send().await.unwrap().json().await.unwrap();
    assert!(told["note"].is_null(), "{told}");
}
