//! Events as organisers make them: sections, sales, drafts, changes; and as everybody finds them.

use std::time::Duration;

use reqwest::header::{ETAG, IF_MATCH};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::{Database, ORGANISER_TOKEN, Shop, on_both_databases};

on_both_databases!(
    a_house_has_sections_classes_and_places_where_nobody_sits,
    seats_are_sold_while_a_sale_that_covers_them_is_open,
    a_draft_is_seen_by_organisers_alone_until_it_is_published,
    an_older_change_never_undoes_a_newer_one,
    events_are_found_by_text_venue_and_date_page_by_page,
    events_from_before_have_a_section_and_classes,
    what_is_kept_is_dropped_when_a_sale_or_an_organiser_changes_it,
    another_shop_sees_a_change_when_what_it_keeps_has_expired,
);

/// An event with stalls, and a floor where nobody sits.
fn arena() -> Value {
    json!({
        "id": "demo", "name": "Arena", "venue": "Dome", "city": "서울", "description": "One night.",
        "starts_at": "2027-06-01T19:30:00Z", "currency": "KRW", "waiting_room": "demo",
        "price_classes": [
            {"id": "front", "name": "Front", "price_cents": 9000}, {"id": "floor", "name": "Floor", "price_cents": 5000},
        ],
        "sections": [
            {"id": "ST", "name": "Stalls", "price_class": "front", "rows": [{"name": "A", "seats": 2}, {"name": "B", "seats": 1}]},
            {"id": "GA", "name": "Floor", "price_class": "floor", "capacity": 5},
        ],
    })
}

async fn create(shop: &Shop, body: &Value) -> Value {
    let (status, answer) = shop.organiser(Method::POST, "/api/events", Some(body)).await;
    assert_eq!(status, 201, "{answer}");
    answer
}

async fn change(shop: &Shop, body: Value) -> (u16, Value) {
    shop.organiser(Method::PATCH, "/api/events/demo", Some(&body)).await
}

async fn a_house_has_sections_classes_and_places_where_nobody_sits(database: Database) {
    let shop = Shop::open(&database).await;
    create(&shop, &arena()).await;
    let fan = shop.fan();
    fan.held(&["ST.A-2"]).await;
    let held = fan.hold(&["GA-5", "GA-1"]).await;
    assert_eq!((held.status, held.json()["amount_cents"].as_i64()), (201, Some(10_000)), "{}", held.text);
    shop.fan().hold(&["GA-5"]).await.is_problem(409, "seat_taken");
    shop.fan().hold(&["GA-6"]).await.is_problem(422, "seat_unknown");

    let event = fan.get("/api/events/demo").await.json();
    assert_eq!((&event["seats_total"], &event["seats_available"]), (&json!(8), &json!(5)));
    let sections = json!([
        {"id": "ST", "name": "Stalls", "kind": "numbered", "capacity": 3, "available": 2},
        {"id": "GA", "name": "Floor", "kind": "general", "capacity": 5, "available": 3},
    ]);
    assert_eq!(event["sections"], sections);
    assert_eq!(event["price_classes"][1], json!({"id": "floor", "name": "Floor", "price_cents": 5000}));
    let seats = fan.get("/api/events/demo/seats").await.json();
    assert_eq!(seats["sections"], sections);
    let ids: Vec<_> = seats["seats"].as_array().unwrap().iter().map(|seat| seat["id"].clone()).collect();
    assert_eq!(ids, ["ST.A-1", "ST.A-2", "ST.B-1"], "nobody chooses among places where nobody sits");
    assert_eq!(seats["seats"][1]["mine"], true);
    shop.close().await;
}

async fn seats_are_sold_while_a_sale_that_covers_them_is_open(database: Database) {
    let shop = Shop::open(&database).await;
    let mut body = arena();
    // The clock stands at 08:00.
    body["sales"] = json!([
        {"id": "early", "name": "Members", "opens_at": "2027-01-15T09:00:00Z", "closes_at": "2027-01-15T10:00:00Z",
         "sections": ["ST"]},
        {"id": "all", "name": "General", "opens_at": "2027-01-15T11:00:00Z", "closes_at": "2027-01-15T12:00:00Z",
         "waiting_room": "other"},
    ]);
    create(&shop, &body).await;
    let fan = shop.fan();
    let early = fan.hold(&["ST.A-1"]).await;
    early.is_problem(409, "sale_not_open");
    assert!(early.json()["detail"].as_str().unwrap().contains("2027-01-15T09:00:00Z"), "{}", early.text);
    shop.clock.advance(Duration::from_secs(3600));
    fan.held(&["ST.A-1"]).await;
    let other = fan.hold(&["GA-1"]).await;
    other.is_problem(409, "sale_not_open");
    assert!(other.json()["detail"].as_str().unwrap().contains("2027-01-15T11:00:00Z"), "{}", other.text);
    shop.clock.advance(Duration::from_secs(2 * 3600));
    fan.hold(&["GA-1"]).await.is_problem(403, "not_admitted");
    let event = fan.get("/api/events/demo").await.json();
    let open: Vec<_> = event["sales"].as_array().unwrap().iter().map(|sale| sale["open"].clone()).collect();
    assert_eq!(open, [false, true]);
    shop.clock.advance(Duration::from_secs(3600));
    let over = fan.hold(&["GA-1"]).await;
    over.is_problem(409, "sale_not_open");
    assert!(over.json()["detail"].as_str().unwrap().contains("any more"), "{}", over.text);
    shop.close().await;
}

async fn a_draft_is_seen_by_organisers_alone_until_it_is_published(database: Database) {
    let shop = Shop::open(&database).await;
    let mut body = arena();
    body["status"] = json!("draft");
    create(&shop, &body).await;
    let fan = shop.fan();
    for path in ["/api/events/demo", "/api/events/demo/seats"] {
        fan.get(path).await.is_problem(404, "event_not_found");
    }
    assert_eq!(fan.get("/events/demo").await.status, 404);
    assert_eq!(fan.get("/api/events").await.json()["events"], json!([]));
    fan.hold(&["ST.A-1"]).await.is_problem(404, "event_not_found");
    let (status, draft) = shop.organiser(Method::GET, "/api/events/demo", None).await;
    assert_eq!((status, draft["status"].as_str()), (200, Some("draft")));

    // Nobody has seen it, so even the house may be another.
    let house = json!({"version": 1, "rows": [{"name": "C", "seats": 2, "price_cents": 700}]});
    let (status, changed) = change(&shop, house).await;
    assert_eq!(
        (status, &changed["seats_total"], &changed["version"]),
        (200, &json!(2), &json!(2)),
        "{changed}"
    );
    let (status, published) = change(&shop, json!({"version": 2, "status": "published"})).await;
    assert_eq!((status, published["status"].as_str()), (200, Some("published")));
    assert_eq!(fan.get("/api/events").await.json()["events"][0]["id"], "demo");
    fan.held(&["C-1"]).await;
    let (status, answer) =
        change(&shop, json!({"version": 3, "rows": [{"name": "D", "seats": 2, "price_cents": 700}]})).await;
    assert_eq!((status, answer["code"].as_str()), (422, Some("invalid")), "{answer}");
    let (status, answer) = change(&shop, json!({"version": 3, "status": "draft"})).await;
    assert_eq!((status, answer["code"].as_str()), (422, Some("invalid")), "{answer}");
    shop.close().await;
}

async fn an_older_change_never_undoes_a_newer_one(database: Database) {
    let shop = Shop::open(&database).await;
    let created = create(&shop, &arena()).await;
    assert_eq!(created["version"], 1);
    shop.clock.advance(Duration::from_secs(5));
    let (status, newer) = change(
        &shop,
        json!({"version": 1, "name": "Newer", "sales": [
            {"id": "all", "name": "All", "opens_at": "2027-01-15T09:00:00Z", "sections": ["GA"]},
        ]}),
    )
    .await;
    assert_eq!(
        (status, &newer["version"], &newer["updated_at"]),
        (200, &json!(2), &json!("2027-01-15T08:00:05Z"))
    );
    let (status, older) = change(&shop, json!({"version": 1, "name": "Older"})).await;
    assert_eq!((status, older["code"].as_str()), (409, Some("event_changed")), "{older}");
    let (status, unversioned) = change(&shop, json!({"name": "Whenever"})).await;
    assert_eq!((status, unversioned["code"].as_str()), (428, Some("version_needed")), "{unversioned}");

    // The same by the tag of the entity.
    let send = async |tag: &str, name: &str| {
        let request = shop.forward(&Client::new(), Method::PATCH, "/api/events/demo", "", "");
        let request = request.bearer_auth(ORGANISER_TOKEN).header(IF_MATCH, tag).json(&json!({"name": name}));
        request.send().await.unwrap()
    };
    let tag = shop.fan().get("/api/events/demo").await.header("etag").to_owned();
    assert_eq!(tag, "\"2\"");
    assert_eq!(send("\"1\"", "Older").await.status(), 412);
    assert_eq!(send("\"x\"", "Older").await.status(), 412);
    let answer = send(&tag, "Newest").await;
    assert_eq!((answer.status().as_u16(), answer.headers()[ETAG].to_str().unwrap()), (200, "\"3\""));
    let event = shop.fan().get("/api/events/demo").await.json();
    assert_eq!((event["name"].as_str(), event["sales"][0]["id"].as_str()), (Some("Newest"), Some("all")));

    // Of many at once from one version one is done.
    let names: Vec<_> = (0..8).map(|number| format!("Racer {number}")).collect();
    let racers = names.iter().map(|name| change(&shop, json!({"version": 3, "name": name})));
    let statuses: Vec<_> =
        futures_util::future::join_all(racers).await.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    assert_eq!(shop.fan().get("/api/events/demo").await.json()["version"], 4);
    let (status, answer) =
        shop.organiser(Method::PATCH, "/api/events/nope", Some(&json!({"version": 1}))).await;
    assert_eq!((status, answer["code"].as_str()), (404, Some("event_not_found")));
    shop.close().await;
}

async fn events_are_found_by_text_venue_and_date_page_by_page(database: Database) {
    let shop = Shop::open(&database).await;
    for (id, name, venue, city, starts_at) in [
        ("one", "ÉTÉ Festival 100%", "Dome", "서울", "2027-06-01T19:30:00Z"),
        ("two", "Winter Night", "Dome", "부산", "2027-07-01T19:30:00Z"),
        ("three", "été again", "Hall", "서울특별시", "2027-08-01T19:30:00Z"),
    ] {
        let rows = json!([{"name": "A", "seats": 1, "price_cents": 100}]);
        let body = json!({"id": id, "name": name, "venue": venue, "city": city, "starts_at": starts_at,
                          "currency": "KRW", "waiting_room": null, "rows": rows});
        create(&shop, &body).await;
    }
    let fan = shop.fan();
    let find = async |query: &str| {
        let answer = fan.get(&format!("/api/events?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let events = answer.json()["events"].as_array().unwrap().clone();
        events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (query, expected) in [
        ("", "one two three"),
        ("q=%C3%89t%C3%A9", "one three"),
        ("q=%EC%84%9C%EC%9A%B8", "one three"),
        ("q=%EC%84%9C%EC%9A%B8+AGAIN", "three"),
        ("q=100%25", "one"),
        ("q=100%25%00", "one"),
        ("q=%00%C3%89t%C3%A9%0B", "one three"),
        ("q=%25", "one"),
        ("q=_", ""),
        ("q=nothing", ""),
        ("venue=Dome", "one two"),
        ("venue=dome", ""),
        ("from=2027-07-01T19:30:00Z", "two three"),
        ("until=2027-07-01T19:30:00Z", "one"),
        ("from=2027-06-15T00:00:00%2B09:00&until=2027-07-15T00:00:00Z&venue=Dome&q=night", "two"),
        ("after=one", "two three"),
        ("after=two&q=%C3%A9t%C3%A9", "three"),
        ("after=nowhere", "one two three"),
    ] {
        assert_eq!(find(query).await, expected, "{query}");
    }
    let first = fan.get("/api/events?limit=1&q=%C3%A9t%C3%A9").await.json();
    assert_eq!((first["events"][0]["id"].as_str(), first["next"].as_str()), (Some("one"), Some("one")));
    fan.get("/api/events?from=soon").await.is_problem(422, "invalid");
    shop.close().await;
}

async fn events_from_before_have_a_section_and_classes(database: Database) {
    // As it was before there were sections.
    let shop = Shop::open(&database).await;
    shop.close().await;
    for statement in [
        "DROP TABLE sale_sections",
        "DROP TABLE sales",
        "DROP TABLE sections",
        "DROP TABLE price_classes",
        "DROP INDEX seats_by_section",
        "DROP INDEX events_published",
        "ALTER TABLE seats DROP COLUMN section_id",
        "ALTER TABLE seats DROP COLUMN class_id",
        "ALTER TABLE events DROP COLUMN status",
        "ALTER TABLE events DROP COLUMN city",
        "ALTER TABLE events DROP COLUMN description",
        "ALTER TABLE events DROP COLUMN version",
        "ALTER TABLE events DROP COLUMN updated_at",
        "ALTER TABLE events DROP COLUMN search_text",
        "DELETE FROM _sqlx_migrations WHERE version BETWEEN 20 AND 22",
        "INSERT INTO events (id, name, venue, starts_at, currency, waiting_room, seats_total, created_at)
         VALUES ('demo', 'Old', 'Hall', 1900000000000, 'EUR', NULL, 3, 1700000000000)",
        "INSERT INTO seats (event_id, seat_id, place, row_name, number, price_cents) VALUES
         ('demo', 'A-1', 1, 'A', 1, 900), ('demo', 'A-2', 2, 'A', 2, 900), ('demo', 'B-1', 3, 'B', 1, 500)",
    ] {
        database.tamper(statement).await;
    }
    let shop = Shop::open(&database).await;
    let fan = shop.fan();
    let event = fan.get("/api/events/demo").await.json();
    assert_eq!((event["status"].as_str(), &event["version"]), (Some("published"), &json!(1)), "{event}");
    assert_eq!(
        event["sections"],
        json!([{"id": "main", "name": "", "kind": "numbered", "capacity": 3, "available": 3}])
    );
    let classes: Vec<_> =
        event["price_classes"].as_array().unwrap().iter().map(|class| class["id"].clone()).collect();
    assert_eq!(classes, ["p500", "p900"]);
    assert_eq!(fan.get("/api/events/demo/seats").await.json()["seats"][2]["price_class"], "p500");
    assert_eq!(fan.get("/api/events?q=HALL").await.json()["events"][0]["id"], "demo");
    fan.held(&["A-1", "B-1"]).await;
    shop.close().await;
}

async fn what_is_kept_is_dropped_when_a_sale_or_an_organiser_changes_it(database: Database) {
    let shop = Shop::open(&database).await;
    create(&shop, &arena()).await;
    let (fan, other) = (shop.fan(), shop.fan());
    // The clock stands still: nothing of it expires.
    let available = async || {
        let event = other.get("/api/events/demo").await.json();
        let seats = other.get("/api/events/demo/seats").await.json();
        let free = |seat: &&Value| seat["state"] == "available";
        let free = seats["seats"].as_array().unwrap().iter().filter(free).count();
        (event["seats_available"].as_i64().unwrap(), free)
    };
    assert_eq!(available().await, (8, 3));
    let id = fan.held(&["ST.A-1", "GA-1"]).await;
    assert_eq!(available().await, (6, 2));
    // What others see is kept without saying whose it is.
    assert_eq!(
        (fan.seat("ST.A-1").await, other.seat("ST.A-1").await),
        (("held".into(), true), ("held".into(), false))
    );
    fan.delete(&format!("/api/reservations/{id}")).await;
    assert_eq!(available().await, (8, 3));
    assert_eq!(fan.seat("ST.A-1").await, ("available".into(), false));
    let id = fan.held(&["ST.A-2"]).await;
    assert_eq!(other.seat("ST.A-2").await.0, "held");
    assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 200);
    assert_eq!(
        (fan.seat("ST.A-2").await, other.seat("ST.A-2").await),
        (("sold".into(), true), ("sold".into(), false))
    );

    assert_eq!(fan.get("/api/events").await.json()["events"][0]["name"], "Arena");
    assert_eq!(change(&shop, json!({"version": 1, "name": "Renamed"})).await.0, 200);
    assert_eq!(fan.get("/api/events").await.json()["events"][0]["name"], "Renamed");
    assert_eq!(fan.get("/api/events/demo").await.json()["name"], "Renamed");
    shop.close().await;
}

async fn another_shop_sees_a_change_when_what_it_keeps_has_expired(database: Database) {
    let shop = Shop::open(&database).await;
    create(&shop, &arena()).await;
    let other = Shop::open_with(crate::support::settings(&database), shop.clock.clone(), None).await;
    let reader = other.fan();
    let name = async || reader.get("/api/events/demo").await.json()["name"].clone();
    assert_eq!((name().await, reader.seat("ST.A-1").await.0), (json!("Arena"), "available".into()));
    shop.fan().held(&["ST.A-1"]).await;
    assert_eq!(change(&shop, json!({"version": 1, "name": "Renamed"})).await.0, 200);
    assert_eq!((name().await, reader.seat("ST.A-1").await.0), (json!("Arena"), "available".into()));
    shop.clock.advance(Duration::from_secs(1));
    // Who holds what, shops share by a Redis alone.
    let held = if matches!(database, Database::Sqlite(_)) { "available" } else { "held" };
    assert_eq!((name().await, reader.seat("ST.A-1").await.0), (json!("Arena"), held.into()));
    shop.clock.advance(Duration::from_secs(4));
    assert_eq!(name().await, "Renamed");
    other.close().await;
    shop.close().await;
}
