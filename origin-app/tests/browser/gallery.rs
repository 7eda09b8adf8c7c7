//! The pictures of the shop in `docs/screenshots/shop`: `make screenshots`.

use crate::chromium::{Browser, Kind};
use crate::looking::organises;
use crate::shop::Shop;

const DESKTOP: (u32, u32) = (1100, 1150);
/// As high as the page, so that the bar at its foot is there.
const PHONE: (u32, u32) = (390, 1400);

#[tokio::test]
#[ignore = "takes the pictures of the documentation: `make screenshots`"]
async fn the_shop() {
    let shop = Shop::start().await;
    shop.hold(&["ST.B-5", "ST.B-6"]).await;
    shop.hold(&["ST.C-3"]).await;
    let browser = Browser::start(Kind::default()).await;
    browser.sized(DESKTOP.0, DESKTOP.1).await;
    for (name, path) in [("events", "/"), ("event", "/events/arena"), ("account", "/account/login")] {
        browser.goto(&shop.url(path)).await;
        browser.picture(&format!("shop/{name}")).await;
    }
    browser.goto(&shop.url("/events/arena")).await;
    for seat in ["ST.A-5", "ST.A-6"] {
        let click = format!(
            "document.querySelector('[data-seat=\"{seat}\"]').dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))"
        );
        browser.run(&click).await;
    }
    browser.picture("shop/seats-chosen").await;
    browser.click("hold").await;
    browser.shows("hold-countdown", |_| true).await;
    browser.picture("shop/checkout").await;
    browser.click("pay").await;
    browser.shows("ticket-code", |_| true).await;
    browser.picture("shop/bought").await;
    browser.goto(&shop.url("/tickets")).await;
    browser.picture("shop/tickets").await;
    browser.click("ticket-link").await;
    browser.shows("ticket-code", |_| true).await;
    browser.picture("shop/ticket").await;
    let seats = shop.take("lighthouse", &["A-1", "A-2", "A-3", "A-4"]).await;
    shop.take("lighthouse", &["A-5", "A-6", "A-7", "A-8"]).await;
    browser.goto(&shop.url("/events/lighthouse")).await;
    browser.picture("shop/sold-out").await;
    browser.run("document.querySelector('[data-testid=\"wait-email\"]').value = 'fan@example.com'").await;
    browser.click("wait").await;
    browser.shows("wait-place", |_| true).await;
    shop.give_back(seats).await;
    browser.shows("offer-countdown", |text| text.starts_with("Held for you for ")).await;
    browser.picture("shop/offer").await;
    organises(&browser).await;
    for (name, path) in [
        ("organiser", "/organiser"),
        ("organiser-event", "/organiser/events/arena"),
        ("organiser-refund", "/organiser/events/arena/refund?seat=ST.A-5"),
        ("organiser-call-off", "/organiser/events/arena/call-off"),
    ] {
        browser.goto(&shop.url(path)).await;
        browser.picture(&format!("shop/{name}")).await;
    }
    drop(browser);
    let phone = Browser::start(Kind { language: "ko-KR", dark: true, ..Kind::default() }).await;
    phone.sized(PHONE.0, PHONE.1).await;
    for (name, path) in [("events-phone", "/"), ("event-phone", "/events/arena")] {
        phone.goto(&shop.url(path)).await;
        phone.picture(&format!("shop/{name}")).await;
    }
}
