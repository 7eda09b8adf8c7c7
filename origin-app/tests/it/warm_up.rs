//! An event is loaded before its sale opens, when it is asked for, and quickly when the inventory was lost.

use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::cold_path::Stage;
use crate::support::{Database, ManualClock, Shop, eventually, on_both_databases, settings};

on_both_databases!(
    a_sale_that_opens_soon_is_loaded_before_anybody_asks,
    an_organiser_loads_an_event,
    a_shop_that_starts_with_a_log_that_is_behind_sells_at_once,
);

/// An event that is on sale from `opens_at` on.
fn opening(id: &str, opens_at: &str, status: &str) -> Value {
    json!({
        "id": id, "name": "Late", "venue": "Hall", "starts_at": "2027-06-01T19:30:00Z", "currency": "EUR",
        "waiting_room": "demo", "status": status, "price_classes": [{"id": "p", "name": "P", "price_cents": 4500}],
        "sections": [{"id": "GA", "name": "Floor", "price_class": "p", "capacity": 10}],
        "sales": [{"id": "all", "name": "All", "opens_at": opens_at}],
    })
}

async fn a_sale_that_opens_soon_is_loaded_before_anybody_asks(database: Database) {
    let shop = Shop::open(&database).await;
    for (id, opens_at, status) in [
        ("soon", "2027-01-15T08:15:00Z", "published"),
        ("draft", "2027-01-15T08:15:00Z", "draft"),
        ("later", "2027-01-15T09:15:00Z", "published"),
        ("just", "2027-01-15T07:59:00Z", "published"),
    ] {
        let (status, answer) =
            shop.organiser(Method::POST, "/api/events", Some(&opening(id, opens_at, status))).await;
        assert_eq!(status, 201, "{answer}");
    }
    shop.close().await;
    // As if they had come into the database by another way.
    database.lose_inventory();
    database.tamper("DELETE FROM inventory_loads").await;
    let stage = Stage::empty(database, |_| {}, |inventory| inventory).await;
    let other = match &stage.database {
        Database::Postgres(..) => {
            Some(Shop::open_with(settings(&stage.database), stage.shop.clock.clone(), None).await)
        }
        _ => None,
    };
    let loaded = async |events: &[&str]| {
        eventually("the events are loaded", async || {
            let loaded = stage.inventory.events().await.unwrap();
            (loaded.iter().map(ToString::to_string).collect::<Vec<_>>() == events).then_some(())
        })
        .await;
    };
    loaded(&["just"]).await;
    stage.shop.clock.advance(Duration::from_secs(301));
    loaded(&["just", "soon"]).await;
    // By one shop, and once.
    assert_eq!(stage.database.count("SELECT count(*) FROM inventory_loads").await, 2);
    assert_eq!(stage.database.count("SELECT count(*) FROM inventory_loads WHERE lost_at > 0").await, 0);
    stage.shop.clock.advance(Duration::from_secs(600));
    let wanted = json!({"event": "soon", "section": "GA", "quantity": 2});
    assert_eq!(stage.shop.fan().post("/api/reservations", &wanted).await.status, 201);
    if let Some(other) = other {
        other.close().await;
    }
    stage.close().await;
}

async fn an_organiser_loads_an_event(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 3)]).await;
    let (status, answer) = shop
        .organiser(Method::POST, "/api/events", Some(&opening("draft", "2027-01-15T08:15:00Z", "draft")))
        .await;
    assert_eq!(status, 201, "{answer}");
    let warm_up =
        async |id: &str| shop.organiser(Method::POST, &format!("/api/events/{id}/warm-up"), None).await;
    let right = |now: bool| (200, json!({"event": "demo", "loaded_now": now, "seats_total": 3}));
    assert_eq!(warm_up("demo").await, right(false));
    if matches!(database, Database::Postgres(..)) {
        database.lose_inventory();
        // Or the comparison was faster.
        let answer = warm_up("demo").await;
        assert!(answer == right(true) || answer == right(false), "{answer:?}");
        assert_eq!(warm_up("demo").await, right(false));
    }
    assert_eq!(warm_up("draft").await.1["code"], "not_published");
    assert_eq!(warm_up("nothing").await.1["code"], "event_not_found");
    let path = "/api/events/demo/warm-up";
    shop.fan().post(path, &json!({})).await.is_problem(401, "organiser_only");
    shop.close().await;
}

/// What is in the log comes into the database before an event is loaded from there: by whom, while the shop starts?
async fn a_shop_that_starts_with_a_log_that_is_behind_sells_at_once(database: Database) {
    let mut database = match database {
        Database::Postgres(..) => Database::postgres_and_durable_redis().await,
        sqlite => sqlite,
    };
    let clock = std::sync::Arc::new(ManualClock::new());
    let shop = Shop::open_with(settings(&database), clock.clone(), None).await;
    shop.create_demo(&[("A", 4)]).await;
    let fan = shop.fan();
    fan.held(&["A-1"]).await;
    database.take_away().await;
    let waits = fan.held(&["A-2"]).await;
    shop.close().await;
    database.give_back().await;
    if let Database::Postgres(_, redis) = &mut database {
        redis.restart();
    }
    let begun = Instant::now();
    let shop = Shop::open_with(settings(&database), clock.clone(), None).await;
    let fan = fan.moved(shop.edge.clone());
    fan.held(&["A-3"]).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(6), "{took:?}");
    if let Database::Postgres(_, redis) = &mut database {
        assert_eq!(fan.state(&waits).await, "held");
        shop.fan().hold(&["A-2"]).await.is_problem(409, "seat_taken");
        // The same while the shop runs.
        redis.restart();
        let begun = Instant::now();
        let other = shop.fan();
        eventually("seats are held again", async || (other.hold(&["A-4"]).await.status == 201).then_some(()))
            .await;
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(6), "{took:?}");
    } else {
        fan.get(&format!("/api/reservations/{waits}")).await.is_problem(409, "hold_lost");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_that_the_inventory_is_away() {
    let mut database = Database::postgres().await;
    let shop = Shop::open(&database).await;
    let ask = async |path: &str| {
        let answer = Client::new().get(format!("http://{}{path}", shop.address)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let health = |status: &str, inventory: &str| {
        json!({"status": status, "database": "ok", "inventory": inventory}).to_string()
    };
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(ask("/readyz").await, (200, "ok".to_owned()));
    database.redis().kill();
    assert_eq!(ask("/readyz").await, (200, "ok, without the inventory".to_owned()));
    let (status, body) = ask("/api/health").await;
    assert_eq!((status, parsed(&body)), (503, parsed(&health("degraded", "unreachable"))));
    let metrics = ask("/metrics").await.1;
    assert!(metrics.contains("shop_inventory_up{store=\"redis\"} 0"), "{metrics}");
    assert!(!metrics.contains("shop_log_backlog_entries"), "{metrics}");
    database.redis().restart();
    eventually("it is back", async || (ask("/api/health").await.0 == 200).then_some(())).await;
    let (status, body) = ask("/api/health").await;
    assert_eq!((status, parsed(&body)), (200, parsed(&health("ok", "ok"))));
    shop.close().await;
}
