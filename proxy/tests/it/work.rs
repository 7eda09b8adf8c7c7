//! Work before a ticket: none without it, by any way; and off unless it is asked for.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use admission::clock::{Clock as _, SystemClock};
use proxy::waiting::time::rfc3339;
use reqwest::{Client, Response};
use serde_json::Value;

use crate::harness::{Edge, PATIENCE, assert_private, browser, navigate, room, set_cookie};
use crate::shop::Shop;

const TICKET: &str = "/.waiting-room/demo/ticket";

/// An edge that asks for work, and takes an address from a header.
fn edge(shop: &Shop, limits: &str, rules: &str) -> Edge {
    let cdn = "[cdn]\ntrusted_proxies = [\"127.0.0.1\"]\naddress_header = \"X-Forwarded-For\"";
    let edge = format!("[upstream]\naddress = \"{}\"\n[limits]\n{limits}\n{cdn}", shop.address);
    Edge::start_with(&edge, &room(rules))
}

/// Asks for a place, with this for work where there is any.
async fn join(client: &Client, edge: &Edge, from: &str, work: Option<&str>) -> Response {
    let request = client.post(edge.url(TICKET)).header("x-forwarded-for", from);
    let request = match work {
        Some(work) => request.header("wr-work", work),
        None => request,
    };
    request.send().await.unwrap()
}

/// What is asked for; by the way, that it is asked for.
async fn asked(answer: Response, code: &str) -> Value {
    assert_eq!(answer.status(), 428);
    assert_private(&answer);
    assert!(set_cookie(&answer, "wr-ticket-demo").is_none(), "no work, no ticket");
    assert!(answer.headers().contains_key("retry-after"));
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], code, "{problem}");
    problem
}

/// Does the work as the documentation does it.
fn solve(problem: &Value) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/solve_work.py");
    let mut command = Command::new("python3");
    let mut child = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(problem.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_program_gets_a_ticket_for_its_work_once() {
    let shop = Shop::start().await;
    let edge = edge(&shop, "work_bits = 8", "mode = \"paused\"");
    let (client, from) = (browser(), "198.51.100.7");
    let problem = asked(join(&client, &edge, from, None).await, "work_needed").await;
    let work = &problem["work"];
    assert_eq!(
        (&work["algorithm"], &work["parts"], &work["zero_bits"]),
        (&"sha-256".into(), &8.into(), &5.into())
    );
    let done = solve(&problem);

    // Numbers that are not the work, a challenge that was edited, another network, nothing but the challenge.
    let challenge = work["challenge"].as_str().unwrap();
    let wrong =
        asked(join(&client, &edge, from, Some(&format!("{challenge}:0,0,0,0,0,0,0,0"))).await, "work_wrong");
    assert_eq!(wrong.await["work"]["challenge"], challenge, "it may be tried again");
    let edited = done.replacen("v1.", "v1.A", 1);
    asked(join(&client, &edge, from, Some(&edited)).await, "work_unknown").await;
    asked(join(&client, &edge, "203.0.113.9", Some(&done)).await, "work_of_another_network").await;
    asked(join(&client, &edge, from, Some(challenge)).await, "work_or_wait").await;
    asked(join(&client, &edge, from, Some("")).await, "work_unknown").await;

    // A neighbour in the same network is as good: phones change addresses.
    let placed = join(&client, &edge, "198.51.100.200", Some(&done)).await;
    assert_eq!(placed.status(), 201);
    let status: Value = placed.json().await.unwrap();
    assert_eq!(status["position"], 1);
    // Once. Whoever has a place needs no work at all.
    asked(join(&browser(), &edge, from, Some(&done)).await, "work_used").await;
    assert_eq!(join(&client, &edge, from, None).await.status(), 200);
}

#[tokio::test]
async fn work_for_one_room_is_worth_nothing_in_another_and_rooms_may_differ() {
    let shop = Shop::start().await;
    let rooms = "[[room]]\nid = \"demo\"\npaths = [\"/events/demo\"]\nmode = \"paused\"\n\
                 [[room]]\nid = \"other\"\npaths = [\"/events/other\"]\nmode = \"paused\"\nwork_bits = 8\n\
                 [[room]]\nid = \"easy\"\npaths = [\"/events/easy\"]\nmode = \"paused\"\nwork_bits = 0\n";
    let edge = Edge::start_with(
        &format!("[upstream]\naddress = \"{}\"\n[limits]\nwork_bits = 9", shop.address),
        rooms,
    );
    let ask = |room: &str, work: String| {
        let request = browser().post(edge.url(&format!("/.waiting-room/{room}/ticket")));
        request.header("wr-work", work).send()
    };
    let problem = asked(ask("demo", String::new()).await.unwrap(), "work_unknown").await;
    assert_eq!(problem["work"]["zero_bits"], 6);
    let done = solve(&problem);
    let problem = asked(ask("other", done.clone()).await.unwrap(), "work_unknown").await;
    assert_eq!(problem["work"]["zero_bits"], 5);
    assert_eq!(ask("easy", String::new()).await.unwrap().status(), 201);
    assert_eq!(ask("demo", done).await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_busy_network_works_harder_and_others_do_not() {
    let shop = Shop::start().await;
    let edge =
        edge(&shop, "work_bits = 8\nwork_bits_max = 10\nwork_calm_per_minute = 1", "mode = \"paused\"");
    let bits = async |from: &str| {
        let problem = asked(join(&browser(), &edge, from, None).await, "work_needed").await;
        problem["work"]["zero_bits"].as_u64().unwrap()
    };
    let mut seen = Vec::new();
    for host in 1..10 {
        seen.push(bits(&format!("198.51.100.{host}")).await);
    }
    assert_eq!((seen[0], seen[8]), (5, 7), "{seen:?}");
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(bits("203.0.113.1").await, 5);
}

#[tokio::test]
async fn a_page_without_script_gets_its_place_by_waiting_and_few_of_one_network_do() {
    let shop = Shop::start().await;
    let limits = "work_bits = 20\nwork_wait = \"2s\"\nwork_waits_per_minute = 2";
    let edge = edge(&shop, limits, "mode = \"paused\"");
    let visit = async |fan: &Client| {
        let request = fan.get(edge.url("/events/demo")).header("accept", "text/html");
        request.header("x-forwarded-for", "198.51.100.7").send().await.unwrap()
    };
    let fans = [browser(), browser(), browser()];
    for fan in &fans {
        let page = visit(fan).await;
        assert_eq!(page.status(), 202);
        assert_private(&page);
        assert!(set_cookie(&page, "wr-work-demo").is_some() && set_cookie(&page, "wr-ticket-demo").is_none());
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.ends_with("; worker-src blob:") && !policy.contains("unsafe"), "{policy}");
        let page = page.text().await.unwrap();
        assert!(page.contains("http-equiv=\"refresh\" content=\"2\""), "{page}");
    }
    // Whoever is impatient keeps the challenge, and the time that they waited.
    let first = visit(&fans[0]).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let second = visit(&fans[0]).await;
    assert_eq!(set_cookie(&first, "wr-work-demo"), set_cookie(&second, "wr-work-demo"));
    tokio::time::sleep(Duration::from_millis(2000)).await;
    for fan in &fans[..2] {
        let page = visit(fan).await;
        assert!(set_cookie(&page, "wr-ticket-demo").is_some(), "{page:?}");
    }
    let third = visit(&fans[2]).await;
    assert!(set_cookie(&third, "wr-ticket-demo").is_none(), "those who wait come one after the other");
    let retry: u64 = third.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&retry), "{retry}");
    // The log counts them.
    edge.until_logged("\"outcome\":\"work_or_wait_longer\"").await;
    edge.until_logged("\"outcome\":\"work_needed\"").await;
    let metrics = browser().get(format!("http://{}/metrics", edge.admin)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for (outcome, count) in [("asked", 3), ("computed", 0), ("waited", 2), ("refused", 1)] {
        let line = format!("stanchion_room_work_total{{outcome=\"{outcome}\",room=\"demo\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn where_nobody_waits_nobody_works_and_when_somebody_does_they_work() {
    let shop = Shop::start().await;
    let edge =
        edge(&shop, "work_bits = 8", "mode = \"auto\"\ndrain_per_minute = 60\nburst = 1\nmax_active = 1");
    // The line gathers its first permit within a second; until then there is work to do.
    let until = Instant::now() + PATIENCE;
    while navigate(&browser(), &edge.url("/events/demo")).await.status() != 200 {
        assert!(Instant::now() < until, "nobody waits, and nobody gets in");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let second = navigate(&browser(), &edge.url("/events/demo")).await;
    assert_eq!(second.status(), 202);
    assert!(set_cookie(&second, "wr-ticket-demo").is_none() && set_cookie(&second, "wr-work-demo").is_some());
    let fetch = browser().get(edge.url("/events/demo")).send().await.unwrap();
    assert_eq!(fetch.status(), 429);
}

#[tokio::test]
async fn in_a_draw_each_number_takes_work() {
    let shop = Shop::start().await;
    let at = |seconds| rfc3339(SystemClock.now() + Duration::from_secs(seconds));
    let before = rfc3339(SystemClock.now() - Duration::from_secs(60));
    let rules = format!("prequeue_at = \"{before}\"\nopens_at = \"{}\"", at(600));
    let edge = edge(&shop, "work_bits = 8\n[store]\nkind = \"memory\"\npath = \"line\"", &rules);
    let from = "198.51.100.7";
    for _ in 0..20 {
        let answer = join(&browser(), &edge, from, None).await;
        asked(answer, "work_needed").await;
    }
    let problem = asked(join(&browser(), &edge, from, None).await, "work_needed").await;
    let done = solve(&problem);
    let placed = join(&browser(), &edge, from, Some(&done)).await;
    assert_eq!(placed.status(), 201);
    let status: Value = placed.json().await.unwrap();
    assert_eq!((&status["state"], &status["position"]), (&"prequeue".into(), &Value::Null));
    asked(join(&browser(), &edge, from, Some(&done)).await, "work_used").await;
    // An edge that does not remember it, as any other one of the line: the draw itself does.
    let edge = edge.kill_and_restart();
    asked(join(&browser(), &edge, from, Some(&done)).await, "work_used").await;
}

#[tokio::test]
async fn nothing_is_asked_unless_the_operator_wants_it() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"paused\""));
    let page = navigate(&browser(), &edge.url("/events/demo")).await;
    assert!(set_cookie(&page, "wr-ticket-demo").is_some() && set_cookie(&page, "wr-work-demo").is_none());
    assert!(!page.headers()["content-security-policy"].to_str().unwrap().contains("worker-src"));
    assert_eq!(browser().post(edge.url(TICKET)).send().await.unwrap().status(), 201);
}
