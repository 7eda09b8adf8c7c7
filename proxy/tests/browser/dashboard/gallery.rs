//! The pictures in `docs/screenshots/dashboard`: `make screenshots`.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{WIDE, address, api, click, enter, scene, sign_in};
use crate::chromium::Browser;
use crate::harness::{ADMIN, Edge, OPERATOR, browser as program, navigate, room, set_cookie};

const RULES: &str = "mode = \"always\"\ndrain_per_minute = 360\nmax_active = 60\nburst = 6\nclaim_window = \"10s\"\n\
                     presence_window = \"4s\"\nmessage = \"Two tickets for each fan.\"";

async fn picture(browser: &Browser, name: &str) {
    browser.run("scrollTo(0, 0)").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    browser.picture(&format!("dashboard/{name}")).await;
}

#[tokio::test]
#[ignore = "takes the pictures of the documentation: `make screenshots`"]
async fn the_dashboard() {
    let shop = scene::shop().await;
    let edge = Edge::start_with(&format!("[upstream]\naddress = \"{shop}\""), &room(RULES));
    let browser = Browser::start(WIDE).await;
    browser.sized(1280, 800).await;
    browser.goto(&address(&edge)).await;
    browser.shows("sign-in", |_| true).await;
    picture(&browser, "login").await;
    let crowd = scene::begin(&edge, 90);
    sign_in(&browser, &edge, OPERATOR).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    // What another operator did before.
    let change = json!({ "drain_per_minute": 300 });
    api(&edge, ADMIN, Method::PATCH, "/rooms/demo", Some(change)).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    picture(&browser, "desktop").await;
    enter(&browser, "rate", "600").await;
    browser.shows("preview", |text| text.contains("As it is")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    picture(&browser, "preview").await;
    click(&browser, "undo").await;
    let ticket =
        set_cookie(&navigate(&program(), &edge.url("/events/demo")).await, "wr-ticket-demo").unwrap();
    enter(&browser, "fan", &ticket).await;
    click(&browser, "fan-look").await;
    browser.shows("fan-facts", |text| text.contains("waits")).await;
    click(&browser, "fan-move").await;
    browser.shows("fan-moving", |_| true).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    browser.picture("dashboard/one-fan").await;
    click(&browser, "choose-none").await;
    browser.emulate("prefers-color-scheme", "dark").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    picture(&browser, "dark").await;
    browser.sized(360, 740).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    picture(&browser, "phone-dark").await;
    browser.emulate("prefers-color-scheme", "light").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    picture(&browser, "phone").await;
    crowd.abort();
    drop(edge);
    browser.shows("link", |text| text.starts_with("No connection")).await;
    browser.sized(1280, 800).await;
    picture(&browser, "connection-lost").await;
}
