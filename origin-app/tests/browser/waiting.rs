//! A sold-out event: a guest waits, sees the place in the list, and is offered what comes back, while the page is open.

use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::shop::Shop;

#[tokio::test]
async fn who_waits_is_offered_what_comes_back_while_they_look() {
    let shop = Shop::start().await;
    let first = shop.take("lighthouse", &["A-1", "A-2", "A-3", "A-4"]).await;
    shop.take("lighthouse", &["A-5", "A-6", "A-7", "A-8"]).await;
    let before = shop.waits("lighthouse", "before@example.com").await;
    let browser = Browser::start(Kind { size: (900, 1400), ..Kind::default() }).await;
    browser.goto(&shop.url("/events/lighthouse")).await;
    axe::finds_nothing(&browser, "sold out").await;
    browser.run("document.querySelector('[data-testid=\"wait-email\"]').value = 'guest@example.com'").await;
    browser.click("wait").await;
    browser.shows("wait-place", |text| text == "One fan is before you in the list.").await;
    axe::finds_nothing(&browser, "waiting").await;
    shop.leaves("lighthouse", before).await;
    browser.shows("wait-place", |text| text == "You are first in the list.").await;
    shop.give_back(first).await;
    browser.shows("offer-countdown", |text| text.starts_with("Held for you for ")).await;
    axe::finds_nothing(&browser, "offered").await;
    browser.click("take-offer").await;
    browser.shows("hold-countdown", |text| text.starts_with("Held for you for ")).await;
    let told_at = browser.run("return document.querySelector('[data-testid=email]').value").await;
    assert_eq!(told_at, "guest@example.com", "it need not be typed twice");
    axe::finds_nothing(&browser, "checkout of an offer").await;
    browser.click("pay").await;
    browser.shows("ticket-code", |code| code.len() == 19).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
