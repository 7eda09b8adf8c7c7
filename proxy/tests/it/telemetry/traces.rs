//! Whose word is taken for a trace, and what a collector that is away costs: one line of log.

use std::time::Duration;

use crate::harness::{Edge, STANDING, browser, room};
use crate::shop::Shop;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn ask(edge: &Edge) {
    let given = format!("00-{TRACE}-b7ad6b7169203331-01");
    assert_eq!(browser().get(edge.url("/")).header("traceparent", given).send().await.unwrap().status(), 200);
}

fn config(shop: &Shop, more: &str) -> String {
    format!("[upstream]\naddress = \"{}\"\n{more}", shop.address)
}

#[tokio::test]
async fn only_a_trusted_proxy_says_what_is_traced() {
    let shop = Shop::start().await;
    let told = async |more: &str| {
        let edge = Edge::start_with(&config(&shop, more), &room(STANDING));
        ask(&edge).await;
        let told = shop.last().header("traceparent").unwrap().to_owned();
        edge.until_logged(told.split('-').nth(1).unwrap()).await;
        told
    };
    let by_anybody = told("").await;
    assert!(!by_anybody.contains(TRACE) && by_anybody.ends_with("-00"), "{by_anybody}");
    let traced = "[telemetry]\nendpoint = \"http://127.0.0.1:1\"\nsample_ratio = 0.0\n";
    let by_anybody = told(traced).await;
    assert!(!by_anybody.contains(TRACE) && by_anybody.ends_with("-00"), "{by_anybody}");
    let trusted = "[cdn]\ntrusted_proxies = [\"127.0.0.0/8\"]\naddress_header = \"X-Forwarded-For\"\n";
    let by_a_proxy = told(trusted).await;
    assert_eq!(by_a_proxy, format!("00-{TRACE}-b7ad6b7169203331-01"), "without a collector it is passed on");
    let by_a_proxy = told(&format!("{trusted}{traced}")).await;
    assert!(by_a_proxy.contains(TRACE) && by_a_proxy.ends_with("-01"), "{by_a_proxy}");
    assert!(!by_a_proxy.contains("b7ad6b7169203331"), "the edge has a span of its own");
}

#[tokio::test]
async fn a_collector_that_is_away_is_told_of_once_and_holds_up_nobody() {
    let shop = Shop::start().await;
    let traced = "[telemetry]\nendpoint = \"http://127.0.0.1:1\"\nsample_ratio = 1.0\n";
    let edge = Edge::start_with(&config(&shop, traced), &room(STANDING));
    let away = "traces do not reach the collector";
    ask(&edge).await;
    edge.until_logged(away).await;
    // Several messages more fail, and nothing is said.
    for _ in 0..3 {
        ask(&edge).await;
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    let lines = edge.log();
    assert_eq!(lines.iter().filter(|line| line.contains(away)).count(), 1, "{lines:?}");
}
