//! The turn: seen in the tab's title, heard and shown to whoever asked for it, once.

use serde_json::{Value, json};

use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, browser as program, navigate, room, until_state};
use crate::shop::Shop;

/// Notes what the page has the browser do, and has it think that the fan looks elsewhere: a browser without a screen
/// does not tell.
const WATCH: &str = "window.calls = [];
    Object.defineProperty(document, 'hidden', { get: () => true });
    const Real = window.Notification;
    window.Notification = class extends Real {
        constructor(title, options) { super(title, options); calls.push(['notification', title, options.body]); }
    };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { calls.push(['tone', this.context.state]); start.call(this, at); };";

/// A room in which somebody is, and nobody else fits.
async fn occupied(shop: &Shop) -> (Edge, reqwest::Client) {
    let edge = Edge::start(shop, &room("mode = \"always\"\ndrain_per_minute = 600\nmax_active = 1"));
    let inside = program();
    navigate(&inside, &edge.url("/events/demo")).await;
    until_state(&inside, &edge, "admitted").await;
    (edge, inside)
}

async fn leave(inside: &reqwest::Client, edge: &Edge) {
    inside.delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
}

async fn wait(browser: &Browser, edge: &Edge) {
    browser.before_each_page(WATCH).await;
    browser.goto(&edge.url("/events/demo")).await;
    browser.shows("position", |text| text == "1").await;
}

fn of<'a>(calls: &'a Value, kind: &str) -> Vec<&'a Value> {
    calls.as_array().unwrap().iter().filter(|call| call[0] == kind).collect()
}

#[tokio::test]
async fn who_asked_for_it_is_called_by_title_sound_and_notification() {
    let shop = Shop::start().await;
    let (edge, inside) = occupied(&shop).await;
    let browser = Browser::start(Kind::default()).await;
    browser.allow("notifications", true).await;
    wait(&browser, &edge).await;
    browser.until("return document.title", |title| title == "1 in line · The Show").await;
    browser.click("alert").await;
    browser.shows("alert-on", |text| text.contains("You will hear a sound")).await;
    leave(&inside, &edge).await;
    browser.shows("state", |text| text == "It is your turn").await;
    browser.until("return document.title", |title| title == "It is your turn · The Show").await;
    let calls = browser.until("return window.calls", |calls| of(calls, "notification").len() == 1).await;
    assert_eq!(of(&calls, "notification"), [&json!(["notification", "It is your turn", "The Show"])]);
    assert_eq!(of(&calls, "tone"), [&json!(["tone", "running"]); 3]);
}

#[tokio::test]
async fn who_allows_no_notification_hears_it_and_who_asked_for_nothing_is_left_alone() {
    let shop = Shop::start().await;
    for asks in [true, false] {
        let (edge, inside) = occupied(&shop).await;
        let browser = Browser::start(Kind::default()).await;
        browser.allow("notifications", false).await;
        wait(&browser, &edge).await;
        if asks {
            browser.click("alert").await;
            browser.shows("alert-on", |_| true).await;
        }
        leave(&inside, &edge).await;
        browser.shows("state", |text| text == "It is your turn").await;
        let tones = if asks { 3 } else { 0 };
        // The page rings within 0.3 s.
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        let calls = browser.until("return window.calls", |calls| of(calls, "tone").len() >= tones).await;
        assert_eq!((of(&calls, "tone").len(), of(&calls, "notification").len()), (tones, 0), "{calls}");
    }
}

#[tokio::test]
async fn of_two_tabs_one_rings() {
    let shop = Shop::start().await;
    let (edge, inside) = occupied(&shop).await;
    let browser = Browser::start(Kind::default()).await;
    let page = browser.page();
    browser.allow("notifications", true).await;
    wait(&browser, &edge).await;
    browser.click("alert").await;
    let first = page.window().await.unwrap();
    let second = page.new_window(true).await.unwrap().handle;
    page.switch_to_window(second).await.unwrap();
    wait(&browser, &edge).await;
    browser.click("alert").await;
    leave(&inside, &edge).await;
    browser.shows("state", |text| text == "It is your turn").await;
    tokio::time::sleep(std::time::Duration::from_millis(1000)).await;
    let here = browser.run("return window.calls").await;
    page.switch_to_window(first).await.unwrap();
    browser.shows("state", |text| text == "It is your turn").await;
    let there = browser.run("return window.calls").await;
    let count = |kind| of(&here, kind).len() + of(&there, kind).len();
    assert_eq!((count("notification"), count("tone")), (1, 3), "{here} {there}");
}
