//! By keyboard, on a phone, in the dark, and for those who do not see it.

use fantoccini::key::Key;
use serde_json::{Value, json};

use super::{address, click, come, enter, found, none, operator, shown};
use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, OPERATOR, STANDING, room};
use crate::shop::Shop;

/// What has the focus, and whether that can be seen.
const FOCUS: &str = "const one = document.activeElement, style = getComputedStyle(one); \
    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 \
        || one.type === 'radio' && getComputedStyle(one.nextElementSibling).outlineStyle !== 'none'; \
    return [one.dataset.testid || one.id || one.textContent.trim().slice(0, 40) || one.tagName, seen]";

async fn press(browser: &Browser, keys: &str) {
    browser.page().active_element().await.unwrap().send_keys(keys).await.unwrap();
}

fn key(key: Key) -> String {
    char::from(key).to_string()
}

#[tokio::test]
async fn all_of_it_is_reached_and_done_by_keyboard_in_order_and_the_focus_is_seen() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let browser = Browser::start(super::WIDE).await;
    browser.goto(&address(&edge)).await;
    browser.until("return document.activeElement.id", |id| id == "token").await;
    press(&browser, &format!("{OPERATOR}{}", key(Key::Enter))).await;
    browser.shows("link", |text| text == "Live").await;
    browser.until("return document.activeElement.id", |id| id == "main").await;
    // The controls wait for the first answer.
    browser.until("return document.getElementById('rate').value", |rate| rate == "600").await;
    let mut path = Vec::new();
    while path.len() < 40 && path.last().is_none_or(|last| last != "audit-all") {
        press(&browser, &key(Key::Tab)).await;
        let focus = browser.run(FOCUS).await;
        assert_eq!(focus[1], json!(true), "{focus} is not seen to have the focus");
        path.push(focus[0].as_str().unwrap().to_owned());
    }
    let at = |name: &str| {
        path.iter().position(|one| one.starts_with(name)).unwrap_or_else(|| panic!("{name}: {path:?}"))
    };
    let order = ["resume", "close", "rate", "−10 %", "+10 %", "places", "mode", "message", "tell", "void"];
    let order: Vec<usize> =
        order.into_iter().chain(["as-table", "fan", "fan-look", "audit-all"]).map(at).collect();
    assert!(order.is_sorted(), "{path:?}");
    // A rate, by keys alone.
    browser.run("document.getElementById('rate').focus()").await;
    press(&browser, &format!("{}a", key(Key::Control))).await;
    press(&browser, &format!("{}45", key(Key::Null))).await;
    browser.until("return document.querySelector('[data-testid=apply]').disabled", |off| off == false).await;
    press(&browser, &key(Key::Enter)).await;
    browser.shows("said", |text| text.contains("drain_per_minute 600 → 45")).await;
    // A dialog keeps the focus, Escape leaves it, and it goes back to where it was.
    browser.run("document.querySelector('[data-testid=close]').focus()").await;
    press(&browser, &key(Key::Enter)).await;
    browser.shows("closing", |_| true).await;
    for _ in 0..4 {
        press(&browser, &key(Key::Tab)).await;
        let inside =
            "return document.activeElement === document.body || !!document.activeElement.closest('dialog')";
        assert_eq!(browser.run(inside).await, json!(true));
    }
    press(&browser, &key(Key::Escape)).await;
    browser.until("return document.activeElement.dataset.testid", |id| id == "close").await;
    assert_eq!(shown(&edge).await["mode"], "paused");
}

async fn is_narrow(browser: &Browser, what: &str) {
    let wide = "const most = innerWidth; return [document.documentElement.scrollWidth <= most, innerWidth, \
        [...document.querySelectorAll('body *')].filter((one) => !one.closest('.scrolls, .unseen, svg') \
            && one.getBoundingClientRect().right > most + 1).map((one) => one.outerHTML.slice(0, 80))]";
    let told = browser.run(wide).await;
    assert_eq!((&told[0], &told[1], &told[2]), (&json!(true), &json!(360), &json!([])), "{what}");
}

#[tokio::test]
async fn a_phone_shows_all_of_it_without_scrolling_aside() {
    let shop = Shop::start().await;
    let long = "An Evening with an Uncommonly Long Name, at the Hall by the River";
    let edge = Edge::start(&shop, &room(STANDING).replace("The Show", long));
    come(&edge, 3).await;
    let browser = Browser::start(Kind::default()).await;
    browser.sized(360, 740).await;
    browser.goto(&address(&edge)).await;
    browser.shows("sign-in", |_| true).await;
    is_narrow(&browser, "login").await;
    axe::finds_nothing(&browser, "login").await;
    enter(&browser, "token", &format!("{OPERATOR}\n")).await;
    browser.shows("waiting", |text| text == "3").await;
    browser.shows("preview", |text| !text.is_empty()).await;
    click(&browser, "as-table").await;
    browser
        .until("return document.querySelectorAll('tbody tr').length", |rows| rows.as_u64() > Some(0))
        .await;
    is_narrow(&browser, "the room").await;
    axe::finds_nothing(&browser, "the room on a phone").await;
    browser.run("document.querySelector('[data-testid=close]').click()").await;
    browser.shows("closing", |_| true).await;
    is_narrow(&browser, "a question").await;
    // What a thumb meets is large enough.
    let small = "return [...document.querySelectorAll('main button, main input, main select')].filter((one) => { \
        const box = one.getBoundingClientRect(); return box.height > 0 && box.height < 24; }).map((one) => one.outerHTML)";
    let small = browser.run(small).await;
    let is_check = |one: &Value| one.as_str().unwrap().contains("checkbox");
    assert!(small.as_array().unwrap().iter().all(is_check), "{small}");
}

#[tokio::test]
async fn axe_finds_nothing_by_day_and_in_the_dark() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 60"));
    come(&edge, 3).await;
    let browser = operator(&edge).await;
    enter(&browser, "rate", "120").await;
    browser.shows("preview", |text| text.contains("120 a minute")).await;
    let ground = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]";
    for (scheme, is_right) in [("light", (200..=255)), ("dark", (0..=60))] {
        browser.emulate("prefers-color-scheme", scheme).await;
        browser.until(ground, |red| red.as_u64().is_some_and(|red| is_right.contains(&red))).await;
        // What is disabled is let be, and what is just changing colour is not judged.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        axe::finds_nothing(&browser, scheme).await;
    }
    assert!(found(&browser, "apply").await.is_enabled().await.unwrap());
    assert_eq!(browser.complaints().await, none());
    browser.emulate("prefers-reduced-motion", "reduce").await;
    let moving = "return [...document.querySelectorAll('*')].filter((one) => \
        getComputedStyle(one).transitionDuration !== '0s' || getComputedStyle(one).animationName !== 'none').length";
    assert_eq!(browser.run(moving).await, json!(0));
}
