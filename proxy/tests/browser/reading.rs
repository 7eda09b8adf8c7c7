//! Reading the page and using it: with a screen reader, by keyboard alone, in each language; and what it says is so.

use fantoccini::Locator;
use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, STANDING, browser as program, navigate, room};
use crate::shop::Shop;

/// Changes the rules of a room the way an operator does who starts the edge again.
fn with_rules(edge: Edge, rules: &str) -> Edge {
    std::fs::write(edge.folder.path().join("rooms.toml"), rules).unwrap();
    edge.kill_and_restart()
}

#[tokio::test]
async fn a_screen_reader_hears_the_place_once_a_minute_and_changes_at_once() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 0"));
    let others = [program(), program(), program(), program()];
    for other in &others {
        navigate(other, &edge.url("/events/demo")).await;
    }
    let browser = Browser::start(Kind::default()).await;
    // Of the time of day the page reads no more than how far it is.
    let clock = "window.skew = 0; const now = Date.now; Date.now = () => now() + window.skew; window.heard = []; \
                 document.addEventListener('DOMContentLoaded', () => new MutationObserver(() => \
                 heard.push(document.getElementById('news').textContent)).observe(\
                 document.getElementById('news'), { childList: true, characterData: true, subtree: true }))";
    browser.before_each_page(clock).await;
    browser.goto(&edge.url("/events/demo")).await;
    browser.shows("position", |text| text == "5").await;
    let live = "const news = document.getElementById('news'); return [news.role, news.ariaLive, \
                document.querySelectorAll('[aria-live], [role=status], [role=alert]').length, \
                document.querySelectorAll('[role=timer]').length]";
    // A timer is not live: nobody wants to hear each second.
    assert_eq!(browser.run(live).await, json!(["status", "polite", 1, 2]));
    let step = async |nth: usize, position: &str| {
        others[nth].delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
        browser.shows("position", |text| text == position).await;
        browser.run("return heard").await
    };
    browser.run("skew += 61000").await;
    let first = step(0, "4").await;
    assert_eq!(first.as_array().unwrap().last(), Some(&json!("Your place is 4.")), "{first}");
    assert_eq!(step(1, "3").await, first, "within a minute");
    browser.run("skew += 30000").await;
    assert_eq!(step(2, "2").await, first, "within a minute");
    browser.run("skew += 31000").await;
    let second = step(3, "1").await;
    assert_eq!(second.as_array().unwrap().last(), Some(&json!("Your place is 1.")), "{second}");
    assert_eq!(second.as_array().unwrap().len(), first.as_array().unwrap().len() + 1);

    // What changes besides is said at once, though the minute is not over.
    let edge = with_rules(edge, &room(STANDING));
    browser.shows("state", |text| text == "The line is paused").await;
    let said = |heard: &Value| {
        heard
            .as_array()
            .unwrap()
            .iter()
            .any(|text| text.as_str().unwrap().starts_with("The line is paused. Nobody"))
    };
    let heard = browser.until("return heard", said).await;
    assert!(heard.as_array().unwrap().len() <= second.as_array().unwrap().len() + 2, "{heard}");
    drop(edge);
}

#[tokio::test]
async fn everything_is_done_by_keyboard_and_the_focus_is_seen() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let browser = Browser::start(Kind::default()).await;
    let page = browser.page();
    browser.goto(&edge.url("/events/demo")).await;
    browser.shows("position", |_| true).await;
    let press =
        async |key: Key| page.active_element().await.unwrap().send_keys(&key.to_string()).await.unwrap();
    let focus = "const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect(); \
                 return [one.dataset.testid || one.id || one.value || one.tagName, style.outlineStyle, \
                 parseFloat(style.outlineWidth) >= 2, box.width >= 24 && box.height >= 24, one.tabIndex <= 0]";
    let mut reached = Vec::new();
    for _ in 0..10 {
        press(Key::Tab).await;
        let found = browser.run(focus).await;
        assert_eq!(
            found.as_array().unwrap()[1..],
            [json!("solid"), json!(true), json!(true), json!(true)],
            "{found}"
        );
        reached.push(found[0].as_str().unwrap().to_owned());
    }
    assert_eq!(
        reached,
        ["alert", "move", "leave", "en", "ko", "ja", "zh", "es", "de", "fr"],
        "in the order of the page"
    );
    let to = async |name: &str| {
        for _ in 0..14 {
            if browser.run(focus).await[0] == name {
                return;
            }
            press(Key::Tab).await;
        }
        panic!("{name} is not reached");
    };
    page.refresh().await.unwrap();
    browser.shows("position", |_| true).await;
    to("alert").await;
    page.active_element().await.unwrap().send_keys(" ").await.unwrap();
    browser.shows("alert-on", |_| true).await;
    to("move").await;
    press(Key::Enter).await;
    browser.shows("moving", |text| text.contains("for 10 minutes")).await;
    assert_eq!(browser.run(focus).await[0], "moving", "what appeared has the focus");
    press(Key::Tab).await;
    assert_eq!(browser.run(focus).await[0], "move-link");
    page.refresh().await.unwrap();
    browser.shows("position", |_| true).await;
    to("leave").await;
    press(Key::Enter).await;
    page.accept_alert().await.unwrap();
    browser.shows("state", |text| text == "You have left the line").await;
    to("again").await;
    press(Key::Enter).await;
    browser.shows("position", |text| text == "1").await;
}

#[tokio::test]
async fn the_switch_leads_to_each_language_and_keeps_the_place() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 0"));
    let browser = Browser::start(Kind::default()).await;
    let page = browser.page();
    browser.goto(&edge.url("/events/demo?a=1")).await;
    browser.shows("state", |text| text == "You are in line").await;
    for (tag, title) in [
        ("ko", "대기"),
        ("ja", "列"),
        ("zh", "排"),
        ("es", "fila"),
        ("de", "Schlange"),
        ("fr", "file"),
        ("en", "line"),
    ] {
        page.find(Locator::Css(&format!("button[value={tag}]"))).await.unwrap().click().await.unwrap();
        browser.until("return document.documentElement.lang", |lang| lang == tag).await;
        let shown = browser.shows("state", |text| text.contains(title)).await;
        assert_eq!(browser.shows("position", |_| true).await, "1");
        // What the script writes is in the language too.
        let heading = browser
            .until("return document.title", |text| text.as_str().is_some_and(|text| text.contains('1')))
            .await;
        assert!(heading.as_str().unwrap().ends_with("· The Show"), "{shown} {heading}");
        assert!(page.current_url().await.unwrap().as_str().ends_with("/events/demo?a=1"));
        let current = "return document.querySelector('[aria-current]').lang";
        assert_eq!(browser.run(current).await, tag);
        axe::finds_nothing(&browser, tag).await;
    }
    let facts = program().get(edge.url("/.waiting-room/demo")).send().await.unwrap();
    assert_eq!(facts.json::<Value>().await.unwrap()["waiting"], 1);
}

/// Nothing drains a lane that the rules no longer name: the page tells no place and no wait, and says that it stands.
#[tokio::test]
async fn a_fan_whose_lane_is_gone_reads_that_the_line_stands() {
    let shop = Shop::start().await;
    let lane = |name: &str| {
        room(&format!(
            "mode = \"always\"\ndrain_per_minute = 1\n[[room.lane]]\nname = \"{name}\"\nweight = 1"
        ))
    };
    // The line outlives the edge, or the fan would stand nowhere.
    let store =
        format!("[upstream]\naddress = \"{}\"\n[store]\nkind = \"memory\"\npath = \"line\"", shop.address);
    let edge = Edge::start_with(&store, &lane("general"));
    let browser = Browser::start(Kind::default()).await;
    let others = [program(), program()];
    for other in &others {
        navigate(other, &edge.url("/events/demo")).await;
    }
    browser.goto(&edge.url("/events/demo")).await;
    browser.shows("wait", |text| text.contains("minute")).await;
    let edge = with_rules(edge, &lane("members"));
    browser.shows("state", |text| text == "The line is paused").await;
    assert_eq!((browser.text("position").await, browser.text("wait").await), (None, None));
    browser.until("return document.title", |title| title == "The line is paused · The Show").await;
    axe::finds_nothing(&browser, "a lane that is gone").await;
    browser.page().refresh().await.unwrap();
    browser.shows("state", |text| text == "The line is paused").await;
    assert_eq!((browser.text("position").await, browser.text("wait").await), (None, None));
    let edge = with_rules(edge, &lane("general"));
    browser.shows("state", |text| text == "You are in line").await;
    browser.shows("position", |_| true).await;
    drop(edge);
}
