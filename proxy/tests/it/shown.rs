//! A place that was shown goes with the fan, whichever edge answers.

use serde_json::Value;

use crate::harness::{Edge, STANDING, all, browser, navigate, room, set_cookie};
use crate::live;
use crate::shop::Shop;

async fn status(edge: &Edge, ticket: &str, header: (&str, &str)) -> (Value, Option<String>) {
    let request = browser().get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", ticket);
    let answer = request.header(header.0, header.1).send().await.unwrap();
    let cookie = set_cookie(&answer, "wr-shown-demo");
    (answer.json().await.unwrap(), cookie)
}

#[tokio::test]
async fn a_place_never_goes_up_from_one_edge_to_the_next() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let mut tickets = Vec::new();
    for _ in 0..12 {
        tickets.push(live::join(&edge).await);
    }
    // As if another edge had shown these places.
    for (ticket, header, shown, given) in [
        (11, ("wr-shown", "3"), 3, None),
        (10, ("cookie", "wr-shown-demo=4"), 4, None),
        (9, ("cookie", "wr-shown-demo=2; wr-shown-demo=7"), 2, None),
        (8, ("wr-shown", "99"), 9, Some("9")),
        (7, ("wr-shown", "0"), 8, Some("8")),
        (6, ("wr-shown", "-1"), 7, Some("7")),
        (5, ("wr-shown", "1e1"), 6, Some("6")),
        (4, ("wr-shown", "99999999999999999999999"), 5, Some("5")),
    ] {
        let (status, cookie) = status(&edge, &tickets[ticket], header).await;
        assert_eq!(status["position"], shown, "{header:?} {status}");
        assert_eq!(status["ahead"], shown - 1);
        assert_eq!(cookie.as_deref(), given, "{header:?}");
    }
    let url = format!("ws://{}/.waiting-room/demo/live?shown=1", edge.address);
    let mut socket = live::open_at(&url, &[("wr-ticket", &tickets[3])]).await.unwrap();
    assert_eq!(live::next(&mut socket).await["position"], 1);
    let url = format!("ws://{}/.waiting-room/demo/live?shown=one", edge.address);
    let mut socket = live::open_at(&url, &[("wr-ticket", &tickets[2])]).await.unwrap();
    assert_eq!(live::next(&mut socket).await["position"], 3);
}

#[tokio::test]
async fn what_was_shown_belongs_to_its_ticket_and_stays_at_the_edge() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    live::join(&edge).await;
    let fan = browser();
    let page = navigate(&fan, &edge.url("/events/demo")).await;
    assert_eq!(set_cookie(&page, "wr-shown-demo").as_deref(), Some("2"));
    let line =
        all(&page, "set-cookie").into_iter().find(|line| line.starts_with("wr-shown")).unwrap().to_owned();
    assert!(line.contains("Path=/") && line.contains("SameSite=Lax") && !line.contains("HttpOnly"), "{line}");
    assert!(page.text().await.unwrap().contains("data-shown=\"wr-shown-demo\""));
    // Nothing new, no cookie.
    let again = navigate(&fan, &edge.url("/events/demo")).await;
    assert_eq!(set_cookie(&again, "wr-shown-demo"), None);
    // A new place begins anew, whatever was shown of the old one.
    let url = edge.url("/.waiting-room/demo/ticket");
    let joined = browser().post(&url).header("wr-shown", "1").send().await.unwrap();
    assert_eq!(set_cookie(&joined, "wr-shown-demo").as_deref(), Some("3"));
    assert_eq!(joined.json::<Value>().await.unwrap()["position"], 3);
    let left = fan.delete(&url).send().await.unwrap();
    assert_eq!(set_cookie(&left, "wr-shown-demo").as_deref(), Some(""));
    // The shop never sees it, and an answer that a CDN may keep never sets it.
    let open =
        browser().get(edge.url("/open")).header("cookie", "wr-shown-demo=1; wr-invitation-demo=x; a=1");
    assert!(all(&open.send().await.unwrap(), "set-cookie").is_empty());
    assert_eq!(shop.asked().pop().unwrap().header("cookie"), Some("a=1"));
}
