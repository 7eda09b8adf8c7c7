//! Accounts behind a room that covers everything and is closed: by the rule that ships, fans log in before the sale.

use std::fs;
use std::time::{Duration, Instant};

use loadtest::stack::{Blueprint, Room, Stack};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::json;
use toml::{Table, Value};

/// How long it may take until something is as it should be.
const PATIENCE: Duration = Duration::from_secs(30);

/// The rule for accounts, as `config/rooms.toml` has it.
fn shipped_rule() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/rooms.toml");
    let rooms: Table = fs::read_to_string(file).unwrap().parse().unwrap();
    let rules = rooms["room"][0]["bypass"].as_array().unwrap();
    rules.iter().find(|rule| rule["name"].as_str() == Some("account")).unwrap().clone()
}

async fn text(answer: Response) -> String {
    answer.text().await.unwrap()
}

#[tokio::test]
async fn fans_log_in_before_the_sale() {
    let paths = vec!["/".to_owned(), "/*".to_owned()];
    let blueprint = Blueprint { rooms: vec![Room { paths, ..Room::demo(60) }], ..Blueprint::default() };
    let stack = Stack::start(&blueprint).await.unwrap();
    let url = |path: &str| stack.edges()[0].join(path).unwrap();
    let client = Client::builder().redirect(Policy::none()).cookie_store(true).build().unwrap();
    let get = async |path: &str| client.get(url(path)).header("accept", "text/html").send().await.unwrap();
    // Without the rule they stand in the line like everything else.
    let login = get("/account/login").await;
    assert!(!text(login).await.contains("action=\"/account/login\""));

    let file = stack.folder().join("rooms.toml");
    let mut rooms: Table = fs::read_to_string(&file).unwrap().parse().unwrap();
    let room = rooms["room"][0].as_table_mut().unwrap();
    room.insert("bypass".to_owned(), Value::Array(vec![shipped_rule()]));
    room.insert("mode".to_owned(), Value::String("closed".to_owned()));
    fs::write(&file, rooms.to_string()).unwrap();
    let begun = Instant::now();
    loop {
        let login = get("/account/login").await;
        if login.status() == 200 && text(login).await.contains("action=\"/account/login\"") {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the rule is not in force");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let post = async |path: &str, body| client.post(url(path)).json(&body).send().await.unwrap();
    let who = json!({"email": "fan@example.com", "password": "a long evening"});
    assert_eq!(post("/api/auth/signup", who.clone()).await.status(), 202);
    // The shop prints its mails, where no server is named.
    let log = stack.folder().join("origin-app.log");
    let token = loop {
        let printed = fs::read_to_string(&log).unwrap();
        if let Some((_, rest)) = printed.split_once("/account/verify?token=") {
            break rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap().to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "no mail came: {printed}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(post("/api/auth/verify", json!({"token": token})).await.status(), 200);
    assert_eq!(post("/api/auth/login", who).await.status(), 200);
    assert!(text(get("/account").await).await.contains("fan@example.com"));
    let asset = text(get("/account").await).await;
    let asset = asset.split_once("href=\"/assets/").unwrap().1.split('"').next().unwrap().to_owned();
    assert_eq!(get(&format!("/assets/{asset}")).await.status(), 200);
    // All else is closed to them as to everybody.
    for path in ["/", "/events/demo", "/tickets", "/organiser", "/accounts", "/api/reservations"] {
        let page = text(get(path).await).await;
        assert!(!page.contains("href=\"/account\""), "{path} came from the shop: {page}");
    }
    stack.stop().await;
}
