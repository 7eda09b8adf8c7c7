//! The pages over the wire: their language, their size, and what their buttons do without script.

use std::io::Read as _;
use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use serde_json::Value;

use crate::harness::{
    Edge, PATIENCE, STANDING, all, assert_private, browser, navigate, room, set_cookie, until_state,
};
use crate::prequeue::times;
use crate::shop::Shop;

/// What a browser says of itself when it posts a form of ours.
async fn submit(browser: &Client, edge: &Edge, address: &str) -> Response {
    browser
        .post(edge.url(address))
        .header("accept", "text/html")
        .header("sec-fetch-mode", "navigate")
        .header("origin", edge.url(""))
        .send()
        .await
        .unwrap()
}

/// The fan's place, once the edge tells one: a ticket that is newer than its last look at the line has none yet.
async fn position(browser: &Client, edge: &Edge) -> u64 {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = browser.get(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let status: Value = answer.json().await.unwrap();
        if let Some(position) = status["position"].as_u64() {
            return position;
        }
        assert!(Instant::now() < until, "{status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The link that takes a place to another device.
async fn link(browser: &Client, edge: &Edge) -> String {
    let made = browser.post(edge.url("/.waiting-room/demo/move?to=%2Fevents%2Fdemo%3Fa%3D1"));
    let answer = made.header("origin", edge.url("")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_private(&answer);
    let body: Value = answer.json().await.unwrap();
    assert!(body["qr"]["path"].as_str().unwrap().starts_with("M4 4h7") && body["minutes"] == 10, "{body}");
    body["link"].as_str().unwrap().to_owned()
}

fn path(link: &str, edge: &Edge) -> String {
    link.strip_prefix(&edge.url("")).unwrap().to_owned()
}

#[tokio::test]
async fn a_page_comes_compressed_in_the_language_of_its_reader() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let request = browser().get(edge.url("/events/demo?a=1")).header("accept", "text/html");
    let request = request.header("accept-language", "fr-CH, fr;q=0.9, en;q=0.8");
    let answer = request.header("accept-encoding", "gzip, br").send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert_private(&answer);
    assert_eq!(
        (all(&answer, "content-encoding"), all(&answer, "content-language")),
        (vec!["gzip"], vec!["fr"])
    );
    let packed = answer.bytes().await.unwrap();
    assert!(packed.len() <= 14 * 1024, "{} bytes", packed.len());
    let mut page = String::new();
    flate2::read::GzDecoder::new(packed.as_ref()).read_to_string(&mut page).unwrap();
    assert!(page.contains("La file est en pause") && page.contains("<html lang=\"fr\""), "{page}");
}

#[tokio::test]
async fn a_language_is_chosen_without_script_and_kept() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let fan = browser();
    let page = navigate(&fan, &edge.url("/events/demo?a=1")).await.text().await.unwrap();
    assert!(page.contains("name=\"lang\" value=\"ko\""), "{page}");
    let address =
        |lang: &str, to: &str| edge.url(&format!("/.waiting-room/demo/language?lang={lang}&to={to}"));
    let chosen = navigate(&fan, &address("ko", "%2Fevents%2Fdemo%3Fa%3D1")).await;
    assert_eq!((chosen.status().as_u16(), all(&chosen, "location")), (303, vec!["/events/demo?a=1"]));
    assert_private(&chosen);
    let page = navigate(&fan, &edge.url("/events/demo?a=1")).await.text().await.unwrap();
    assert!(page.contains("<html lang=\"ko\"") && page.contains("일시 중지"), "{page}");

    let elsewhere = navigate(&fan, &address("de", "https%3A%2F%2Fevil.example%2F")).await;
    assert_eq!(all(&elsewhere, "location"), ["/events/demo"]);
    assert_eq!(navigate(&fan, &address("xx", "/")).await.status(), 400);
    // The shop does not hear of it.
    fan.get(edge.url("/open")).send().await.unwrap();
    assert!(!format!("{:?}", shop.asked()).contains("wr-language"));
}

#[tokio::test]
async fn a_fan_leaves_without_script_but_no_other_site_makes_them() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let fan = browser();
    navigate(&fan, &edge.url("/events/demo")).await;
    let foreign = fan.post(edge.url("/.waiting-room/demo/leave")).header("origin", "https://evil.example");
    let foreign = foreign.header("accept", "text/html").send().await.unwrap();
    assert_eq!((foreign.status().as_u16(), all(&foreign, "set-cookie").len()), (403, 0));
    assert_eq!(position(&fan, &edge).await, 1);

    let left = submit(&fan, &edge, "/.waiting-room/demo/leave?to=%2Fevents%2Fdemo").await;
    assert_eq!(left.status(), 200);
    assert_private(&left);
    let page = left.text().await.unwrap();
    assert!(page.contains("You have left the line") && page.contains("Stand in line again"), "{page}");
    let answer = fan.get(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn a_place_moves_to_another_device_once() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let (first, old, new, third) = (browser(), browser(), browser(), browser());
    for fan in [&first, &old, &third] {
        navigate(fan, &edge.url("/events/demo")).await;
    }
    assert_eq!((position(&old, &edge).await, position(&third, &edge).await), (2, 3));
    let link = path(&link(&old, &edge).await, &edge);

    // Looking at the link moves nothing: programs that show previews of links do that too.
    let asked = navigate(&new, &edge.url(&link)).await;
    assert_eq!(asked.status(), 200);
    assert!(asked.text().await.unwrap().contains("Continue here?"));
    assert_eq!(position(&old, &edge).await, 2);
    // Nor does another site move it into somebody's browser.
    let foreign = new.post(edge.url(&link)).header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 403);

    let taken = submit(&new, &edge, &link).await;
    assert_eq!((taken.status().as_u16(), all(&taken, "location")), (303, vec!["/events/demo?a=1"]));
    assert_private(&taken);
    let ticket = set_cookie(&taken, "wr-ticket-demo").unwrap();
    assert_eq!((position(&new, &edge).await, position(&third, &edge).await), (2, 3));

    // The old device says so, with and without script, and takes no place at the end by itself.
    let told = old.get(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    assert_eq!(
        (told.status().as_u16(), told.json::<Value>().await.unwrap()["code"].clone()),
        (404, "moved".into())
    );
    let page = navigate(&old, &edge.url("/events/demo")).await;
    assert!(set_cookie(&page, "wr-ticket-demo").is_none());
    assert!(page.text().await.unwrap().contains("Your place has moved"));
    // What it does then is nothing to the place.
    old.delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    assert_eq!(position(&new, &edge).await, 2);

    // Nobody else takes it with the same link; whoever took it may ask again, for the answer may have been lost.
    navigate(&third, &edge.url(&link)).await;
    let used = submit(&third, &edge, &link).await;
    assert_eq!(used.status(), 409);
    assert!(used.text().await.unwrap().contains("This link has been used"));
    let again = submit(&new, &edge, &link).await;
    assert_eq!((again.status().as_u16(), set_cookie(&again, "wr-ticket-demo").is_some()), (303, true));
    assert!(!ticket.is_empty() && position(&new, &edge).await == 2);

    // Who came back to a browser that gave its place away stands in line again, at the end.
    let back = submit(&old, &edge, "/.waiting-room/demo/leave?to=%2Fevents%2Fdemo").await;
    assert!(back.status() == 200 || back.status() == 303, "{}", back.status());
    navigate(&old, &edge.url("/events/demo")).await;
    assert_eq!((position(&old, &edge).await, position(&new, &edge).await), (4, 2));
}

#[tokio::test]
async fn a_place_that_moved_is_let_in_where_it_is_now() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 600\nmax_active = 1"));
    let (first, old, new) = (browser(), browser(), browser());
    navigate(&first, &edge.url("/events/demo")).await;
    until_state(&first, &edge, "admitted").await;
    navigate(&old, &edge.url("/events/demo")).await;
    let link = path(&link(&old, &edge).await, &edge);
    navigate(&new, &edge.url(&link)).await;
    assert_eq!(submit(&new, &edge, &link).await.status(), 303);
    assert_eq!(first.delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap().status(), 204);
    until_state(&new, &edge, "admitted").await;
    assert_eq!(navigate(&new, &edge.url("/events/demo")).await.status(), 200);
    assert_eq!(old.get(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_place_that_is_yet_to_be_drawn_moves_without_telling_its_rank() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(&times(Duration::from_secs(600)).0));
    let (old, new) = (browser(), browser());
    navigate(&old, &edge.url("/events/demo")).await;
    let link = path(&link(&old, &edge).await, &edge);
    let page = navigate(&new, &edge.url(&link)).await;
    assert_eq!(page.status(), 200);
    assert_eq!(submit(&new, &edge, &link).await.status(), 303);
    let status = until_state(&new, &edge, "prequeue").await;
    assert!(status["position"].is_null(), "{status}");
    // Once, here too; and whoever took it may ask again.
    let third = browser();
    navigate(&third, &edge.url(&link)).await;
    assert_eq!(submit(&third, &edge, &link).await.status(), 409);
    assert_eq!(submit(&new, &edge, &link).await.status(), 303);
    assert_eq!(old.get(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_link_that_moves_nothing_is_refused_with_a_page() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    for code in ["", "v1.abc.def", "nonsense"] {
        let answer = navigate(&browser(), &edge.url(&format!("/.waiting-room/demo/take?code={code}"))).await;
        assert_eq!(answer.status(), 400, "{code}");
        assert!(answer.text().await.unwrap().contains("This link cannot be used"));
    }
    let none = submit(&browser(), &edge, "/.waiting-room/demo/move").await;
    assert_eq!(none.status(), 409);
    assert!(none.text().await.unwrap().contains("There is no place to move"));
}
