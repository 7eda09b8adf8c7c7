//! Programs carry tickets and tokens in headers; and whoever is in several rooms at once is in each by itself.

use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::Value;

use crate::harness::{Edge, all, browser, navigate, room, set_cookie, until_state};
use crate::shop::Shop;

const PACE: &str = "mode = \"always\"\ndrain_per_minute = 6000\nburst = 100\n";

/// A program without cookies.
fn program() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn ask(edge: &Edge, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = program().get(edge.url(path));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

/// Joins a room by headers alone and waits for the turn: the ticket and the token.
async fn inside(edge: &Edge, room: &str) -> (String, String) {
    let path = format!("/.waiting-room/{room}/ticket");
    let joined = program().post(edge.url(&path)).send().await.unwrap();
    assert_eq!(joined.status(), 201);
    let joined: Value = joined.json().await.unwrap();
    let ticket = joined["ticket"].as_str().unwrap().to_owned();
    loop {
        let status: Value = ask(edge, &path, &[("wr-ticket", &ticket)]).await.json().await.unwrap();
        if let Some(token) = status["admission_token"].as_str() {
            return (ticket, token.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_program_without_cookies_waits_enters_and_stays() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(&format!("{PACE}session = \"4s\"")));
    let refused = ask(&edge, "/api/reservations", &[]).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(all(&refused, "link"), ["</.waiting-room/demo/ticket>; rel=\"ticket\""]);
    let (ticket, token) = inside(&edge, "demo").await;
    let both = [("wr-ticket", ticket.as_str()), ("wr-admission", token.as_str())];
    let first = ask(&edge, "/api/reservations", &both).await;
    assert_eq!(first.status(), 200);
    assert!(all(&first, "wr-admission").is_empty(), "there is no new one yet");
    let seen = shop.last();
    assert_eq!((seen.header("wr-ticket"), seen.header("wr-admission")), (None, None), "not the shop's");
    assert_eq!(seen.header("x-waiting-room-ticket").unwrap().len(), 16);

    // The session slides, and the program is given the token that goes on.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let later = ask(&edge, "/api/reservations", &both[1..]).await;
    let renewed = all(&later, "wr-admission")[0].to_owned();
    assert_eq!(set_cookie(&later, "wr-admission-demo"), Some(renewed.clone()), "the same as for browsers");
    assert_ne!(renewed, token);
    let extended = ask(&edge, "/events/demo/extend", &[("wr-admission", &renewed)]).await;
    assert_eq!(all(&extended, "wr-admission").len(), 1, "the shop extends it");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(ask(&edge, "/api/reservations", &[("wr-admission", &renewed)]).await.status(), 200);
    assert_eq!(ask(&edge, "/api/reservations", &both).await.status(), 429, "the first one has expired");

    // Leaving by header ends the session.
    let left = program().delete(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", &ticket);
    assert_eq!(left.send().await.unwrap().status(), 204);
    assert_eq!(ask(&edge, "/api/reservations", &[("wr-admission", &renewed)]).await.status(), 429);
}

/// Two rooms on one site.
fn two_rooms() -> String {
    format!(
        "[[room]]\nid = \"one\"\npaths = [\"/one\", \"/one/*\"]\n{PACE}\
         [[room]]\nid = \"two\"\npaths = [\"/two\", \"/two/*\"]\n{PACE}"
    )
}

#[tokio::test]
async fn a_token_of_one_room_is_nothing_in_another_and_several_go_together() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &two_rooms());
    let ((ticket_one, one), (ticket_two, two)) = (inside(&edge, "one").await, inside(&edge, "two").await);
    for (path, headers, status) in [
        ("/one", vec![("wr-admission", &one)], 200),
        ("/two", vec![("wr-admission", &one)], 429),
        ("/two", vec![("wr-admission", &two)], 200),
        ("/one", vec![("wr-admission", &two)], 429),
        ("/one", vec![("wr-admission", &one), ("wr-admission", &two)], 200),
        ("/two", vec![("wr-admission", &one), ("wr-admission", &two)], 200),
    ] {
        assert_eq!(
            ask(&edge, path, &headers.iter().map(|(n, v)| (*n, v.as_str())).collect::<Vec<_>>())
                .await
                .status(),
            status,
            "{path}"
        );
    }
    // A header for one room does not hide the cookie of another.
    let cookie = format!("wr-admission-two={two}; wr-admission-one=nonsense");
    let mixed = [("wr-admission", one.as_str()), ("cookie", cookie.as_str())];
    assert_eq!(ask(&edge, "/one", &mixed).await.status(), 200);
    assert_eq!(ask(&edge, "/two", &mixed).await.status(), 200);
    for (path, ticket, status) in [
        ("/.waiting-room/one/ticket", &ticket_two, 404),
        ("/.waiting-room/two/ticket", &ticket_two, 200),
        ("/.waiting-room/two/ticket", &ticket_one, 404),
    ] {
        assert_eq!(ask(&edge, path, &[("wr-ticket", ticket)]).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn one_browser_is_in_several_rooms_at_once() {
    let shop = Shop::start().await;
    let standing = two_rooms().replacen("mode = \"always\"", "mode = \"paused\"", 2);
    let standing = standing.replacen("mode = \"paused\"", "mode = \"always\"", 1);
    // Room one moves, room two stands.
    let edge = Edge::start(&shop, &standing.replace("id = \"one\"", "id = \"demo\""));
    let fan = browser();
    navigate(&fan, &edge.url("/one")).await;
    until_state(&fan, &edge, "admitted").await;
    let status = async |path: &str| navigate(&fan, &edge.url(path)).await.status().as_u16();
    assert_eq!((status("/one").await, status("/two").await), (200, 202));
    let place = async || -> Value {
        fan.get(edge.url("/.waiting-room/two/ticket")).send().await.unwrap().json().await.unwrap()
    };
    let waiting = place().await;
    assert_eq!((&waiting["state"], &waiting["position"]), (&"paused".into(), &1.into()));
    assert_eq!((status("/one").await, status("/two").await), (200, 202));
    assert_eq!(place().await["position"], 1, "the same place");
    assert!(!shop.last().header("cookie").unwrap_or_default().contains("wr-"), "none of them is the shop's");
    // Giving up one of them leaves the other.
    let left = fan.delete(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    assert!(all(&left, "set-cookie").iter().all(|cookie| cookie.contains("-demo=")));
    assert_eq!(status("/one").await, 202);
    assert_eq!(place().await["position"], 1);
}
