//! Who may do what over the API, how often, by which name and from which page.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::admin::{answer, call, get};
use crate::harness::{ADMIN, Edge, OPERATOR, STANDING, VIEWER, browser, room};
use crate::shop::Shop;

#[tokio::test]
async fn a_role_is_looked_at_before_the_body() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let nobody = "nobody-nobody-nobody-nobody-nobody";
    for (method, path) in [
        (Method::PATCH, "/rooms/demo"),
        (Method::PUT, "/rooms/demo/message"),
        (Method::POST, "/rooms/demo/resume"),
        (Method::POST, "/rooms/demo/tickets/revoke"),
        (Method::POST, "/rooms/demo/tickets/admit"),
        (Method::POST, "/rooms/demo/tickets/move"),
        (Method::POST, "/rooms/demo/void"),
        (Method::POST, "/rooms/demo/reset"),
        (Method::POST, "/rooms/demo/invitations"),
        (Method::POST, "/rooms/demo/invitations/withdraw"),
    ] {
        let code = async |token: &str| {
            let (status, problem) = answer(call(&edge, token, method.clone(), path).body("{")).await;
            (status.as_u16(), problem["code"].as_str().unwrap().to_owned())
        };
        assert_eq!(code(VIEWER).await, (403, "role".to_owned()), "{path}");
        assert_eq!(code(nobody).await, (401, "unauthorized".to_owned()), "{path}");
        assert_eq!(code(ADMIN).await, (422, "bad_body".to_owned()), "{path}");
    }
}

/// What a room protects and who goes past its line is not for who runs the sale.
#[tokio::test]
async fn an_operator_opens_no_way_around_the_line() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let before = get(&edge, "/rooms/demo").await["configuration"].clone();
    let change = async |token: &str, keys: &Value| {
        let (status, told) = answer(call(&edge, token, Method::PATCH, "/rooms/demo").json(keys)).await;
        (status.as_u16(), told["code"].as_str().unwrap_or_default().to_owned(), told["detail"].to_string())
    };
    for keys in [
        json!({ "paths": ["/elsewhere"] }),
        json!({ "hosts": ["elsewhere.example"] }),
        json!({ "public_paths": ["/events/demo"] }),
        json!({ "case_sensitive": true }),
        json!({ "bypass": [{ "name": "me", "networks": ["0.0.0.0/0"] }] }),
        json!({ "bind_tokens": null }),
        json!({ "drain_per_minute": 5, "bypass": null }),
    ] {
        let (status, code, detail) = change(OPERATOR, &keys).await;
        assert_eq!((status, code.as_str()), (403, "role"), "{keys}");
        assert!(detail.contains("this takes admin"), "{detail}");
    }
    assert_eq!(get(&edge, "/rooms/demo").await["configuration"], before);
    assert_eq!(change(OPERATOR, &json!({ "drain_per_minute": 5 })).await.0, 200);
    assert_eq!(change(ADMIN, &json!({ "paths": ["/elsewhere"] })).await.0, 200);
    assert_eq!(get(&edge, "/rooms/demo").await["configuration"]["paths"], json!(["/elsewhere"]));
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_ask_again() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    for _ in 0..200 {
        let answer = call(&edge, "no such token, though it is long enough", Method::GET, "/rooms");
        let answer = answer.send().await.unwrap();
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            let seconds: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..60).contains(&seconds), "{seconds}");
            return;
        }
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    panic!("nobody was held back");
}

/// DNS rebinding: a page whose own name leads to this listener is not its page.
#[tokio::test]
async fn foreign_names_are_not_answered_and_foreign_pages_change_nothing() {
    let shop = Shop::start().await;
    let file = format!("admin_hosts = [\"Ops.example\"]\n[upstream]\naddress = \"{}\"", shop.address);
    let edge = Edge::start_with(&file, &room(STANDING));
    let (admin, port) = (edge.admin, edge.admin.port());
    let ask = async |path: &str, method: Method, host: &str, origin: Option<&str>| {
        let request = browser().request(method, format!("http://{admin}{path}")).bearer_auth(OPERATOR);
        let request = request.header("host", host);
        let request = origin.iter().fold(request, |request, origin| request.header("origin", *origin));
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    let (rooms, pause) = ("/api/v1/rooms", "/api/v1/rooms/demo/pause");
    let done = (200, String::new());
    for host in ["127.0.0.1", "localhost:8081", "ops.example"] {
        assert_eq!(ask(rooms, Method::GET, host, None).await, done, "{host}");
    }
    let foreign_host = (421, "foreign_host".to_owned());
    for path in [rooms, "/", "/api/v1/openapi.json"] {
        assert_eq!(ask(path, Method::GET, "evil.example:8081", None).await, foreign_host, "{path}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(ask(path, Method::GET, "edge-1:8081", None).await.0, 200, "{path}");
    }
    let here = format!("127.0.0.1:{port}");
    let own = format!("http://{here}");
    assert_eq!(ask(pause, Method::POST, &here, Some(&own)).await, done);
    let foreign_origin = (403, "foreign_origin".to_owned());
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(ask(pause, Method::POST, &here, Some(origin)).await, foreign_origin, "{origin}");
    }
    assert_eq!(ask(pause, Method::POST, "ops.example", Some("https://ops.example")).await, done);
}
