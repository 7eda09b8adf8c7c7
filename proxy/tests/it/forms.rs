//! A form that a browser posts out of turn, or to a shop that is away: a person reads the answer.

use reqwest::{RequestBuilder, Response};

use crate::harness::{Edge, PATIENCE, STANDING, all, assert_private, browser, navigate, room, set_cookie};
use crate::shop::Shop;

/// As a browser that says what it is about.
fn post(browser: &reqwest::Client, edge: &Edge, path: &str) -> RequestBuilder {
    browser
        .post(edge.url(path))
        .header("sec-fetch-mode", "navigate")
        .header("accept", "text/html,*/*;q=0.8")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("seat=A-1")
}

async fn page(answer: Response) -> String {
    assert_eq!(all(&answer, "content-type"), ["text/html; charset=utf-8"]);
    let policy = all(&answer, "content-security-policy")[0];
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = answer.text().await.unwrap().replace("&#x2f;", "/");
    assert!(!page.contains("<script") && !page.contains("http-equiv"), "{page}");
    page
}

#[tokio::test]
async fn a_form_posted_out_of_turn_is_refused_with_a_page() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let fan = browser();
    let refused = post(&fan, &edge, "/events/demo/hold").send().await.unwrap();
    let call = browser().post(edge.url("/events/demo/hold")).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), call.status().as_u16()), (429, 429));
    assert_eq!(all(&call, "content-type"), ["application/problem+json"]);
    assert_private(&refused);
    for name in ["retry-after", "waiting-room", "link"] {
        assert_eq!(all(&refused, name), all(&call, name), "{name}");
        assert_eq!(all(&refused, name).len(), 1, "{name}");
    }
    assert!(all(&refused, "set-cookie").is_empty());
    let text = page(refused).await;
    for part in
        ["The Show", "has ended or has not come", "not passed on to the shop", "href=\"/events/demo\""]
    {
        assert!(text.contains(part), "{part}: {text}");
    }

    // Nobody took a place by it; who has one keeps it and is told so. An older browser does not name a mode.
    let joined = navigate(&fan, &edge.url("/events/demo")).await;
    assert!(set_cookie(&joined, "wr-ticket-demo").is_some());
    assert!(joined.text().await.unwrap().contains(">1</p>"));
    let old = fan.post(edge.url("/events/demo/hold")).header("accept", "text/html").form(&[("seat", "A-1")]);
    let referer = edge.url("/events/demo/checkout/7?x=1");
    let refused = old.header("referer", referer).send().await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), all(&refused, "waiting-room")),
        (429, vec!["paused; room=\"demo\""])
    );
    let text = page(refused).await;
    assert!(
        text.contains("not your turn yet") && text.contains("href=\"/events/demo/checkout/7?x=1\""),
        "{text}"
    );
    assert!(shop.asked().is_empty());
}

#[tokio::test]
async fn a_form_that_meets_no_shop_is_answered_with_a_page() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("drain_per_minute = 6000\nburst = 100"));
    let fan = browser();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    assert_eq!(post(&fan, &edge, "/events/demo/hold").send().await.unwrap().status(), 200);
    drop(shop);
    let until = std::time::Instant::now() + PATIENCE;
    for (path, way) in [("/events/demo/hold", "href=\"/events/demo\""), ("/open/form", "href=\"/\"")] {
        let text = loop {
            let answer = post(&fan, &edge, path).send().await.unwrap();
            // A connection from before may still be found closed: 502, until the shop is seen to be away.
            if answer.status() == 503 {
                assert_eq!(all(&answer, "retry-after").len(), 1);
                assert_private(&answer);
                break page(answer).await;
            }
            assert!(std::time::Instant::now() < until, "{}", answer.status());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        for part in ["not available right now", "did not reach it", "try again", way] {
            assert!(text.contains(part), "{path}: {part}: {text}");
        }
    }
    let call = fan.post(edge.url("/events/demo/hold")).json(&1).send().await.unwrap();
    assert_eq!((call.status().as_u16(), all(&call, "content-type")), (503, vec!["application/problem+json"]));
}

#[tokio::test]
async fn a_form_that_the_shop_does_not_answer_may_have_arrived() {
    let shop = Shop::start().await;
    let upstream = format!("[upstream]\naddress = \"{}\"\nread_timeout = \"300ms\"", shop.address);
    let edge = Edge::start_with(&upstream, &room(""));
    let answer = post(&browser(), &edge, "/late").send().await.unwrap();
    assert_eq!(answer.status(), 504);
    let text = page(answer).await;
    assert!(text.contains("do not know whether") && text.contains("look before you send it again"), "{text}");
}
