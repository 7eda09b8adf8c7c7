//! One fan: looked up, let in, moved, their ticket taken; each after a question.

use fantoccini::Locator;
use serde_json::json;

use super::{address, api, click, enter, found, none, operator, sign_in};
use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::harness::{
    Edge, OPERATOR, STANDING, VIEWER, browser as program, navigate, room, set_cookie, until_state,
};
use crate::shop::Shop;

const LANES: &str = "[[room.lane]]\nname = \"general\"\n[[room.lane]]\nname = \"access\"";

async fn join(edge: &Edge) -> (reqwest::Client, String) {
    let fan = program();
    let page = navigate(&fan, &edge.url("/events/demo")).await;
    let ticket = set_cookie(&page, "wr-ticket-demo").unwrap();
    (fan, ticket)
}

async fn look_up(browser: &Browser, papers: &str) {
    enter(browser, "fan", papers).await;
    click(browser, "fan-look").await;
}

#[tokio::test]
async fn a_fan_is_looked_up_let_in_moved_and_turned_away() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(&format!("{STANDING}\n{LANES}")));
    let mut fans = Vec::new();
    for _ in 0..4 {
        fans.push(join(&edge).await);
    }
    let browser = operator(&edge).await;
    look_up(&browser, &format!("wr-ticket-demo={}", fans[2].1)).await;
    browser.shows("fan-facts", |text| text.contains("waits in the line") && text.contains("general")).await;
    // Moved to another lane, after a question; the fan's page is there by itself.
    click(&browser, "fan-move").await;
    browser.shows("fan-moving", |text| text.contains("nobody before them does")).await;
    axe::finds_nothing(&browser, "a question about a fan").await;
    let lane = found(&browser, "fan-lane").await;
    lane.select_by_value("access").await.unwrap();
    enter(&browser, "fan-why", "wheelchair").await;
    click(&browser, "choose-yes").await;
    browser
        .shows("fan-said", |text| {
            text == "Moved to access, with 0 before them. Their page follows by itself."
        })
        .await;
    browser.shows("fan-facts", |text| text.contains("access")).await;
    assert_eq!(until_state(&fans[2].0, &edge, "paused").await["lane"], "access");
    browser.shows("audit", |text| text.contains("move") && text.contains("wheelchair")).await;
    // Behind another.
    look_up(&browser, &fans[3].1).await;
    browser.shows("fan-facts", |text| text.contains("general")).await;
    click(&browser, "fan-move").await;
    browser.shows("fan-moving", |_| true).await;
    enter(&browser, "fan-behind", &fans[0].1).await;
    click(&browser, "choose-yes").await;
    browser.shows("fan-said", |text| text.starts_with("Moved to general, with 1 before them")).await;
    // A question that is left alone does nothing.
    click(&browser, "fan-admit").await;
    browser.shows("fan-admitting", |text| text.contains("before the 1 who stand before them")).await;
    click(&browser, "choose-none").await;
    assert_eq!(api(&edge, OPERATOR, reqwest::Method::GET, "/rooms/demo", None).await["turns"], json!(0));
    click(&browser, "fan-admit").await;
    click(&browser, "choose-yes").await;
    browser.shows("fan-facts", |text| text.contains("has their turn")).await;
    until_state(&fans[3].0, &edge, "admitted").await;
    look_up(&browser, &fans[1].1).await;
    browser.shows("fan-facts", |text| text.contains("waits in the line")).await;
    click(&browser, "fan-revoke").await;
    click(&browser, "choose-yes").await;
    browser.shows("fan-facts", |text| text.contains("worth nothing any more")).await;
    assert!(!found(&browser, "fan-revoke").await.is_enabled().await.unwrap());
    // What is no ticket is said to be none, by the edge.
    look_up(&browser, "v1.x.y").await;
    browser.shows("fan-said", |text| text.contains("that is no ticket of this room")).await;
    assert_eq!(browser.run("return location.href").await, json!(address(&edge)), "no ticket in the address");
    // What the edge refused is in the browser's own log, and nothing else.
    let unexpected: Vec<String> =
        browser.complaints().await.into_iter().filter(|line| !line.contains("422")).collect();
    assert_eq!(unexpected, none());
}

#[tokio::test]
async fn a_viewer_looks_only_and_a_phone_in_the_dark_shows_all_of_it() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let (_, ticket) = join(&edge).await;
    let browser = Browser::start(Kind { dark: true, ..Kind::default() }).await;
    browser.sized(360, 740).await;
    sign_in(&browser, &edge, VIEWER).await;
    look_up(&browser, &ticket).await;
    browser.shows("fan-facts", |text| text.contains("waits in the line")).await;
    for button in ["fan-admit", "fan-move", "fan-revoke"] {
        assert!(!found(&browser, button).await.is_enabled().await.unwrap(), "{button}");
    }
    axe::finds_nothing(&browser, "a fan on a phone").await;
    let wide = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.run(wide).await, json!(true));
    browser.page().find(Locator::Css("#fan-heading")).await.unwrap();
    assert_eq!(browser.complaints().await, none());
}
