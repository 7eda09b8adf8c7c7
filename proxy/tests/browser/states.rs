//! Every state of the page: looked at, judged by axe, and without a complaint of the browser.

use std::path::PathBuf;
use std::time::Duration;

use admission::clock::{Clock as _, SystemClock};
use proxy::waiting::time::rfc3339;

use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, STANDING, command, files, room};
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
                assert!(browser.page().title().await.unwrap().starts_with("1 in line"));
                assert_eq!(browser.shows("message", |_| true).await, "Doors at eight.");
            }
            "prequeue" => {
                assert!(browser.shows("countdown", |_| true).await.starts_with("59:"));
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

/// The pages that `proxy preview` writes, for the states that are hard to come by and for the looks of all.
struct Previews {
    folder: tempfile::TempDir,
}

impl Previews {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let words = folder.path().join("words");
        std::fs::create_dir(&words).unwrap();
        std::fs::write(words.join("ar.toml"), include_str!("ar.toml")).unwrap();
        let rooms = room("message = \"\"").replace("The Show", "Stanchion Demo Night");
        files(&folder, "[upstream]\naddress = \"127.0.0.1:1\"\n[pages]\ntexts = \"words\"", &rooms);
        Self { folder }
    }

    fn write(&self, state: &str, language: &str) -> String {
        let out: PathBuf = self.folder.path().join(format!("{state}-{language}.html"));
        let mut command = command();
        command.arg("--config").arg(self.folder.path().join("edge.toml"));
        command.arg("--rooms").arg(self.folder.path().join("rooms.toml"));
        command.args(["preview", "demo", "--state", state, "--lang", language, "--out"]).arg(&out);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        format!("file://{}", out.display())
    }
}

#[tokio::test]
async fn every_page_looks_right_to_axe() {
    let previews = Previews::new();
    let browser = Browser::start(Kind::default()).await;
    for (state, language) in [
        ("waiting", "ko"),
        ("prequeue", "ja"),
        ("drawn", "zh"),
        ("early", "es"),
        ("admitted", "en"),
        ("paused", "de"),
        ("closed", "fr"),
        ("expired", "en"),
        ("full", "en"),
        ("slowed", "en"),
        ("store-away", "en"),
        ("rebuilding", "en"),
        ("not-open", "de"),
        ("form-waiting", "ko"),
        ("take", "en"),
        ("move", "en"),
        ("moved", "en"),
        ("left", "ja"),
        ("shop-away", "en"),
    ] {
        browser.goto(&previews.write(state, language)).await;
        browser.shows("state", |_| true).await;
        axe::finds_nothing(&browser, &format!("{state} {language}")).await;
        assert_eq!(browser.complaints().await, Vec::<String>::new(), "{state} {language}");
        let pictured =
            ["waiting", "prequeue", "drawn", "paused", "slowed", "store-away", "shop-away", "take"];
        if pictured.contains(&state) {
            browser.picture(&format!("{state}-{language}")).await;
        }
    }
}

#[tokio::test]
async fn the_page_fits_phones_zoom_the_dark_and_both_directions() {
    let previews = Previews::new();
    let dark = Kind { dark: true, still: true, size: (500, 1000), ..Kind::default() };
    let browser = Browser::start(dark).await;
    let ground = "return getComputedStyle(document.body).backgroundColor";
    browser.goto(&previews.write("waiting", "en")).await;
    assert_eq!(browser.run(ground).await, "rgb(21, 20, 26)", "dark where the system is");
    axe::finds_nothing(&browser, "dark").await;
    browser.picture("phone-dark").await;
    let motion = "const bar = document.getElementById('progress'); \
                  return getComputedStyle(bar, '::-webkit-progress-value').transitionDuration";
    let motion = browser.run(motion).await;
    assert!(motion == "0s" || motion == "", "{motion}");

    browser.goto(&previews.write("waiting", "ar")).await;
    let first = "return [document.dir, getComputedStyle(document.querySelector('dl')).direction]";
    assert_eq!(browser.run(first).await, serde_json::json!(["rtl", "rtl"]));
    axe::finds_nothing(&browser, "from right to left").await;
    browser.picture("right-to-left").await;

    // 400 % on a screen of 1280 is a window of 320: nothing may need to be moved sideways.
    for (state, language) in [("waiting", "de"), ("prequeue", "fr"), ("move", "en"), ("form-ended", "de")] {
        browser.goto(&previews.write(state, language)).await;
        browser.run("document.documentElement.style.width = '320px'").await;
        let overflow = "return [...document.querySelectorAll('body *')].filter((one) => \
                        one.getBoundingClientRect().right > 321).map((one) => one.outerHTML.slice(0, 80))";
        assert_eq!(browser.run(overflow).await, serde_json::json!([]), "{state} {language}");
    }
}
