//! Links that lead to a room, and what the buttons of the pages do without script.

use std::time::Duration;

use admission::bypass::Bypass;
use admission::clock::{Clock as _, SystemClock, SystemRandom};
use admission::invitation::Invitation;
use admission::keyring::Keyring;
use admission::name::{LaneId, RoomId};
use admission::ticket::{Ticket, TicketId};
use admission::transfer::Transfer;

use super::witness::Witness;
use crate::harness::{Edge, KEYS, browser, room};
use crate::shop::Shop;

const LANES: &str =
    "mode = \"paused\"\n[[room.lane]]\nname = \"general\"\n[[room.lane]]\nname = \"member\"\nweight = 3";
const JOIN: &str = "post /{room}/ticket";
/// What a browser says of itself.
const PERSON: (&str, &str) = ("accept", "text/html");
const ELSEWHERE: (&str, &str) = ("origin", "http://evil.example");

fn keys() -> Keyring {
    Keyring::parse(KEYS).unwrap()
}

fn named(room: &str) -> RoomId {
    RoomId::parse(room).unwrap()
}

pub(super) async fn see(witness: &mut Witness, shop: &Shop, noted: &str) {
    let edge = Edge::start(shop, &room(LANES));
    invitations(witness, &edge, noted).await;
    bypasses(witness, &edge).await;
    let (language, fan) = ("get /{room}/language", browser());
    assert_eq!(witness.ask(&edge, &fan, language, "/demo/language?lang=de", &[]).await.status, 303);
    assert_eq!(witness.ask(&edge, &fan, language, "/demo/language?lang=xx", &[]).await.code(), "language");
    moving(witness, &edge).await;
}

async fn invitations(witness: &mut Witness, edge: &Edge, noted: &str) {
    let now = SystemClock.now();
    let code = |room: &str, lane: &str, is_over: bool| {
        let expires_at = if is_over { now - Duration::from_secs(1) } else { now + Duration::from_secs(600) };
        let (lane, id) = (LaneId::parse(lane).unwrap(), TicketId::random(&SystemRandom).unwrap());
        Invitation { room: named(room), lane, id, uses: 2, expires_at }.seal(&keys())
    };
    let call = "get /{room}/invitation";
    for (bad, status, said) in [
        ("x".to_owned(), 400, "invitation_unknown"),
        (code("other", "member", false), 404, "invitation_elsewhere"),
        (code("demo", "member", true), 410, "invitation_expired"),
        (code("demo", "access", false), 410, "invitation_no_lane"),
    ] {
        let path = format!("/demo/invitation?code={bad}");
        let refused = witness.ask(edge, &browser(), call, &path, &[]).await;
        assert_eq!((refused.status, refused.code()), (status, said));
        assert_eq!(witness.ask(edge, &browser(), call, &path, &[PERSON]).await.status, status);
        let shown = [("wr-invitation", bad.as_str())];
        assert_eq!(witness.ask(edge, &browser(), JOIN, "/demo/ticket", &shown).await.code(), said);
    }
    let good = code("demo", "member", false);
    let path = format!("/demo/invitation?code={good}");
    assert_eq!(witness.ask(edge, &browser(), call, &path, &[]).await.status, 303);
    let path = format!("{path}&to=//evil.example");
    assert_eq!(witness.ask(edge, &browser(), call, &path, &[]).await.code(), "invitation_to");
    let shown = [("wr-invitation", good.as_str())];
    for said in ["", "", "invitation_used"] {
        assert_eq!(witness.ask(edge, &browser(), JOIN, "/demo/ticket", &shown).await.code(), said);
    }
    // Noted with it, and placed when it is used up.
    let shown = [("wr-ticket", noted), ("wr-invitation", good.as_str())];
    let late = witness.ask(edge, &browser(), "get /{room}/ticket", "/demo/ticket", &shown).await;
    assert_eq!(late.code(), "invitation_used");
}

async fn bypasses(witness: &mut Witness, edge: &Edge) {
    let now = SystemClock.now();
    let code = |room: &str, is_over: bool| {
        let expires_at = if is_over { now - Duration::from_secs(1) } else { now + Duration::from_secs(600) };
        Bypass { room: named(room), id: TicketId::random(&SystemRandom).unwrap(), expires_at }.seal(&keys())
    };
    let call = "get /{room}/bypass";
    for (bad, status, said) in [
        ("x".to_owned(), 400, "bypass_unknown"),
        (code("other", false), 404, "bypass_elsewhere"),
        (code("demo", true), 410, "bypass_expired"),
    ] {
        let path = format!("/demo/bypass?code={bad}");
        let refused = witness.ask(edge, &browser(), call, &path, &[]).await;
        assert_eq!((refused.status, refused.code()), (status, said));
        assert_eq!(witness.ask(edge, &browser(), call, &path, &[PERSON]).await.status, status);
    }
    let path = format!("/demo/bypass?code={}", code("demo", false));
    assert_eq!(witness.ask(edge, &browser(), call, &path, &[]).await.status, 303);
    let path = format!("{path}&to=https://evil.example");
    assert_eq!(witness.ask(edge, &browser(), call, &path, &[]).await.code(), "bypass_to");
}

async fn moving(witness: &mut Witness, edge: &Edge) {
    let (r#move, ask, take) = ("post /{room}/move", "get /{room}/take", "post /{room}/take");
    let (old, new, third) = (browser(), browser(), browser());
    assert_eq!(witness.ask(edge, &old, r#move, "/demo/move", &[]).await.code(), "no_ticket");
    assert_eq!(witness.ask(edge, &old, r#move, "/demo/move", &[PERSON]).await.status, 409);
    let sealed = witness.ask(edge, &old, JOIN, "/demo/ticket", &[]).await.text("ticket");
    assert_eq!(witness.ask(edge, &old, r#move, "/demo/move", &[ELSEWHERE]).await.status, 403);
    assert_eq!(witness.ask(edge, &old, r#move, "/demo/move", &[PERSON]).await.status, 200);
    let long = format!("/demo/move?to=/{}", "x".repeat(4000));
    assert_eq!(witness.ask(edge, &old, r#move, &long, &[]).await.code(), "link");
    let link = witness.ask(edge, &old, r#move, "/demo/move", &[]).await.text("link");
    let link = link.split_once("/.waiting-room").unwrap().1.to_owned();

    assert_eq!(witness.ask(edge, &new, take, &link, &[]).await.status, 403, "nobody was asked before");
    for fan in [&new, &third] {
        assert_eq!(witness.ask(edge, fan, ask, &link, &[]).await.status, 200);
    }
    let ticket = Ticket::open(&keys(), &named("demo"), &sealed).unwrap();
    let over = Transfer { ticket, expires_at: SystemClock.now() - Duration::from_secs(1) }.seal(&keys());
    for (code, status) in [("x", 400), (over.as_str(), 410)] {
        let path = format!("/demo/take?code={code}");
        assert_eq!(witness.ask(edge, &new, ask, &path, &[]).await.status, status);
        assert_eq!(witness.ask(edge, &new, take, &path, &[]).await.status, status);
    }
    let taken = witness.ask(edge, &new, take, &link, &[]).await;
    assert_eq!((taken.status, &taken.headers["location"]), (303, &"/events/demo".parse().unwrap()));
    assert_eq!(witness.ask(edge, &third, take, &link, &[]).await.status, 409);

    assert_eq!(witness.ask(edge, &old, "get /{room}/ticket", "/demo/ticket", &[]).await.code(), "moved");
    let leave = "post /{room}/leave";
    assert_eq!(witness.ask(edge, &old, leave, "/demo/leave", &[]).await.status, 303);
    assert_eq!(witness.ask(edge, &new, leave, "/demo/leave", &[ELSEWHERE]).await.status, 403);
    assert_eq!(witness.ask(edge, &new, leave, "/demo/leave", &[]).await.status, 200);
}
