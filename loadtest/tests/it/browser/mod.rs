//! A person's browser: a real headless Chromium against the real binaries.

mod chromium;
mod line;
mod report;

use chromium::{Browser, Javascript, by_testid};
use fantoccini::Locator;
use line::Line;

use crate::support::eventually;

#[tokio::test]
async fn a_fan_goes_from_arrival_to_ticket() {
    let line = Line::of(24, 90).await;
    let browser = Browser::start(Javascript::On).await;
    let page = browser.page();

    page.goto(line.front()).await.unwrap();
    page.wait().for_element(by_testid("event-link")).await.unwrap().click().await.unwrap();
    let first = browser.position().await;
    assert!(first > 1, "others are ahead: {first}");

    // The place shrinks on one and the same page, without a poll: the news come over the WebSocket.
    page.execute("window.sameDocument = true;", vec![]).await.unwrap();
    let mut shown = vec![first];
    eventually("steps forward", async || {
        let position = browser.position_now().await?;
        if shown.last() != Some(&position) {
            shown.push(position);
        }
        (shown.len() > 6).then_some(())
    })
    .await;
    browser.screenshot("waiting-page").await;
    assert!(shown.is_sorted_by(|before, next| before > next), "{shown:?}");
    let polls = "return [window.sameDocument === true, \
                 performance.getEntriesByType('resource').filter(e => e.name.endsWith('/ticket')).length];";
    assert_eq!(page.execute(polls, vec![]).await.unwrap(), serde_json::json!([true, 0]));

    // The turn comes, and the page goes on by itself.
    browser.seats().await;
    let seat = browser.choose_seat().await;
    browser.screenshot("seat-map").await;
    page.find(by_testid("hold")).await.unwrap().click().await.unwrap();
    page.wait().for_element(by_testid("hold-countdown")).await.unwrap();
    page.find(by_testid("pay")).await.unwrap().click().await.unwrap();
    let code = page.wait().for_element(by_testid("ticket-code")).await.unwrap().text().await.unwrap();
    assert!(!code.is_empty());

    page.find(by_testid("my-tickets")).await.unwrap().click().await.unwrap();
    page.wait().for_url(&line.edge().join("/tickets").unwrap()).await.unwrap();
    let listed = page.wait().for_element(by_testid("ticket-code")).await.unwrap().text().await.unwrap();
    assert_eq!(listed, code);
    assert!(page.source().await.unwrap().contains(&seat));

    // Finished: the place in the shop is given back, and the ticket stays. Who comes again stands in line again.
    let place = browser.place().await;
    page.back().await.unwrap();
    page.wait().for_element(by_testid("finish")).await.unwrap().click().await.unwrap();
    // The page before shows the ticket too.
    page.wait().for_url(&line.edge().join("/tickets").unwrap()).await.unwrap();
    page.goto(line.event()).await.unwrap();
    assert_ne!(browser.place().await, place);

    browser.stop().await;
    line.stop().await;
}

#[tokio::test]
async fn a_fan_who_reloads_or_closes_the_tab_keeps_the_place() {
    let line = Line::of(40, 60).await;
    let browser = Browser::start(Javascript::On).await;
    let page = browser.page();

    page.goto(line.event()).await.unwrap();
    let mut position = browser.position().await;
    let place = browser.place().await;

    page.refresh().await.unwrap();
    let after = browser.position().await;
    assert!(after <= position, "{after} after {position}");
    assert_eq!(browser.place().await, place);
    position = after;

    let old = page.window().await.unwrap();
    let new = page.new_window(true).await.unwrap();
    page.close_window().await.unwrap();
    page.switch_to_window(new.handle).await.unwrap();
    assert!(!page.windows().await.unwrap().contains(&old));
    // Somebody else is let in meanwhile.
    let before = line.admitted();
    eventually("the line to move on", async || (line.admitted() > before).then_some(())).await;

    page.goto(line.event()).await.unwrap();
    let after = browser.position().await;
    assert!(after <= position, "{after} after {position}");
    assert_eq!(browser.place().await, place);

    browser.stop().await;
    line.stop().await;
}

#[tokio::test]
async fn without_javascript_the_page_reloads_itself_and_lets_the_fan_in() {
    let line = Line::of(8, 60).await;
    let browser = Browser::start(Javascript::Off).await;
    let page = browser.page();

    page.goto(line.event()).await.unwrap();
    let first = browser.position().await;
    assert!(page.find(Locator::Css("noscript")).await.is_ok());
    let place = browser.place().await;
    // Nobody touches the browser from here on.
    eventually("a better position", async || browser.position_now().await.filter(|now| *now < first)).await;
    assert_eq!(browser.place().await, place);
    browser.seats().await;
    let seat = browser.choose_seat().await;
    page.find(by_testid("hold")).await.unwrap().click().await.unwrap();
    page.wait().for_element(by_testid("pay")).await.unwrap().click().await.unwrap();
    page.wait().for_element(by_testid("ticket-code")).await.unwrap();
    assert!(page.source().await.unwrap().contains(&seat));

    browser.stop().await;
    line.stop().await;
}
