//! A token or ticket that is forged, expired, edited or for another room opens nothing.

use std::time::Duration;

use admission::clock::{Clock as _, SystemClock, SystemRandom, Timestamp};
use admission::keyring::Keyring;
use admission::name::{LaneId, RoomId};
use admission::rank::Rank;
use admission::ticket::{Order, Ticket, TicketId};
use admission::token::Admission;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::harness::{Edge, KEYS, room};
use crate::shop::Shop;

fn admission(room: &str, expires_at: Timestamp) -> Admission {
    let now = SystemClock.now();
    Admission {
        room: RoomId::parse(room).unwrap(),
        ticket: TicketId::random(&SystemRandom).unwrap(),
        lane: LaneId::general(),
        admitted_at: now,
        began_at: now,
        issued_at: now,
        expires_at,
        binding: None,
    }
}

fn mint(keys: &str, admission: &Admission) -> String {
    admission.mint(&Keyring::parse(keys).unwrap(), TicketId::random(&SystemRandom).unwrap()).unwrap()
}

async fn ask(edge: &Edge, header: &str, value: &str) -> u16 {
    let client = reqwest::Client::new();
    client.get(edge.url("/events/demo")).header(header, value).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn only_a_good_token_opens() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 0"));
    let now = SystemClock.now();
    let later = now + Duration::from_secs(300);
    let good = mint(KEYS, &admission("demo", later));
    assert_eq!(ask(&edge, "wr-admission", &good).await, 200);
    assert_eq!(ask(&edge, "cookie", &format!("wr-admission-demo={good}")).await, 200);
    assert_eq!(ask(&edge, "cookie", &format!("wr-admission-demo=x; wr-admission-demo={good}")).await, 200);
    let before = shop.asked().len();

    let fields: Vec<&str> = good.split('.').collect();
    let other_keys = KEYS.replace("AAEC", "BBEC");
    let header = |algorithm: &str| {
        URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"{algorithm}\",\"typ\":\"JWT\",\"kid\":\"k1\"}}"))
    };
    let mut edited = good.clone().into_bytes();
    let middle = edited.len() / 2;
    edited[middle] = if edited[middle] == b'A' { b'B' } else { b'A' };
    for (what, token) in [
        ("empty", String::new()),
        ("nonsense", "abc".to_owned()),
        ("edited", String::from_utf8(edited).unwrap()),
        ("cut", good[..good.len() - 1].to_owned()),
        ("expired", mint(KEYS, &admission("demo", now - Duration::from_secs(1)))),
        ("foreign room", mint(KEYS, &admission("other", later))),
        ("foreign key", mint(&other_keys, &admission("demo", later))),
        ("unknown key id", mint(&KEYS.replace("k1:", "k9:"), &admission("demo", later))),
        ("not signed", format!("{}.{}.", header("none"), fields[1])),
        ("None", format!("{}.{}.{}", header("None"), fields[1], fields[2])),
        ("another algorithm", format!("{}.{}.{}", header("HS512"), fields[1], fields[2])),
        ("a ticket", ticket("demo").seal(&Keyring::parse(KEYS).unwrap())),
        ("huge", "A".repeat(5000)),
    ] {
        assert_eq!(ask(&edge, "wr-admission", &token).await, 429, "{what}");
        assert_eq!(ask(&edge, "cookie", &format!("wr-admission-demo={token}")).await, 429, "{what}");
    }
    assert_eq!(ask(&edge, "cookie", &format!("wr-admission-other={good}")).await, 429);
    assert_eq!(ask(&edge, "wr-ticket", &good).await, 429);
    assert_eq!(shop.asked().len(), before);
}

fn ticket(room: &str) -> Ticket {
    let now = SystemClock.now();
    let id = TicketId::random(&SystemRandom).unwrap();
    let (room, lane) = (RoomId::parse(room).unwrap(), LaneId::general());
    Ticket { room, lane, id, order: Order::Ranked(Rank::first_of(now)), issued_at: now }
}

#[tokio::test]
async fn only_a_good_ticket_is_a_place() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 0"));
    let keys = Keyring::parse(KEYS).unwrap();
    let good = ticket("demo").seal(&keys);
    let status = |ticket: String| {
        let url = edge.url("/.waiting-room/demo/ticket");
        async move {
            reqwest::Client::new()
                .get(url)
                .header("wr-ticket", ticket)
                .send()
                .await
                .unwrap()
                .status()
                .as_u16()
        }
    };
    let foreign_keys = Keyring::parse(&KEYS.replace("AAEC", "BBEC")).unwrap();
    for bad in [
        String::new(),
        "v1.a.b".to_owned(),
        ticket("other").seal(&keys),
        ticket("demo").seal(&foreign_keys),
        format!("{good}x"),
        good.replacen("v1", "v2", 1),
        mint(KEYS, &admission("demo", SystemClock.now() + Duration::from_secs(60))),
    ] {
        assert_eq!(status(bad.clone()).await, 404, "{bad}");
    }
    assert_eq!(status(good).await, 200);
}
