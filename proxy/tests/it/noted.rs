//! Who comes while the store is away is noted, and gets their place when it is back.

use std::time::{Duration, Instant};

use admission::keyring::Keyring;
use admission::name::RoomId;
use admission::ticket::{Order, Ticket};
use serde_json::Value;

use crate::harness::{Edge, KEYS, browser, navigate, room, set_cookie};
use crate::live;
use crate::prequeue::times;
use crate::shop::Shop;
use crate::store_away::{Redis, until};

/// A line that moves for nobody.
const STILL: &str = "mode = \"always\"\ndrain_per_minute = 0\n";

fn open(sealed: &str) -> Ticket {
    Ticket::open(&Keyring::parse(KEYS).unwrap(), &RoomId::parse("demo").unwrap(), sealed).unwrap()
}

fn rank(sealed: &str) -> u64 {
    open(sealed).place(&Keyring::parse(KEYS).unwrap()).unwrap().rank.get()
}

async fn status(edge: &Edge, ticket: &str) -> (u16, Value) {
    let request = browser().get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", ticket);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn join(edge: &Edge) -> (u16, Value) {
    let answer = browser().post(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn notices(edge: &Edge, ticket: &str) {
    until("the store is away", async || {
        status(edge, ticket).await.1["message"].as_str().unwrap().contains("cannot reach the line")
    })
    .await;
}

/// Asks with a noted ticket until it has a place; gives the ticket that replaces it.
async fn settled(edge: &Edge, ticket: &str) -> String {
    let mut placed = String::new();
    until("a noted ticket gets its place", async || {
        let (code, status) = status(edge, ticket).await;
        assert_eq!(code, 200, "{status}");
        placed = status["ticket"].as_str().unwrap_or_default().to_owned();
        !placed.is_empty()
    })
    .await;
    placed
}

#[tokio::test]
async fn who_comes_while_the_store_is_away_is_ranked_by_when_they_came() {
    let shop = Shop::start().await;
    let redis = Redis::start(None);
    let edges = [(); 2].map(|()| Edge::start_with(&redis.edge_file(&shop), &room(STILL)));
    let mut line = Vec::new();
    for edge in &edges {
        line.push(live::join(edge).await);
    }
    redis.signal("STOP");
    for edge in &edges {
        notices(edge, &line[0]).await;
    }
    let mut noted = Vec::new();
    for number in 0..8 {
        let began = Instant::now();
        let (code, status) = join(&edges[number % 2]).await;
        assert!(began.elapsed() < Duration::from_secs(1), "a newcomer waited for the store");
        assert_eq!((code, &status["state"], &status["position"]), (202, &"waiting".into(), &Value::Null));
        assert!(status["message"].as_str().unwrap().contains("is noted"), "{status}");
        noted.push(status["ticket"].as_str().unwrap().to_owned());
        // The edges know the store's time as well as its last answer was quick, which a busy machine blurs.
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    // What was shown of another ticket goes.
    let url = edges[0].url("/events/demo");
    let page = browser().get(url).header("accept", "text/html").header("cookie", "wr-shown-demo=1").send();
    assert_eq!(set_cookie(&page.await.unwrap(), "wr-shown-demo").as_deref(), Some(""));
    // It stands nowhere yet; the page polls.
    assert!(matches!(
        live::open(&edges[0], &[("wr-ticket", &noted[0])]).await,
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) if answer.status() == 409
    ));
    let (code, status_now) = status(&edges[1], &noted[0]).await;
    assert_eq!((code, status_now.get("ticket")), (200, None));

    redis.signal("CONT");
    let mut late = String::new();
    until("the store is back", async || {
        let (code, status) = join(&edges[0]).await;
        late = status["ticket"].as_str().unwrap().to_owned();
        code == 201
    })
    .await;
    // They come back in another order, through another edge, and twice.
    for (number, ticket) in noted.iter_mut().enumerate().rev() {
        let edge = &edges[(number + 1) % 2];
        let placed = settled(edge, ticket).await;
        assert_eq!(settled(edge, ticket).await, placed, "two tabs are one fan");
        assert_eq!(open(&placed).id, open(ticket).id);
        *ticket = placed;
    }
    let before = line.len();
    line.append(&mut noted);
    line.push(late);
    let ranks: Vec<u64> = line.iter().map(|ticket| rank(ticket)).collect();
    assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
    let mut socket = live::open(&edges[1], &[("wr-ticket", &line[before])]).await.unwrap();
    assert_eq!(live::next(&mut socket).await["state"], "waiting");
    for (index, ticket) in line.iter().enumerate().take(10).skip(before) {
        until("the places are told", async || status(&edges[1], ticket).await.1["position"] == index + 1)
            .await;
    }
}

#[tokio::test]
async fn who_came_in_the_pre_queue_is_drawn() {
    let shop = Shop::start().await;
    let redis = Redis::start(None);
    let (rules, _) = times(Duration::from_secs(600));
    let edge = Edge::start_with(&redis.edge_file(&shop), &room(&rules));
    let first = live::join(&edge).await;
    redis.signal("STOP");
    notices(&edge, &first).await;
    let fan = browser();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 202);
    let url = edge.url("/.waiting-room/demo/ticket");
    let status: Value = fan.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!((&status["state"], &status["position"]), (&"prequeue".into(), &Value::Null));
    redis.signal("CONT");
    // The cookie is replaced with the answer.
    until("the fan is drawn", async || {
        let status: Value = fan.get(&url).send().await.unwrap().json().await.unwrap();
        let ticket = status["ticket"].as_str().map(open);
        ticket.is_some_and(|ticket| matches!(ticket.order, Order::Drawn(_)))
    })
    .await;
    let status: Value = fan.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!((&status["state"], status.get("ticket")), (&"prequeue".into(), None));
}

#[tokio::test]
async fn a_room_may_be_open_while_the_store_is_away_at_a_pace_of_its_own() {
    let shop = Shop::start().await;
    let redis = Redis::start(None);
    let rules = format!("{STILL}on_store_failure = \"open\"\nopen_per_minute = 60");
    let edge = Edge::start_with(&redis.edge_file(&shop), &room(&rules));
    let waiting = browser();
    assert_eq!(navigate(&waiting, &edge.url("/events/demo")).await.status(), 202);
    let (page, url) = (edge.url("/events/demo"), edge.url("/.waiting-room/demo/ticket"));
    redis.signal("STOP");
    let began = Instant::now();
    // Who waits goes before those who come now.
    let mut waiting_is_told = false;
    until("who waits is let in", async || {
        let status: Value = waiting.get(&url).send().await.unwrap().json().await.unwrap();
        waiting_is_told |= status["admission_token"].is_string();
        waiting_is_told
    })
    .await;
    assert_eq!(navigate(&waiting, &page).await.status(), 200);
    let asked = shop.last();
    let ticket = asked.header("x-waiting-room-ticket").unwrap();
    assert!(asked.signed && !ticket.is_empty() && ticket != "off", "{asked:?}");

    // One a second, however many come and ask again.
    let mut inside = 1;
    let (mut fans, mut noted) = (0, Vec::new());
    while began.elapsed() < Duration::from_secs(10) && fans < 100 {
        let fan = browser();
        fans += 1;
        match navigate(&fan, &page).await.status().as_u16() {
            200 => inside += 1,
            202 => noted.push(fan),
            other => panic!("{other}"),
        }
    }
    let most = began.elapsed().as_secs() + 1;
    assert!(inside <= most && !noted.is_empty(), "{inside} of {fans} in {most} s");
    let first = &noted[0];
    until("who was noted is let in", async || {
        let status: Value = first.get(&url).send().await.unwrap().json().await.unwrap();
        assert!(status["state"] == "waiting" || status["admission_token"].is_string(), "{status}");
        status["state"] == "admitted"
    })
    .await;
    assert_eq!(navigate(first, &page).await.status(), 200);
    until("a program is let in", async || {
        browser().post(edge.url("/api/reservations")).send().await.unwrap().status() == 200
    })
    .await;

    // The store hears of all of them, and they go on.
    redis.signal("CONT");
    until("the store knows who is inside", async || {
        let facts = browser().get(edge.url("/.waiting-room/demo")).send().await.unwrap();
        let facts: Value = facts.json().await.unwrap();
        facts["active"].as_u64().unwrap() >= inside + 2
    })
    .await;
    assert_eq!(navigate(&waiting, &page).await.status(), 200);
    assert_eq!(navigate(first, &page).await.status(), 200);
    until("newcomers wait again", async || navigate(&browser(), &page).await.status() == 202).await;
}

#[tokio::test]
async fn a_store_that_is_away_opens_no_room_that_would_admit_nobody() {
    let shop = Shop::start().await;
    let redis = Redis::start(None);
    let rules = "mode = \"paused\"\non_store_failure = \"open\"";
    let edge = Edge::start_with(&redis.edge_file(&shop), &room(rules));
    let first = live::join(&edge).await;
    redis.signal("STOP");
    notices(&edge, &first).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(navigate(&browser(), &edge.url("/events/demo")).await.status(), 202);
    assert!(shop.asked().is_empty());
}
