//! Every charge ends in a ticket or a refund, and nobody is charged twice.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::support::{Database, ManualClock, Shop, eventually, on_both_databases, settings};

on_both_databases!(
    paying_gives_tickets_and_charges_once,
    a_declined_card_keeps_the_hold,
    a_lost_answer_is_asked_for_again,
    a_charge_that_cannot_become_a_ticket_goes_back,
    a_finished_fan_frees_the_place,
);

async fn paying_gives_tickets_and_charges_once(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 4)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1", "A-2"]).await;
    fan.pay(&id, "4242424242424242").await.is_problem(422, "card_unknown");
    let tries = (0..10).map(|_| fan.pay(&id, "sandbox-ok"));
    let answers = futures_util::future::join_all(tries).await;
    for answer in &answers {
        assert_eq!((answer.status, answer.json()), (200, answers[0].json()));
    }
    let paid = answers[0].json();
    assert_eq!(paid["state"], "confirmed");
    let tickets = paid["tickets"].as_array().unwrap();
    assert_eq!((&tickets[0]["seat"], &tickets[1]["seat"]), (&json!("A-1"), &json!("A-2")));
    assert_ne!(tickets[0]["code"], tickets[1]["code"]);
    assert_eq!(fan.get("/api/reservations").await.json()["reservations"], json!([paid]));
    assert_eq!(fan.seat("A-1").await, ("sold".into(), true));
    assert_eq!(
        shop.sales().await,
        json!({
            "event": "demo", "seats_total": 4, "held": 0, "sold": 2, "tickets": 2, "tickets_cents": 9000,
            "charges_cents": 9000, "double_sold": 0,
        })
    );
    shop.clock.advance(Duration::from_secs(3600));
    assert_eq!(fan.pay(&id, "sandbox-declined").await.json(), paid, "long after");
    shop.close().await;
}

async fn a_declined_card_keeps_the_hold(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 1)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    for _ in 0..2 {
        fan.pay(&id, "sandbox-declined").await.is_problem(402, "payment_declined");
        assert_eq!(fan.state(&id).await, "held");
    }
    assert_eq!(shop.sales().await["charges_cents"], 0);
    assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 200);
    assert_eq!(shop.sales().await["charges_cents"], 4500);
    shop.close().await;
}

async fn a_lost_answer_is_asked_for_again(database: Database) {
    let mut settings = settings(&database);
    settings.payments.timeout = Duration::from_millis(300);
    let shop = Shop::open_with(settings, Default::default(), None).await;
    shop.create_demo(&[("A", 2)]).await;
    let fan = shop.fan();
    let (first, second) = (fan.held(&["A-1"]).await, fan.held(&["A-2"]).await);
    for id in [&first, &second] {
        let delayed = fan.pay(id, "sandbox-timeout").await;
        assert_eq!((delayed.status, delayed.header("retry-after")), (202, "2"), "{}", delayed.text);
        assert_eq!(delayed.json()["state"], "payment_delayed");
    }
    fan.delete(&format!("/api/reservations/{first}")).await.is_problem(409, "payment_in_progress");

    // The fan asks again, even with another card: the charge under way is the one that counts.
    assert_eq!(fan.pay(&first, "sandbox-declined").await.json()["state"], "confirmed");

    // Nobody asks, and the hold's time passes: the seat stays for a while, and the shop goes on asking.
    assert_eq!(fan.state(&second).await, "payment_delayed");
    shop.fan().hold(&["A-2"]).await.is_problem(409, "seat_taken");
    shop.clock.advance(Duration::from_secs(200));
    eventually("the payment is resumed", async || {
        assert_eq!(shop.fan().hold(&["A-2"]).await.status, 409);
        (fan.state(&second).await == "confirmed").then_some(())
    })
    .await;
    let sales = shop.sales().await;
    assert_eq!((&sales["tickets"], &sales["charges_cents"]), (&json!(2), &json!(9000)));
    shop.close().await;
}

async fn a_charge_that_cannot_become_a_ticket_goes_back(database: Database) {
    let mut settings = settings(&database);
    settings.payments.timeout = Duration::from_millis(300);
    let clock = Arc::new(ManualClock::new());
    let shop = Shop::open_with(settings, clock, None).await;
    shop.create_demo(&[("A", 1)]).await;
    let (fan, other) = (shop.fan(), shop.fan());
    let id = fan.held(&["A-1"]).await;
    assert_eq!(fan.pay(&id, "sandbox-timeout").await.status, 202);
    assert_eq!(shop.sales().await["charges_cents"], 4500);
    // Only a hand in the database can take a seat from under a payment.
    database.tamper("DELETE FROM seat_claims").await;
    fan.pay(&id, "sandbox-ok").await.is_problem(409, "refunded");
    assert_eq!(fan.state(&id).await, "refunded");
    let won = other.held(&["A-1"]).await;
    assert_eq!(other.pay(&won, "sandbox-ok").await.status, 200);
    fan.pay(&id, "sandbox-ok").await.is_problem(409, "refunded");
    let sales = shop.sales().await;
    assert_eq!(
        (&sales["sold"], &sales["tickets"], &sales["charges_cents"], &sales["double_sold"]),
        (&json!(1), &json!(1), &json!(4500), &json!(0))
    );
    shop.close().await;
}

async fn a_finished_fan_frees_the_place(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 9)]).await;
    let session = "x-waiting-room-session";
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    assert_eq!(fan.pay(&id, "sandbox-ok").await.header(session), "");
    let path = format!("/api/reservations/{id}/payment");
    let finished = fan.post(&path, &json!({"card": "sandbox-ok", "finish": true})).await;
    assert_eq!(finished.header(session), "end");
    let id = fan.held(&["A-2", "A-3", "A-4"]).await;
    assert_eq!(fan.pay(&id, "sandbox-ok").await.header(session), "end", "four is all a fan may have");
    shop.close().await;
}

#[tokio::test]
async fn a_page_that_nobody_looks_at_ends_no_purchase() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 5)]).await;
    let fan = shop.fan();
    let ended = fan.held(&["A-1"]).await;
    shop.clock.advance(std::time::Duration::from_secs(181));
    let held = fan.held(&["A-2"]).await;
    let checkout = format!("/events/demo/checkout/{held}");
    // The page of the one was left open; the other is about to be paid.
    let away = fan.submit("/events/demo/finish?away=yes", &[]).await;
    assert_eq!((away.status, away.header("location")), (303, checkout.as_str()));
    assert_eq!(away.header("x-waiting-room-session"), "");
    assert_eq!(fan.pay(&held, "sandbox-silent").await.status, 202);
    assert_eq!(fan.submit("/events/demo/finish?away=yes", &[]).await.header("x-waiting-room-session"), "");
    // Who presses the button means it.
    assert_eq!(fan.submit("/events/demo/finish", &[]).await.header("x-waiting-room-session"), "end");
    let other = shop.fan();
    for fan in [&other, &shop.fan()] {
        assert_eq!(
            fan.submit("/events/demo/finish?away=yes", &[]).await.header("x-waiting-room-session"),
            "end"
        );
    }
    let bought = other.held(&["A-3"]).await;
    assert_eq!(other.pay(&bought, "sandbox-ok").await.status, 200);
    assert_eq!(
        other.submit("/events/demo/finish?away=yes", &[]).await.header("x-waiting-room-session"),
        "end"
    );
    assert_eq!(fan.state(&ended).await, "expired");
}
