//! Tokens that are good for one client only, where the room wants it so.

use serde_json::Value;

use crate::harness::{Edge, browser, room, set_cookie};
use crate::shop::Shop;

fn start(shop: &Shop, rules: &str) -> Edge {
    let cdn = "[cdn]\ntrusted_proxies = [\"127.0.0.1\"]\naddress_header = \"X-Forwarded-For\"";
    Edge::start_with(&format!("[upstream]\naddress = \"{}\"\n{cdn}", shop.address), &room(rules))
}

/// Asks with this token from an address, with a browser of this name.
async fn ask(edge: &Edge, token: &str, address: &str, agent: &str) -> reqwest::Response {
    let request = browser().get(edge.url("/events/demo")).header("accept", "text/html");
    let request = request.header("x-forwarded-for", address).header("user-agent", agent);
    request.header("cookie", format!("wr-admission-demo={token}")).send().await.unwrap()
}

/// Joins, waits for the turn, and takes it: from an address, with a browser of this name.
async fn inside(edge: &Edge, address: &str, agent: &str) -> (String, String) {
    let url = edge.url("/.waiting-room/demo/ticket");
    let ask = |request: reqwest::RequestBuilder| {
        let request = request.header("x-forwarded-for", address).header("user-agent", agent);
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let joined = ask(browser().post(&url)).await;
    let ticket = joined["ticket"].as_str().unwrap().to_owned();
    loop {
        let status = ask(browser().get(&url).header("wr-ticket", &ticket)).await;
        if let Some(token) = status["admission_token"].as_str() {
            return (ticket, token.to_owned());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

const PACE: &str = "mode = \"always\"\ndrain_per_minute = 6000\nburst = 100\n";

#[tokio::test]
async fn a_stolen_token_leads_to_the_line() {
    let shop = Shop::start().await;
    let (home, near, v6) = ("198.51.100.7", "198.51.100.200", "2001:db8:1:2::3");
    for (bind, network_counts, browser_counts) in [
        ("none", false, false),
        ("network", true, false),
        ("browser", false, true),
        ("network-and-browser", true, true),
    ] {
        let edge = start(&shop, &format!("{PACE}bind_tokens = \"{bind}\""));
        let (_, token) = inside(&edge, home, "A").await;
        let opens = async |address: &str, agent: &str| {
            let answer = ask(&edge, &token, address, agent).await;
            let is_in = answer.status() == 200;
            if !is_in {
                assert_eq!(answer.status(), 202, "the waiting page");
                assert!(set_cookie(&answer, "wr-ticket-demo").is_some(), "with a place of their own");
            }
            is_in
        };
        assert!(opens(home, "A").await && opens(near, "A").await, "{bind}: the same network");
        assert_eq!(opens("203.0.113.7", "A").await, !network_counts, "{bind}");
        assert_eq!(opens(v6, "A").await, !network_counts, "{bind}");
        assert_eq!(opens(home, "B").await, !browser_counts, "{bind}");
        // Whoever was refused has harmed nobody.
        assert!(opens(home, "A").await, "{bind}");
        assert!(!edge.log().iter().any(|line| line.contains("198.51.100")), "no address in the log");
    }
}

#[tokio::test]
async fn a_session_keeps_its_binding_as_it_slides_and_tells_no_address() {
    let shop = Shop::start().await;
    let edge = start(&shop, &format!("{PACE}session = \"4s\"\nbind_tokens = \"network\""));
    let (_, token) = inside(&edge, "198.51.100.7", "A").await;
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    let answer = ask(&edge, &token, "198.51.100.7", "A").await;
    assert_eq!(answer.status(), 200);
    let renewed = set_cookie(&answer, "wr-admission-demo").unwrap();
    assert_eq!(ask(&edge, &renewed, "198.51.100.8", "A").await.status(), 200);
    assert_eq!(ask(&edge, &renewed, "203.0.113.7", "A").await.status(), 202);
    // Who is let in at once is bound as well.
    let free = start(&shop, "bind_tokens = \"network\"");
    let fan = browser();
    let request = fan.get(free.url("/events/demo")).header("accept", "text/html");
    let entered = request.header("x-forwarded-for", "198.51.100.7").send().await.unwrap();
    let token = set_cookie(&entered, "wr-admission-demo").unwrap();
    assert_eq!(ask(&free, &token, "198.51.100.8", "A").await.status(), 200);
    let ticket = shop.last().header("x-waiting-room-ticket").unwrap().to_owned();
    // A thief may come in as well, where nobody waits: as another fan.
    let others = ask(&free, &token, "203.0.113.7", "A").await;
    let is_another = shop.last().header("x-waiting-room-ticket") != Some(&ticket);
    assert!(others.status() == 202 || is_another);
}

#[tokio::test]
async fn a_ticket_that_was_stolen_with_it_brings_no_token_later() {
    let shop = Shop::start().await;
    let edge = start(&shop, &format!("{PACE}bind_tokens = \"network\""));
    let (ticket, token) = inside(&edge, "198.51.100.7", "A").await;
    let again = async |address: &str| -> Value {
        let request = browser().get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", &ticket);
        request.header("x-forwarded-for", address).send().await.unwrap().json().await.unwrap()
    };
    // An answer may have been lost on the way.
    assert_eq!(again("198.51.100.7").await["state"], "admitted");
    tokio::time::sleep(std::time::Duration::from_secs(31)).await;
    assert_eq!(again("203.0.113.7").await["state"], "expired");
    let thief = browser();
    let request = thief.get(edge.url("/events/demo")).header("accept", "text/html");
    let cookies = format!("wr-ticket-demo={ticket}; wr-admission-demo={token}");
    let page =
        request.header("x-forwarded-for", "203.0.113.7").header("cookie", cookies).send().await.unwrap();
    assert_eq!(page.status(), 202);
    assert_ne!(set_cookie(&page, "wr-ticket-demo"), Some(ticket.clone()), "a place of their own");
    assert_eq!(ask(&edge, &token, "198.51.100.7", "A").await.status(), 200, "who was robbed goes on");
}
