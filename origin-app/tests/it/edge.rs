//! The shop answers nobody but its edge.

use std::time::Duration;

use admission::edge_signature::{
    HEADER_REQUEST_ID, HEADER_ROOM, HEADER_SIGNATURE, HEADER_TICKET, HEADER_TIME,
};
use origin_app::config::Provider;
use reqwest::header::{HOST, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request};
use serde_json::{Value, json};

use crate::support::{Database, Shop, settings};

async fn send(request: Request) -> (u16, Value) {
    let response = Client::new().execute(request).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

async fn assert_refused(request: Request, why: &str) {
    let (status, problem) = send(request).await;
    assert_eq!((status, problem["code"].as_str()), (403, Some("edge_signature")), "{why}: {problem}");
}

fn events(shop: &Shop) -> Request {
    shop.forward(&Client::new(), Method::GET, "/api/events", "demo", "t1").build().unwrap()
}

#[tokio::test]
async fn without_a_signature_there_is_only_health() {
    let shop = Shop::open(&Database::in_memory()).await;
    let url = |path: &str| format!("http://{}{path}", shop.address);
    for path in
        ["/", "/api/events", "/events/demo", "/tickets", "/assets/shop.css", "/nowhere", "/api/health/x"]
    {
        assert_refused(Client::new().get(url(path)).build().unwrap(), path).await;
    }
    for path in ["/api/health", "/api/reservations", "/api/events"] {
        let request = Client::new().post(url(path)).json(&json!({})).build().unwrap();
        assert_refused(request, path).await;
    }
    for path in ["/healthz", "/readyz"] {
        let response = Client::new().get(url(path)).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (200, "ok"));
    }
    let health: Value = Client::new().get(url("/api/health")).send().await.unwrap().json().await.unwrap();
    assert_eq!(health, json!({"status": "ok", "database": "ok", "inventory": "ok"}));
}

#[tokio::test]
async fn a_signature_opens_for_its_own_request_only() {
    let shop = Shop::open(&Database::in_memory()).await;
    assert_eq!(send(events(&shop)).await.0, 200);

    let edits: [(&str, &str, &str); 6] = [
        ("room", HEADER_ROOM, "other"),
        ("ticket", HEADER_TICKET, "t2"),
        ("time", HEADER_TIME, "1800000000001"),
        ("request id", HEADER_REQUEST_ID, "another"),
        ("host", HOST.as_str(), "elsewhere.example"),
        ("signature", HEADER_SIGNATURE, "v1.k1.AAAA"),
    ];
    for (why, name, value) in edits {
        let mut request = events(&shop);
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().insert(name, HeaderValue::from_static(value));
        assert_refused(request, why).await;
    }

    let mut request = events(&shop);
    request.url_mut().set_path("/api/reservations");
    assert_refused(request, "path").await;
    let mut request = events(&shop);
    request.url_mut().set_query(Some("limit=1"));
    assert_refused(request, "query").await;
    let mut request = events(&shop);
    *request.method_mut() = Method::POST;
    assert_refused(request, "method").await;
}

#[tokio::test]
async fn every_signed_header_must_be_there_exactly_once() {
    let shop = Shop::open(&Database::in_memory()).await;
    for name in [HEADER_ROOM, HEADER_TICKET, HEADER_TIME, HEADER_REQUEST_ID, HEADER_SIGNATURE] {
        let mut request = events(&shop);
        let value = request.headers().get(name).unwrap().clone();
        request.headers_mut().append(name, value);
        assert_refused(request, &format!("twice: {name}")).await;
        let mut request = events(&shop);
        request.headers_mut().remove(name);
        assert_refused(request, &format!("missing: {name}")).await;
    }
}

#[tokio::test]
async fn a_signature_grows_stale() {
    let shop = Shop::open(&Database::in_memory()).await;
    let request = events(&shop);
    shop.clock.advance(Duration::from_secs(30));
    assert_eq!(send(request.try_clone().unwrap()).await.0, 200);
    shop.clock.advance(Duration::from_millis(1));
    assert_refused(request, "stale").await;
}

#[tokio::test]
async fn an_event_sells_only_through_its_own_room() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 2)]).await;
    let body = json!({"event": "demo", "seats": ["A-1"]});
    for (room, ticket, expected) in
        [("", "", 403), ("demo", "", 403), ("other", "t1", 403), ("demo", "t1", 201)]
    {
        let request = shop
            .forward(&Client::new(), Method::POST, "/api/reservations", room, ticket)
            .json(&body)
            .build()
            .unwrap();
        let (status, answer) = send(request).await;
        assert_eq!(status, expected, "{room}/{ticket}: {answer}");
        if expected == 403 {
            assert_eq!(answer["code"], "not_admitted");
        }
        let form = shop
            .forward(&Client::new(), Method::POST, "/events/demo/hold", room, ticket)
            .form(&[("seat", "A-2")])
            .build()
            .unwrap();
        if expected == 403 {
            assert_eq!(send(form).await.0, 403, "{room}/{ticket} by the page");
        }
    }
}

#[tokio::test]
async fn another_site_cannot_act_for_a_fan() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 1)]).await;
    for (site, expected) in [("cross-site", 403), ("same-site", 403), ("same-origin", 201)] {
        let request = shop
            .forward(&Client::new(), Method::POST, "/api/reservations", "demo", "t1")
            .header("sec-fetch-site", site)
            .json(&json!({"event": "demo", "seats": ["A-1"]}))
            .build()
            .unwrap();
        assert_eq!(send(request).await.0, expected, "{site}");
    }
}

#[tokio::test]
async fn a_full_shop_says_so_and_reports_its_load() {
    let database = Database::in_memory();
    let mut settings = settings(&database);
    settings.limits.requests_in_flight = 1;
    settings.payments.provider = Provider::Sandbox { latency: Duration::from_secs(3) };
    let shop = Shop::open_with(settings, Default::default(), None).await;
    shop.create_demo(&[("A", 1)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    let paying = async { fan.pay(&id, "sandbox-ok").await };
    let meanwhile = async {
        let other = shop.fan();
        let full = crate::support::eventually("the one place is taken", async || {
            let answer = other.get("/api/events").await;
            (answer.status == 503).then_some(answer)
        })
        .await;
        full.is_problem(503, "busy");
        assert_eq!(full.header("retry-after"), "1");
        assert_eq!(full.header("x-waiting-room-load"), "1.00");
        // A full shop is none that fails.
        for path in ["/healthz", "/readyz", "/api/health"] {
            let url = format!("http://{}{path}", shop.address);
            assert_eq!(Client::new().get(url).send().await.unwrap().status(), 200, "{path}");
        }
    };
    let (paid, ()) = tokio::join!(paying, meanwhile);
    assert_eq!(paid.status, 200);
}
