//! Who may look, what they see, and whether it is so.

use reqwest::Method;
use serde_json::json;

use super::{address, api, click, come, enter, found, none, operator, shown, sign_in};
use crate::chromium::Browser;
use crate::harness::{
    ADMIN, Edge, OPERATOR, STANDING, VIEWER, browser as program, navigate, room, until_state,
};
use crate::shop::Shop;

#[tokio::test]
async fn a_token_opens_it_stays_in_the_tab_and_goes_with_it() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let browser = Browser::start(super::WIDE).await;
    browser.goto(&address(&edge)).await;
    enter(&browser, "token", "a-token-that-nobody-has-given-out\n").await;
    browser.shows("login-said", |text| text == "That is no token of this edge.").await;
    browser.complaints().await;
    enter(&browser, "token", &format!("{OPERATOR}\n")).await;
    browser.shows("me", |text| text == "anna, operator").await;
    browser.shows("room", |text| text == "The Show").await;
    browser.shows("link", |text| text == "Live").await;
    let kept = "return [document.cookie, localStorage.length, sessionStorage.length, location.href.includes('anna'), \
                performance.getEntriesByType('resource').some((one) => one.name.includes('anna'))]";
    assert_eq!(browser.run(kept).await, json!(["", 0, 1, false, false]));
    browser.page().refresh().await.unwrap();
    browser.shows("me", |text| text == "anna, operator").await;
    // Another tab is another matter.
    let first = browser.page().window().await.unwrap();
    let second = browser.page().new_window(true).await.unwrap().handle;
    browser.page().switch_to_window(second).await.unwrap();
    browser.goto(&address(&edge)).await;
    browser.shows("sign-in", |_| true).await;
    browser.page().switch_to_window(first).await.unwrap();
    click(&browser, "sign-out").await;
    browser.shows("sign-in", |_| true).await;
    assert_eq!(browser.run("return sessionStorage.length").await, json!(0));
    assert_eq!(browser.complaints().await, none());
    assert!(!edge.log().concat().contains(OPERATOR));
}

#[tokio::test]
async fn figures_and_plots_move_and_say_so_in_words() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 600"));
    let browser = operator(&edge).await;
    browser.shows("waiting", |text| text == "0").await;
    api(&edge, ADMIN, Method::POST, "/rooms/demo/pause", None).await;
    browser.shows("phase", |text| text == "paused").await;
    let fan = program();
    navigate(&fan, &edge.url("/events/demo")).await;
    come(&edge, 2).await;
    browser.shows("waiting", |text| text == "3").await;
    browser.shows("joined", |text| text == "3").await;
    browser.shows("value-waiting", |text| text == "3").await;
    let label = |plot: &str| {
        format!("return document.querySelector('[data-testid=plot-{plot}] > svg').getAttribute('aria-label')")
    };
    browser
        .until(&label("waiting"), |label| {
            label.as_str().is_some_and(|label| label.contains("In line: 3 now, between 0 and 3"))
        })
        .await;
    let line =
        "return document.querySelector('[data-testid=plot-waiting] path').getAttribute('d').length > 30";
    assert_eq!(browser.run(line).await, json!(true));
    browser.shows("last", |text| text == "nobody gets in").await;
    // They are let in: the drain, waits and the shop's answers are seen.
    api(&edge, ADMIN, Method::POST, "/rooms/demo/resume", None).await;
    until_state(&fan, &edge, "admitted").await;
    navigate(&fan, &edge.url("/events/demo")).await;
    browser.shows("active", |text| text == "1 of 1,000" || text == "3 of 1,000").await;
    for plot in ["drain", "wait", "latency"] {
        let is_told = |label: &serde_json::Value| {
            label
                .as_str()
                .is_some_and(|label| label.contains("now, between") && !label.contains("nothing known"))
        };
        browser.until(&label(plot), is_told).await;
    }
    // What was so at another moment is read off any of the plots, for all of them.
    let point = "const plot = document.querySelector('[data-testid=plot-arrivals] > svg'); \
                 const box = plot.getBoundingClientRect(); const at = (type) => plot.dispatchEvent(new PointerEvent(type, \
                 { clientX: box.left + 50, clientY: box.top + 50 })); at('pointermove'); \
                 const told = document.querySelector('[data-testid=value-waiting]').textContent, \
                 lines = document.querySelectorAll('.cursor').length; at('pointerleave'); \
                 return [told, lines, document.querySelectorAll('.cursor').length]";
    assert_eq!(browser.run(point).await, json!(["0", 8, 0]));
    // The same as a table, and another stretch of time.
    click(&browser, "as-table").await;
    let rows = "return [...document.querySelectorAll('tbody tr')].some((row) => row.children[2].textContent === '3')";
    browser.until(rows, |any| any == true).await;
    browser.run("document.querySelector('input[value=\"24 h\"]').click()").await;
    let far = "return performance.getEntriesByType('resource').some((one) => one.name.includes('span=far'))";
    browser.until(far, |asked| asked == true).await;
    assert_eq!(browser.complaints().await, none());
}

#[tokio::test]
async fn a_viewer_sees_all_of_it_and_why_nothing_can_be_changed() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let browser = Browser::start(super::WIDE).await;
    sign_in(&browser, &edge, VIEWER).await;
    browser.shows("why-not", |text| text.contains("You are ben, a viewer")).await;
    browser.shows("preview", |text| text.contains("Nobody gets in until the room is resumed.")).await;
    for control in ["pause", "resume", "close", "rate", "places", "mode", "message", "tell", "void"] {
        assert!(!found(&browser, control).await.is_enabled().await.unwrap(), "{control}");
    }
    // Nor where the page does not hold them back.
    let anyway = "const token = sessionStorage.getItem('stanchion-token'), done = arguments[0]; \
                  fetch('api/v1/rooms/demo/resume', { method: 'POST', headers: { Authorization: 'Bearer ' + token } }) \
                  .then((answer) => done(answer.status))";
    assert_eq!(browser.page().execute_async(anyway, vec![]).await.unwrap(), json!(403));
    assert_eq!(shown(&edge).await["mode"], "paused");
}

#[tokio::test]
async fn a_connection_that_is_lost_is_said_with_the_age_of_the_figures() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    come(&edge, 2).await;
    let browser = operator(&edge).await;
    browser.shows("waiting", |text| text == "2").await;
    browser.devtools("Network.enable", json!({})).await;
    let network = async |offline: bool| {
        let conditions =
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        browser.devtools("Network.emulateNetworkConditions", conditions).await;
    };
    network(true).await;
    browser
        .shows("link", |text| {
            text.starts_with("No connection: figures are ") && text.contains(" s old, from ")
        })
        .await;
    assert_eq!(browser.text("waiting").await.as_deref(), Some("2"), "what was known stays");
    // What is done meanwhile is not said to be done.
    click(&browser, "resume").await;
    browser.shows("said", |text| text.starts_with("No answer came.")).await;
    network(false).await;
    browser.shows("link", |text| text == "Live").await;
    assert_eq!(shown(&edge).await["mode"], "paused");
    // An edge that is gone is gone.
    drop(edge);
    browser.shows("link", |text| text.starts_with("No connection")).await;
}

#[tokio::test]
async fn a_line_that_is_out_of_reach_is_said_and_so_is_a_configuration_that_is_not_in_force() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let browser = operator(&edge).await;
    std::fs::write(edge.folder.path().join("rooms.toml"), "[[room]\n").unwrap();
    browser.shows("warnings", |text| text.contains("A newer configuration is not in force")).await;
    browser.shows("warnings", |text| text.contains("rooms.toml")).await;
    crate::axe::finds_nothing(&browser, "a warning").await;
}
