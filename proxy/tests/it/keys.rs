//! Keys: made by a command, published where others have to check tokens, rotated without logging anyone out.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::Value;

use crate::harness::{Edge, KEYS, all, browser, command, files, navigate, room, set_cookie};
use crate::shop::{Asked, Shop};

/// Starts an edge with these keys. Each start has its own line, which the tickets of fans bring back.
fn start(shop: &Shop, keys: &str, rules: &str) -> Edge {
    let folder = tempfile::tempdir().unwrap();
    let edge = format!(
        "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n[upstream]\naddress = \"{}\"",
        shop.address
    );
    let (edge, rooms) = files(&folder, &edge, &room(rules));
    let mut command = command();
    command.env("STANCHION_KEYS", keys).arg("--config").arg(edge).arg("--rooms").arg(rooms);
    Edge::run(folder, command)
}

fn made(arguments: &[&str]) -> String {
    let output = command().arg("keys").arg("new").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A fan who is let in, as soon as there is a permit.
async fn let_in(edge: &Edge) -> (reqwest::Client, String) {
    let fan = browser();
    loop {
        let page = navigate(&fan, &edge.url("/events/demo")).await;
        if let Some(token) = set_cookie(&page, "wr-admission-demo") {
            return (fan, token);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn public_keys(edge: &Edge) -> JwkSet {
    let answer = browser().get(edge.url("/.waiting-room/jwks.json")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(all(&answer, "cache-control"), ["public, max-age=300"]);
    assert!(all(&answer, "set-cookie").is_empty());
    answer.json().await.unwrap()
}

/// What somebody does who has nothing but the public keys.
fn checked_elsewhere(keys: &JwkSet, token: &str) -> Value {
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["demo"]);
    validation.set_issuer(&["stanchion"]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
}

#[tokio::test]
async fn tokens_of_ed25519_are_checked_by_anybody_and_made_by_nobody_else() {
    let shop = Shop::start().await;
    let secret = made(&["--algorithm", "eddsa", "--id", "e1"]);
    let edge = start(&shop, &secret, "");
    let keys = public_keys(&edge).await;
    let (fan, token) = let_in(&edge).await;
    let claims = checked_elsewhere(&keys, &token);
    assert_eq!(claims["sub"], shop.last().header("x-waiting-room-ticket").unwrap());
    let of_the_fan = |asked: &Asked| asked.header("x-waiting-room-ticket") == claims["sub"].as_str();
    let count = || shop.asked().iter().filter(|asked| of_the_fan(asked)).count();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    assert_eq!(count(), 2);

    // HMAC with what is public opens nothing.
    let told =
        browser().get(edge.url("/.waiting-room/jwks.json")).send().await.unwrap().text().await.unwrap();
    let jwk: Value = serde_json::from_str(&told).unwrap();
    let x = jwk["keys"][0]["x"].as_str().unwrap();
    for (key, kid) in [(x, "e1"), (told.as_str(), "e1"), (x, "k1")] {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        let forged =
            jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(key.as_bytes())).unwrap();
        let asked = browser().get(edge.url("/api/reservations")).header("wr-admission", &forged).send();
        asked.await.unwrap();
        assert_eq!(count(), 2, "{kid}");
    }
    let secret = secret.rsplit(':').next().unwrap();
    assert!(!told.contains(secret) && !edge.log().iter().any(|line| line.contains(secret)));
}

#[tokio::test]
async fn without_ed25519_there_are_no_public_keys() {
    let shop = Shop::start().await;
    let edge = start(&shop, KEYS, "");
    let answer = browser().get(edge.url("/.waiting-room/jwks.json")).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}

/// A key is known everywhere before it signs, and known for as long as what it signed may live.
#[tokio::test]
async fn keys_rotate_while_fans_wait_and_buy() {
    let shop = Shop::start().await;
    let new = made(&["--algorithm", "eddsa", "--id", "e2"]);
    let (both, rotated) = (format!("{KEYS}, {new}"), format!("{new} {KEYS}"));

    let edge = start(&shop, KEYS, "");
    let (buyer, token) = let_in(&edge).await;
    assert_eq!(jsonwebtoken::decode_header(&token).unwrap().kid.unwrap(), "k1");
    let waiter = browser();
    let ticket_url = |edge: &Edge| edge.url("/.waiting-room/demo/ticket");
    let joined: Value = waiter.post(ticket_url(&edge)).send().await.unwrap().json().await.unwrap();
    drop(edge);

    for (step, keys) in ["it is known", "it signs"].into_iter().zip([&both, &rotated]) {
        let edge = start(&shop, keys, "");
        assert_eq!(navigate(&buyer, &edge.url("/events/demo")).await.status(), 200, "{step}");
        let again = waiter.post(ticket_url(&edge)).send().await.unwrap();
        assert_eq!(again.status(), 200, "{step}: the same place");
        let published = public_keys(&edge).await;
        assert!(published.find("e2").is_some(), "published before it signs");
        let (_, fresh) = let_in(&edge).await;
        let kid = jsonwebtoken::decode_header(&fresh).unwrap().kid.unwrap();
        assert_eq!(kid, if step == "it signs" { "e2" } else { "k1" });
        if kid == "e2" {
            checked_elsewhere(&published, &fresh);
        }
    }

    let edge = start(&shop, &new, "mode = \"paused\"");
    let answer = browser().get(edge.url("/api/reservations")).header("wr-admission", &token).send().await;
    assert_eq!(answer.unwrap().status(), 429, "the old key is gone");
    let first = joined["ticket"].as_str().unwrap();
    let presented = browser().get(ticket_url(&edge)).header("wr-ticket", first).send().await.unwrap();
    assert_eq!(presented.status(), 404);
    let renewed = waiter.get(ticket_url(&edge)).send().await.unwrap();
    assert_eq!(renewed.status(), 200, "who presented it meanwhile has one of the new key");
}

#[test]
fn keys_are_made_and_told_by_the_command() {
    let first = made(&[]);
    let (id, secret) = first.split_once(':').unwrap();
    assert!(id.len() == 10 && id.starts_with("20") && secret.len() == 44, "{first}");
    assert_ne!(first, made(&[]));
    let entry = made(&["--algorithm", "eddsa", "--id", "e1"]);
    assert!(entry.starts_with("e1:eddsa:"), "{entry}");

    let folder = tempfile::tempdir().unwrap();
    let (edge, rooms) = files(&folder, "[upstream]\naddress = \"127.0.0.1:9090\"", &room(""));
    let run = |keys: &str, edge_keys: &str, arguments: &[&str]| {
        let mut command = command();
        command.env("STANCHION_KEYS", keys).env("STANCHION_EDGE_KEYS", edge_keys);
        command.arg("--config").arg(&edge).arg("--rooms").arg(&rooms).args(arguments).output().unwrap()
    };
    let told = run(&entry, KEYS, &["keys", "public"]);
    let set: JwkSet = serde_json::from_slice(&told.stdout).unwrap();
    assert!(set.find("e1").is_some());
    for (keys, edge_keys, arguments, said) in [
        (KEYS, KEYS, &["keys", "public"][..], "nothing to publish"),
        (KEYS, entry.as_str(), &["--check"], "STANCHION_EDGE_KEYS: the key `e1` is one of `eddsa`"),
        ("e1:rs256:abc", KEYS, &["--check"], "`<key id>:eddsa:<secret>`"),
        (KEYS, KEYS, &["keys", "new", "--id", "Key 1"], "`--id` is \"Key 1\""),
    ] {
        let output = run(keys, edge_keys, arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(64) && text.contains(said), "{text}");
        assert!(!text.contains(entry.rsplit(':').next().unwrap()), "{text}");
    }
    let shown = run(&entry, KEYS, &["--print-config"]);
    assert!(!String::from_utf8(shown.stdout).unwrap().contains(entry.rsplit(':').next().unwrap()));
}
