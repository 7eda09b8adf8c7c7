//! Stripe behind the port: every charge ends in a ticket or back with its fan, whichever answer gets lost.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use origin_app::config::{Provider, Secret, Settings, StripeSettings};
use reqwest::{Client, Method};
use serde_json::json;
use sha2::Sha256;

use crate::support::{
    Database, Edge, FakeStripe, Fault, LocalStripe, ManualClock, STRIPE_KEY, Shop, eventually, settings,
};

pub(crate) const WEBHOOK_SECRET: &str = "whsec_of_the_tests";
const WEBHOOK_PATH: &str = "/api/payments/webhooks/stripe";

pub(crate) fn with_stripe(database: &Database, url: String) -> Settings {
    let mut settings = settings(database);
    settings.payments.timeout = Duration::from_millis(1500);
    settings.payments.provider = Provider::Stripe(StripeSettings {
        url,
        key: Secret::new(STRIPE_KEY),
        publishable_key: None,
        webhook_secrets: vec![Secret::new(WEBHOOK_SECRET)],
    });
    settings
}

async fn open(database: &Database, stripe: &FakeStripe) -> Shop {
    let shop = Shop::open_with(with_stripe(database, stripe.url()), Default::default(), None).await;
    shop.create_demo(&[("A", 4)]).await;
    shop
}

/// Sends a message as Stripe would, through the edge.
pub(crate) async fn tell(edge: &Edge, body: &str, secret: &str, time: u64) -> u16 {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let request = edge
        .forward(&Client::new(), Method::POST, WEBHOOK_PATH, "", "")
        .header("stripe-signature", format!("t={time},v1={signature}"))
        .body(body.to_owned());
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_pays_once_or_is_declined() {
    let (database, stripe) = (Database::in_memory(), FakeStripe::start().await);
    let shop = open(&database, &stripe).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1", "A-2"]).await;
    fan.pay(&id, "4242424242424242").await.is_problem(422, "card_unknown");
    fan.pay(&id, "pm_card_chargeCustomerFail").await.is_problem(402, "payment_declined");
    fan.pay(&id, "pm_unknown").await.is_problem(402, "payment_declined");
    fan.pay(&id, "pm_card_threeDSecureRequired").await.is_problem(402, "payment_declined");
    assert_eq!(fan.state(&id).await, "held");
    for _ in 0..2 {
        assert_eq!(fan.pay(&id, "pm_card_visa").await.json()["state"], "confirmed");
    }
    let taken: Vec<_> = stripe.charges().into_iter().filter(|charge| charge.taken > 0).collect();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].reservation.as_str(), taken[0].amount, taken[0].taken), (id.as_str(), 9000, 1));
    let left_open = stripe.charges().into_iter().filter(|charge| charge.status == "requires_action");
    assert_eq!(left_open.count(), 0, "an intent that waits for its owner would wait for ever");
    for call in stripe.calls() {
        let key = call.split(' ').next_back().unwrap();
        assert!(
            !(call.ends_with("/confirm") || call.contains("/payment_intents ")) || key.starts_with(&id),
            "{call}"
        );
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_answer_is_lost_the_fan_is_charged_once_and_has_tickets() {
    for fault in [
        Fault::Hang("/payment_intents"),
        Fault::LoseAnswer("/payment_intents"),
        Fault::FailBefore("/payment_intents", 502),
        Fault::Hang("/confirm"),
        Fault::LoseAnswer("/confirm"),
        Fault::Fail("/confirm", 500),
        Fault::FailBefore("/confirm", 503),
        Fault::FailBefore("/confirm", 429),
    ] {
        let (database, stripe) = (Database::in_memory(), FakeStripe::start().await);
        let shop = open(&database, &stripe).await;
        let fan = shop.fan();
        let id = fan.held(&["A-1"]).await;
        stripe.will(fault);
        assert_eq!(fan.pay(&id, "pm_card_visa").await.status, 202, "{fault:?}");
        assert_eq!(fan.pay(&id, "pm_card_visa").await.json()["state"], "confirmed", "{fault:?}");
        let charges = stripe.charges();
        assert_eq!(charges.iter().map(|charge| charge.taken).sum::<u32>(), 1, "{fault:?} {charges:?}");
        shop.close().await;
    }
}

/// The shop was away for longer than Stripe knows keys: with the key of before it would make a second intent, and believe
/// that nothing was charged.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_charged_days_ago_is_found_without_its_key() {
    let (database, stripe) = (Database::sqlite(), FakeStripe::start().await);
    let clock = Arc::new(ManualClock::new());
    let shop = Shop::open_with(with_stripe(&database, stripe.url()), clock.clone(), None).await;
    shop.create_demo(&[("A", 4)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    stripe.will(Fault::LoseAnswer("/confirm"));
    assert_eq!(fan.pay(&id, "pm_card_visa").await.status, 202);
    shop.close().await;
    clock.advance(Duration::from_secs(3 * 24 * 3600));
    stripe.forget_keys();
    let shop = Shop::open_with(with_stripe(&database, stripe.url()), clock, None).await;
    let fan = fan.moved(shop.edge.clone());
    eventually("the charge has become a ticket", async || {
        (fan.state(&id).await == "confirmed").then_some(())
    })
    .await;
    assert_eq!(stripe.charges().len(), 1, "{:?}", stripe.charges());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_the_answer_for_ever_ends_the_attempt_and_not_the_hold() {
    let (database, stripe) = (Database::in_memory(), FakeStripe::start().await);
    let shop = open(&database, &stripe).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    stripe.will(Fault::Fail("/payment_intents", 500));
    assert_eq!(fan.pay(&id, "pm_card_visa").await.status, 202);
    // The same key hears the same failure; from that it is certain that there is no intent to confirm.
    let again = fan.pay(&id, "pm_card_visa").await;
    assert_eq!(again.status, 402, "{}", again.text);
    assert_eq!(fan.pay(&id, "pm_card_visa").await.json()["state"], "confirmed");
    assert_eq!(stripe.charges().len(), 1);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_tells_is_believed_only_when_signed_and_asked_about() {
    let (database, stripe) = (Database::in_memory(), FakeStripe::start().await);
    let shop = open(&database, &stripe).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    stripe.will(Fault::LoseAnswer("/confirm"));
    assert_eq!(fan.pay(&id, "pm_card_visa").await.status, 202);
    let body =
        json!({"type": "payment_intent.succeeded", "data": {"object": {"metadata": {"reservation": id}}}});
    let body = body.to_string();
    let now = shop.edge.clock.now().as_secs();
    assert_eq!(tell(&shop.edge, &body, "whsec_of_another", now).await, 400);
    assert_eq!(tell(&shop.edge, &body, WEBHOOK_SECRET, now - 301).await, 400);
    assert_eq!(fan.state(&id).await, "payment_delayed");
    assert_eq!(tell(&shop.edge, &body, WEBHOOK_SECRET, now).await, 200);
    eventually("the shop has asked", async || (fan.state(&id).await == "confirmed").then_some(())).await;
    assert_eq!(tell(&shop.edge, &body, WEBHOOK_SECRET, now).await, 200, "twice is once");
    // Somebody who knows the secret still cannot make money out of nothing.
    let other = fan.held(&["A-2"]).await;
    assert_eq!(tell(&shop.edge, &body.replace(&id, &other), WEBHOOK_SECRET, now).await, 200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(fan.state(&other).await, "held");
    shop.close().await;
}

/// The same adapter before another's idea of Stripe.
#[tokio::test(flavor = "multi_thread")]
async fn it_works_with_localstripe() {
    let database = Database::in_memory();
    let local = LocalStripe::start().await;
    // Its messages come through the edge, too: this stands in for one.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    local.tell(&format!("http://{}/", listener.local_addr().unwrap()), WEBHOOK_SECRET).await;
    let stripe = FakeStripe::before(Some(local)).await;
    let clock = Arc::new(ManualClock::of_now());
    let shop = Shop::open_with(with_stripe(&database, stripe.url()), clock, None).await;
    shop.create_demo(&[("A", 4)]).await;
    let edge = shop.edge.clone();
    let relay =
        axum::Router::new().fallback(move |headers: axum::http::HeaderMap, body: axum::body::Bytes| {
            let edge = edge.clone();
            async move {
                let request = edge.forward(&Client::new(), Method::POST, WEBHOOK_PATH, "", "");
                let signature = headers.get("stripe-signature").unwrap();
                let answer = request.header("stripe-signature", signature).body(body).send().await.unwrap();
                answer.status()
            }
        });
    let relaying = tokio::spawn(async move { axum::serve(listener, relay).await.unwrap() });

    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    fan.pay(&id, "pm_card_chargeCustomerFail").await.is_problem(402, "payment_declined");
    assert_eq!(fan.pay(&id, "pm_card_visa").await.json()["state"], "confirmed");

    // Charged there, the answer lost: its own message brings the tickets.
    let second = fan.held(&["A-2"]).await;
    stripe.will(Fault::LoseAnswer("/confirm"));
    let paid = fan.pay(&second, "pm_card_visa").await;
    assert!(matches!(paid.status, 200 | 202), "it may tell while the fan still waits: {}", paid.text);
    eventually("it told that it charged", async || (fan.state(&second).await == "confirmed").then_some(()))
        .await;
    relaying.abort();
    shop.close().await;
}
