//! Every state of the page: looked at, judged by axe, and without a complaint of the browser.

use std::time::Duration;

use admission::clock::{Clock as _, SystemClock};
use fantoccini::Locator;
use proxy::waiting::time::rfc3339;
use serde_json::json;

use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, STANDING, room};
use crate::previews::{Previews, WAITING};
use crate::shop::Shop;

/// A line that moves for nobody.
const STILL: &str = "mode = \"always\"\ndrain_per_minute = 0";

fn at(seconds: i64) -> String {
    let (now, by) = (SystemClock.now(), Duration::from_secs(seconds.unsigned_abs()));
    rfc3339(if seconds < 0 { now - by } else { now + by })
}

#[tokio::test]
async fn every_state_over_the_wire() {
    let shop = Shop::start().await;
    let browser = Browser::start(Kind::default()).await;
    // Half a minute below the full hour, so that neither a quick nor a slow machine sees another number of minutes.
    let gathering = format!("prequeue_at = \"{}\"\nopens_at = \"{}\"", at(-60), at(3570));
    let early = format!("opens_at = \"{}\"", at(3600));
    for (name, rules, state) in [
        ("waiting", STILL, "You are in line"),
        ("paused", STANDING, "The line is paused"),
        ("prequeue", &gathering, "You are here in time"),
        ("early", &early, "Not open yet"),
        ("closed", "mode = \"closed\"", "This is closed"),
    ] {
        let edge = Edge::start(&shop, &room(&format!("{rules}\nmessage = \"Doors at eight.\"")));
        browser.page().delete_all_cookies().await.unwrap();
        browser.goto(&edge.url("/events/demo?a=1")).await;
        browser.shows("state", |text| text == state).await;
        match name {
            "waiting" => {
                assert_eq!(browser.shows("position", |_| true).await, "1");
                browser.until("return document.title", |title| title == "1 in line · The Show").await;
                assert_eq!(browser.shows("message", |_| true).await, "Doors at eight.");
            }
            "prequeue" => {
                assert!(browser.shows("countdown", |_| true).await.starts_with("59:"));
                assert_eq!(browser.text("commitment").await, None, "who wants to check it opens it");
                let summary = browser.page().find(Locator::Css("summary")).await.unwrap();
                summary.click().await.unwrap();
                assert_eq!(browser.shows("commitment", |_| true).await.len(), 64);
            }
            _ => {}
        }
        axe::finds_nothing(&browser, name).await;
        // A page that nobody may join says so by its status, which the browser notes.
        let complaints: Vec<String> =
            browser.complaints().await.into_iter().filter(|line| !line.contains("status of 503")).collect();
        assert!(complaints.is_empty(), "{name}: {complaints:?}");
    }
}

#[tokio::test]
async fn axe_finds_nothing_on_any_page_by_day_and_by_night() {
    let previews = Previews::new();
    let browser = Browser::start(Kind::default()).await;
    let languages = ["en", "ko", "ja", "zh", "es", "de", "fr", "ar"];
    for (nth, state) in previews.names().iter().enumerate() {
        let language = languages[nth % languages.len()];
        for scheme in ["light", "dark"] {
            browser.emulate("prefers-color-scheme", scheme).await;
            browser.goto(&previews.write(state, language)).await;
            browser.shows("state", |_| true).await;
            // What is folded away is to be read too.
            browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })").await;
            axe::finds_nothing(&browser, &format!("{state} {language} {scheme}")).await;
            assert_eq!(browser.complaints().await, Vec::<String>::new(), "{state} {language}");
        }
    }
}

#[tokio::test]
async fn the_page_is_dark_in_the_dark_and_turns_around() {
    let previews = Previews::new();
    let browser = Browser::start(Kind { dark: true, size: (500, 1000), ..Kind::default() }).await;
    let ground = "return getComputedStyle(document.body).backgroundColor";
    browser.goto(&previews.write("waiting", "en")).await;
    assert_eq!(browser.run(ground).await, "rgb(21, 20, 26)", "dark where the system is");
    let sides = "const [ahead, wait] = document.querySelectorAll('dl > div'); \
                 return [document.dir, ahead.getBoundingClientRect().left < wait.getBoundingClientRect().left]";
    assert_eq!(browser.run(sides).await, json!(["ltr", true]));
    browser.goto(&previews.write("waiting", "ar")).await;
    assert_eq!(browser.run(sides).await, json!(["rtl", false]), "what is read first stands on the right");
    browser.goto(&previews.write("prequeue", "ar")).await;
    let text = "document.querySelector('details').open = true; \
                return getComputedStyle(document.querySelector('.draw p')).textAlign";
    assert_eq!(browser.run(text).await, "start");
}

/// 400 % on a screen of 1280 by 1024: a window of 320 by 256, in which nothing may need to be moved sideways.
#[tokio::test]
async fn no_page_is_wider_than_a_screen_at_400_percent() {
    let previews = Previews::new();
    let browser = Browser::start(Kind::default()).await;
    browser.sized(320, 256).await;
    let long = ["de", "fr", "es", "en", "ar", "ja"];
    for (nth, state) in previews.names().iter().enumerate() {
        for language in [long[nth % long.len()], "de"] {
            browser.goto(&previews.write(state, language)).await;
            browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })").await;
            let wide = "return [innerWidth, document.scrollingElement.scrollWidth, \
                        ...[...document.querySelectorAll('body *')].filter((one) => !one.closest('.unseen') && \
                        (one.getBoundingClientRect().right > 320.5 || one.getBoundingClientRect().left < -0.5)) \
                        .map((one) => one.outerHTML.slice(0, 80))]";
            assert_eq!(browser.run(wide).await, json!([320, 320]), "{state} {language}");
        }
    }
}

#[tokio::test]
async fn nothing_moves_where_motion_is_not_wanted() {
    let previews = Previews::new();
    let browser = Browser::start(Kind::default()).await;
    // All that could move: by what is computed for each element, and by the rules in force, for browsers do not tell
    // what they compute for the inside of a progress bar.
    let moving = "const found = [];
        for (const one of document.querySelectorAll('*')) for (const part of ['', '::before', '::after']) {
            const style = getComputedStyle(one, part || null);
            const times = [style.transitionDuration, style.animationDuration].join().split(',');
            if (times.some((time) => parseFloat(time) > 0)) found.push(one.tagName + part);
        }
        const rules = (list) => [...list].forEach((rule) => {
            if (rule.media && !matchMedia(rule.media.mediaText).matches) return;
            if (rule.cssRules && rule.cssRules.length) rules(rule.cssRules);
            const style = rule.style;
            if (style && (parseFloat(style.transitionDuration) > 0 || parseFloat(style.animationDuration) > 0 ||
                style.scrollBehavior === 'smooth')) found.push(rule.selectorText);
        });
        [...document.styleSheets].forEach((sheet) => rules(sheet.cssRules));
        return found;";
    for state in WAITING.iter().copied().chain(["work", "take", "move"]) {
        let page = previews.write(state, "en");
        browser.emulate("prefers-reduced-motion", "reduce").await;
        browser.goto(&page).await;
        assert_eq!(browser.run(moving).await, json!([]), "{state}");
        browser.emulate("prefers-reduced-motion", "no-preference").await;
        let found = browser.run(moving).await;
        assert!(found.to_string().contains("progress"), "this would notice: {found}");
    }
}
