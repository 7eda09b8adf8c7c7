//! Two devices, two tabs: a place is in one of them, or in all of them.

use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, STANDING, room};
use crate::shop::Shop;

#[tokio::test]
async fn a_place_moves_by_the_link_that_the_page_shows() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let (old, new) = tokio::join!(
        Browser::start(Kind::default()),
        Browser::start(Kind { scripts: false, ..Kind::default() })
    );
    old.goto(&edge.url("/events/demo?a=1")).await;
    old.shows("position", |text| text == "1").await;
    old.click("move").await;
    old.shows("moving", |text| text.contains("for 10 minutes")).await;
    axe::finds_nothing(&old, "moving").await;
    old.picture("live/moving").await;
    let link = "return document.querySelector('[data-testid=move-link]').href";
    let link = old.run(link).await.as_str().unwrap().to_owned();

    // The other device has no script at all.
    new.goto(&link).await;
    new.shows("state", |text| text == "Continue here?").await;
    new.click("confirm").await;
    new.shows("position", |text| text == "1").await;
    assert!(new.page().current_url().await.unwrap().as_str().ends_with("/events/demo?a=1"));

    // The old one hears of it by itself, and holds no place any more.
    old.shows("state", |text| text == "Your place has moved").await;
    assert_eq!((old.text("position").await, old.text("leave").await), (None, None));
    old.page().refresh().await.unwrap();
    old.shows("state", |text| text == "Your place has moved").await;
    old.click("confirm").await;
    old.shows("position", |text| text == "2").await;
}

#[tokio::test]
async fn two_tabs_show_one_place_and_leave_together() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let browser = Browser::start(Kind::default()).await;
    let page = browser.page();
    browser.goto(&edge.url("/events/demo")).await;
    browser.shows("position", |text| text == "1").await;
    let first = page.window().await.unwrap();
    let second = page.new_window(true).await.unwrap().handle;
    page.switch_to_window(second).await.unwrap();
    browser.goto(&edge.url("/events/demo?b=2")).await;
    browser.shows("position", |text| text == "1").await;

    browser.click("leave").await;
    page.accept_alert().await.unwrap();
    browser.shows("state", |text| text == "You have left the line").await;
    page.switch_to_window(first).await.unwrap();
    browser.shows("state", |text| text == "You have left the line").await;
    assert_eq!(browser.text("leave").await, None);
}
