//! From arrival to the shop, by pages and by polling.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{Edge, STANDING, all, assert_private, browser, navigate, room, set_cookie, until_state};
use crate::shop::Shop;

#[tokio::test]
async fn a_page_stands_in_the_line_and_is_whole_without_script() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"paused\"\nmessage = \"Doors at eight\""));
    let first = browser();
    let answer = navigate(&first, &edge.url("/events/demo")).await;
    assert_eq!(answer.status(), 202);
    assert_private(&answer);
    assert!(answer.headers().contains_key("retry-after"));
    let ticket = set_cookie(&answer, "wr-ticket-demo").unwrap();
    let line = all(&answer, "set-cookie")[0].to_owned();
    assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/"), "{line}");
    let policy = all(&answer, "content-security-policy")[0].to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = answer.text().await.unwrap();
    for part in ["data-testid=\"position\"", ">1</p>", "Doors at eight", "http-equiv=\"refresh\"", "The Show"]
    {
        assert!(page.contains(part), "{part}");
    }

    // Coming back keeps the place, and takes no other.
    let again = navigate(&first, &edge.url("/events/demo/seats")).await;
    assert_eq!((again.status().as_u16(), set_cookie(&again, "wr-ticket-demo")), (202, None));
    let second = navigate(&browser(), &edge.url("/events/demo")).await;
    assert_ne!(set_cookie(&second, "wr-ticket-demo").unwrap(), ticket);
    assert!(second.text().await.unwrap().contains(">2</p>"));
    assert!(shop.asked().is_empty());
}

#[tokio::test]
async fn tls_before_the_edge_binds_cookies_to_the_host() {
    let shop = Shop::start().await;
    let upstream = format!("public_scheme = \"https\"\n[upstream]\naddress = \"{}\"", shop.address);
    let edge = Edge::start_with(&upstream, &room(STANDING));
    let answer = navigate(&browser(), &edge.url("/events/demo")).await;
    let line = all(&answer, "set-cookie")[0];
    assert!(line.starts_with("__Host-wr-ticket-demo=") && line.ends_with("; Secure"), "{line}");
}

#[tokio::test]
async fn what_shows_no_page_is_told_where_to_join() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let answer = browser().post(edge.url("/api/reservations")).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_private(&answer);
    assert_eq!(all(&answer, "waiting-room"), ["paused; room=\"demo\""]);
    assert_eq!(all(&answer, "content-type"), ["application/problem+json"]);
    assert!(all(&answer, "link")[0].starts_with("</.waiting-room/demo/ticket>; rel="));
    assert!(all(&answer, "set-cookie").is_empty());
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(429), Some("waiting_room")));

    let prefetch = browser()
        .get(edge.url("/events/demo"))
        .header("sec-purpose", "prefetch")
        .header("accept", "text/html");
    let answer = prefetch.send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(all(&answer, "set-cookie").is_empty() && answer.headers().contains_key("retry-after"));
    assert!(shop.asked().is_empty());
}

#[tokio::test]
async fn a_free_room_lets_in_at_once_with_the_cookie_on_the_answer() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("drain_per_minute = 6000\nburst = 100"));
    let page = browser();
    let answer = navigate(&page, &edge.url("/events/demo?x=1")).await;
    assert_eq!(answer.status(), 200);
    assert!(set_cookie(&answer, "wr-admission-demo").is_some());
    assert_private(&answer);
    let answer = browser().post(edge.url("/api/reservations")).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(set_cookie(&answer, "wr-admission-demo").is_some());
    // The second request of the same fan needs nothing any more.
    let answer = navigate(&page, &edge.url("/events/demo")).await;
    assert_eq!((answer.status().as_u16(), set_cookie(&answer, "wr-admission-demo")), (200, None));
    for asked in shop.asked() {
        assert!(asked.signed && asked.header("x-waiting-room-room") == Some("demo"), "{asked:?}");
        assert_eq!(asked.header("x-waiting-room-ticket").unwrap().len(), 16);
        assert!(asked.header("cookie").is_none());
    }
}

#[tokio::test]
async fn a_fan_polls_until_their_turn_and_is_let_in() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 600"));
    let fan = browser();
    let url = edge.url("/.waiting-room/demo/ticket");
    assert_eq!(fan.get(&url).send().await.unwrap().status(), 404);
    let joined = fan.post(&url).send().await.unwrap();
    assert_eq!(joined.status(), 201);
    assert_private(&joined);
    let body: Value = joined.json().await.unwrap();
    assert!(body["ticket"].as_str().unwrap().starts_with("v1."));
    for field in [
        "room",
        "lane",
        "state",
        "position",
        "ahead",
        "waiting",
        "eta_seconds",
        "drain_per_minute",
        "opens_at",
        "poll_after_ms",
        "message",
        "updated_at",
    ] {
        assert!(body.get(field).is_some(), "{field} is missing in {body}");
    }
    assert_eq!((body["position"].as_u64(), body["lane"].as_str()), (Some(1), Some("general")));
    let again = fan.post(&url).send().await.unwrap();
    assert_eq!(again.status(), 200);
    assert_eq!(again.json::<Value>().await.unwrap()["ticket"], body["ticket"]);

    let status = until_state(&fan, &edge, "admitted").await;
    let token = status["admission_token"].as_str().unwrap().to_owned();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    let by_header = reqwest::Client::new().get(edge.url("/api/reservations")).header("wr-admission", token);
    assert_eq!(by_header.send().await.unwrap().status(), 200);
    assert!(shop.asked().iter().all(|asked| asked.signed));
}

#[tokio::test]
async fn a_page_that_refreshes_itself_is_let_in_when_the_turn_has_come() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 600"));
    let fan = browser();
    let until = std::time::Instant::now() + crate::harness::PATIENCE;
    loop {
        let answer = navigate(&fan, &edge.url("/events/demo")).await;
        if answer.status() == 200 {
            assert!(set_cookie(&answer, "wr-admission-demo").is_some());
            break;
        }
        assert_eq!(answer.status(), 202);
        assert!(std::time::Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_fan_who_leaves_has_no_place_any_more() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let fan = browser();
    let url = edge.url("/.waiting-room/demo/ticket");
    let body: Value = fan.post(&url).send().await.unwrap().json().await.unwrap();
    let ticket = body["ticket"].as_str().unwrap();
    let left = fan.delete(&url).send().await.unwrap();
    assert_eq!(left.status(), 204);
    let cleared = all(&left, "set-cookie").join("\n");
    assert!(cleared.contains("wr-ticket-demo=;") && cleared.contains("wr-admission-demo=;"), "{cleared}");
    assert_eq!(fan.delete(&url).send().await.unwrap().status(), 204);
    let kept = reqwest::Client::new().get(&url).header("wr-ticket", ticket).send().await.unwrap();
    assert_eq!(kept.status(), 404);
    let joined: Value = fan.post(&url).send().await.unwrap().json().await.unwrap();
    assert_ne!(joined["ticket"], ticket);
}

#[tokio::test]
async fn anyone_may_read_the_facts_of_a_room() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 120"));
    let answer = browser().get(edge.url("/.waiting-room/demo")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), all(&answer, "cache-control")), (200, vec!["public, max-age=1"]));
    assert!(all(&answer, "set-cookie").is_empty());
    let facts: Value = answer.json().await.unwrap();
    assert_eq!((facts["state"].as_str(), facts["drain_per_minute"].as_u64()), (Some("queueing"), Some(120)));
    for (method, path, code) in [
        ("GET", "/.waiting-room/other", 404),
        ("GET", "/.waiting-room/demo/draw", 404),
        ("GET", "/.waiting-room/jwks.json", 404),
        ("PUT", "/.waiting-room/demo/ticket", 405),
        ("GET", "/.waiting-room/demo/live", 426),
    ] {
        let answer = browser().request(method.parse().unwrap(), edge.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), code, "{method} {path}");
    }
}

#[tokio::test]
async fn a_paused_line_and_a_closed_room_say_so() {
    let shop = Shop::start().await;
    let paused = Edge::start(&shop, &room("mode = \"paused\""));
    let page = navigate(&browser(), &paused.url("/events/demo")).await;
    assert_eq!(page.status(), 202);
    assert!(page.text().await.unwrap().contains("The line is paused"));
    let closed = Edge::start(&shop, &room("mode = \"closed\""));
    let page = navigate(&browser(), &closed.url("/events/demo")).await;
    assert_eq!(page.status(), 503);
    assert!(page.text().await.unwrap().contains("This is closed"));
    assert_eq!(browser().post(closed.url("/.waiting-room/demo/ticket")).send().await.unwrap().status(), 503);
    let off = Edge::start(&shop, &room("mode = \"off\""));
    assert_eq!(navigate(&browser(), &off.url("/events/demo")).await.status(), 200);
    assert_eq!(shop.asked().len(), 1);
}

#[tokio::test]
async fn a_line_that_is_full_says_so_and_keeps_those_in_it() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"paused\"\nwaiting_max = 2"));
    let fans = [browser(), browser()];
    for fan in &fans {
        assert_eq!(navigate(fan, &edge.url("/events/demo")).await.status(), 202);
    }
    let late = browser();
    let page = navigate(&late, &edge.url("/events/demo")).await;
    assert_eq!(page.status(), 503);
    assert_private(&page);
    assert_eq!(all(&page, "retry-after"), ["30"]);
    assert!(all(&page, "set-cookie").is_empty());
    let page = page.text().await.unwrap();
    assert!(
        page.contains("The line is full") && page.contains("http-equiv=\"refresh\" content=\"30\""),
        "{page}"
    );
    let url = edge.url("/.waiting-room/demo/ticket");
    let answer = late.post(&url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), all(&answer, "retry-after")), (503, vec!["30"]));
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], "full");
    // Those in it keep their places, and the next one gets the place that becomes free.
    let again = navigate(&fans[1], &edge.url("/events/demo")).await;
    assert_eq!((again.status().as_u16(), set_cookie(&again, "wr-ticket-demo")), (202, None));
    assert_eq!(fans[0].delete(&url).send().await.unwrap().status(), 204);
    assert_eq!(navigate(&late, &edge.url("/events/demo")).await.status(), 202);
    assert!(shop.asked().is_empty());
}

/// The ticket that an admission token is for.
pub(crate) fn ticket_in(token: Option<&str>) -> Option<String> {
    use base64::Engine as _;
    let payload = token?.split('.').nth(1)?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    Some(claims["sub"].as_str()?.to_owned())
}
