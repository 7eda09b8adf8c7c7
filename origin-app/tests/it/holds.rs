//! Holding seats: all or none, for one fan, for a while.

use std::time::Duration;

use serde_json::json;

use crate::support::{Database, Shop, eventually, on_both_databases};

on_both_databases!(
    all_seats_are_held_or_none,
    a_fan_holds_four_seats_at_most_even_in_a_race,
    an_expired_hold_is_free_for_the_next_buyer_at_once,
    expired_holds_are_swept,
    a_hold_can_be_given_back,
    a_reservation_belongs_to_its_fan,
    reservations_are_leafed_through,
);

async fn all_seats_are_held_or_none(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 10)]).await;
    let (one, other) = (shop.fan(), shop.fan());
    let held = one.hold(&["A-2", "A-1", "A-2"]).await;
    assert_eq!(held.status, 201);
    let body = held.json();
    assert_eq!((&body["seats"], &body["state"]), (&json!(["A-1", "A-2"]), &json!("held")));
    assert_eq!((&body["amount_cents"], &body["currency"]), (&json!(9000), &json!("EUR")));
    assert_eq!((&body["event"], &body["expires_at"]), (&json!("demo"), &json!("2027-01-15T08:03:00Z")));

    let taken = other.hold(&["A-3", "A-2", "A-1"]).await;
    taken.is_problem(409, "seat_taken");
    assert_eq!(taken.json()["seats"], json!(["A-1", "A-2"]));
    assert_eq!(other.seat("A-3").await, ("available".into(), false));
    assert_eq!(other.seat("A-1").await, ("held".into(), false));
    assert_eq!(one.seat("A-1").await, ("held".into(), true));

    let unknown = other.hold(&["A-3", "Z-1"]).await;
    unknown.is_problem(422, "seat_unknown");
    assert_eq!(unknown.json()["seats"], json!(["Z-1"]));
    other.hold(&[]).await.is_problem(422, "no_seats");
    other
        .post("/api/reservations", &json!({"event": "nope", "seats": ["A-1"]}))
        .await
        .is_problem(404, "event_not_found");
    // What was refused left nothing behind.
    assert_eq!(other.hold(&["A-3", "A-4"]).await.status, 201);
    assert_eq!(shop.sales().await["held"], 4);
    shop.close().await;
}

async fn a_fan_holds_four_seats_at_most_even_in_a_race(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 40)]).await;
    let fan = shop.fan();
    fan.hold(&["A-1", "A-2", "A-3", "A-4", "A-5"]).await.is_problem(422, "too_many_seats");
    fan.held(&["A-1"]).await;
    let seats: Vec<_> = (2..=31).map(|number| format!("A-{number}")).collect();
    let tries = seats.iter().map(|seat| async { fan.hold(&[seat.as_str()]).await.status });
    let statuses = futures_util::future::join_all(tries).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 422].contains(status)), "{statuses:?}");
    assert_eq!(shop.sales().await["held"], 4);
    // The limit is the fan's, not the event's.
    shop.fan().held(&["A-40"]).await;
    shop.close().await;
}

async fn an_expired_hold_is_free_for_the_next_buyer_at_once(database: Database) {
    let mut settings = crate::support::settings(&database);
    // The sweep comes at the start and then not again.
    settings.holds.sweep_every = Duration::from_secs(3600);
    let shop = Shop::open_with(settings, Default::default(), None).await;
    shop.create_demo(&[("A", 4)]).await;
    let (slow, quick) = (shop.fan(), shop.fan());
    let id = slow.held(&["A-1", "A-2"]).await;
    shop.clock.advance(Duration::from_millis(179_999));
    quick.hold(&["A-2"]).await.is_problem(409, "seat_taken");
    shop.clock.advance(Duration::from_millis(1));
    assert_eq!(quick.seat("A-2").await, ("available".into(), false));
    assert_eq!(slow.state(&id).await, "expired");
    slow.pay(&id, "sandbox-ok").await.is_problem(409, "hold_expired");
    let won = quick.held(&["A-2"]).await;
    assert_eq!(quick.pay(&won, "sandbox-ok").await.status, 200);
    slow.pay(&id, "sandbox-ok").await.is_problem(409, "hold_expired");
    // The other seat of the expired hold is free, too, and what has expired does not count against the fan.
    assert_eq!(slow.hold(&["A-1", "A-3", "A-4"]).await.status, 201);
    let sales = shop.sales().await;
    assert_eq!(
        (&sales["sold"], &sales["held"], &sales["charges_cents"]),
        (&json!(1), &json!(3), &json!(4500))
    );
    shop.close().await;
}

async fn expired_holds_are_swept(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 3)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1", "A-2"]).await;
    shop.clock.advance(Duration::from_secs(181));
    let fresh = fan.held(&["A-3"]).await;
    // Swept, the claims are really gone: the clock cannot bring them back to life.
    tokio::time::sleep(Duration::from_millis(500)).await;
    eventually("the expired hold is swept", async || (fan.state(&id).await == "expired").then_some(())).await;
    assert_eq!(fan.state(&fresh).await, "held");
    assert_eq!(shop.fan().hold(&["A-1", "A-2"]).await.status, 201);
    shop.close().await;
}

async fn a_hold_can_be_given_back(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 2)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1", "A-2"]).await;
    let path = format!("/api/reservations/{id}");
    shop.fan().delete(&path).await.is_problem(404, "reservation_not_found");
    assert_eq!(fan.delete(&path).await.status, 204);
    assert_eq!(fan.delete(&path).await.status, 204, "again");
    assert_eq!(fan.state(&id).await, "released");
    fan.pay(&id, "sandbox-ok").await.is_problem(409, "reservation_released");
    let next = shop.fan();
    let bought = next.held(&["A-1"]).await;
    assert_eq!(next.pay(&bought, "sandbox-ok").await.status, 200);
    fan.delete(&format!("/api/reservations/{bought}")).await.is_problem(404, "reservation_not_found");
    assert_eq!(shop.sales().await["charges_cents"], 4500);
    shop.close().await;
}

async fn a_reservation_belongs_to_its_fan(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 4)]).await;
    let (owner, stranger, nobody) = (shop.fan(), shop.fan(), shop.fan());
    let first = owner.held(&["A-1"]).await;
    shop.clock.advance(Duration::from_secs(1));
    let second = owner.held(&["A-2"]).await;
    stranger.held(&["A-3"]).await;
    for other in [&stranger, &nobody] {
        other.get(&format!("/api/reservations/{first}")).await.is_problem(404, "reservation_not_found");
        other.pay(&first, "sandbox-ok").await.is_problem(404, "reservation_not_found");
        assert_eq!(other.get(&format!("/events/demo/checkout/{first}")).await.status, 404);
    }
    owner.get("/api/reservations/0").await.is_problem(404, "reservation_not_found");
    let list = owner.get("/api/reservations").await;
    assert_eq!(list.header("cache-control"), "private, no-store");
    let list = list.json();
    let ids: Vec<_> = list["reservations"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, [json!(second), json!(first)], "newest first");
    assert_eq!(nobody.get("/api/reservations").await.json(), json!({"next": null, "reservations": []}));
    shop.close().await;
}

/// Who gives seats back may choose others, or be done: then the place in the shop is free at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_checkout_leaves_the_line() {
    const SESSION: &str = "x-waiting-room-session";
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 4)]).await;
    let fan = shop.fan();
    let stays = fan.held(&["A-1"]).await;
    let answer = fan.submit(&format!("/events/demo/checkout/{stays}/cancel"), &[]).await;
    assert_eq!((answer.header("location"), answer.header(SESSION)), ("/events/demo", ""));
    let leaves = fan.held(&["A-1"]).await;
    let page = fan.get(&format!("/events/demo/checkout/{leaves}")).await.text;
    assert!(page.contains(&format!("/checkout/{leaves}/cancel?leave=yes")), "{page}");
    let answer = fan.submit(&format!("/events/demo/checkout/{leaves}/cancel?leave=yes"), &[]).await;
    assert_eq!((answer.header("location"), answer.header(SESSION)), ("/", "end"));
    assert_eq!(fan.state(&leaves).await, "released");
    for (query, told) in [("", ""), ("?finish=false", ""), ("?finish=true", "end")] {
        let id = fan.held(&["A-2"]).await;
        let answer = fan.delete(&format!("/api/reservations/{id}{query}")).await;
        assert_eq!((answer.status, answer.header(SESSION)), (204, told), "{query}");
    }
    shop.close().await;
}

async fn reservations_are_leafed_through(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 10)]).await;
    let (owner, other) = (shop.fan(), shop.fan());
    let foreign = other.held(&["A-10"]).await;
    let mut made = Vec::new();
    for number in 1..=7 {
        let id = owner.held(&[&format!("A-{number}")]).await;
        // The last three stay held; which of them the database knows already is all the same.
        if number < 5 {
            assert_eq!(owner.delete(&format!("/api/reservations/{id}")).await.status, 204);
        }
        made.push(id);
        shop.clock.advance(Duration::from_millis(10));
    }
    made.reverse();
    eventually("all are told", async || {
        let all = owner.get("/api/reservations").await.json();
        (all["reservations"].as_array()?.len() == 7).then_some(())
    })
    .await;
    let page = async |after: &str| {
        let page = owner.get(&format!("/api/reservations?limit=2{after}")).await.json();
        let ids = page["reservations"].as_array().unwrap().iter();
        let ids: Vec<String> = ids.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        (ids, page["next"].as_str().map(str::to_owned))
    };
    let (mut seen, mut next) = page("").await;
    while let Some(after) = next {
        assert!(seen.len() < 20, "{seen:?}");
        let (more, following) = page(&format!("&after={after}")).await;
        seen.extend(more);
        next = following;
    }
    assert_eq!(seen, made);
    assert!(!seen.contains(&foreign), "{foreign}");
    shop.close().await;
}

#[tokio::test]
async fn a_form_that_is_sent_twice_leads_to_the_hold_of_the_first() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 5)]).await;
    let fan = shop.fan();
    for seats in [&["A-1"][..], &["A-2", "A-3", "A-4"]] {
        let fields: Vec<_> = seats.iter().map(|seat| ("seat", *seat)).collect();
        let (first, again) =
            (fan.submit("/events/demo/hold", &fields).await, fan.submit("/events/demo/hold", &fields).await);
        assert_eq!((first.status, again.status), (303, 303), "{}", again.text);
        assert_eq!(first.header("location"), again.header("location"));
        // Of somebody else they are taken.
        assert_eq!(shop.fan().submit("/events/demo/hold", &fields).await.status, 409);
    }
    // What is not the same is another wish.
    assert!([409, 422].contains(&fan.submit("/events/demo/hold", &[("seat", "A-2")]).await.status));
    assert_eq!(fan.submit("/events/demo/hold", &[("seat", "A-5")]).await.status, 422);
}
