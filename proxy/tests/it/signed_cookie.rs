//! A cookie that the shop signed leads past the line: with the right key, in time, with the right claims, and only so.

use std::time::Duration;

use admission::clock::{Clock as _, SystemClock};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::harness::{Edge, browser, command, files, room};
use crate::shop::Shop;

const SECRET: [u8; 32] = [7; 32];
const RULES: &str = "mode = \"paused\"
[[room.bypass]]
name = \"staff\"
cookie = { name = \"shop-staff\", key = \"staff\", claims = { role = \"staff\" } }
[[room.bypass]]
name = \"till\"
paths = [\"/api/reservations\"]
cookie = { name = \"shop-till\", key = \"till\" }";

fn keys() -> String {
    // While one key takes the place of another, both are good.
    let [old, new] = [[8; 32], SECRET].map(|secret| STANDARD.encode(secret));
    format!("staff:hs256:{old}, staff:hs256:{new} till:hs256:{}", STANDARD.encode([9; 32]))
}

fn start(shop: &Shop, keys: &str) -> Edge {
    let folder = tempfile::tempdir().unwrap();
    let edge = format!(
        "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n[upstream]\naddress = \"{}\"",
        shop.address
    );
    let (edge, rooms) = files(&folder, &edge, &room(RULES));
    let mut command = command();
    command.env("STANCHION_COOKIE_KEYS", keys).arg("--config").arg(edge).arg("--rooms").arg(rooms);
    Edge::run(folder, command)
}

fn sign(secret: [u8; 32], claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(&secret)).unwrap()
}

fn session(role: &str, seconds: i64) -> Value {
    let now = i64::try_from(SystemClock.now().as_secs()).unwrap();
    json!({ "sub": "employee 7", "role": role, "exp": now + seconds })
}

async fn ask(edge: &Edge, path: &str, cookies: &str) -> u16 {
    let request = browser().get(edge.url(path)).header("cookie", cookies);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_shops_own_session_of_its_staff_leads_past_the_line() {
    let shop = Shop::start().await;
    let edge = start(&shop, &keys());
    let good = sign(SECRET, &session("staff", 60));
    let staff =
        async |cookie: &str| ask(&edge, "/events/demo", &format!("a=1; shop-staff={cookie}; b=2")).await;
    assert_eq!(staff(&good).await, 200);
    assert_eq!(staff(&sign([8; 32], &session("staff", 60))).await, 200, "the key of before");
    let seen = shop.last();
    assert_eq!(seen.header("x-waiting-room-room"), Some("demo"));
    assert!(seen.header("cookie").unwrap().contains("shop-staff=ey"), "it is the shop's own");

    let before = shop.asked().len();
    let mut parts = good.split('.');
    let (_, payload, tag) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    for (what, cookie) in [
        ("expired", sign(SECRET, &session("staff", -1))),
        ("another role", sign(SECRET, &session("fan", 60))),
        ("no role", sign(SECRET, &json!({ "exp": session("staff", 60)["exp"] }))),
        ("no end", sign(SECRET, &json!({ "role": "staff" }))),
        ("another key", sign([1; 32], &session("staff", 60))),
        ("the key of another rule", sign([9; 32], &session("staff", 60))),
        ("not signed", format!("{none}.{payload}.")),
        ("not signed, with a tag", format!("{none}.{payload}.{tag}")),
        ("cut", good[..good.len() - 1].to_owned()),
        ("empty", String::new()),
        ("huge", "A".repeat(8000)),
    ] {
        assert_eq!(staff(&cookie).await, 429, "{what}");
    }
    assert_eq!(ask(&edge, "/events/demo", &format!("shop-till={good}")).await, 429, "under another name");
    let till = sign([9; 32], &json!({ "exp": session("till", 60)["exp"] }));
    assert_eq!(ask(&edge, "/events/demo", &format!("shop-till={till}")).await, 429, "on another path");
    assert_eq!(shop.asked().len(), before, "none of it reached the shop");
    assert_eq!(ask(&edge, "/api/reservations", &format!("shop-till={till}")).await, 200);

    edge.until_logged("\"bypassed_by\":\"staff\"").await;
    edge.until_logged("\"bypassed_by\":\"till\"").await;
    assert!(!edge.log().iter().any(|line| line.contains(tag) || line.contains(&STANDARD.encode(SECRET))));
}

#[tokio::test]
async fn a_session_that_ends_leads_past_the_line_no_more() {
    let shop = Shop::start().await;
    let edge = start(&shop, &keys());
    let cookie = format!("shop-staff={}", sign(SECRET, &session("staff", 2)));
    assert_eq!(ask(&edge, "/events/demo", &cookie).await, 200);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(ask(&edge, "/events/demo", &cookie).await, 429);
}

#[test]
fn a_rule_without_its_key_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (edge, rooms) = files(&folder, "[upstream]\naddress = \"127.0.0.1:9090\"", &room(RULES));
    let run = |keys: Option<&str>, argument: &str| {
        let mut command = command();
        command.arg("--config").arg(&edge).arg("--rooms").arg(&rooms).arg(argument);
        let command =
            keys.iter().fold(&mut command, |command, keys| command.env("STANCHION_COOKIE_KEYS", keys));
        let output = command.output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let one = format!("till:hs256:{}", STANDARD.encode(SECRET));
    for (keys, parts) in [
        (None, ["rooms.toml:8: `room.bypass.cookie.key`: found \"staff\"", "there are: none"]),
        (Some(one.as_str()), ["rooms.toml:8: `room.bypass.cookie.key`: found \"staff\"", "there are: till"]),
        (Some("staff:hs256:c2hvcnQ"), ["environment variable STANCHION_COOKIE_KEYS: entry 1", "too short"]),
        (Some("staff:none:c2hvcnQ"), ["entry 1 names an algorithm that is not known", "<name>:eddsa:"]),
    ] {
        let (code, text) = run(keys, "--check");
        assert!(code == Some(64) && parts.iter().all(|part| text.contains(part)), "{text}");
        assert!(!text.contains("c2hvcnQ") && !text.contains(&STANDARD.encode(SECRET)), "{text}");
    }
    let (code, text) = run(Some(&keys()), "--print-config=rooms");
    assert_eq!(code, Some(0));
    assert!(text.contains("key = \"staff\"") && text.contains("role = \"staff\""), "{text}");
    assert_eq!(run(Some(&keys()), "--check").0, Some(0));
}
