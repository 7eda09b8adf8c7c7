//! No spelling of a protected path opens anything.

use crate::harness::{Edge, room};
use crate::raw::{exchange, status};
use crate::shop::Shop;

const SPELLINGS: &[&str] = &[
    "/events/demo",
    "/events/demo/",
    "//events/demo",
    "/events//demo",
    "///events///demo///",
    "/./events/demo",
    "/events/./demo",
    "/x/../events/demo",
    "/../events/demo",
    "/events/x/../demo",
    "/%65vents/demo",
    "/events/%64emo",
    "/events/dem%6f",
    "/%2e/events/demo",
    "/x/%2e%2e/events/demo",
    "/x/.%2E/events/demo",
    "/EVENTS/demo",
    "/Events/Demo",
    "/events/DEMO",
    "/%45vents/demo",
    "/events%2fdemo",
    "/events%2Fdemo",
    "/events%5cdemo",
    "/events\\demo",
    "\\events\\demo",
    "/events/demo;x=1",
    "/events;x/demo",
    "/events/demo;",
    "/;/events/demo",
    "/x/..;/events/demo",
    "/x/..%2fevents/demo",
    "/x/%252e%252e/events/demo",
    "/%2565vents/demo",
    "/events%252fdemo",
    "/events/demo%20",
    "/events/demo%00",
    "/events/demo%0a",
    "/%c0%ae%c0%ae/events/demo",
    "/events%c0%afdemo",
    "/events/demo%",
    "/events/%zzdemo",
    "/events/demo#x",
    "/events/demo?x",
    "/events/demo/x",
    "/events/demo/;x",
    "/events/demo/%2e%2e/demo",
    "/api/reservations",
    "/API/RESERVATIONS",
    "/api//reservations",
    "http://shop.example/events/demo",
    "HTTP://shop.example/events/demo",
    "http://shop.example//events/demo",
    "http://evil.example/events/demo",
    "http://shop.example:80@evil/events/demo",
    "events/demo",
    "*",
    "http:///events/demo",
    "/events/demo/../demo",
    "/events/demo/.",
    "/events/demo/x/..",
];

#[tokio::test]
async fn no_spelling_of_a_protected_path_reaches_the_shop() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 0"));
    for spelling in SPELLINGS {
        for method in ["GET", "POST"] {
            let request = format!(
                "{method} {spelling} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let answer = exchange(edge.address, request.as_bytes()).await;
            let code = status(&answer);
            assert!(matches!(code, 400 | 429 | 0), "{method} {spelling}: {code}");
        }
    }
    // Whatever passed did not lead to a protected path.
    let asked: Vec<String> = shop.asked().iter().map(|asked| asked.target.clone()).collect();
    assert!(asked.is_empty(), "{asked:?}");
}

#[tokio::test]
async fn odd_hosts_are_refused() {
    let shop = Shop::start().await;
    let edge =
        Edge::start(&shop, &room("mode = \"always\"").replace("title", "hosts = [\"shop.example\"]\ntitle"));
    for host in ["shop.example", "SHOP.EXAMPLE", "shop.example.", "shop.example:8080", "shop.example.:80"] {
        let request = format!("GET /events/demo HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&exchange(edge.address, request.as_bytes()).await), 429, "{host}");
    }
    for head in [
        "GET /events/demo HTTP/1.1\r\n",
        "GET /events/demo HTTP/1.0\r\n",
        "GET /events/demo HTTP/1.1\r\nHost: shop.example\r\nHost: other.example\r\n",
        "GET /events/demo HTTP/1.1\r\nHost: other.example\r\nHost: shop.example\r\n",
        "GET /events/demo HTTP/1.1\r\nHost: shop.example, other.example\r\n",
        "GET /events/demo HTTP/1.1\r\nHost: user@shop.example\r\n",
        "GET /events/demo HTTP/1.1\r\nHost:\r\n",
        "GET http://shop.example/events/demo HTTP/1.1\r\nHost: other.example\r\n",
        "GET http://other.example/events/demo HTTP/1.1\r\nHost: shop.example\r\n",
    ] {
        let answer = exchange(edge.address, format!("{head}Connection: close\r\n\r\n").as_bytes()).await;
        assert!(matches!(status(&answer), 400 | 0), "{head}: {answer}");
    }
    assert!(shop.asked().is_empty());
}

#[tokio::test]
async fn the_forwarded_path_is_the_one_that_was_decided() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    for (spelling, forwarded) in [
        ("//a//b", "/a/b"),
        ("/a/../b?x=%2e/../", "/b?x=%2e/../"),
        ("/%61/%2e%2e/b%2fc", "/b%2Fc"),
        ("http://shop.example/a/./b", "/a/b"),
    ] {
        let request = format!("GET {spelling} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
        let answer = exchange(edge.address, request.as_bytes()).await;
        assert_eq!(status(&answer), 200, "{spelling}: {answer}");
        let asked = shop.asked().pop().unwrap();
        assert_eq!((asked.target.as_str(), asked.signed), (forwarded, true), "{spelling}");
        assert_eq!(asked.header("host"), Some("shop.example"));
    }
}

#[tokio::test]
async fn the_edges_own_paths_never_reach_the_shop() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    for spelling in [
        "/.waiting-room/demo",
        "//.waiting-room/nowhere",
        "/%2ewaiting-room/x/y/z",
        "/.waiting-room",
        "/x/..;/.waiting-room/demo",
    ] {
        let request = format!("GET {spelling} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
        let code = status(&exchange(edge.address, request.as_bytes()).await);
        assert!(matches!(code, 200 | 400 | 404), "{spelling}: {code}");
    }
    assert!(shop.asked().is_empty());
}
