//! Several instances of the shop: turns, failures, health, circuits; TLS and HTTP/2 towards it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{StatusCode, Version};
use axum::response::IntoResponse as _;
use axum::{Router, routing::any};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::make;
use crate::harness::{Edge, PATIENCE, browser, navigate, room, set_cookie};
use crate::secure_shop::SecureShop;
use crate::shop::Shop;

fn edge_before(addresses: &[String], more: &str) -> Edge {
    Edge::start_with(
        &format!("[upstream]\naddress = {addresses:?}\n{more}"),
        &room("drain_per_minute = 6000"),
    )
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn instances_take_turns_and_one_that_is_away_costs_nobody_anything() {
    let (one, two) = (Shop::start().await, Shop::start().await);
    let away = nobody().await;
    let edge = edge_before(&[one.address.to_string(), away, two.address.to_string()], "");
    let fan = browser();
    for n in 0..30 {
        // Nothing was sent when there is no connection, so a POST goes to another instance too.
        let answer = if n % 2 == 0 { fan.get(edge.url("/")) } else { fan.post(edge.url("/")).body("x") };
        assert_eq!(answer.send().await.unwrap().status(), 200);
    }
    assert!(one.asked().len() >= 5 && two.asked().len() >= 5);
    assert_eq!(one.asked().len() + two.asked().len(), 30);
}

/// A shop that answers the first request on a connection and closes on the second one without a word.
async fn forgetful() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let log = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let log = log.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 8192];
                for is_first in [true, false] {
                    let count = stream.read(&mut buffer).await.unwrap_or(0);
                    if count == 0 {
                        return;
                    }
                    let line =
                        String::from_utf8_lossy(&buffer[..count]).lines().next().unwrap_or("").to_owned();
                    log.lock().unwrap().push(line);
                    if is_first {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                    }
                }
            });
        }
    });
    (address, seen)
}

#[tokio::test]
async fn only_what_may_be_repeated_is_sent_again() {
    let (address, seen) = forgetful().await;
    let edge = edge_before(&[address], "");
    let fan = browser();
    assert_eq!(fan.get(edge.url("/first")).send().await.unwrap().status(), 200);
    // The connection that is reused breaks; a GET is sent again over a new one.
    assert_eq!(fan.get(edge.url("/again")).send().await.unwrap().status(), 200);
    // Now and then one meets a new connection, where it is answered.
    let (mut sent, mut broke) = (0, 0);
    while broke < 3 && sent < 100 {
        let answer = fan.post(edge.url("/buy")).body("one").send().await.unwrap();
        assert!(answer.status() == 200 || answer.status() == 502);
        broke += usize::from(answer.status() == 502);
        sent += 1;
    }
    assert_eq!(broke, 3);
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.iter().filter(|line| line.starts_with("POST")).count(), sent, "{seen:?}");
    assert_eq!(seen.iter().filter(|line| line.contains("/again")).count(), 2, "{seen:?}");
}

#[tokio::test]
async fn who_says_that_it_is_not_well_gets_no_requests_until_it_is() {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = well.clone();
    let router = Router::new()
        .route(
            "/healthz",
            any(move || {
                let is_well = is_well.load(Relaxed);
                async move { if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
            }),
        )
        .fallback(|| async { "sick" });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sick = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let shop = Shop::start().await;
    let health = "[upstream.health]\npath = \"/healthz\"\nevery = \"100ms\"\ndown_after = 2";
    let edge = edge_before(&[sick.clone(), shop.address.to_string()], health);
    edge.until_logged("the instance is down").await;
    let answers = async || {
        let mut counts: BTreeMap<bool, usize> = BTreeMap::new();
        for _ in 0..10 {
            let text = browser().get(edge.url("/")).send().await.unwrap().text().await.unwrap();
            *counts.entry(text == "sick").or_default() += 1;
        }
        counts
    };
    assert_eq!(answers().await, BTreeMap::from([(false, 10)]));
    well.store(true, Relaxed);
    edge.until_logged("the instance is up again").await;
    assert_eq!(answers().await, BTreeMap::from([(false, 5), (true, 5)]));
}

/// A shop that fails as long as it is told to, and counts what it was asked.
struct Failing {
    address: String,
    fails: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Failing {
    async fn start() -> Self {
        let fails = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(AtomicUsize::new(0));
        let (is_failing, count) = (fails.clone(), asked.clone());
        let router = Router::new().fallback(move || {
            count.fetch_add(1, Relaxed);
            let fails = is_failing.load(Relaxed);
            async move { if fails { StatusCode::BAD_GATEWAY.into_response() } else { "well".into_response() } }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, fails, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Relaxed)
    }
}

#[tokio::test]
async fn a_shop_that_fails_is_left_alone_and_no_session_is_lost() {
    let shop = Failing::start().await;
    let breaker = "[upstream.breaker]\nleast = 10\npause = \"1s\"\npause_max = \"1s\"";
    let edge = edge_before(std::slice::from_ref(&shop.address), breaker);
    let fan = browser();
    let answer = navigate(&fan, &edge.url("/events/demo")).await;
    assert!(set_cookie(&answer, "wr-admission-demo").is_some());
    shop.fails.store(true, Relaxed);
    let until = Instant::now() + PATIENCE;
    let answer = loop {
        let answer = navigate(&fan, &edge.url("/events/demo")).await;
        if answer.status() == 503 {
            break answer;
        }
        assert_eq!(answer.status(), 502, "what the shop says is passed on until the circuit opens");
        assert!(Instant::now() < until);
    };
    let again = answer.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap();
    assert!((1..=60).contains(&again));
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let page = answer.text().await.unwrap();
    assert!(page.contains("The Show") && page.contains("The shop is in trouble right now"), "{page}");
    // Nothing reaches the shop meanwhile, but for a trial now and then.
    let before = shop.asked();
    let mut refused = 0;
    for _ in 0..50 {
        let answer = fan.post(edge.url("/api/reservations")).send().await.unwrap();
        if answer.status() == 503 {
            assert!(answer.headers().contains_key("retry-after"));
            let problem: serde_json::Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "circuit_open");
            refused += 1;
        }
    }
    assert!(refused > 25 && shop.asked() - before < 25, "{refused} refused, {} asked", shop.asked() - before);
    // The shop is well again: everything goes on, with the session of before.
    shop.fails.store(false, Relaxed);
    let until = Instant::now() + PATIENCE;
    while navigate(&fan, &edge.url("/events/demo")).await.status() != 200 {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    while !edge.log().iter().any(|line| line.contains("the circuit is closed")) {
        assert!(Instant::now() < until);
        assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    }
}

#[tokio::test]
async fn tls_and_http2_are_spoken_with_the_shop_and_only_with_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = make(folder.path(), "shop");
    let (stranger, _) = make(folder.path(), "stranger");
    for (protocol, version) in [("http1", Version::HTTP_11), ("http2", Version::HTTP_2)] {
        let shop = SecureShop::start(&certificate, &key).await;
        let upstream = |ca: &std::path::Path| {
            format!("protocol = \"{protocol}\"\ntls_name = \"localhost\"\ntls_ca = {ca:?}")
        };
        let edge = edge_before(&[shop.address.to_string()], &upstream(&certificate));
        for _ in 0..5 {
            let answer = browser().post(edge.url("/buy?x=1")).body("body").send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.text().await.unwrap(), format!("{version:?} {} body", edge.address));
        }
        let wrong = edge_before(&[shop.address.to_string()], &upstream(&stranger));
        assert_eq!(browser().get(wrong.url("/")).send().await.unwrap().status(), 503);
    }
}

#[tokio::test]
async fn http2_without_tls_is_spoken_with_the_shop() {
    let router = Router::new().fallback(|request: Request| async move { format!("{:?}", request.version()) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let edge = edge_before(&[address], "protocol = \"http2\"");
    let answers =
        (0..20).map(|_| async { browser().get(edge.url("/")).send().await.unwrap().text().await.unwrap() });
    for text in futures_util::future::join_all(answers).await {
        assert_eq!(text, "HTTP/2.0");
    }
}

#[tokio::test]
async fn events_of_the_shop_come_as_they_are_sent() {
    let shop = Shop::start().await;
    let edge = edge_before(&[shop.address.to_string()], "read_timeout = \"500ms\"\nstream_timeout = \"20s\"");
    // A silence that would be too long for any other answer.
    let mut answer = browser()
        .get(edge.url("/events-of-the-shop"))
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let first = tokio::time::timeout(PATIENCE, answer.chunk()).await.unwrap().unwrap().unwrap();
    assert_eq!(first, "data: first\n\n");
    let second = tokio::time::timeout(PATIENCE, answer.chunk()).await.unwrap().unwrap().unwrap();
    assert_eq!(second, "data: second\n\n");
    drop(answer);
    let late = browser().get(edge.url("/late")).send().await.unwrap();
    assert_eq!(late.status(), 504);
}

#[tokio::test]
async fn an_answer_that_does_not_begin_in_time_is_given_up_and_one_that_has_begun_may_be_silent_for_longer() {
    let shop = Shop::start().await;
    let timeouts = "first_byte_timeout = \"500ms\"\nread_timeout = \"10m\"";
    let edge = edge_before(&[shop.address.to_string()], timeouts);
    let fan = browser();
    for _ in 0..2 {
        let late = fan.get(edge.url("/late")).header("accept", "text/html").send().await.unwrap();
        assert_eq!(late.status(), 504);
        assert!(late.text().await.unwrap().contains("not available right now"));
        let late = fan.post(edge.url("/late")).body("x").send().await.unwrap();
        assert_eq!(late.status(), 504, "whatever the method");
        // Its first piece comes at once, the second after more than a second.
        let events = fan.get(edge.url("/events-of-the-shop")).send().await.unwrap();
        assert_eq!(events.text().await.unwrap(), "data: first\n\ndata: second\n\n");
        assert_eq!(fan.get(edge.url("/")).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn an_instance_that_hangs_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let held = tokio::spawn(async move {
        let mut held: Vec<TcpStream> = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let edge = edge_before(&[address], "read_timeout = \"300ms\"");
    let asked = async |fan: &reqwest::Client, path: &str| {
        let mut refused = false;
        for _ in 0..8 {
            let answer = navigate(fan, &edge.url(path)).await;
            assert!(answer.status() == 504 || answer.status() == 503);
            refused |= answer.status() == 503;
        }
        refused
    };
    assert!(!asked(&browser(), "/").await, "anybody could close the shop with a page that hangs");
    assert!(asked(&browser(), "/events/demo").await, "five that were not answered open the circuit");
    held.abort();
}
