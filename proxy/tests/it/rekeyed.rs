//! Keys change while fans are inside: the file is read again, and nobody notices but whose key is gone.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::admin::{answer, call, get, post};
use crate::harness::{
    ADMIN, EDGE_KEYS, Edge, OPERATOR, PATIENCE, browser, command, files, navigate, room, set_cookie,
};
use crate::shop::Shop;

const SECRETS: [&str; 3] = [
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8",
    "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8",
];

/// A file with these keys, the first of which signs.
fn write(folder: &std::path::Path, keys: &[usize]) {
    let text: String = keys.iter().map(|key| format!("k{key}:{}\n", SECRETS[key - 1])).collect();
    std::fs::write(folder.join("keys.new"), text).unwrap();
    std::fs::rename(folder.join("keys.new"), folder.join("keys")).unwrap();
}

fn start(shop: &Shop, rooms: &str) -> Edge {
    start_by(shop, rooms, &[1])
}

fn start_by(shop: &Shop, rooms: &str, keys: &[usize]) -> Edge {
    let folder: TempDir = tempfile::tempdir().unwrap();
    write(folder.path(), keys);
    let edge = "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nkeys_file = \"keys\"\n";
    let (edge, rooms) = files(&folder, &format!("{edge}[upstream]\naddress = \"{}\"\n", shop.address), rooms);
    let mut command = command();
    command.env_remove("STANCHION_KEYS").arg("--config").arg(edge).arg("--rooms").arg(rooms);
    Edge::run(folder, command)
}

async fn until_verify(edge: &Edge, ids: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let keys = get(edge, "/keys").await;
        if keys["line"]["verifies"] == json!(ids) {
            assert_eq!(
                (&keys["line"]["signs"], &keys["line"]["from_a_file"]),
                (&json!(ids[0]), &json!(true))
            );
            return;
        }
        assert!(Instant::now() < deadline, "{keys} {:?}", edge.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn opens(edge: &Edge, token: &str) -> bool {
    let request = browser().get(edge.url("/events/demo")).header("wr-admission", token);
    request.send().await.unwrap().status() == 200
}

async fn rotate(edge: &Edge, token: &str) -> (StatusCode, Value) {
    answer(call(edge, token, Method::POST, "/keys/rotate")).await
}

#[tokio::test]
async fn keys_change_without_a_restart_and_a_key_that_is_gone_opens_nothing() {
    let shop = Shop::start().await;
    let edge = start(&shop, &room("drain_per_minute = 6000\nburst = 50"));
    let folder = edge.folder.path();
    until_verify(&edge, &["k1"]).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let token = async || {
        let page = navigate(&browser(), &edge.url("/events/demo")).await;
        set_cookie(&page, "wr-admission-demo").unwrap()
    };
    let first = token().await;
    write(folder, &[2, 1]);
    until_verify(&edge, &["k2", "k1"]).await;
    edge.until_logged("k2 signs; k2, k1 verify").await;
    let second = token().await;
    assert!(opens(&edge, &first).await && opens(&edge, &second).await);
    post(&edge, "/rooms/demo/pause", &json!({})).await;
    write(folder, &[2]);
    until_verify(&edge, &["k2"]).await;
    assert!(!opens(&edge, &first).await, "though it was verified before");
    assert!(opens(&edge, &second).await);
    // One that is wrong changes nothing, and no message shows a secret.
    std::fs::write(folder.join("keys"), "k3:dG9vIHNob3J0\n").unwrap();
    let (status, problem) = rotate(&edge, ADMIN).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("bad_keys")));
    assert!(!problem.to_string().contains("dG9v"), "{problem}");
    edge.until_logged("the keys cannot be read again").await;
    assert!(opens(&edge, &second).await);
    assert_eq!(rotate(&edge, OPERATOR).await.1["code"], "role");
    write(folder, &[3, 2]);
    assert_eq!(rotate(&edge, ADMIN).await.1["line"]["signs"], "k3");
    assert_eq!(get(&edge, "/audit?limit=1").await["entries"][0]["action"], "keys");
    write(folder, &[3]);
    edge.signal("HUP");
    until_verify(&edge, &["k3"]).await;
    assert!(!opens(&edge, &second).await);
    let log = edge.log().concat();
    assert!(SECRETS.iter().all(|secret| !log.contains(secret)), "{log}");
}

#[tokio::test]
async fn keys_of_the_environment_stay_and_so_does_the_one_that_draws() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    assert_eq!(get(&edge, "/keys").await["line"]["from_a_file"], false);
    assert_eq!(rotate(&edge, ADMIN).await.1["code"], "no_keys_file");
    let times = "prequeue_at = 2020-01-01T00:00:00Z\nopens_at = 2199-01-01T00:00:00Z";
    let edge = start(&shop, &room(times));
    crate::admin::until(&edge, "in its pre-queue", |room| room["phase"] == "prequeue").await;
    write(edge.folder.path(), &[2, 1]);
    let (status, problem) = rotate(&edge, ADMIN).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("prequeue")), "{problem}");
    assert_eq!(get(&edge, "/keys").await["line"]["verifies"], json!(["k1"]));
    write(edge.folder.path(), &[1, 2]);
    assert_eq!(rotate(&edge, ADMIN).await.1["line"]["verifies"], json!(["k1", "k2"]));
}

#[tokio::test]
async fn tokens_of_operators_and_keys_to_the_shop_change_without_a_restart() {
    let shop = Shop::start().await;
    let folder: TempDir = tempfile::tempdir().unwrap();
    let tokens = |text: &str| std::fs::write(folder.path().join("tokens"), text).unwrap();
    let of = |name: &str, token: &str| format!("{name}:admin:{token}\n");
    tokens(&of("root", ADMIN));
    std::fs::write(folder.path().join("edge-keys"), format!("e0:{}", SECRETS[2])).unwrap();
    let edge = format!(
        "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nedge_keys_file = \"edge-keys\"\n\
         admin_tokens_file = \"tokens\"\n[upstream]\naddress = \"{}\"\n",
        shop.address
    );
    let (edge, rooms) = files(&folder, &edge, &room(""));
    let mut command = command();
    command.env_remove("STANCHION_EDGE_KEYS").env_remove("STANCHION_ADMIN_TOKENS");
    command.arg("--config").arg(edge).arg("--rooms").arg(rooms);
    let edge = Edge::run(tempfile::tempdir().unwrap(), command);
    let signed = async || {
        browser().get(edge.url("/open")).send().await.unwrap();
        shop.last().signed
    };
    assert!(!signed().await, "the shop has another key");
    std::fs::write(folder.path().join("edge-keys"), EDGE_KEYS).unwrap();
    tokens(&format!("{}{}", of("zoe", OPERATOR), of("root", ADMIN)));
    let (status, told) = rotate(&edge, ADMIN).await;
    assert_eq!((status, &told["edge"]["signs"]), (StatusCode::OK, &json!("e1")), "{told}");
    assert_eq!(told["operators"], json!(["zoe (admin)", "root (admin)"]));
    assert!(signed().await);
    // One file that is wrong, and none is taken.
    tokens("zoe:boss:x");
    std::fs::write(folder.path().join("edge-keys"), format!("e9:{}", SECRETS[0])).unwrap();
    assert_eq!(rotate(&edge, OPERATOR).await.1["code"], "bad_keys");
    assert!(signed().await);
    std::fs::write(folder.path().join("edge-keys"), EDGE_KEYS).unwrap();
    // Who left is out as soon as the file says so.
    tokens(&of("zoe", OPERATOR));
    let deadline = Instant::now() + PATIENCE;
    while answer(call(&edge, ADMIN, Method::GET, "/keys")).await.0 != StatusCode::UNAUTHORIZED {
        assert!(Instant::now() < deadline, "{:?}", edge.log());
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let entry = answer(call(&edge, OPERATOR, Method::GET, "/audit?limit=1")).await.1["entries"][0].clone();
    assert_eq!((&entry["action"], &entry["via"]), (&json!("keys"), &json!("file")), "{entry}");
    let log = edge.log().concat();
    assert!(!log.contains(OPERATOR) && !log.contains(SECRETS[2]), "{log}");
}

#[tokio::test]
async fn a_draw_by_other_keys_than_are_committed_to_is_seen_as_a_broken_promise() {
    let shop = Shop::start().await;
    let times = room("prequeue_at = 2020-01-01T00:00:00Z\nopens_at = 2199-01-01T00:00:00Z");
    let broken = async |edge: &Edge| {
        let url = format!("http://{}/metrics", edge.admin);
        let page = browser().get(url).send().await.unwrap().text().await.unwrap();
        let of_draws = "stanchion_promise_violations_total{promise=\"P10\",room=\"demo\"} ";
        let line = page.lines().find_map(|line| line.strip_prefix(of_draws)).unwrap().to_owned();
        line != "0"
    };
    let show = async |edge: &Edge, ticket: &str| {
        let url = edge.url("/.waiting-room/demo/ticket");
        browser().get(url).header("wr-ticket", ticket).send().await.unwrap().status()
    };
    let before = start(&shop, &times);
    crate::admin::until(&before, "in its pre-queue", |room| room["phase"] == "prequeue").await;
    let ticket = crate::live::join(&before).await;
    assert_eq!(show(&before, &ticket).await, 200);
    assert!(!broken(&before).await);
    // An edge whose keys are in another order draws by another seed, and commits to that.
    let other = start_by(&shop, &times, &[2, 1]);
    crate::admin::until(&other, "in its pre-queue", |room| room["phase"] == "prequeue").await;
    show(&other, &ticket).await;
    assert!(broken(&other).await);
}
