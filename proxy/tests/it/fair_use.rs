//! How much one network, and one session, may ask for. Whoever asks for too much is slowed down and not shut out.

use crate::harness::{Edge, browser, room, until_state};
use crate::shop::Shop;

fn edge(shop: &Shop, limits: &str, rules: &str) -> Edge {
    let cdn = "[cdn]\ntrusted_proxies = [\"127.0.0.1\"]\naddress_header = \"X-Forwarded-For\"";
    Edge::start_with(
        &format!("[upstream]\naddress = \"{}\"\n[limits]\n{limits}\n{cdn}", shop.address),
        &room(rules),
    )
}

async fn visit(edge: &Edge, from: &str) -> reqwest::Response {
    let request = browser().get(edge.url("/events/demo")).header("accept", "text/html");
    request.header("x-forwarded-for", from).send().await.unwrap()
}

#[tokio::test]
async fn a_network_from_which_very_many_come_gets_places_one_after_the_other() {
    let shop = Shop::start().await;
    let edge = edge(&shop, "joins_per_minute = 60\njoins_burst = 2", "mode = \"paused\"");
    assert_eq!(visit(&edge, "198.51.100.1").await.status(), 202);
    assert_eq!(visit(&edge, "198.51.100.2").await.status(), 202);
    let third = visit(&edge, "198.51.100.3").await;
    assert_eq!(third.status(), 503);
    let retry: u64 = third.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=3).contains(&retry), "{retry}");
    assert!(third.headers().get("set-cookie").is_none(), "no place, no ticket");
    assert!(third.text().await.unwrap().contains("tries again by itself"));
    let url = edge.url("/.waiting-room/demo/ticket");
    let program = browser().post(&url).header("x-forwarded-for", "198.51.100.4").send().await.unwrap();
    assert_eq!(program.status(), 429);
    assert!(program.headers().contains_key("retry-after"));
    assert_eq!(program.json::<serde_json::Value>().await.unwrap()["code"], "too_many_joins");

    // Others are not held up, nor is who has a place already.
    assert_eq!(visit(&edge, "198.51.101.1").await.status(), 202);
    let fan = browser();
    let first = fan.post(&url).header("x-forwarded-for", "203.0.113.1").send().await.unwrap();
    assert_eq!(first.status(), 201);
    for _ in 0..5 {
        let again = fan.post(&url).header("x-forwarded-for", "198.51.100.3").send().await.unwrap();
        assert_eq!(again.status(), 200, "a place that is there costs nothing");
    }
    // And it is a pace, not a ban: in a second there is one more.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(visit(&edge, "198.51.100.3").await.status(), 202);
}

#[tokio::test]
async fn a_session_that_asks_for_too_much_is_slowed_down() {
    let shop = Shop::start().await;
    let edge = edge(
        &shop,
        "session_requests_per_minute = 30\nsession_requests_burst = 3",
        "mode = \"auto\"\ndrain_per_minute = 60000",
    );
    let fan = browser();
    let url = edge.url("/.waiting-room/demo/ticket");
    fan.post(&url).send().await.unwrap();
    let admitted = until_state(&fan, &edge, "admitted").await;
    let token = admitted["admission_token"].as_str().unwrap();
    let mut statuses = vec![];
    for _ in 0..5 {
        let request = browser().get(edge.url("/events/demo")).header("wr-admission", token);
        let answer = request.send().await.unwrap();
        statuses.push(answer.status().as_u16());
        if answer.status() == 429 {
            assert!(answer.headers().contains_key("retry-after"));
        }
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    // It is still a session.
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    let request = browser().get(edge.url("/events/demo")).header("wr-admission", token);
    assert_eq!(request.send().await.unwrap().status(), 200);
}
