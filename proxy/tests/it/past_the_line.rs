//! Who goes past the line: by a rule, or with a link that the operator minted. And nobody else.

use admission::bypass::Bypass;
use admission::clock::{Clock as _, SystemClock, SystemRandom};
use admission::keyring::Keyring;
use admission::name::RoomId;
use admission::ticket::TicketId;
use std::time::Duration;

use crate::harness::{Edge, KEYS, all, assert_private, browser, command, navigate, room};
use crate::shop::Shop;

const RULES: &str = "mode = \"paused\"
[[room.bypass]]
name = \"health\"
paths = [\"/events/demo/health\"]
methods = [\"GET\"]
[[room.bypass]]
name = \"partner\"
networks = [\"127.0.0.0/8\"]
headers = { \"X-Partner\" = \"a-long-secret\" }
[[room.bypass]]
name = \"elsewhere\"
networks = [\"198.51.100.0/24\"]";

fn mint(edge: &Edge, arguments: &[&str]) -> String {
    let mut command = command();
    command.arg("--config").arg(edge.folder.path().join("edge.toml"));
    command.arg("bypass").arg("--rooms").arg(edge.folder.path().join("rooms.toml"));
    let output = command.args(["--room", "demo"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_rule_lets_through_what_it_names_and_is_counted_by_name() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(RULES));
    let ask = |method: reqwest::Method, path: &str, partner: &[&str]| {
        let request = browser().request(method, edge.url(path));
        let request = partner.iter().fold(request, |request, value| request.header("x-partner", *value));
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let (get, post) = (reqwest::Method::GET, reqwest::Method::POST);
    assert_eq!(ask(get.clone(), "/events/demo/health", &[]).await, 200);
    assert_eq!(ask(post.clone(), "/events/demo/health", &[]).await, 429, "not by that method");
    assert_eq!(ask(get.clone(), "/events/demo/health/x", &[]).await, 429);
    assert_eq!(ask(get.clone(), "/events/demo/../demo/%68ealth", &[]).await, 200, "one view of a path");
    assert_eq!(ask(post, "/api/reservations", &["a-long-secret"]).await, 200);
    for bad in [&["a-long-secre"][..], &["a-long-secret", "a-long-secret"], &[""]] {
        assert_eq!(ask(get.clone(), "/events/demo", bad).await, 429, "{bad:?}");
    }
    let log = edge.log();
    for name in ["health", "partner"] {
        let count = log.iter().filter(|line| line.contains(&format!("\"bypassed_by\":\"{name}\""))).count();
        assert!(count > 0, "{name}");
    }
    assert!(!log.iter().any(|line| line.contains("a-long-secret")), "secrets stay out of the log");
}

#[tokio::test]
async fn a_minted_link_leads_past_the_line_until_it_expires() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(RULES));
    let link = mint(&edge, &["--expires-in", "1h", "--link", "https://a.example"]);
    let code = link.strip_prefix("https://a.example/.waiting-room/demo/bypass?code=").unwrap();
    let staff = browser();
    let taken = navigate(&staff, &edge.url(&format!("/.waiting-room/demo/bypass?code={code}"))).await;
    assert_eq!((taken.status().as_u16(), all(&taken, "location")), (303, vec!["/events/demo"]));
    assert_private(&taken);
    let cookie = all(&taken, "set-cookie")[0];
    assert!(cookie.starts_with("wr-bypass-demo=v1.") && cookie.contains("HttpOnly"), "{cookie}");
    for _ in 0..2 {
        let page = navigate(&staff, &edge.url("/events/demo")).await;
        assert_eq!(page.status(), 200, "past a line that is paused");
    }
    // The shop sees who it is, and never the code.
    let seen = shop.last();
    assert_eq!(seen.header("x-waiting-room-room").unwrap_or_default(), "demo");
    assert_eq!(seen.header("x-waiting-room-ticket").unwrap_or_default().len(), 16);
    assert!(
        !seen.header("cookie").unwrap_or_default().contains("wr-"),
        "{}",
        seen.header("cookie").unwrap_or_default()
    );
    let program = browser().get(edge.url("/api/reservations")).header("wr-bypass", code);
    assert_eq!(program.send().await.unwrap().status(), 200);

    let keys = Keyring::parse(KEYS).unwrap();
    let other = Keyring::parse("k1:BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
    let sealed = |room: &str, keys: &Keyring, age: i64| {
        let now = SystemClock.now();
        let expires_at = if age < 0 { now - Duration::from_secs(1) } else { now + Duration::from_secs(60) };
        let id = TicketId::random(&SystemRandom).unwrap();
        Bypass { room: RoomId::parse(room).unwrap(), id, expires_at }.seal(keys)
    };
    for (code, status) in [
        (sealed("demo", &keys, -1), 410),
        (sealed("other", &keys, 1), 404),
        (sealed("demo", &other, 1), 400),
        (format!("{code}x"), 400),
        (String::new(), 400),
    ] {
        let taken = navigate(&browser(), &edge.url(&format!("/.waiting-room/demo/bypass?code={code}"))).await;
        assert_eq!(taken.status().as_u16(), status, "{code}");
        let used = browser().get(edge.url("/events/demo")).header("wr-bypass", code).send().await.unwrap();
        assert_eq!(used.status(), 429);
    }
}
