//! The page of a hold that has ended: who does nothing more, in none of their tabs, leaves the room.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::clock::ManualClock;
use crate::shop::Shop;

/// Timers of half a minute and more go off when the test says so; how many were set, and for how long those that run were.
const TIMERS: &str = "
    const set = window.setTimeout, clear = window.clearTimeout, long = new Map();
    let last = 0;
    window.setTimeout = (what, ms, ...rest) => {
      if (!(ms >= 30000)) return set(what, ms, ...rest);
      long.set(--last, { what, ms });
      return last;
    };
    window.clearTimeout = (id) => { if (!long.delete(id)) clear(id); };
    window.longTimers = () => ({ set: -last, run: [...long.values()].map(({ ms }) => ms) });
    window.goOff = () => { const all = [...long.values()]; long.clear(); all.forEach(({ what }) => what()); };
";

const STATE: &str = "return window.longTimers ? window.longTimers() : null";

/// Holds a seat by the page; where the checkout is.
async fn hold(browser: &Browser, shop: &Shop, seat: &str) -> String {
    browser.goto(&shop.url("/events/queued")).await;
    let choose = format!("document.querySelector('[data-testid=\"seat-{seat}\"]').click()");
    browser.run(&choose).await;
    browser.click("hold").await;
    browser.shows("hold-countdown", |text| text.starts_with("Held for you for ")).await;
    let path = browser.run("return location.pathname").await;
    path.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_does_nothing_after_a_hold_has_ended_leaves_the_room() {
    let clock = Arc::new(ManualClock::new());
    let shop = Shop::start_by(clock.clone()).await;
    let event = json!({
        "id": "queued", "name": "Queued", "venue": "Hall", "city": "", "starts_at": "2031-07-01T18:00:00Z", "currency": "EUR",
        "waiting_room": "queued", "rows": [{"name": "A", "seats": 8, "price_cents": 4500}],
    });
    shop.organise(&event).await;
    let browser = Browser::start(Kind::default()).await;
    browser.before_each_page(TIMERS).await;
    let ended = hold(&browser, &shop, "A-1").await;
    clock.advance(Duration::from_secs(181));
    browser.goto(&shop.url(&ended)).await;
    axe::finds_nothing(&browser, "a hold that has ended").await;
    let two_minutes = |state: &serde_json::Value| state["run"] == json!([120_000]);
    let before = browser.until(STATE, two_minutes).await["set"].as_i64().unwrap();

    // Who does something is still there.
    browser
        .devtools("Input.dispatchKeyEvent", json!({ "type": "keyDown", "key": "Tab", "code": "Tab" }))
        .await;
    let again = |state: &serde_json::Value| two_minutes(state) && state["set"].as_i64().unwrap() > before;
    let before = browser.until(STATE, again).await["set"].as_i64().unwrap();

    // So is who buys in another tab: that is heard, and they are not sent away from what they are about to pay.
    let page = browser.page();
    let first = page.window().await.unwrap();
    let other = page.new_window(true).await.unwrap().handle;
    page.switch_to_window(other).await.unwrap();
    let held = hold(&browser, &shop, "A-2").await;
    page.switch_to_window(first.clone()).await.unwrap();
    let again = |state: &serde_json::Value| two_minutes(state) && state["set"].as_i64().unwrap() > before;
    browser.until(STATE, again).await;
    browser.run("window.goOff()").await;
    let place = "return document.readyState === 'complete' && location.pathname";
    browser.until(place, |path| *path == json!(held)).await;

    // And who does nothing any more is not.
    clock.advance(Duration::from_secs(181));
    browser.goto(&shop.url(&ended)).await;
    browser.until(STATE, two_minutes).await;
    browser.run("window.goOff()").await;
    browser.until(place, |path| *path == "/tickets").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_leaves_an_event_without_a_waiting_room() {
    let clock = Arc::new(ManualClock::new());
    let shop = Shop::start_by(clock.clone()).await;
    let browser = Browser::start(Kind::default()).await;
    browser.before_each_page(TIMERS).await;
    browser.goto(&shop.url("/events/lighthouse")).await;
    browser.run("document.querySelector('[data-testid=\"seat-A-1\"]').click()").await;
    browser.click("hold").await;
    browser.shows("hold-countdown", |text| text.starts_with("Held for you for ")).await;
    clock.advance(Duration::from_secs(181));
    browser.run("location.reload()").await;
    browser.shows("finish", |text| text == "Leave the shop").await;
    let state = browser.until(STATE, |state| !state.is_null()).await;
    assert_eq!(state["run"], json!([]));
}
