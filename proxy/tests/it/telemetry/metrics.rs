//! The metrics are well formed, true, and those that the docs list.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{metrics_of, promtool, shipped, value};
use crate::admin::post;
use crate::harness::{Edge, PATIENCE, STANDING, browser, navigate, room, until_state};
use crate::live::{join, next, open};
use crate::shop::Shop;
use crate::store_away::Redis;

/// Kind and labels of each metric that a page tells.
pub(super) fn told(metrics: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut told = BTreeMap::new();
    let mut last = String::new();
    for line in metrics.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            told.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
            name.clone_into(&mut last);
        } else if let Some((labels, _)) = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')) {
            let labels = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name);
            told.get_mut(&last).unwrap().1.extend(labels.filter(|label| *label != "le").map(str::to_owned));
        }
    }
    told
}

/// Kind and labels of each metric of the edge that the docs list.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let text = std::fs::read_to_string(shipped("docs/metrics.md")).unwrap();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let name = cells.next()?.strip_suffix('`')?.to_owned();
        let kind = cells.next().filter(|kind| ["gauge", "counter", "histogram"].contains(kind))?.to_owned();
        let labels = cells.next()?.split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
        Some((name, (kind, labels)))
    };
    text.lines().filter(|line| !line.starts_with("| `shop_")).filter_map(row).collect()
}

#[tokio::test]
async fn metrics_are_as_prometheus_wants_them_documented_and_true() {
    let shop = Shop::start().await;
    let shadow = "[[room]]\nid = \"fair\"\npaths = [\"/fair/*\"]\nmode = \"shadow\"\n";
    let edge = Edge::start(&shop, &format!("{}{shadow}", room(STANDING)));
    let fans = [browser(), browser(), browser()];
    for fan in &fans {
        navigate(fan, &edge.url("/events/demo")).await;
        until_state(fan, &edge, "paused").await;
    }
    navigate(&fans[0], &edge.url("/events/demo")).await;
    navigate(&fans[0], &edge.url("/")).await;
    let forged = browser().get(edge.url("/events/demo")).header("wr-admission", "a.b.c");
    forged.send().await.unwrap();
    let expected = [
        ("stanchion_room_waiting_fans{lane=\"general\",room=\"demo\"}", 3.0),
        ("stanchion_room_joins_total{room=\"demo\"}", 3.0),
        ("stanchion_room_configured_drain_fans_per_second{room=\"demo\"}", 10.0),
        ("stanchion_room_active_sessions_limit{room=\"demo\"}", 1000.0),
        ("stanchion_room_phase{phase=\"paused\",room=\"demo\"}", 1.0),
        ("stanchion_room_phase{phase=\"open\",room=\"demo\"}", 0.0),
        ("stanchion_room_line_reachable{room=\"demo\"}", 1.0),
        ("stanchion_room_shadow_waiting_fans{room=\"fair\"}", 0.0),
        ("stanchion_room_shadow_wait_seconds{bound=\"high\",room=\"fair\"}", 0.0),
        ("stanchion_room_refused_tokens_total{room=\"demo\"}", 1.0),
        ("stanchion_promise_violations_total{promise=\"P1\",room=\"demo\"}", 0.0),
        ("stanchion_requests_total{outcome=\"joined\",room=\"demo\"}", 3.0),
        ("stanchion_requests_total{outcome=\"waiting\",room=\"demo\"}", 1.0),
        ("stanchion_requests_total{outcome=\"refused\",room=\"demo\"}", 1.0),
        ("stanchion_requests_total{outcome=\"open\",room=\"\"}", 1.0),
        ("stanchion_responses_total{class=\"2xx\",room=\"demo\"}", 4.0),
        ("stanchion_responses_total{class=\"4xx\",room=\"demo\"}", 1.0),
        ("stanchion_request_duration_seconds_count{by=\"edge\",room=\"demo\"}", 5.0),
        ("stanchion_request_duration_seconds_count{by=\"shop\",room=\"\"}", 1.0),
        ("stanchion_store_call_errors_total{error=\"unavailable\",verb=\"join\"}", 0.0),
    ];
    let deadline = Instant::now() + PATIENCE;
    let metrics = loop {
        let metrics = metrics_of(&edge).await;
        let wrong = expected.iter().find(|(series, right)| value(&metrics, series) != Some(*right));
        let Some((series, right)) = wrong else { break metrics };
        assert!(Instant::now() < deadline, "{series} is not {right}: {metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(value(&metrics, "stanchion_store_call_duration_seconds_count{verb=\"snapshot\"}") > Some(1.0));
    let instance =
        format!("stanchion_upstream_requests_total{{address=\"{}\",outcome=\"2xx\"}}", shop.address);
    assert_eq!(value(&metrics, &instance), Some(1.0), "{metrics}");
    promtool(&["check", "metrics"], &metrics);
    assert_eq!(
        told(&metrics),
        documented(),
        "docs/metrics.md lists what there is: `make references` writes it"
    );
}

/// Has a Redis do something, and gives the lines that it says.
fn redis(store: &Redis, arguments: &[&str]) -> Vec<String> {
    let port = store.address.port().to_string();
    let said = std::process::Command::new("redis-cli").args(["-p", &port]).args(arguments).output().unwrap();
    String::from_utf8(said.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// P8, at a line that forgets that a fan gave up their place: the turn that they are given is counted.
#[tokio::test]
async fn a_turn_for_a_fan_who_left_is_counted() {
    let (shop, store) = (Shop::start().await, Redis::start(None));
    let edge = Edge::start_with(&store.edge_file(&shop), &room(STANDING));
    let fan = browser();
    navigate(&fan, &edge.url("/events/demo")).await;
    until_state(&fan, &edge, "paused").await;
    let line: Vec<String> =
        redis(&store, &["KEYS", "*"]).into_iter().filter(|key| key.contains(":general")).collect();
    let keep = |key: &String| redis(&store, &["COPY", key, &format!("{key}-kept")]);
    line.iter().for_each(|key| assert_eq!(keep(key), ["1"]));
    let left = fan.delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    assert_eq!(left.status(), 204);
    until_told(&edge, "stanchion_room_waiting_fans{lane=\"general\",room=\"demo\"}", |fans| fans == 0.0)
        .await;
    let broken = "stanchion_promise_violations_total{promise=\"P8\",room=\"demo\"}";
    assert_eq!(value(&metrics_of(&edge).await, broken), Some(0.0));
    let bring_back = |key: &String| redis(&store, &["COPY", &format!("{key}-kept"), key, "REPLACE"]);
    line.iter().for_each(|key| assert_eq!(bring_back(key), ["1"]));
    post(&edge, "/rooms/demo/resume", &serde_json::json!({ "mode": "always" })).await;
    until_told(&edge, broken, |count| count == 1.0).await;
}

async fn until_told(edge: &Edge, series: &str, right: impl Fn(f64) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let metrics = metrics_of(edge).await;
        if value(&metrics, series).is_some_and(&right) {
            return;
        }
        assert!(Instant::now() < deadline, "{series}: {metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn websockets_and_what_they_are_sent_are_counted() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let ticket = join(&edge).await;
    let mut socket = open(&edge, &[("wr-ticket", &ticket)]).await.unwrap();
    next(&mut socket).await;
    until_told(&edge, "stanchion_websockets", |open| open == 1.0).await;
    until_told(&edge, "stanchion_websocket_messages_total", |sent| sent >= 1.0).await;
    drop(socket);
    until_told(&edge, "stanchion_websockets_closed_total{reason=\"gone\"}", |gone| gone == 1.0).await;
    until_told(&edge, "stanchion_websockets_opened_total", |opened| opened == 1.0).await;
    until_told(&edge, "stanchion_websockets", |open| open == 0.0).await;
}

#[tokio::test]
async fn a_shop_that_is_away_shows_in_the_metrics() {
    let edge = Edge::start_with(
        "[upstream]\naddress = \"127.0.0.1:1\"\n[upstream.breaker]\nfailures = 2\npause = \"30s\"",
        &room(STANDING),
    );
    for _ in 0..3 {
        navigate(&browser(), &edge.url("/")).await;
    }
    let of = |name: &str, label: &str| format!("stanchion_upstream_{name}{{address=\"127.0.0.1:1\"{label}}}");
    until_told(&edge, &of("requests_total", ",outcome=\"unreachable\""), |count| count == 2.0).await;
    until_told(&edge, &of("circuit_opened_total", ""), |count| count == 1.0).await;
    until_told(&edge, &of("circuit_state", ",state=\"open\""), |is| is == 1.0).await;
    until_told(&edge, &of("requests_awaited", ""), |awaited| awaited == 0.0).await;
    let series = "stanchion_requests_total{outcome=\"circuit_open\",room=\"\"}";
    until_told(&edge, series, |count| count == 1.0).await;
}
