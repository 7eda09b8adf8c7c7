//! What happens to a browser while its fan waits: the place stays, and the page says so again as soon as it can.

use serde_json::{Value, json};

use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, STANDING, browser as program, navigate, room};
use crate::shop::Shop;

/// As where a browser sleeps: what was to happen later than in a second and a half never does. Only what wakes the page
/// brings it back.
const NO_LONG_TIMERS: &str = "const real = window.setTimeout; \
    window.setTimeout = (act, ms, ...more) => ms > 1500 ? 0 : real(act, ms, ...more);";

/// Sockets that can die without a word, as they do while a phone sleeps; and a clock that can be moved on.
const MORTAL_SOCKETS: &str =
    "window.sockets = []; const Real = WebSocket; window.WebSocket = function (url) {
        const real = new Real(url), mine = { close: () => real.close() };
        real.onmessage = (event) => mine.isDead || mine.onmessage(event);
        real.onclose = (event) => mine.isDead || !mine.onclose || mine.onclose(event);
        sockets.push(mine);
        return mine;
    };
    window.skew = 0; const now = Date.now; Date.now = () => now() + window.skew;";

async fn waiting(edge: &Edge) -> u64 {
    let facts = program().get(edge.url("/.waiting-room/demo")).send().await.unwrap();
    facts.json::<Value>().await.unwrap()["waiting"].as_u64().unwrap()
}

/// Somebody in line, and a browser behind them.
async fn second_in_line(edge: &Edge) -> (reqwest::Client, Browser) {
    let ahead = program();
    navigate(&ahead, &edge.url("/events/demo")).await;
    let browser = Browser::start(Kind::default()).await;
    browser.goto(&edge.url("/events/demo?a=1")).await;
    browser.shows("position", |text| text == "2").await;
    (ahead, browser)
}

#[tokio::test]
async fn refresh_and_the_back_button_keep_the_place() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let (ahead, browser) = second_in_line(&edge).await;
    let page = browser.page();
    for _ in 0..3 {
        page.refresh().await.unwrap();
        browser.shows("position", |text| text == "2").await;
    }
    // Away, to the open part of the shop, and back; the line moves meanwhile.
    browser.goto(&edge.url("/")).await;
    ahead.delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    page.back().await.unwrap();
    browser.shows("position", |text| text == "1").await;
    assert!(page.current_url().await.unwrap().as_str().ends_with("/events/demo?a=1"));
    page.forward().await.unwrap();
    page.back().await.unwrap();
    browser.shows("position", |text| text == "1").await;
    browser.goto(&edge.url("/events/demo/other")).await;
    browser.shows("position", |text| text == "1").await;
    assert_eq!(waiting(&edge).await, 1, "one fan, one place");
}

#[tokio::test]
async fn a_page_that_slept_asks_anew_when_it_wakes() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let (ahead, browser) = second_in_line(&edge).await;
    browser.before_each_page(NO_LONG_TIMERS).await;
    browser.before_each_page(MORTAL_SOCKETS).await;
    browser.page().refresh().await.unwrap();
    browser.shows("position", |text| text == "2").await;
    browser
        .run("window.sameDocument = true; sockets.forEach((one) => { one.isDead = true; }); skew = 60000")
        .await;
    browser.devtools("Page.setWebLifecycleState", json!({ "state": "frozen" })).await;
    // While it sleeps the server goes and comes, and the line moves. Nobody tells it.
    let edge = edge.kill_and_restart();
    navigate(&ahead, &edge.url("/events/demo")).await;
    ahead.delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    browser.devtools("Page.setWebLifecycleState", json!({ "state": "active" })).await;
    browser.shows("position", |text| text == "1").await;
    assert_eq!(browser.run("return window.sameDocument").await, json!(true));
}

#[tokio::test]
async fn a_change_of_network_is_noticed_at_once() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let (ahead, browser) = second_in_line(&edge).await;
    browser.before_each_page(NO_LONG_TIMERS).await;
    browser.page().refresh().await.unwrap();
    browser.shows("position", |text| text == "2").await;
    let network = async |offline: bool| {
        let conditions =
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        browser.devtools("Network.emulateNetworkConditions", conditions).await;
    };
    browser.devtools("Network.enable", json!({})).await;
    network(true).await;
    // What the old network carried is dead; what is tried meanwhile fails, and no later try ever comes.
    let edge = edge.kill_and_restart();
    browser.shows("connection", |text| text == "Reconnecting…").await;
    navigate(&ahead, &edge.url("/events/demo")).await;
    ahead.delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(
        browser.text("position").await.as_deref(),
        Some("2"),
        "the place that it knew stays to be seen"
    );
    network(false).await;
    browser.shows("position", |text| text == "1").await;
    browser.until("return document.getElementById('link').textContent", |text| text == "").await;
}

#[tokio::test]
async fn a_form_that_is_posted_out_of_turn_is_not_lost_in_silence() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let (_ahead, browser) = second_in_line(&edge).await;
    browser.goto(&edge.url("/")).await;
    let post = "const form = document.createElement('form'); form.method = 'post'; \
                form.action = '/events/demo/hold'; form.innerHTML = '<input name=seat value=A-1>'; \
                document.body.append(form); form.submit()";
    browser.run(post).await;
    browser.shows("state", |text| text == "It is not your turn yet").await;
    let said = browser.run("return document.querySelector('.lead').textContent").await;
    assert!(said.as_str().unwrap().contains("was not passed on to the shop"), "{said}");
    crate::axe::finds_nothing(&browser, "a form").await;
    // The page does not ask again by itself: the form would be posted again, or forgotten.
    assert_eq!(browser.run("return document.querySelectorAll('script, noscript').length").await, 0);
    browser.click("back").await;
    assert!(!shop.asked().iter().any(|asked| asked.method == "POST"));
    browser.goto(&edge.url("/events/demo")).await;
    browser.shows("position", |text| text == "2").await;
}
