//! Work before a ticket: done by the page in a worker, or waited for where it cannot be done.

use serde_json::json;

use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, STANDING, room};
use crate::shop::Shop;

fn edge(shop: &Shop, limits: &str) -> Edge {
    let edge = format!("[upstream]\naddress = \"{}\"\n[limits]\n{limits}", shop.address);
    Edge::start_with(&edge, &room(STANDING))
}

#[tokio::test]
async fn the_page_does_the_work_and_gets_a_place() {
    let shop = Shop::start().await;
    // Nobody waits five minutes here: whoever gets a place has worked for it.
    let edge = edge(&shop, "work_bits = 16\nwork_wait = \"5m\"");
    let browser = Browser::start(Kind::default()).await;
    let workers = "const Real = Worker; window.Worker = class extends Real { constructor(url) { super(url); \
                   sessionStorage.setItem('worker', url); } }";
    browser.before_each_page(workers).await;
    browser.goto(&edge.url("/events/demo?a=1#seats")).await;
    browser.shows("position", |text| text == "1").await;
    let worker = "return String(sessionStorage.getItem('worker'))";
    browser.until(worker, |worker| worker.as_str().is_some_and(|url| url.starts_with("blob:"))).await;
    assert!(browser.page().current_url().await.unwrap().as_str().ends_with("/events/demo?a=1#seats"));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    edge.until_logged("\"outcome\":\"work_needed\"").await;
}

#[tokio::test]
async fn a_page_that_takes_long_says_what_it_does_and_waiting_is_as_good() {
    let shop = Shop::start().await;
    // More than any browser does in time.
    let edge = edge(&shop, "work_bits = 28\nwork_bits_max = 28\nwork_wait = \"6s\"");
    let browser = Browser::start(Kind::default()).await;
    browser.goto(&edge.url("/events/demo")).await;
    browser.shows("state", |text| text == "One moment, please").await;
    axe::finds_nothing(&browser, "work").await;
    browser.picture("live/work").await;
    browser.shows("position", |text| text == "1").await;
}

#[tokio::test]
async fn without_script_the_page_waits_and_gets_a_place() {
    let shop = Shop::start().await;
    let edge = edge(&shop, "work_bits = 28\nwork_wait = \"3s\"");
    let browser = Browser::start(Kind { scripts: false, language: "ja-JP", ..Kind::default() }).await;
    browser.goto(&edge.url("/events/demo?a=1")).await;
    browser.shows("state", |text| text == "少々お待ちください").await;
    browser.shows("position", |text| text == "1").await;
    assert!(browser.page().current_url().await.unwrap().as_str().ends_with("/events/demo?a=1"));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_page_finds_what_the_hash_wants() {
    let shop = Shop::start().await;
    let edge = edge(&shop, "work_bits = 12\nwork_wait = \"5m\"");
    let browser = Browser::start(Kind::default()).await;
    // Ten times, for a page that miscounts now and then.
    for _ in 0..10 {
        browser.page().delete_all_cookies().await.unwrap();
        browser.goto(&edge.url("/events/demo")).await;
        browser.shows("position", |_| true).await;
    }
    assert!(!edge.log().iter().any(|line| line.contains("work_wrong")), "{:?}", edge.log());
    assert_eq!(browser.run("return typeof work").await, json!("undefined"), "nothing of it can be reached");
}
