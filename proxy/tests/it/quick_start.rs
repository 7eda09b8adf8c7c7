//! A site gets a waiting room by one command, with no file at all.

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use reqwest::Client;
use tempfile::TempDir;

use crate::harness::{EDGE_KEYS, Edge, KEYS, PATIENCE, all, assert_private, browser, navigate};

/// One fan every two seconds: a line forms as soon as a few come at once.
const RATE: [&str; 2] = ["--drain-per-minute", "30"];

/// A site that never heard of a waiting room.
async fn site() -> SocketAddr {
    let router = Router::new()
        .route("/", get(async || "home"))
        .route("/shop", get(async || ([("set-cookie", "basket=7; Path=/")], "the shop")))
        .route("/shop/basket", get(async |headers: HeaderMap| of(&headers, "cookie")))
        .route(
            "/shop/moved",
            get(async |headers: HeaderMap| {
                let there = format!("http://{}/shop", of(&headers, "host"));
                (http::StatusCode::FOUND, [("location", there)])
            }),
        )
        .route(
            "/shop/buy",
            post(async |request: Request| axum::body::to_bytes(request.into_body(), 1000).await.unwrap()),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn of(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

/// The binary with an empty environment, in an empty folder, so that no file is found by accident.
fn bare(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proxy"));
    command.env_clear().current_dir(folder.path()).args(arguments);
    command
}

fn with_free_ports(mut command: Command) -> Command {
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command
}

fn run(arguments: &[&str]) -> Output {
    bare(&tempfile::tempdir().unwrap(), arguments).output().unwrap()
}

/// Fans come until one has to wait.
async fn first_who_waits(edge: &Edge, path: &str) -> Client {
    for _ in 0..50 {
        let fan = browser();
        let answer = navigate(&fan, &edge.url(path)).await;
        if answer.status() == 202 {
            assert_private(&answer);
            let page = answer.text().await.unwrap();
            assert!(page.contains("Waiting room"), "{page}");
            return fan;
        }
        assert_eq!(answer.status(), 200);
    }
    panic!("nobody has to wait");
}

/// Asks for the page again, as the page does by itself, until it is the site's.
async fn until_in(fan: &Client, edge: &Edge, path: &str) -> reqwest::Response {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = navigate(fan, &edge.url(path)).await;
        if answer.status() != 202 {
            return answer;
        }
        assert!(Instant::now() < until, "never let in");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// What a fan meets, whichever way the edge was told.
async fn assert_a_line_before(edge: &Edge) {
    let open = navigate(&browser(), &edge.url("/")).await;
    assert_eq!((open.status().as_u16(), open.text().await.unwrap().as_str()), (200, "home"));

    let fan = first_who_waits(edge, "/shop").await;
    let refused = browser().post(edge.url("/shop/buy")).body("one").send().await.unwrap();
    assert_eq!(refused.status(), 429, "what has no line of its own is not let through either");
    let shop = until_in(&fan, edge, "/shop").await;
    assert_eq!(shop.status(), 200);
    let cookies = all(&shop, "set-cookie").join("\n");
    assert!(cookies.contains("basket=7") && cookies.contains("wr-admission-main="), "{cookies}");
    assert_eq!(shop.text().await.unwrap(), "the shop");

    // From then on the site is what it always was, and knows of nothing.
    let basket = navigate(&fan, &edge.url("/shop/basket")).await.text().await.unwrap();
    assert_eq!(basket, "basket=7");
    let moved = navigate(&fan, &edge.url("/shop/moved")).await;
    assert_eq!((moved.status().as_u16(), all(&moved, "location")), (302, vec![edge.url("/shop").as_str()]));
    let bought = fan.post(edge.url("/shop/buy")).body("one").send().await.unwrap();
    assert_eq!((bought.status().as_u16(), bought.text().await.unwrap().as_str()), (200, "one"));
}

#[tokio::test]
async fn one_command_is_a_waiting_room() {
    let origin = format!("http://{}", site().await);
    let folder = tempfile::tempdir().unwrap();
    let mut command = bare(&folder, &["--origin", &origin, "--protect", "/shop/*"]);
    command.args(RATE);
    let edge = Edge::run(folder, with_free_ports(command));
    assert_a_line_before(&edge).await;

    let said =
        edge.log().into_iter().take_while(|line| !line.starts_with('{')).collect::<Vec<_>>().join("\n");
    for part in [
        format!("in front of {origin}").as_str(),
        "http://127.0.0.1:0/",
        "/shop  /shop/*",
        "(/shop too: a page goes with what is below it)",
        "every other path is open",
        "30 fans a minute, at most 1800 inside",
        "Keys were made for this run",
        "export STANCHION_KEYS=",
        "export STANCHION_EDGE_KEYS=",
        "paths = [\"/shop\", \"/shop/*\"]",
        "drain_per_minute = 30",
        "--print-config=edge > edge.toml",
    ] {
        assert!(said.contains(part), "`{part}` is missing in:\n{said}");
    }
    assert!(!edge.log().iter().any(|line| line.contains("run:")), "no key is ever shown");
    let left = std::fs::read_dir(edge.folder.path()).unwrap().count();
    assert_eq!(left, 0, "no file was there, and none is left");
}

#[tokio::test]
async fn what_is_printed_is_saved_and_does_the_same() {
    let origin = format!("http://{}", site().await);
    let folder = tempfile::tempdir().unwrap();
    for (printed, file) in [("--print-config=edge", "edge.toml"), ("--print-config=rooms", "rooms.toml")] {
        let mut command = bare(&folder, &["--origin", &origin, "--protect", "/shop/*", printed]);
        command.args(RATE);
        let output = with_free_ports(command).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::write(folder.path().join(file), output.stdout).unwrap();
    }
    let mut command = bare(&folder, &["--config", "edge.toml", "--rooms", "rooms.toml"]);
    let missing = command.output().unwrap();
    assert_eq!(missing.status.code(), Some(64), "keys are made for runs without files only");
    command.env("STANCHION_KEYS", KEYS).env("STANCHION_EDGE_KEYS", EDGE_KEYS);
    assert_a_line_before(&Edge::run(folder, command)).await;
}

#[tokio::test]
async fn keys_that_are_there_are_used_and_a_place_outlives_the_run() {
    let origin = format!("http://{}", site().await);
    let start = || {
        let folder = tempfile::tempdir().unwrap();
        let mut command = bare(&folder, &["--origin", &origin, "--protect", "/*", "--drain-per-minute", "1"]);
        command.env("STANCHION_KEYS", KEYS).env("STANCHION_EDGE_KEYS", EDGE_KEYS);
        Edge::run(folder, with_free_ports(command))
    };
    let edge = start();
    assert!(!edge.log().iter().any(|line| line.contains("Keys were made")));
    let fan = browser();
    let url = "/.waiting-room/main/ticket";
    let joined: serde_json::Value = fan.post(edge.url(url)).send().await.unwrap().json().await.unwrap();
    let ticket = joined["ticket"].as_str().unwrap();
    drop(edge);
    let answer = browser().get(start().url(url)).header("wr-ticket", ticket).send().await.unwrap();
    assert_eq!(answer.status(), 200, "the ticket is still good");
}

#[test]
fn wrong_flags_are_explained() {
    let site = ["--origin", "http://127.0.0.1:3000"];
    let with = |more: &[&'static str]| [&site[..], more].concat();
    for (arguments, parts) in [
        (
            vec!["--origin", "127.0.0.1:3000", "--protect", "/a"],
            vec!["--origin:", "is http://127.0.0.1:3000 meant?"],
        ),
        (
            vec!["--origin", "ftp://a", "--protect", "/a"],
            vec!["--origin:", "\"ftp://a\"", "http://127.0.0.1:3000"],
        ),
        (vec!["--origin", "http://a/b", "--protect", "/a"], vec!["--origin:", "only scheme, host and port"]),
        (vec!["--origin", "http://u:hunter2@a", "--protect", "/a"], vec!["--origin:", "without"]),
        (site.to_vec(), vec!["--protect:", "nothing would be protected", "'/*' for all"]),
        (with(&["--protect", "shop"]), vec!["--protect:", "\"shop\"", "'/shop/*'"]),
        (with(&["--protect", "/.waiting-room/*"]), vec!["--protect:", "not below /.waiting-room"]),
        (
            with(&["--protect", "/a", "--drain-per-minute", "fast"]),
            vec!["--drain-per-minute:", "\"fast\"", "whole number"],
        ),
        (
            with(&["--protect", "/a", "--drain-per-minute", "0"]),
            vec!["--drain-per-minute:", "from 1 to 6000000"],
        ),
        (with(&["--protect", "/a", "--max-active", "-1"]), vec!["--max-active"]),
        (with(&["--protect", "/a", "--listen", "127.0.0.1:8081"]), vec!["`admin_listen`", "of its own"]),
        (
            with(&["--protect", "/a", "--config", "e.toml"]),
            vec!["--origin:", "cannot go with --config", "`address`"],
        ),
        (with(&["--protect", "/a", "--rooms", "r.toml"]), vec!["--origin:", "cannot go with --rooms"]),
        (vec!["--protect", "/a"], vec!["--protect:", "goes with --origin", "`paths`"]),
        (
            vec!["--drain-per-minute", "5"],
            vec!["--drain-per-minute:", "goes with --origin", "`drain_per_minute`"],
        ),
        (with(&["--protect", "/a", "bypass", "--room", "main"]), vec!["--origin:"]),
        (vec![], vec!["config/edge.toml: cannot be read", "proxy --origin"]),
    ] {
        let output = run(&arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}\n{message}");
        for part in parts {
            assert!(message.contains(part), "{arguments:?}: `{part}` is missing in: {message}");
        }
        assert!(!message.contains("hunter2"), "{message}");
    }
    let good = run(&with(&["--protect", "/a", "--protect", "/b/*", "--check"]));
    assert_eq!(good.status.code(), Some(0), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(String::from_utf8_lossy(&good.stdout).contains("1 room: main"));
}
