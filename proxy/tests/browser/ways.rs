//! By which ways a page hears of the line: a WebSocket, else polls, else it reloads; and how it tries again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, STANDING, browser as program, navigate, room};
use crate::shop::Shop;

async fn hears_of_a_step(edge: &Edge, kind: Kind, before: &str) -> Browser {
    let ahead = program();
    navigate(&ahead, &edge.url("/events/demo")).await;
    let browser = Browser::start(kind).await;
    if kind.scripts {
        browser.before_each_page(before).await;
    }
    browser.goto(&edge.url("/events/demo")).await;
    browser.shows("position", |text| text == "2").await;
    ahead.delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    browser.shows("position", |text| text == "1").await;
    browser
}

#[tokio::test]
async fn where_no_socket_is_to_be_had_the_page_polls() {
    let shop = Shop::start().await;
    // The edge takes no WebSocket, as a proxy on the way would not.
    let edge = format!("[upstream]\naddress = \"{}\"\n[limits]\nsockets = 0", shop.address);
    for before in ["", "delete window.WebSocket"] {
        let edge = Edge::start_with(&edge, &room(STANDING));
        let browser = hears_of_a_step(&edge, Kind::default(), before).await;
        let quiet = "return document.getElementById('link').textContent";
        browser.until(quiet, |text| text == "").await;
        let complaints = browser.complaints().await;
        let is_expected =
            |line: &String| !before.is_empty() || line.contains("503") || line.contains("WebSocket");
        assert!(
            complaints.iter().all(is_expected) && (before.is_empty() || complaints.is_empty()),
            "{complaints:?}"
        );
    }
}

#[tokio::test]
async fn without_script_the_page_reloads_itself() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let browser = hears_of_a_step(&edge, Kind { scripts: false, ..Kind::default() }, "").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// The pauses of a page whose edge is away, in milliseconds: each is noted, and passes at once.
async fn pauses(edge: &Edge, random: &str, socket: &str) -> Vec<f64> {
    let browser = Browser::start(Kind::default()).await;
    let watch = format!(
        "window.pauses = []; const real = window.setTimeout; {random}
         window.setTimeout = (act, ms, ...more) => {{
             if (window.away && ms !== 70000 && pauses.length < 14) {{ pauses.push(ms); ms = 5; }}
             else if (window.away) return 0;
             return real(act, ms, ...more);
         }};
         const Real = window.WebSocket;
         window.WebSocket = class {{
             constructor(url) {{
                 if (!window.away) return new Real(url);
                 real(() => {{ {socket} this.onclose(); }}, 1);
             }}
             close() {{}}
         }};
         const ask = window.fetch;
         window.fetch = (...all) => window.away ? Promise.reject(new TypeError()) : ask(...all);"
    );
    browser.before_each_page(&watch).await;
    browser.goto(&edge.url("/events/demo")).await;
    browser.shows("position", |_| true).await;
    browser.run("window.away = true; window.dispatchEvent(new Event('online'))").await;
    let found = browser.until("return window.pauses", |found| found.as_array().unwrap().len() >= 14).await;
    found.as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect()
}

#[tokio::test]
async fn pauses_grow_to_a_bound_and_differ_from_fan_to_fan() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    // Neither sockets nor polls: what comes first after waking is soon, then it takes longer and longer.
    let middle = pauses(&edge, "Math.random = () => 0.5;", "").await;
    assert!(middle.iter().all(|ms| *ms <= 90_000.0), "{middle:?}");
    assert!(middle[..6].is_sorted() && middle[0] <= 1000.0 && middle[5] >= 30_000.0, "{middle:?}");
    let long = middle[5..].iter().filter(|ms| **ms >= 30_000.0).count();
    assert!(long >= 6, "now and then a socket is tried, and a poll soon after: {middle:?}");
    let least = pauses(&edge, "Math.random = () => 0;", "").await;
    let most = pauses(&edge, "Math.random = () => 0.999;", "").await;
    let spread = middle.iter().zip(least.iter().zip(&most)).skip(1);
    for (middle, (least, most)) in spread {
        assert!(*least <= middle * 0.6 && *most >= middle * 1.4, "{least} {middle} {most}");
    }
    // A socket that spoke and was cut off again and again: quick at first, for most are back at once, and never all
    // at one moment.
    let spoke = "this.onmessage({ data: '{}' });";
    let cut = pauses(&edge, "", spoke).await;
    let others = pauses(&edge, "", spoke).await;
    assert_ne!(cut, others);
}

#[tokio::test]
async fn a_link_to_another_device_works_once() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let old = Browser::start(Kind::default()).await;
    old.goto(&edge.url("/events/demo")).await;
    old.shows("position", |text| text == "1").await;
    old.click("move").await;
    old.shows("moving", |text| text.contains("for 10 minutes")).await;
    let link = old.run("return document.querySelector('[data-testid=move-link]').href").await;
    let link = link.as_str().unwrap();
    let new = Browser::start(Kind { size: (390, 844), ..Kind::default() }).await;
    new.goto(link).await;
    new.click("confirm").await;
    new.shows("position", |text| text == "1").await;
    old.shows("state", |text| text == "Your place has moved").await;
    drop(old);
    let third = Browser::start(Kind { scripts: false, ..Kind::default() }).await;
    third.goto(link).await;
    third.shows("state", |text| text == "Continue here?").await;
    third.click("confirm").await;
    third.shows("state", |text| text == "This link has been used").await;
    let facts = program().get(edge.url("/.waiting-room/demo")).send().await.unwrap();
    assert_eq!(facts.json::<Value>().await.unwrap()["waiting"], json!(1));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(new.text("position").await.as_deref(), Some("1"));
}
