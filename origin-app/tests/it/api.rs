//! Events, and how errors are told.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::{Database, Shop, on_both_databases};

on_both_databases!(events_are_created_listed_and_seen);

fn event(id: &str, starts_at: &str) -> Value {
    json!({
        "id": id, "name": "Käse & <Wein>", "venue": "Hall", "starts_at": starts_at, "currency": "EUR",
        "waiting_room": null,
        "rows": [{"name": "B", "seats": 2, "price_cents": 4500}, {"name": "A", "seats": 12, "price_cents": 900}],
    })
}

async fn events_are_created_listed_and_seen(database: Database) {
    let shop = Shop::open(&database).await;
    let create = async |body: Value| shop.organiser(Method::POST, "/api/events", Some(&body)).await;
    let (status, created) = create(event("late", "2027-06-02T19:30:00+02:00")).await;
    assert_eq!(status, 201);
    let expected = json!({
        "id": "late", "name": "Käse & <Wein>", "venue": "Hall", "starts_at": "2027-06-02T17:30:00Z",
        "city": "", "description": "", "currency": "EUR", "waiting_room": null, "status": "published",
        "seats_total": 14, "seats_available": 14, "version": 1, "updated_at": "2027-01-15T08:00:00Z",
        "price_classes": [
            {"id": "p4500", "name": "", "price_cents": 4500}, {"id": "p900", "name": "", "price_cents": 900},
        ],
        "sections": [{"id": "main", "name": "", "kind": "numbered", "capacity": 14, "available": 14}],
        "sales": [],
    });
    assert_eq!(created, expected);
    for id in ["early-b", "early-a"] {
        assert_eq!(create(event(id, "2027-06-01T00:00:00Z")).await.0, 201);
    }
    let (status, again) = create(event("late", "2028-01-01T00:00:00Z")).await;
    assert_eq!((status, again["code"].as_str()), (409, Some("event_exists")));
    let (status, wrong) = create(event("late", "tomorrow")).await;
    assert_eq!((status, wrong["code"].as_str()), (422, Some("invalid")));
    assert!(wrong["detail"].as_str().unwrap().contains("`starts_at`"), "{wrong}");

    let fan = shop.fan();
    assert_eq!(fan.get("/api/events/late").await.json(), expected);
    fan.get("/api/events/nope").await.is_problem(404, "event_not_found");
    fan.get("/api/events/No%20Id").await.is_problem(404, "event_not_found");
    fan.get("/api/events/nope/seats").await.is_problem(404, "event_not_found");

    let ids = |page: &Value| -> Vec<String> {
        let events = page["events"].as_array().unwrap().iter();
        events.map(|event| event["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = fan.get("/api/events").await;
    assert_eq!(ids(&all.json()), ["early-a", "early-b", "late"]);
    assert_eq!(all.json()["next"], Value::Null);
    assert_eq!(all.header("cache-control"), "public, max-age=1");
    let first = fan.get("/api/events?limit=2").await.json();
    assert_eq!(
        (ids(&first), first["next"].as_str()),
        (vec!["early-a".into(), "early-b".into()], Some("early-b"))
    );
    assert_eq!(ids(&fan.get("/api/events?limit=2&after=early-b").await.json()), ["late"]);
    fan.get("/api/events?limit=many").await.is_problem(400, "malformed");

    let seats = fan.get("/api/events/late/seats").await;
    assert_eq!(seats.header("cache-control"), "public, max-age=1");
    let seats = seats.json();
    assert_eq!(seats["event"], "late");
    assert_eq!(
        seats["seats"][0],
        json!({"id": "B-1", "section": "main", "price_class": "p4500", "row": "B", "number": 1,
               "price_cents": 4500, "state": "available", "mine": false})
    );
    // In the order of the seat map, not of the alphabet.
    let order: Vec<_> = seats["seats"].as_array().unwrap().iter().map(|seat| seat["id"].clone()).collect();
    assert_eq!((&order[1], &order[2], &order[13]), (&json!("B-2"), &json!("A-1"), &json!("A-12")));
    shop.close().await;
}

#[tokio::test]
async fn only_the_organiser_creates_and_counts() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 1)]).await;
    for token in ["", "another-token-of-some-length"] {
        for (method, path) in [(Method::POST, "/api/events"), (Method::GET, "/api/sales/demo")] {
            let response = shop
                .forward(&Client::new(), method, path, "", "")
                .bearer_auth(token)
                .json(&event("x", "2027-06-01T00:00:00Z"))
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 401);
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
        }
    }
    let (status, answer) = shop.organiser(Method::GET, "/api/sales/nope", None).await;
    assert_eq!((status, answer["code"].as_str()), (404, Some("event_not_found")));
}

#[tokio::test]
async fn what_cannot_be_read_is_told_as_a_problem() {
    let shop = Shop::open(&Database::in_memory()).await;
    let send = async |body: &'static str, kind: &str| {
        let request = shop.forward(&Client::new(), Method::POST, "/api/reservations", "demo", "t1");
        let response = request.header("content-type", kind).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let problem: Value = response.json().await.unwrap();
        (status, problem["code"].as_str().unwrap().to_owned())
    };
    let json = "application/json";
    assert_eq!(send("{", json).await, (400, "malformed".into()));
    assert_eq!(send("{}", json).await, (422, "invalid".into()));
    assert_eq!(send(r#"{"event":"demo","seats":["A 1"]}"#, json).await, (422, "invalid".into()));
    assert_eq!(send("{}", "text/plain").await, (415, "media_type".into()));
    let long: &'static str = Box::leak(format!("\"{}\"", "x".repeat(200_000)).into_boxed_str());
    assert_eq!(send(long, json).await, (413, "body_too_large".into()));

    let fan = shop.fan();
    fan.get("/api/nowhere").await.is_problem(404, "not_found");
    fan.delete("/api/events").await.is_problem(405, "method_not_allowed");
    assert_eq!(fan.delete("/api/events").await.header("allow"), "GET,HEAD,POST");
}
