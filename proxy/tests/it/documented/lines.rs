//! Rooms, keys, tickets and status.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use admission::clock::{Clock as _, SystemClock, SystemRandom};
use admission::keyring::Keyring;
use admission::name::RoomId;
use admission::ticket::TicketId;
use admission::work::Challenge;
use proxy::gate::client::Prefix;
use serde_json::json;

use super::witness::Witness;
use crate::admin::post;
use crate::certificates::make;
use crate::harness::{Edge, KEYS, STANDING, browser, command, files, navigate, room, until_state};
use crate::shop::Shop;
use crate::store_away::until;

const JOIN: &str = "post /{room}/ticket";
const STATUS: &str = "get /{room}/ticket";
const LIVE: &str = "get /{room}/live";
/// The opening handshake of a WebSocket.
pub(super) const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Sees them; `noted` is a provisional ticket.
pub(super) async fn see(witness: &mut Witness, shop: &Shop, noted: &str) {
    standing(witness, shop).await;
    refusing(witness, shop, noted).await;
    keys(witness, shop).await;
    work(witness, shop).await;
    voided(witness, shop).await;
    everywhere(witness, shop).await;
}

async fn standing(witness: &mut Witness, shop: &Shop) {
    let edge = Edge::start(shop, &room(STANDING));
    let (fan, other) = (browser(), browser());
    for (call, path, status) in [
        ("get /{room}", "/demo", 200),
        ("get /{room}/draw", "/demo/draw", 404),
        ("get /jwks.json", "/jwks.json", 404),
        ("get /openapi.json", "/openapi.json", 200),
        (JOIN, "/demo/ticket", 201),
        (JOIN, "/demo/ticket", 200),
        (STATUS, "/demo/ticket", 200),
    ] {
        assert_eq!(witness.ask(&edge, &fan, call, path, &[]).await.status, status, "{call}");
    }
    assert_eq!(witness.ask(&edge, &other, STATUS, "/demo/ticket", &[]).await.code(), "no_ticket");
    assert_eq!(witness.ask(&edge, &other, LIVE, "/demo/live", &HANDSHAKE).await.code(), "no_ticket");
    assert_eq!(witness.ask(&edge, &fan, LIVE, "/demo/live", &[]).await.code(), "upgrade_required");
    let keyless = witness.ask(&edge, &fan, LIVE, "/demo/live", &HANDSHAKE[..3]).await;
    assert_eq!(keyless.code(), "websocket_key");
    let foreign = [&HANDSHAKE[..], &[("origin", "http://evil.example")]].concat();
    assert_eq!(witness.ask(&edge, &fan, LIVE, "/demo/live", &foreign).await.code(), "origin");
    assert_eq!(witness.ask(&edge, &fan, LIVE, "/demo/live", &HANDSHAKE).await.status, 101);
    assert_eq!(witness.ask(&edge, &fan, "delete /{room}/ticket", "/demo/ticket", &[]).await.status, 204);
}

/// Nobody may join: yet, any more, one more, so fast. Who was noted elsewhere is told so when they ask for their place.
async fn refusing(witness: &mut Witness, shop: &Shop, noted: &str) {
    let early = "opens_at = 2099-05-01T10:00:00Z\nprequeue_at = 2099-05-01T09:00:00Z";
    let full = format!("{STANDING}\nwaiting_max = 1");
    let shown = [("wr-ticket", noted)];
    for (rules, code) in [(early, "not_open"), ("mode = \"closed\"", "closed"), (&full, "full")] {
        let edge = Edge::start(shop, &room(rules));
        if code == "not_open" {
            assert_eq!(
                witness.ask(&edge, &browser(), "get /{room}/draw", "/demo/draw", &[]).await.status,
                200
            );
        }
        if code == "full" {
            witness.ask(&edge, &browser(), JOIN, "/demo/ticket", &[]).await;
        }
        assert_eq!(witness.ask(&edge, &browser(), JOIN, "/demo/ticket", &[]).await.code(), code);
        assert_eq!(witness.ask(&edge, &browser(), STATUS, "/demo/ticket", &shown).await.code(), code);
    }
    let edge = limited(shop, "joins_per_minute = 1\njoins_burst = 1");
    let from = [("x-forwarded-for", "198.51.100.7")];
    assert_eq!(witness.ask(&edge, &browser(), JOIN, "/demo/ticket", &from).await.status, 201);
    assert_eq!(witness.ask(&edge, &browser(), JOIN, "/demo/ticket", &from).await.code(), "too_many_joins");
}

/// An edge with these limits, which takes an address from a header.
fn limited(shop: &Shop, limits: &str) -> Edge {
    let cdn = "[cdn]\ntrusted_proxies = [\"127.0.0.1\"]\naddress_header = \"X-Forwarded-For\"";
    let file = format!("[upstream]\naddress = \"{}\"\n[limits]\n{limits}\n{cdn}", shop.address);
    Edge::start_with(&file, &room(STANDING))
}

async fn keys(witness: &mut Witness, shop: &Shop) {
    let made = command().args(["keys", "new", "--algorithm", "eddsa", "--id", "e1"]).output().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = format!(
        "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n[upstream]\naddress = \"{}\"",
        shop.address
    );
    let (file, rooms) = files(&folder, &file, &room(STANDING));
    let mut command = command();
    command.env("STANCHION_KEYS", String::from_utf8(made.stdout).unwrap().trim());
    command.arg("--config").arg(file).arg("--rooms").arg(rooms);
    let edge = Edge::run(folder, command);
    let keys = witness.ask(&edge, &browser(), "get /jwks.json", "/jwks.json", &[]).await;
    assert_eq!((keys.status, &keys.body["keys"][0]["kid"]), (200, &json!("e1")));
}

/// Each reason for which work is asked.
async fn work(witness: &mut Witness, shop: &Shop) {
    let (here, there) = (("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "203.0.113.9"));
    let edge = limited(shop, "work_bits = 8\nwork_wait = \"300s\"");
    let mut asked = async |edge: &Edge, from: (&'static str, &'static str), work: Option<&str>| {
        let headers: Vec<_> =
            [Some(from), work.map(|work| ("wr-work", work))].into_iter().flatten().collect();
        witness.ask(edge, &browser(), JOIN, "/demo/ticket", &headers).await
    };
    let challenge =
        |problem: &super::witness::Answer| problem.body["work"]["challenge"].as_str().unwrap().to_owned();
    let first = asked(&edge, here, None).await;
    assert_eq!((first.status, first.code()), (428, "work_needed"));
    let one = challenge(&first);
    assert_eq!(asked(&edge, here, Some(&one)).await.code(), "work_or_wait");
    let wrong = asked(&edge, here, Some(&format!("{one}:0,0,0,0,0,0,0,0"))).await;
    assert_eq!(wrong.code(), "work_wrong");
    assert_eq!(asked(&edge, there, Some(&one)).await.code(), "work_of_another_network");
    assert_eq!(asked(&edge, here, Some("v1.x.y")).await.code(), "work_unknown");
    let now = SystemClock.now();
    let over = Challenge {
        room: RoomId::parse("demo").unwrap(),
        id: TicketId::random(&SystemRandom).unwrap(),
        network: Prefix::of("198.51.100.7".parse().unwrap(), 24, 56).number(),
        bits: 8,
        ready_at: now - Duration::from_secs(700),
        expires_at: now - Duration::from_secs(60),
    };
    let over = asked(&edge, here, Some(&over.seal(&Keyring::parse(KEYS).unwrap()))).await;
    assert_eq!(over.code(), "work_expired");
    let done = solved(&first.body);
    assert_eq!(asked(&edge, here, Some(&done)).await.status, 201);
    assert_eq!(asked(&edge, here, Some(&done)).await.code(), "work_used");
    // Waiting makes up for it, for one a minute.
    let edge = limited(shop, "work_bits = 8\nwork_wait = \"1s\"\nwork_waits_per_minute = 1");
    let (one, two) = (challenge(&asked(&edge, here, None).await), challenge(&asked(&edge, here, None).await));
    until("waiting makes up for it", async || asked(&edge, here, Some(&one)).await.status == 201).await;
    until("the other waited too", async || {
        asked(&edge, here, Some(&two)).await.code() == "work_or_wait_longer"
    })
    .await;
}

/// Does the work as the documentation does it.
fn solved(problem: &serde_json::Value) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/solve_work.py");
    let mut command = std::process::Command::new("python3");
    let mut child = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(problem.to_string().as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}

async fn voided(witness: &mut Witness, shop: &Shop) {
    let edge = Edge::start(shop, &room("mode = \"always\"\ndrain_per_minute = 6000\nburst = 100"));
    let fan = browser();
    navigate(&fan, &edge.url("/events/demo")).await;
    until_state(&fan, &edge, "admitted").await;
    post(&edge, "/rooms/demo/pause", &json!({})).await;
    post(&edge, "/rooms/demo/void", &json!({ "confirm": "demo" })).await;
    edge.until_logged("all admissions up to this moment are void").await;
    assert_eq!(witness.ask(&edge, &fan, STATUS, "/demo/ticket", &[]).await.code(), "voided");
}

/// What any call may be told.
async fn everywhere(witness: &mut Witness, shop: &Shop) {
    let facts = "get /{room}";
    let edge = limited(shop, "sockets = 0\nbody_bytes = 10\nhead_bytes = 1024");
    let fan = browser();
    witness.ask(&edge, &fan, JOIN, "/demo/ticket", &[]).await;
    assert_eq!(witness.ask(&edge, &fan, LIVE, "/demo/live", &HANDSHAKE).await.code(), "sockets");
    let long = browser().post(edge.url("/.waiting-room/demo/ticket")).body("more than ten bytes");
    assert_eq!(witness.judge(JOIN, long).await.code(), "body_too_large");
    let head = "x".repeat(2000);
    assert_eq!(witness.ask(&edge, &fan, facts, "/demo", &[("x", &head)]).await.code(), "head_too_large");
    assert_eq!(witness.ask(&edge, &fan, facts, "/demo%2Fticket", &[]).await.code(), "bad_request");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "a-secret-of-some-length").unwrap();
    let cdn = format!(
        "[upstream]\naddress = \"{}\"\n[cdn]\nsecret_header = \"X-Edge-Secret\"\nsecret_file = {file:?}\n\
         trusted_proxies = [\"127.0.0.1\"]\naddress_header = \"CloudFront-Viewer-Address\"",
        shop.address
    );
    let edge = Edge::start_with(&cdn, &room(STANDING));
    assert_eq!(witness.ask(&edge, &fan, facts, "/demo", &[]).await.code(), "around_the_cdn");
    let viewer = ("cloudfront-viewer-address", "198.51.100.7:4711");
    let twice = [("x-edge-secret", "a-secret-of-some-length"), viewer, viewer];
    assert_eq!(witness.ask(&edge, &fan, facts, "/demo", &twice).await.code(), "client_address");

    let (certificate, key) = make(folder.path(), "first");
    let file = format!(
        "[upstream]\naddress = \"{}\"\n[[listen]]\naddress = \"127.0.0.1:0\"\nredirect_to_https = 443\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = {certificate:?}\nkey = {key:?}",
        shop.address
    );
    let edge = Edge::start_listening(&file, &room(STANDING));
    assert_eq!(witness.ask(&edge, &fan, facts, "/demo", &[]).await.status, 308);
}
