//! Tickets go back: by the fan in time, by the organiser, and because the event does not take place.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::stage::short;
use crate::sandbox::{balance, ledger};
use crate::support::{Database, Shop, eventually, on_both_databases, settings};

on_both_databases!(
    a_fan_cancels_before_the_cut_off_and_the_seat_is_sold_again,
    after_the_cut_off_only_the_organiser_can,
    a_refund_that_fails_is_tried_again,
    an_event_called_off_refunds_everybody,
);

async fn a_fan_cancels_before_the_cut_off_and_the_seat_is_sold_again(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 2)]).await;
    let (fan, other) = (shop.fan(), shop.fan());
    let id = fan.held(&["A-1"]).await;
    let paid = fan.pay(&id, "sandbox-ok").await.json();
    let code = paid["tickets"][0]["code"].clone();
    other.delete(&format!("/api/reservations/{id}")).await.is_problem(404, "reservation_not_found");
    for _ in 0..2 {
        let back = fan.delete(&format!("/api/reservations/{id}")).await;
        assert_eq!(back.status, 200, "{}", back.text);
        let back = back.json();
        assert_eq!((&back["state"], &back["refund_reason"]), (&json!("refunded"), &json!("cancelled")));
        assert_eq!(back["tickets"], json!([]));
    }
    assert_eq!(shop.sales().await["charges_cents"], 0);
    assert_eq!(balance(&shop, "provider").await, 0);
    let again = other.held(&["A-1"]).await;
    let paid = other.pay(&again, "sandbox-ok").await.json();
    assert_ne!(paid["tickets"][0]["code"], code);
    assert_eq!(shop.sales().await["tickets"], 1);
    ledger(&shop).await;
    shop.close().await;
}

async fn after_the_cut_off_only_the_organiser_can(database: Database) {
    let mut settings = settings(&database);
    // The event starts in June; the tests begin in January.
    settings.payments.cancel_until = Duration::from_secs(365 * 86_400);
    let shop = Shop::open_with(settings, Default::default(), None).await;
    shop.create_demo(&[("A", 2)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    let payment = fan.pay(&id, "sandbox-ok").await.json()["payment"].as_str().unwrap().to_owned();
    fan.delete(&format!("/api/reservations/{id}")).await.is_problem(409, "too_late_to_cancel");
    assert_eq!(fan.state(&id).await, "confirmed");

    let path = format!("/api/payments/{payment}/refund");
    assert_eq!(fan.post(&path, &json!({})).await.status, 401, "that is not for fans");
    for _ in 0..2 {
        let (status, back) = shop.organiser(Method::POST, &path, None).await;
        assert_eq!(
            (status, &back["state"], &back["refund_reason"]),
            (200, &json!("refunded"), &json!("organiser"))
        );
    }
    let missing = path.replace(".1/", ".2/");
    assert_eq!(shop.organiser(Method::POST, &missing, None).await.0, 404);
    let held = fan.held(&["A-2"]).await;
    let (status, problem) =
        shop.organiser(Method::POST, &format!("/api/payments/{held}.0/refund"), None).await;
    assert_eq!((status, &problem["code"]), (404, &json!("payment_not_found")));
    ledger(&shop).await;
    shop.close().await;
}

async fn a_refund_that_fails_is_tried_again(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 2)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    assert_eq!(fan.pay(&id, "sandbox-refund-fails").await.status, 200);
    let back = fan.delete(&format!("/api/reservations/{id}")).await.json();
    assert_eq!(back["state"], "refund_due");
    assert_eq!((balance(&shop, "provider").await, balance(&shop, "unsettled").await), (4500, -4500));
    // The seat does not wait for the money.
    let other = shop.fan();
    eventually("the seat is free", async || (other.hold(&["A-1"]).await.status == 201).then_some(())).await;
    shop.clock.advance(Duration::from_secs(11));
    eventually("the money is back", async || (fan.state(&id).await == "refunded").then_some(())).await;
    assert_eq!(balance(&shop, "provider").await, 0);
    shop.close().await;
}

async fn an_event_called_off_refunds_everybody(database: Database) {
    let shop = Shop::open_with(short(&database), Default::default(), None).await;
    shop.create_demo(&[("A", 6)]).await;
    let fans: Vec<_> = (0..3).map(|_| shop.fan()).collect();
    let mut paid = Vec::new();
    for (seat, fan) in fans.iter().enumerate() {
        let id = fan.held(&[&format!("A-{}", seat + 1)]).await;
        assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 200);
        paid.push(id);
    }
    let (slow, late) = (shop.fan(), shop.fan());
    let delayed = slow.held(&["A-4"]).await;
    assert_eq!(slow.pay(&delayed, "sandbox-timeout").await.status, 202);
    let held = late.held(&["A-5"]).await;

    let path = "/api/events/demo/call-off";
    assert_eq!(late.post(path, &json!({})).await.status, 401);
    for _ in 0..2 {
        assert_eq!(shop.organiser_status(Method::POST, path).await, 202);
    }
    for (fan, id) in fans.iter().zip(&paid) {
        eventually("the money is back", async || (fan.state(id).await == "refunded").then_some(())).await;
        assert_eq!(fan.get(&format!("/api/reservations/{id}")).await.json()["refund_reason"], "called_off");
    }
    late.pay(&held, "sandbox-ok").await.is_problem(409, "event_called_off");
    // What the provider charged before the shop knew comes back, too.
    shop.clock.advance(Duration::from_secs(30));
    eventually("the last money is back", async || (slow.state(&delayed).await == "refunded").then_some(()))
        .await;
    assert_eq!(shop.sales().await["charges_cents"], 0);
    assert_eq!((balance(&shop, "provider").await, balance(&shop, "sales").await), (0, 0));
    shop.close().await;
}
