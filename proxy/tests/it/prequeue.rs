//! Before the opening: fans gather, nobody learns their rank, and the order is the one that anyone can check.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use admission::clock::{Clock as _, SystemClock, Timestamp};
use admission::draw::{DrawId, Seed};
use admission::keyring::Keyring;
use admission::name::RoomId;
use admission::ticket::Ticket;
use base64::Engine as _;
use proxy::waiting::time::rfc3339;
use serde_json::Value;

use crate::harness::{
    Edge, KEYS, PATIENCE, all, assert_private, browser, navigate, room, set_cookie, until_state,
};
use crate::live;
use crate::restart::journaled;
use crate::shop::Shop;
use crate::store_away::Redis;

/// Rules of a room whose pre-queue began 40 s ago and that opens after `opens_in`, and when the former was.
pub(crate) fn times(opens_in: Duration) -> (String, Timestamp) {
    let now = SystemClock.now();
    let (prequeue_at, opens_at) = (now - Duration::from_secs(40), now + opens_in);
    let rules = format!("prequeue_at = \"{}\"\nopens_at = \"{}\"\n", rfc3339(prequeue_at), rfc3339(opens_at));
    (rules, prequeue_at)
}

fn demo() -> RoomId {
    RoomId::parse("demo").unwrap()
}

/// Rank and draw number of a ticket, computed with the keys.
fn secrets_of(ticket: &str, prequeue_at: Timestamp) -> (u64, u32) {
    let keys = Keyring::parse(KEYS).unwrap();
    let opened = Ticket::open(&keys, &demo(), ticket).unwrap();
    let seed = Seed::derive(&keys, &demo(), &DrawId::new(&keys, prequeue_at)).unwrap();
    (opened.place(&keys).unwrap().rank.get(), seed.number(opened.id))
}

async fn draw(edge: &Edge) -> Value {
    browser().get(edge.url("/.waiting-room/demo/draw")).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn before_the_opening_nobody_learns_their_rank() {
    let shop = Shop::start().await;
    let (rules, prequeue_at) = times(Duration::from_secs(600));
    let edge = Edge::start(&shop, &room(&rules));
    let mut heard = Vec::new();
    let mut tickets = Vec::new();
    for _ in 0..20 {
        let fan = browser();
        let answer = navigate(&fan, &edge.url("/events/demo")).await;
        assert_eq!(answer.status(), 202);
        assert_private(&answer);
        tickets.push(set_cookie(&answer, "wr-ticket-demo").unwrap());
        heard.push(format!("{:?}", answer.headers()).into_bytes());
        let page = answer.text().await.unwrap();
        for part in
            ["The order will be drawn", "http-equiv=\"refresh\"", "UTC on ", "data-testid=\"commitment\""]
        {
            assert!(page.contains(part), "{part}");
        }
        heard.push(page.into_bytes());
        let answer = fan.get(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
        heard.push(format!("{:?}", answer.headers()).into_bytes());
        let text = answer.text().await.unwrap();
        let status: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(status["state"], "prequeue");
        for field in ["position", "ahead", "eta_seconds"] {
            assert!(status[field].is_null(), "{field} in {text}");
        }
        assert!(status["opens_at"].is_string());
        assert!((8000..=15_000).contains(&status["poll_after_ms"].as_u64().unwrap()), "{text}");
        heard.push(text.into_bytes());
        let answer = fan.post(edge.url("/api/reservations")).send().await.unwrap();
        assert_eq!(answer.status(), 429);
        assert_eq!(all(&answer, "waiting-room"), ["prequeue; room=\"demo\""]);
        heard.push(format!("{:?}", answer.headers()).into_bytes());
    }
    let mut socket = live::open(&edge, &[("wr-ticket", &tickets[0])]).await.unwrap();
    let status = live::next(&mut socket).await;
    assert_eq!(status["state"], "prequeue");
    heard.push(status.to_string().into_bytes());
    let facts = browser().get(edge.url("/.waiting-room/demo")).send().await.unwrap().text().await.unwrap();
    assert!(facts.contains("\"state\":\"prequeue\""), "{facts}");
    heard.push(facts.into_bytes());
    let committed = draw(&edge).await;
    assert_eq!((&committed["state"], committed.get("seed")), (&"committed".into(), None));
    heard.push(committed.to_string().into_bytes());
    heard.extend(edge.log().into_iter().map(String::into_bytes));

    let sizes: BTreeSet<usize> = tickets.iter().map(String::len).collect();
    assert_eq!(sizes.len(), 1, "the size of a ticket says something");
    for ticket in &tickets {
        for part in ticket.split('.').skip(1) {
            heard.push(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap());
        }
    }
    let holds = |text: &[u8], needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
    for ticket in &tickets {
        let (rank, number) = secrets_of(ticket, prequeue_at);
        for needle in [
            rank.to_string().into_bytes(),
            number.to_string().into_bytes(),
            format!("{rank:x}").into_bytes(),
            rank.to_be_bytes()[1..].to_vec(),
            rank.to_le_bytes()[..7].to_vec(),
            number.to_be_bytes().to_vec(),
            number.to_le_bytes().to_vec(),
        ] {
            // A needle this short could be found anywhere.
            if needle.len() >= 4 {
                assert!(!heard.iter().any(|text| holds(text, &needle)), "{rank} {number} as {needle:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_order_is_the_one_that_anyone_can_compute() {
    let shop = Shop::start().await;
    let (rules, _) = times(Duration::from_secs(10));
    let rules = format!("{rules}drain_per_minute = 6000\nburst = 50\nmax_active = 20\n");
    // Two edges before one line: fans join at one and wait at the other.
    let redis = Redis::start(None);
    let [edge, other] = [(); 2].map(|()| Edge::start_with(&redis.edge_file(&shop), &room(&rules)));
    let committed = draw(&edge).await;
    assert_eq!(draw(&other).await, committed);
    let mut fans = Vec::new();
    for number in 0..60 {
        let (here, there) = if number % 2 == 0 { (&edge, &other) } else { (&other, &edge) };
        let ticket = live::join(here).await;
        let mut socket = live::open(there, &[("wr-ticket", &ticket)]).await.unwrap();
        assert_eq!(live::next(&mut socket).await["state"], "prequeue", "too slow: the room has opened");
        fans.push((ticket, socket));
    }
    // Every fan is told at once that the room is open, and then their place or that it is their turn.
    for (_, socket) in &mut fans {
        while live::next(socket).await["state"] == "prequeue" {}
    }
    let tickets: Vec<String> = fans.iter().map(|(ticket, _)| ticket.clone()).collect();
    let (mut admitted, mut positions) = (BTreeSet::new(), Vec::new());
    let until = Instant::now() + PATIENCE;
    // Twenty are let in, and nobody leaves: then the places stand.
    while admitted.len() < 20 || positions.len() < 40 {
        assert!(Instant::now() < until, "{} are in, {} wait", admitted.len(), positions.len());
        positions.clear();
        for ticket in tickets.iter().filter(|ticket| !admitted.contains(*ticket)).cloned().collect::<Vec<_>>()
        {
            let status = browser().get(other.url("/.waiting-room/demo/ticket")).header("wr-ticket", &ticket);
            let status: Value = status.send().await.unwrap().json().await.unwrap();
            match (status["state"].as_str().unwrap(), status["position"].as_u64()) {
                ("admitted", _) => {
                    admitted.insert(ticket.clone());
                }
                ("waiting", Some(position)) if status["waiting"] == 40 => {
                    positions.push((position, ticket.clone()));
                }
                ("waiting", _) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    let late = live::join(&edge).await;
    let late_fan = browser().get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", &late);
    let status: Value = late_fan.send().await.unwrap().json().await.unwrap();
    assert_eq!(status["position"], 41, "behind all who were drawn");

    let revealed = draw(&other).await;
    assert_eq!((&revealed["state"], &revealed["commitment"]), (&"revealed".into(), &committed["commitment"]));
    assert!(committed.get("seed").is_none() && revealed["seed"].is_string());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/check_draw.py");
    let mut check = Command::new("python3")
        .arg(script)
        .args(["--commitment", committed["commitment"].as_str().unwrap()])
        .args(fans.iter().map(|(ticket, _)| ticket))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(revealed.to_string().as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    assert!(output.status.success());
    let order: Vec<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split('\t').nth(1).unwrap().to_owned())
        .collect();
    let keys = Keyring::parse(KEYS).unwrap();
    let id = |ticket: &String| Ticket::open(&keys, &demo(), ticket).unwrap().id.to_string();
    assert_eq!(order.len(), 60);
    let first: BTreeSet<String> = order[..20].iter().cloned().collect();
    assert_eq!(admitted.iter().map(id).collect::<BTreeSet<_>>(), first);
    positions.sort_unstable();
    assert_eq!(positions.iter().map(|(_, ticket)| id(ticket)).collect::<Vec<_>>(), order[20..]);
    assert_eq!(
        positions.iter().map(|(position, _)| *position).collect::<Vec<_>>(),
        (1..=40).collect::<Vec<_>>()
    );

    // The page of a fan who was drawn says how to check it.
    let page = browser()
        .get(edge.url("/events/demo"))
        .header("accept", "text/html")
        .header("wr-ticket", &positions[0].1);
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&order[20]) && page.contains("/.waiting-room/demo/draw"), "{page}");
}

/// Whoever knows the seed could leave and join until their number is a good one.
#[tokio::test]
async fn an_opening_that_has_come_is_not_put_off_without_a_new_draw() {
    let shop = Shop::start().await;
    let (rules, prequeue_at) = times(Duration::from_secs(1));
    let edge = Edge::start_with(&journaled(&shop), &room(&rules));
    let told = async |edge: &Edge| {
        let until = Instant::now() + PATIENCE;
        loop {
            let draw = draw(edge).await;
            if draw["state"] == "revealed" {
                return draw;
            }
            assert!(Instant::now() < until, "{draw}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let revealed = told(&edge).await;
    let later = |prequeue_at| {
        let opens_at = rfc3339(SystemClock.now() + Duration::from_secs(600));
        room(&format!("prequeue_at = \"{}\"\nopens_at = \"{opens_at}\"\n", rfc3339(prequeue_at)))
    };
    std::fs::write(edge.folder.path().join("rooms.toml"), later(prequeue_at)).unwrap();
    let edge = edge.kill_and_restart();
    assert_eq!(told(&edge).await, revealed, "what is in force stays");
    assert_eq!(until_error(&edge, "put off an opening").await, 1);
    let joined = browser().post(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    let status: Value = joined.json().await.unwrap();
    assert_ne!(status["state"], "prequeue", "{status}");

    std::fs::write(edge.folder.path().join("rooms.toml"), later(SystemClock.now())).unwrap();
    let edge = edge.kill_and_restart();
    let until = Instant::now() + PATIENCE;
    let anew = loop {
        let anew = draw(&edge).await;
        if anew["commitment"] != revealed["commitment"] {
            break anew;
        }
        assert!(Instant::now() < until, "{anew}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((&anew["state"], anew.get("seed")), (&"committed".into(), None));
    let joined = browser().post(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    assert_eq!(joined.json::<Value>().await.unwrap()["state"], "prequeue");
}

/// Waits for an error in the log that says `words`. How often it is there.
async fn until_error(edge: &Edge, words: &str) -> usize {
    let count = || {
        edge.log().iter().filter(|line| line.contains("\"level\":\"ERROR\"") && line.contains(words)).count()
    };
    let until = Instant::now() + PATIENCE;
    while count() == 0 {
        assert!(Instant::now() < until, "{:?}", edge.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    count()
}

#[tokio::test]
async fn before_the_pre_queue_nobody_joins_and_the_page_says_when_it_opens() {
    let shop = Shop::start().await;
    let edge =
        Edge::start(&shop, &room("opens_at = 2099-05-01T10:00:00Z\nprequeue_at = 2099-05-01T09:00:00Z"));
    let answer = navigate(&browser(), &edge.url("/events/demo")).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after") && all(&answer, "set-cookie").is_empty());
    let page = answer.text().await.unwrap();
    assert!(page.contains("Not open yet") && page.contains("10:00:00 UTC on 2099-05-01"), "{page}");
    let answer = browser().post(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], "not_open");
    let answer = browser().post(edge.url("/api/reservations")).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), all(&answer, "waiting-room")),
        (429, vec!["closed; room=\"demo\""])
    );
    let answer = browser().get(edge.url("/.waiting-room/demo/draw")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), all(&answer, "cache-control")), (200, vec!["public, max-age=1"]));
    assert_eq!(answer.json::<Value>().await.unwrap()["state"], "committed");
    let facts: Value =
        browser().get(edge.url("/.waiting-room/demo")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&facts["state"], &facts["opens_at"]), (&"closed".into(), &"2099-05-01T10:00:00.000Z".into()));
    assert!(shop.asked().is_empty());
}

#[tokio::test]
async fn a_room_closes_by_itself() {
    let shop = Shop::start().await;
    let closes_at = rfc3339(SystemClock.now() + Duration::from_secs(5));
    let rules = format!("mode = \"always\"\ndrain_per_minute = 0\ncloses_at = \"{closes_at}\"");
    let edge = Edge::start(&shop, &room(&rules));
    let fan = browser();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 202);
    until_state(&fan, &edge, "closed").await;
    assert_eq!(navigate(&browser(), &edge.url("/events/demo")).await.status(), 503);
}

#[tokio::test]
async fn a_ticket_of_another_draw_is_worth_nothing() {
    let shop = Shop::start().await;
    let (rules, _) = times(Duration::from_secs(600));
    let first = Edge::start(&shop, &room(&rules));
    let ticket = live::join(&first).await;
    drop(first);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (rules, prequeue_at) = times(Duration::from_secs(600));
    let edge = Edge::start(&shop, &room(&rules));
    let status = browser().get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", &ticket);
    assert_eq!(status.send().await.unwrap().status(), 404);
    let page =
        browser().get(edge.url("/events/demo")).header("accept", "text/html").header("wr-ticket", &ticket);
    let page = page.send().await.unwrap();
    assert_eq!(page.status(), 202);
    let anew = set_cookie(&page, "wr-ticket-demo").unwrap();
    assert_ne!(anew, ticket);
    secrets_of(&anew, prequeue_at);
}
