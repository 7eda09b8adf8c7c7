//! From the list to the tickets: by keyboard alone, while others buy too, and without a script.

use serde_json::{Value, json};

use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::shop::Shop;

/// Presses a key as a hand would.
async fn press(browser: &Browser, key: &str) {
    let text = if key == " " { " " } else { "" };
    let code = if key == " " { "Space" } else { key };
    for kind in ["keyDown", "keyUp"] {
        let event = json!({ "type": kind, "key": key, "code": code, "text": if kind == "keyDown" { text } else { "" } });
        browser.devtools("Input.dispatchKeyEvent", event).await;
    }
}

async fn focused(browser: &Browser) -> Value {
    browser.run("return document.activeElement.dataset.seat || null").await
}

fn state_of(seat: &str) -> String {
    format!("return document.querySelector('[data-seat=\"{seat}\"]').getAttribute('class')")
}

#[tokio::test]
async fn seats_are_chosen_by_arrow_keys_and_bought() {
    let shop = Shop::start().await;
    let browser = Browser::start(Kind::default()).await;
    browser.goto(&shop.url("/")).await;
    axe::finds_nothing(&browser, "events").await;
    browser.goto(&shop.url("/events/arena")).await;
    browser.run("document.querySelector('[data-seat][tabindex=\"0\"]').focus()").await;
    assert_eq!(focused(&browser).await, "ST.A-1");
    for (key, seat) in [
        ("ArrowRight", "ST.A-2"),
        ("ArrowDown", "ST.B-3"),
        ("ArrowUp", "ST.A-2"),
        ("ArrowLeft", "ST.A-1"),
        ("ArrowUp", "ST.A-1"),
    ] {
        press(&browser, key).await;
        assert_eq!(focused(&browser).await, seat, "{key}");
    }
    let stops = "return document.querySelectorAll('[data-seat][tabindex=\"0\"]').length";
    assert_eq!(browser.run(stops).await, 1, "the tab key stops at the map once");
    press(&browser, " ").await;
    assert_eq!(browser.run(&state_of("ST.A-1")).await, "place chosen");
    let sum = "return document.querySelector('[data-live=sum]').textContent";
    assert_eq!(browser.run(sum).await, "1 seat, €98.00");
    press(&browser, " ").await;
    assert_eq!(browser.run(&state_of("ST.A-1")).await, "place available");
    assert_eq!(browser.run(sum).await, "");
    press(&browser, " ").await;
    let told = "const mark = document.activeElement; return [mark.getAttribute('role'), mark.getAttribute('aria-checked'), \
                mark.getAttribute('aria-label')]";
    assert_eq!(browser.run(told).await, json!(["checkbox", "true", "Stalls, row A, seat 1 · €98.00"]));
    axe::finds_nothing(&browser, "seat map").await;
    browser.click("hold").await;
    browser.shows("hold-countdown", |text| text.starts_with("Held for you for 2:5")).await;
    axe::finds_nothing(&browser, "checkout").await;
    browser.click("pay").await;
    browser.shows("ticket-code", |code| code.len() == 19).await;
    axe::finds_nothing(&browser, "bought").await;
    browser.click("ticket-link").await;
    browser.shows("ticket-code", |code| code.len() == 19).await;
    browser
        .until("return document.querySelector('.qr path').getAttribute('d').length", |length| {
            length.as_u64() > Some(1000)
        })
        .await;
    axe::finds_nothing(&browser, "ticket").await;
    browser.goto(&shop.url("/tickets")).await;
    axe::finds_nothing(&browser, "tickets").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_others_take_is_shown_by_itself() {
    let shop = Shop::start().await;
    let browser = Browser::start(Kind::default()).await;
    browser.goto(&shop.url("/events/arena")).await;
    browser.run("document.querySelector('[data-seat=\"ST.B-1\"]').dispatchEvent(new MouseEvent('click', { bubbles: true }))").await;
    assert_eq!(browser.run(&state_of("ST.B-1")).await, "place chosen");
    shop.hold(&["ST.A-1", "ST.B-1"]).await;
    browser.until(&state_of("ST.A-1"), |state| state == "place held").await;
    browser.until(&state_of("ST.B-1"), |state| state == "place held").await;
    let list = "const box = document.querySelector('[data-testid=\"seat-ST.B-1\"]'); return [box.checked, box.disabled, \
                document.querySelector('[data-live=available]').textContent]";
    browser.until(list, |found| *found == json!([false, true, "348"])).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn without_a_script_a_seat_is_a_check_box() {
    let shop = Shop::start().await;
    let browser =
        Browser::start(Kind { scripts: false, language: "ko-KR", size: (900, 1700), ..Kind::default() })
            .await;
    browser.goto(&shop.url("/events/arena")).await;
    browser.click("seat-ST.C-7").await;
    browser.click("hold").await;
    browser.shows("hold-countdown", |text| text.contains("자리를 잡아 둡니다")).await;
    browser.click("pay").await;
    browser.shows("ticket-code", |code| code.len() == 19).await;
    browser.click("language-en").await;
    browser.shows("finish", |text| text == "I am finished").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_second_press_of_a_button_sends_nothing() {
    let shop = Shop::start().await;
    let browser = Browser::start(Kind::default()).await;
    browser.goto(&shop.url("/events/arena")).await;
    let press_twice = "let sent = 0; addEventListener('submit', (event) => { if (!event.defaultPrevented) sent += 1; \
                       event.preventDefault(); }); const form = document.querySelector('form.seatmap'); \
                       form.requestSubmit(); form.requestSubmit(); return sent";
    assert_eq!(browser.run(press_twice).await, 1);
}
