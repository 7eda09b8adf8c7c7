//! Paths under protection whose answers the operator calls public assets.

use std::time::Duration;

use crate::harness::{Edge, all, assert_private, browser, navigate, room, set_cookie};
use crate::shop::Shop;

const ASSET: &str = "/events/demo/public";
const PUBLIC: &str = "public_paths = [\"/events/demo/public\"]";

fn assert_as_the_shop_says(answer: &reqwest::Response) {
    assert_eq!(answer.status(), 200);
    assert_eq!(all(answer, "cache-control"), ["public, max-age=60"]);
    for name in ["set-cookie", "cdn-cache-control", "surrogate-control", "x-waiting-room-load"] {
        assert!(all(answer, name).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn an_asset_leaves_as_the_shop_says_and_takes_no_turn() {
    let shop = Shop::start().await;
    let rules = format!("{PUBLIC}\ndrain_per_minute = 6000\nburst = 100\nmax_active = 1");
    let edge = Edge::start(&shop, &room(&rules));
    for _ in 0..3 {
        assert_as_the_shop_says(&browser().get(edge.url(ASSET)).send().await.unwrap());
        assert_as_the_shop_says(&navigate(&browser(), &edge.url(ASSET)).await);
    }
    // To the shop nobody was admitted: it sells nothing to who asks like this.
    let seen = shop.last();
    assert!(seen.signed);
    assert_eq!(seen.header("x-waiting-room-room"), Some("demo"));
    assert_eq!(seen.header("x-waiting-room-ticket"), Some(""));
    // The only place is still free. What is not an asset of this page is private.
    let fan = browser();
    let entered = navigate(&fan, &edge.url("/events/demo")).await;
    assert_eq!(entered.status(), 200);
    assert!(set_cookie(&entered, "wr-admission-demo").is_some());
    assert_private(&entered);
    assert_as_the_shop_says(&fan.get(edge.url(ASSET)).send().await.unwrap());
    assert!(shop.last().header("x-waiting-room-ticket").is_some_and(|ticket| !ticket.is_empty()));
    assert_private(&fan.post(edge.url(ASSET)).send().await.unwrap());
}

#[tokio::test]
async fn an_asset_is_behind_the_line_all_the_same() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(&format!("{PUBLIC}\nmode = \"paused\"")));
    let answer = browser().get(edge.url(ASSET)).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_private(&answer);
    let page = navigate(&browser(), &edge.url(ASSET)).await;
    assert_eq!(page.status(), 202);
    assert_private(&page);
    assert!(shop.asked().is_empty());
    // Unless it is let past the line too.
    let bypass = format!("[[room.bypass]]\nname = \"assets\"\npaths = [\"{ASSET}\"]");
    let edge = Edge::start(&shop, &room(&format!("{PUBLIC}\nmode = \"paused\"\n{bypass}")));
    assert_as_the_shop_says(&browser().get(edge.url(ASSET)).send().await.unwrap());
}

#[tokio::test]
async fn a_fan_who_is_let_in_with_an_asset_gets_their_cookie_and_nobody_else_does() {
    let shop = Shop::start().await;
    let rules = format!("{PUBLIC}\nmode = \"always\"\ndrain_per_minute = 6000\nburst = 100");
    let edge = Edge::start(&shop, &room(&rules));
    let fan = browser();
    assert_eq!(navigate(&fan, &edge.url(ASSET)).await.status(), 202);
    crate::store_away::until("no turn came", async || {
        let answer = navigate(&fan, &edge.url(ASSET)).await;
        let is_in = answer.status() == 200;
        if is_in {
            assert!(set_cookie(&answer, "wr-admission-demo").is_some());
            assert_private(&answer);
        }
        is_in
    })
    .await;
    assert_as_the_shop_says(&fan.get(edge.url(ASSET)).send().await.unwrap());
}

#[tokio::test]
async fn a_session_is_renewed_by_pages_and_not_by_assets() {
    let shop = Shop::start().await;
    let rules = format!("{PUBLIC}\ndrain_per_minute = 6000\nburst = 100\nsession = \"12s\"");
    let edge = Edge::start(&shop, &room(&rules));
    let fan = browser();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert_as_the_shop_says(&fan.get(edge.url(ASSET)).send().await.unwrap());
    let page = navigate(&fan, &edge.url("/events/demo")).await;
    assert!(set_cookie(&page, "wr-admission-demo").is_some());
}

/// A cache would keep under the name of an asset what a lenient shop reads as something else.
#[tokio::test]
async fn a_spelling_with_two_readings_is_no_asset() {
    let shop = Shop::start().await;
    let rules = "mode = \"off\"\npublic_paths = [\"/events/demo/*\"]";
    let edge = Edge::start(&shop, &room(rules));
    let fan = browser();
    assert!(all(&navigate(&fan, &edge.url("/events/demo/a%2fb")).await, "cdn-cache-control").is_empty());
    let rules = "mode = \"off\"\npublic_paths = [\"/events/demo/assets/*\"]";
    let edge = Edge::start(&shop, &room(rules));
    let inside = navigate(&fan, &edge.url("/events/demo/assets/a.css")).await;
    assert!(all(&inside, "cdn-cache-control").is_empty());
    for outside in ["/events/demo/assets/..%2fcheckout", "/events/demo/assets/..%5ccheckout"] {
        let answer = reqwest::get(edge.url(outside)).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_private(&answer);
    }
}
