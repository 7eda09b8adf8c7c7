//! Inventory and database put at odds by hand, in each way that there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use origin_app::inventory::{HoldingState, Inventory};
use serde_json::json;

use super::flaky::Flaky;
use super::{Stage, reservation};
use crate::support::{Database, Fan, Shop, eventually, on_both_databases, settings};

on_both_databases!(
    what_is_sold_in_one_and_free_in_the_other_is_put_right,
    what_is_held_in_one_only_is_put_right,
    what_is_at_odds_at_the_start_is_put_right_at_once,
    what_is_over_by_the_time_it_is_asked_about_is_not_held_again,
);

async fn bought(fan: &Fan, seats: &[&str]) -> String {
    let id = fan.held(seats).await;
    let paid = fan.pay(&id, "sandbox-ok").await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    id
}

async fn becomes(stage: &Stage, id: &str, state: Option<HoldingState>) {
    eventually("it is put right", async || (stage.state(id).await == state).then_some(())).await;
}

async fn what_is_sold_in_one_and_free_in_the_other_is_put_right(database: Database) {
    let stage = Stage::open(database, 6).await;
    let (buyer, other) = (stage.shop.fan(), stage.shop.fan());
    let id = bought(&buyer, &["A-1", "A-2"]).await;
    stage.caught_up().await;
    assert_eq!(stage.repairs().await, 0.0);
    // Sold, says the database; free, says the inventory. Somebody may even hold one of the seats by now.
    assert!(stage.inventory.free(&stage.event, &reservation(&id)).await.unwrap());
    let unlucky = other.hold(&["A-2"]).await;
    becomes(&stage, &id, Some(HoldingState::Sold)).await;
    other.hold(&["A-1"]).await.is_problem(409, "seat_taken");
    other.hold(&["A-2"]).await.is_problem(409, "seat_taken");
    if unlucky.status == 201 {
        let id = unlucky.json()["id"].as_str().unwrap().to_owned();
        other.pay(&id, "sandbox-ok").await.is_problem(409, "hold_expired");
    }
    assert_eq!(stage.repairs().await, 1.0);
    // Sold, says the inventory; held and nothing more, says the database.
    let held = other.held(&["A-3"]).await;
    assert!(stage.inventory.sell(&stage.event, &reservation(&held)).await.unwrap());
    // Kept for a payment, says the inventory; the database knows of none.
    let paying = stage.shop.fan();
    let kept = paying.held(&["A-4"]).await;
    let fan = stage.inventory.look(&stage.event, &reservation(&kept)).await.unwrap().unwrap().fan;
    stage.inventory.keep(&stage.event, &reservation(&kept), &fan).await.unwrap();
    // It may be on its way, for a minute.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(stage.state(&held).await, Some(HoldingState::Sold));
    assert_eq!(stage.state(&kept).await, Some(HoldingState::Kept));
    stage.shop.clock.advance(Duration::from_secs(61));
    becomes(&stage, &kept, Some(HoldingState::Held)).await;
    // The database says that it is held, and so it is again.
    becomes(&stage, &held, Some(HoldingState::Held)).await;
    assert_eq!(paying.pay(&kept, "sandbox-ok").await.status, 200);
    assert_eq!(other.pay(&held, "sandbox-ok").await.status, 200);
    let sales = stage.shop.sales().await;
    assert_eq!((&sales["sold"], &sales["double_sold"]), (&json!(4), &json!(0)), "{sales}");
    assert!(stage.repairs().await >= 3.0);
    // And then there is nothing more to put right.
    let repairs = stage.repairs().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(stage.repairs().await, repairs);
    stage.close().await;
}

async fn what_is_held_in_one_only_is_put_right(database: Database) {
    let stage = Stage::open(database, 6).await;
    let (one, other, third) = (stage.shop.fan(), stage.shop.fan(), stage.shop.fan());
    let (forgotten, unknown) = (one.held(&["A-1", "A-2"]).await, other.held(&["A-3"]).await);
    let ended = third.held(&["A-4"]).await;
    stage.caught_up().await;
    assert_eq!(third.delete(&format!("/api/reservations/{ended}")).await.status, 204);
    stage.caught_up().await;
    // Held in the database alone.
    assert!(stage.inventory.free(&stage.event, &reservation(&forgotten)).await.unwrap());
    becomes(&stage, &forgotten, Some(HoldingState::Held)).await;
    third.hold(&["A-2"]).await.is_problem(409, "seat_taken");
    // Held in the inventory alone.
    stage.database.tamper("DELETE FROM reservation_seats WHERE seat_id = 'A-3'").await;
    let gone = "DELETE FROM reservations WHERE id NOT IN (SELECT reservation_id FROM reservation_seats)";
    stage.database.tamper(gone).await;
    assert_eq!(stage.rows().await, (2, 3));
    stage.shop.clock.advance(Duration::from_secs(61));
    eventually("the database knows it", async || (stage.rows().await == (3, 4)).then_some(())).await;
    assert_eq!(stage.state(&unknown).await, Some(HoldingState::Held));
    // What was given back stays so.
    assert_eq!((stage.state(&ended).await, third.state(&ended).await), (None, "released".to_owned()));
    for (fan, id) in [(&one, &forgotten), (&other, &unknown)] {
        assert_eq!(fan.pay(id, "sandbox-ok").await.status, 200);
    }
    assert_eq!(stage.repairs().await, 2.0);
    stage.close().await;
}

/// Between reading the database and asking the inventory, the log may bring into the one that a hold is over, and the other forgets
/// it.
async fn what_is_over_by_the_time_it_is_asked_about_is_not_held_again(database: Database) {
    let held_back = Arc::new(AtomicBool::new(false));
    let around = |behind| -> Arc<dyn Inventory> {
        Arc::new(Flaky { held_back: held_back.clone(), ..Flaky::before(behind) })
    };
    let stage = Stage::open_with(database, 3, |_| {}, around).await;
    let (fan, buyer) = (stage.shop.fan(), stage.shop.fan());
    let (over, sold) = (fan.held(&["A-1"]).await, bought(&buyer, &["A-2"]).await);
    stage.caught_up().await;
    held_back.store(true, Ordering::SeqCst);
    assert_eq!(fan.delete(&format!("/api/reservations/{over}")).await.status, 204);
    eventually("somebody asks", async || (!held_back.load(Ordering::SeqCst)).then_some(())).await;
    // What is put right after that says that the round is over.
    assert!(stage.inventory.free(&stage.event, &reservation(&sold)).await.unwrap());
    becomes(&stage, &sold, Some(HoldingState::Sold)).await;
    assert_eq!((stage.state(&over).await, fan.state(&over).await), (None, "released".to_owned()));
    stage.shop.fan().held(&["A-1"]).await;
    stage.close().await;
}

/// The timer is far away here.
async fn what_is_at_odds_at_the_start_is_put_right_at_once(database: Database) {
    let stage =
        Stage::open_with(database, 4, |settings| rarely(&mut settings.holds.sweep_every), |it| it).await;
    let buyer = stage.shop.fan();
    let id = bought(&buyer, &["A-1"]).await;
    stage.caught_up().await;
    stage.inventory.free(&stage.event, &reservation(&id)).await.unwrap();
    let Stage { database, shop, inventory, event } = stage;
    let clock = shop.clock.clone();
    shop.close().await;
    assert!(inventory.look(&event, &reservation(&id)).await.unwrap().is_none());
    let mut settings = settings(&database);
    rarely(&mut settings.holds.sweep_every);
    let shop = Shop::open_around(settings, clock, None, Some(inventory.clone())).await;
    let stage = Stage { database, shop, inventory, event };
    assert_eq!(stage.state(&id).await, Some(HoldingState::Sold));
    assert_eq!(stage.repairs().await, 1.0);
    stage.shop.fan().hold(&["A-1"]).await.is_problem(409, "seat_taken");
    stage.close().await;
}

/// The database has the last word, whatever the inventory says: here it has given one seat to two fans.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_hold_one_seat_the_first_to_pay_has_it() {
    let database = Database::postgres().await;
    let mut stage =
        Stage::open_with(database, 3, |settings| rarely(&mut settings.holds.sweep_every), |it| it).await;
    let (one, other) = (stage.shop.fan(), stage.shop.fan());
    let first = one.held(&["A-1", "A-2"]).await;
    assert_eq!(stage.database.redis().command(&["HDEL", "shop:{demo}:taken", "A-2"]).unwrap(), ":1\r\n");
    let second = other.held(&["A-2", "A-3"]).await;
    let (paid, refused) = (other.pay(&second, "sandbox-ok").await, one.pay(&first, "sandbox-ok").await);
    assert_eq!(paid.status, 200, "{}", paid.text);
    refused.is_problem(409, "hold_expired");
    // Nobody asked for the other's money, and the seat that was left is free.
    assert_eq!(stage.database.count("SELECT count(*) FROM sandbox_payments").await, 1);
    assert_eq!(other.state(&second).await, "confirmed");
    stage.shop.fan().held(&["A-1"]).await;
    stage.shop.fan().hold(&["A-2"]).await.is_problem(409, "seat_taken");
    let sales = stage.shop.sales().await;
    assert_eq!((&sales["sold"], &sales["double_sold"], &sales["tickets"]), (&json!(2), &json!(0), &json!(2)));
    stage.close().await;
}

/// What is over in the inventory and not yet in the database stays over, however long the log takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_was_given_back_is_not_held_again_while_the_log_is_behind() {
    let mut stage = Stage::open(Database::postgres().await, 3).await;
    let fan = stage.shop.fan();
    let id = fan.held(&["A-1"]).await;
    stage.caught_up().await;
    let mut reader = |words: &[&str]| {
        let said = stage.database.redis().command(&[&["HSET", "shop:{demo}"], words].concat()).unwrap();
        assert!(said.starts_with(':'), "{said}");
    };
    reader(&["reader", "nobody", "reader_until", "99999999999999"]);
    assert_eq!(fan.delete(&format!("/api/reservations/{id}")).await.status, 204);
    tokio::time::sleep(Duration::from_secs(4)).await;
    reader(&["reader_until", "0"]);
    assert_eq!(stage.repairs().await, 0.0);
    stage.caught_up().await;
    assert_eq!(fan.state(&id).await, "released");
    stage.shop.fan().held(&["A-1"]).await;
    stage.close().await;
}

fn rarely(every: &mut Duration) {
    *every = Duration::from_secs(3600);
}

/// Within Redis: who has a seat, what is known of a reservation, and how many places of a section are gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_redis_was_told_by_hand_is_put_right() {
    let mut stage = Stage::empty(Database::postgres().await, |_| {}, |inventory| inventory).await;
    let body = json!({
        "id": "demo", "name": "Demo", "venue": "Hall", "starts_at": "2027-06-01T19:30:00Z", "currency": "EUR",
        "waiting_room": "demo", "price_classes": [{"id": "p", "name": "P", "price_cents": 4500}],
        "sections": [{"id": "A", "name": "A", "price_class": "p", "rows": [{"name": "A", "seats": 4}]},
            {"id": "GA", "name": "Floor", "price_class": "p", "capacity": 12}],
    });
    let (status, answer) = stage.shop.organiser(reqwest::Method::POST, "/api/events", Some(&body)).await;
    assert_eq!(status, 201, "{answer}");
    let any = async |fan: &Fan, quantity: u32| {
        fan.post("/api/reservations", &json!({"event": "demo", "section": "GA", "quantity": quantity})).await
    };
    let buyer = stage.shop.fan();
    bought(&buyer, &["A.A-1", "A.A-2"]).await;
    let back = any(&buyer, 2).await.json()["id"].as_str().unwrap().to_owned();
    let floor = stage.shop.fan();
    let id = any(&floor, 4).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(floor.pay(&id, "sandbox-ok").await.status, 200);
    assert_eq!(buyer.delete(&format!("/api/reservations/{back}")).await.status, 204);
    stage.caught_up().await;
    let odds: [&[&[&str]]; 6] = [
        &[&["HDEL", "shop:{demo}:taken", "A.A-1"]],
        &[&["HSET", "shop:{demo}:taken", "A.A-3", "nobody"], &["HSET", "shop:{demo}:taken", "A.A-2", &id]],
        &[&["HSET", "shop:{demo}:general", "GA", "3"]],
        &[&["HSET", "shop:{demo}:general", "GA", "400"]],
        &[&["DEL", "shop:{demo}:general"], &["DEL", "shop:{demo}:free:GA"]],
        &[&["RPUSH", "shop:{demo}:free:GA", "3", "1", "77"]],
    ];
    for commands in odds {
        let before = stage.repairs().await;
        for command in commands {
            let said = stage.database.redis().command(command).unwrap();
            assert!(said.starts_with(':'), "{command:?}: {said}");
        }
        eventually("it is put right", async || (stage.repairs().await > before).then_some(())).await;
    }
    let repairs = stage.repairs().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(stage.repairs().await, repairs, "what is right is left alone");
    // All that is free is sold, once: eight places of the floor, and two seats.
    for seat in ["A.A-1", "A.A-2"] {
        stage.shop.fan().hold(&[seat]).await.is_problem(409, "seat_taken");
    }
    bought(&stage.shop.fan(), &["A.A-3", "A.A-4"]).await;
    for _ in 0..2 {
        let fan = stage.shop.fan();
        let id = any(&fan, 4).await.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 200);
    }
    any(&stage.shop.fan(), 1).await.is_problem(409, "sold_out");
    let sales = stage.shop.sales().await;
    assert_eq!(
        (&sales["sold"], &sales["tickets"], &sales["double_sold"]),
        (&json!(16), &json!(16), &json!(0))
    );
    stage.close().await;
}
