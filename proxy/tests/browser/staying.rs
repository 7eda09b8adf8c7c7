//! Waiting: by keyboard, without script, in another language, through a restart; and the turn.

use std::time::Duration;

use fantoccini::Locator;
use serde_json::json;

use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, STANDING, browser as program, navigate, room, until_state};
use crate::shop::Shop;

#[tokio::test]
async fn a_fan_without_script_chooses_a_language_and_leaves() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let browser = Browser::start(Kind { scripts: false, language: "fr-FR", ..Kind::default() }).await;
    let page = browser.page();
    browser.goto(&edge.url("/events/demo?a=1")).await;
    browser.shows("state", |text| text == "La file est en pause").await;
    assert_eq!(browser.shows("position", |_| true).await, "1");
    page.find(Locator::Css("button[value=ko]")).await.unwrap().click().await.unwrap();
    browser.shows("state", |text| text == "대기열이 일시 중지되었습니다").await;
    assert!(page.current_url().await.unwrap().as_str().ends_with("/events/demo?a=1"));
    assert_eq!(browser.shows("position", |_| true).await, "1");
    browser.click("move").await;
    browser.shows("move-link", |_| true).await;
    browser.click("back").await;
    browser.click("leave").await;
    browser.shows("state", |text| text == "대기열에서 나갔습니다").await;
    browser.click("back").await;
    browser.shows("position", |text| text == "1").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_page_reconnects_and_keeps_its_place() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let browser = Browser::start(Kind::default()).await;
    browser.goto(&edge.url("/events/demo")).await;
    browser.shows("position", |text| text == "1").await;
    browser.run("window.sameDocument = true").await;
    edge.terminate();
    browser.shows("connection", |text| text == "Reconnecting…").await;
    browser.picture("live/reconnecting").await;
    let mut edge = edge;
    edge.wait();
    let edge = edge.kill_and_restart();
    let until = std::time::Instant::now() + Duration::from_secs(40);
    while browser.text("connection").await.is_some() {
        assert!(std::time::Instant::now() < until, "it does not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    browser.shows("position", |text| text == "1").await;
    assert_eq!(browser.run("return window.sameDocument").await, json!(true));
    drop(edge);
}

#[tokio::test]
async fn who_looks_elsewhere_is_called_and_goes_in_when_they_come() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 600\nmax_active = 1"));
    let inside = program();
    navigate(&inside, &edge.url("/events/demo")).await;
    until_state(&inside, &edge, "admitted").await;
    let browser = Browser::start(Kind::default()).await;
    browser.goto(&edge.url("/events/demo?a=1")).await;
    browser.shows("position", |text| text == "1").await;
    browser.shows("note", |text| text.contains("As many fans are inside as fit")).await;
    // As if the fan looked at another tab; a browser without a screen does not tell.
    let hide = |hidden: bool| {
        format!(
            "Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }}); \
             document.dispatchEvent(new Event('visibilitychange'))"
        )
    };
    browser.run(&hide(true)).await;
    inside.delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    browser.shows("state", |text| text == "It is your turn").await;
    let left = browser.shows("claim", |text| text.starts_with("01:")).await;
    assert!(left.len() == 5, "{left}");
    assert!(browser.page().title().await.unwrap().starts_with("It is your turn"));
    crate::axe::finds_nothing(&browser, "the turn").await;
    browser.picture("live/turn").await;
    browser.run(&hide(false)).await;
    let until = std::time::Instant::now() + Duration::from_secs(40);
    while browser.text("state").await.is_some() {
        assert!(std::time::Instant::now() < until, "the fan is not let in");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(browser.page().current_url().await.unwrap().as_str().ends_with("/events/demo?a=1"));
}
