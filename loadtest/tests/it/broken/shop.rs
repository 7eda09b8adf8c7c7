//! The promises that concern the shop behind the line.

use std::sync::Arc;
use std::time::Duration;

use loadtest::cheats;
use loadtest::checks::{Effects, Evidence, Promise, Setting, Strike, Verdict, judge_all};
use loadtest::crowd::Crowd;
use loadtest::fan::{Pace, Plan, Venue};
use loadtest::lateness::Lateness;
use loadtest::run::scenario::Waits;
use loadtest::stack::link::{Edit, Link, Weather};
use loadtest::stack::links::Between;
use loadtest::stack::{Blueprint, Database, Payments, Room, Sale, Stack, Store};
use loadtest::story::Watch;
use loadtest::tally::Tally;
use parking_lot::Mutex;

use super::wrong;

/// The shop stops answering while the store is away, and nobody is told of that.
const CUT: Duration = Duration::from_millis(1500);
const AROUND: Duration = Duration::from_secs(1);
/// The fans who are inside by then have all come.
const ARRIVALS: Duration = Duration::from_secs(3);
const FANS: u32 = 60;
/// What an answer has before an admission token of the room `demo`, and how long a signature by HS256 is.
const TOKEN_COOKIE: &[u8] = b"wr-admission-demo=";
const SIGNATURE: usize = 43;
/// A spelling of a protected path, and as many bytes that ask for what is open.
const SPELLING: &[u8] = b"GET //events/demo ";
const OPEN: &[u8] = b"GET /api/health?a ";
/// So much later than on a machine of one's own may be heard of everything.
const GRANTED_MS: u64 = 3000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_of_the_shop_that_is_broken_is_called_broken() {
    let (open, forged, busy) = tokio::join!(
        a_room_that_leaves_a_path_open(),
        a_forged_token_that_opens(),
        a_shop_whose_books_are_tampered_with()
    );
    let wrong: Vec<String> = open.into_iter().chain(forged).chain(busy).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// P6: the room protects the page and forgets the calls.
async fn a_room_that_leaves_a_path_open() -> Option<String> {
    let paths = vec!["/events/demo".to_owned(), "/events/demo/*".to_owned()];
    let rooms = vec![Room { paths, ..Room::demo(600) }, Room::brief()];
    let stack = Stack::start(&Blueprint { rooms, ..Blueprint::default() }).await.unwrap();
    stack.open_sale(&Sale::demo(2, 10)).await.unwrap();
    let attempts = cheats::attempts(stack.edges(), stack.shop_url()).await.unwrap();
    stack.stop().await;
    let verdicts = judge_all(&Evidence { attempts, ..Evidence::default() });
    wrong(&verdicts, Promise::NoEntry, "no token: ", &[])
}

/// P6, for who asks by these wires: a signature of one's own is as good as the right one, another spelling of a protected
/// path leads past the room, and the shop says yes to whom it does not know.
async fn a_forged_token_that_opens() -> Vec<String> {
    let rooms = vec![Room::demo(600), Room::brief()];
    let stack = Stack::start(&Blueprint { rooms, ..Blueprint::default() }).await.unwrap();
    stack.open_sale(&Sale::demo(2, 10)).await.unwrap();
    let token = Arc::new(Mutex::new(Vec::new()));
    let learnt = Arc::clone(&token);
    let back: Edit = Arc::new(move |bytes: &mut [u8]| {
        let found = after(bytes, TOKEN_COOKIE).map(|at| &bytes[at..at + token_length(&bytes[at..])]);
        // The cookie is taken back, too.
        if let Some(found) = found.filter(|found| found.len() > SIGNATURE) {
            *learnt.lock() = found.to_vec();
        }
    });
    let there: Edit = Arc::new(move |bytes: &mut [u8]| {
        if bytes.starts_with(SPELLING) {
            bytes[..OPEN.len()].copy_from_slice(OPEN);
        }
        let token = token.lock();
        let signed = token.len().saturating_sub(SIGNATURE);
        let (says, signature) = token.split_at(signed);
        let at = after(bytes, says).filter(|_| signed > 0);
        // Where there is none, or another one, it is left alone.
        if let Some(at) = at.filter(|at| token_length(&bytes[*at..]) == SIGNATURE) {
            bytes[at..at + SIGNATURE].copy_from_slice(signature);
        }
    });
    let link = Link::editing_both(stack.edges()[0].port().unwrap(), there, back).unwrap();
    let wire = format!("http://127.0.0.1:{}/", link.port()).parse().unwrap();
    let yes: Edit = Arc::new(|bytes: &mut [u8]| {
        if let Some(at) = after(bytes, b"HTTP/1.1 ").filter(|at| bytes[*at..].starts_with(b"403")) {
            bytes[at..at + 3].copy_from_slice(b"200");
        }
    });
    let door = Link::editing(stack.shop_url().port().unwrap(), yes).unwrap();
    let shop = format!("http://127.0.0.1:{}/", door.port()).parse().unwrap();
    let attempts = cheats::attempts(Arc::new([wire]), &shop).await.unwrap();
    stack.stop().await;
    let verdicts = judge_all(&Evidence { attempts, ..Evidence::default() });
    print(&verdicts);
    let told = [
        "a token with a signature of one's own: ",
        "GET //events/demo: 200 instead of 4xx",
        "GET /events/demo at the shop itself, unsigned: 200 instead of 403",
    ];
    told.iter().filter_map(|told| wrong(&verdicts, Promise::NoEntry, told, &[])).collect()
}

/// Where what follows `words` begins.
fn after(bytes: &[u8], words: &[u8]) -> Option<usize> {
    let found = bytes.windows(words.len().max(1)).position(|window| window == words)?;
    Some(found + words.len())
}

/// How many bytes of a token come first.
fn token_length(bytes: &[u8]) -> usize {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    bytes.iter().take_while(is_part).count()
}

/// P7 and P9: the shop is cut off while the store is away; and later a ticket is lost, and that a seat is taken.
async fn a_shop_whose_books_are_tampered_with() -> Vec<String> {
    let room = Room::demo(1200);
    let blueprint = Blueprint {
        store: Store::Redis,
        rooms: vec![room.clone()],
        database: Database::Postgres,
        inventory: Store::Redis,
        payments: Payments::Provider,
        links: true,
        ..Blueprint::default()
    };
    let mut stack = Stack::start(&blueprint).await.unwrap();
    stack.open_sale(&Sale::demo(10, 25)).await.unwrap();
    let (watch, lateness) = (Watch::start(), Lateness::start());
    let venue = Venue {
        edges: stack.edges(),
        room: "demo".to_owned(),
        event: "demo".to_owned(),
        payments: Payments::Provider,
        watch,
        tally: Arc::new(Tally::default()),
    };
    let mut crowd = Crowd::new(venue, 3);
    let pace = Pace { low: Duration::from_millis(300), high: Duration::from_secs(1) };
    for _ in 0..FANS {
        crowd.send(|dice| Plan { waits: Waits::Live, appetite: 1.0, pace, ..Plan::neighbour(dice) }).unwrap();
        tokio::time::sleep(ARRIVALS / FANS).await;
    }
    let from_ms = watch.ms();
    stack.redis().unwrap().freeze();
    tokio::time::sleep(AROUND).await;
    stack.links().set(Between::EdgesAndShop, Weather::Refused).unwrap();
    tokio::time::sleep(CUT).await;
    stack.links().set(Between::EdgesAndShop, Weather::Fair).unwrap();
    tokio::time::sleep(AROUND).await;
    stack.redis().unwrap().thaw();
    let effects = Effects { news_stopped: true, line_lost: true, line_failed: true, ..Effects::default() };
    let told = "Redis did not answer".to_owned();
    let strike = Strike { name: "redis-stopped".to_owned(), told, from_ms, to_ms: watch.ms(), effects };
    let stories = crowd.gather(Duration::from_secs(60)).await;
    let late_ms = lateness.most_ms() + GRANTED_MS;
    let mut evidence = Evidence {
        stories,
        setting: Some(Setting::of(&room)),
        strikes: vec![strike],
        sales: Some(stack.sales("demo").await.unwrap()),
        books: Some(stack.books("demo").await.unwrap()),
        late_ms,
        ..Evidence::default()
    };
    let verdicts = judge_all(&evidence);
    print(&verdicts);
    let mut found = Vec::new();
    found.extend(wrong(&verdicts, Promise::Passage, "asked proxy-1 at", &[]));
    // The rest is as it was: only what is broken now is looked at.
    evidence.strikes.clear();
    let seat = "SELECT ctid FROM tickets ORDER BY seat_id LIMIT 1";
    let lose = format!("DELETE FROM tickets WHERE ctid IN ({seat})");
    stack.postgres().unwrap().ask(&lose).await.unwrap();
    // And the inventory forgets a seat that is sold.
    let seat = "SELECT seat_id FROM tickets ORDER BY seat_id DESC LIMIT 1";
    let seat = stack.postgres().unwrap().ask(seat).await.unwrap().remove(0).remove(0);
    let forget = format!("return redis.call('HDEL', KEYS[1], '{seat}')");
    assert_eq!(stack.inventory().unwrap().script(&forget, &["shop:{demo}:taken"]).await.unwrap(), "1");
    evidence.books = Some(stack.books("demo").await.unwrap());
    let verdicts = judge_all(&evidence);
    print(&verdicts);
    for told in ["and has tickets for", "and the inventory would hand it out again"] {
        found.extend(wrong(&verdicts, Promise::OneSeat, told, &[Promise::Rate]));
    }
    stack.stop().await;
    found
}

fn print(verdicts: &[Verdict]) {
    verdicts.iter().for_each(|verdict| println!("{verdict}"));
}
