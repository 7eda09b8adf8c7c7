//! A provider that does not answer: the seats stay for five more minutes, the fan may try again, and at the end it is
//! certain whether there was a charge.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::stage::{Provider, short};
use crate::sandbox::{balance, ledger};
use crate::support::{Database, Shop, eventually, on_both_databases};

on_both_databases!(
    a_delayed_payment_keeps_its_seats_for_five_minutes_and_ends_uncharged,
    a_delayed_payment_can_be_tried_again,
    what_was_charged_without_a_word_becomes_tickets,
    a_charge_found_out_too_late_goes_back,
);

async fn a_delayed_payment_keeps_its_seats_for_five_minutes_and_ends_uncharged(database: Database) {
    let shop = Shop::open_with(short(&database), Default::default(), None).await;
    shop.create_demo(&[("A", 2)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    // Most of the hold's time is over by now, and does not matter any more.
    shop.clock.advance(Duration::from_secs(170));
    let delayed = fan.pay(&id, "sandbox-silent").await;
    assert_eq!((delayed.status, delayed.json()["state"].as_str()), (202, Some("payment_delayed")));
    for _ in 0..4 {
        shop.clock.advance(Duration::from_secs(60));
        assert_eq!(fan.pay(&id, "sandbox-silent").await.status, 202);
        shop.fan().hold(&["A-1"]).await.is_problem(409, "seat_taken");
    }
    shop.clock.advance(Duration::from_secs(61));
    eventually("the payment's time is over", async || {
        // On a busy machine the provider is asked more than once.
        shop.clock.advance(Duration::from_secs(11));
        (fan.state(&id).await == "expired").then_some(())
    })
    .await;
    fan.pay(&id, "sandbox-ok").await.is_problem(409, "hold_expired");
    let other = shop.fan();
    let again = other.held(&["A-1"]).await;
    assert_eq!(other.pay(&again, "sandbox-ok").await.status, 200);
    assert_eq!(shop.sales().await["charges_cents"], 4500);
    ledger(&shop).await;
    shop.close().await;
}

async fn a_delayed_payment_can_be_tried_again(database: Database) {
    let shop = Shop::open_with(short(&database), Default::default(), None).await;
    shop.create_demo(&[("A", 2)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    assert_eq!(fan.pay(&id, "sandbox-flaky").await.status, 202);
    let checkout = format!("/events/demo/checkout/{id}");
    let page = fan.get(&checkout).await;
    assert!(page.text.contains("data-testid=\"try-again\""), "{}", page.text);
    // By the button on the page, which asks with the card of before.
    assert_eq!(fan.submit(&format!("{checkout}/pay"), &[("card", "sandbox-flaky")]).await.status, 303);
    assert_eq!(fan.state(&id).await, "confirmed");
    shop.close().await;
}

async fn what_was_charged_without_a_word_becomes_tickets(database: Database) {
    let shop = Shop::open_with(short(&database), Default::default(), None).await;
    shop.create_demo(&[("A", 2)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    assert_eq!(fan.pay(&id, "sandbox-unknown").await.status, 202);
    assert_eq!(balance(&shop, "provider").await, 0, "it is not known yet");
    assert_eq!(shop.sales().await["charges_cents"], 4500);
    shop.clock.advance(Duration::from_secs(400));
    eventually("the provider was told to end it", async || {
        (fan.state(&id).await == "confirmed").then_some(())
    })
    .await;
    assert_eq!((balance(&shop, "provider").await, balance(&shop, "sales").await), (4500, -4500));
    shop.close().await;
}

async fn a_charge_found_out_too_late_goes_back(database: Database) {
    let provider = Arc::new(Provider::default());
    let shop = Shop::open_with(short(&database), Default::default(), Some(provider.clone())).await;
    shop.create_demo(&[("A", 1)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    provider.loses_answers(true);
    assert_eq!(fan.pay(&id, "any").await.status, 202);
    assert_eq!(provider.charged(), 4500);
    // Nobody waits for ever: somebody else may have the seat.
    shop.clock.advance(Duration::from_secs(400));
    eventually("the shop gives up", async || (fan.state(&id).await == "refund_due").then_some(())).await;
    let other = shop.fan();
    provider.loses_answers(false);
    let won = eventually("the seat is free", async || {
        let held = other.hold(&["A-1"]).await;
        (held.status == 201).then(|| held.json()["id"].as_str().unwrap().to_owned())
    })
    .await;
    assert_eq!(other.pay(&won, "any").await.status, 200);
    shop.clock.advance(Duration::from_secs(60));
    eventually("the money is back", async || (fan.state(&id).await == "refunded").then_some(())).await;
    let back = fan.get(&format!("/api/reservations/{id}")).await.json();
    assert_eq!(back["refund_reason"], "too_late");
    assert_eq!(provider.charged(), 4500, "the other's");
    assert_eq!((balance(&shop, "provider").await, balance(&shop, "sales").await), (4500, -4500));
    assert_eq!(shop.sales().await["double_sold"], json!(0));
    shop.close().await;
}
