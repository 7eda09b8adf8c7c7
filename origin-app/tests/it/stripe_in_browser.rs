//! Payments that the fan's browser makes with Stripe's own script: the shop prepares them, and believes what Stripe says.

use std::time::Duration;

use origin_app::config::{Provider, Settings};
use serde_json::json;

use crate::stripe::{WEBHOOK_SECRET, tell, with_stripe};
use crate::support::{Database, FakeStripe, Fan, Fault, MailSink, Shop, eventually, on_both_databases};

on_both_databases!(
    the_browser_pays_and_the_shop_looks,
    what_the_browser_does_not_confirm_is_ended_and_the_seats_are_free,
    a_payment_that_is_begun_can_be_given_up,
);

const KEY: &str = "pk_test_of_the_tests";

async fn open(database: &Database, stripe: &FakeStripe, sink: &MailSink) -> Shop {
    let mut settings = Settings { mail: sink.settings(), ..with_stripe(database, stripe.url()) };
    if let Provider::Stripe(stripe) = &mut settings.payments.provider {
        stripe.publishable_key = Some(KEY.to_owned());
    }
    let shop = Shop::open_with(settings, Default::default(), None).await;
    shop.create_demo(&[("A", 4)]).await;
    shop
}

/// The secret by which the fan's browser confirms the payment.
async fn secret(fan: &Fan, id: &str) -> String {
    let body = json!({"email": "guest@example.com"});
    let answer = fan.post(&format!("/api/reservations/{id}/payment-intent"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(answer.json()["publishable_key"], KEY);
    answer.json()["client_secret"].as_str().unwrap().to_owned()
}

async fn the_browser_pays_and_the_shop_looks(database: Database) {
    let (stripe, sink) = (FakeStripe::start().await, MailSink::start().await);
    let shop = open(&database, &stripe, &sink).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1", "A-2"]).await;
    shop.fan()
        .post(&format!("/api/reservations/{id}/payment-intent"), &json!({}))
        .await
        .is_problem(404, "reservation_not_found");
    let first = secret(&fan, &id).await;
    assert_eq!(fan.state(&id).await, "paying");
    assert_eq!(first, secret(&fan, &id).await, "one payment, however often it is asked for");
    // Looking changes nothing while the fan types.
    assert_eq!(fan.pay(&id, "in-browser").await.status, 202);
    assert_eq!(fan.state(&id).await, "paying");
    assert!(sink.all().is_empty(), "a fan who types is not told that their payment is delayed");
    // A card is declined there; another pays, without the shop's doing.
    assert_eq!(stripe.confirm_in_browser(&first, "pm_card_chargeCustomerFail"), 402);
    assert_eq!(fan.pay(&id, "in-browser").await.status, 202);
    assert_eq!(stripe.confirm_in_browser(&first, "pm_card_visa"), 200);
    let paid = fan.pay(&id, "in-browser").await;
    assert_eq!((paid.status, &paid.json()["state"]), (200, &json!("confirmed")), "{}", paid.text);
    let again = fan.post(&format!("/api/reservations/{id}/payment-intent"), &json!({})).await;
    again.is_problem(409, "already_confirmed");

    // The page is closed before it says so: Stripe tells by itself.
    let second = fan.held(&["A-3"]).await;
    assert_eq!(stripe.confirm_in_browser(&secret(&fan, &second).await, "pm_card_visa"), 200);
    let body = json!({"type": "payment_intent.succeeded", "data": {"object": {"metadata": {"reservation": second}}}});
    let now = shop.edge.clock.now().as_secs();
    assert_eq!(tell(&shop.edge, &body.to_string(), WEBHOOK_SECRET, now).await, 200);
    eventually("Stripe told", async || (fan.state(&second).await == "confirmed").then_some(())).await;
    sink.mails("guest@example.com", 2).await;

    // Neither does: the shop looks by itself.
    let third = fan.held(&["A-4"]).await;
    assert_eq!(stripe.confirm_in_browser(&secret(&fan, &third).await, "pm_card_visa"), 200);
    shop.clock.advance(Duration::from_secs(11));
    eventually("the shop looked", async || (fan.state(&third).await == "confirmed").then_some(())).await;
    let charges = stripe.charges();
    assert_eq!(charges.iter().map(|charge| charge.taken).collect::<Vec<_>>(), [1, 1, 1]);
    let sales = shop.sales().await;
    assert_eq!((&sales["sold"], &sales["tickets"]), (&json!(4), &json!(4)), "{sales}");
    shop.close().await;
}

async fn what_the_browser_does_not_confirm_is_ended_and_the_seats_are_free(database: Database) {
    let (stripe, sink) = (FakeStripe::start().await, MailSink::start().await);
    let shop = open(&database, &stripe, &sink).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    let late = secret(&fan, &id).await;
    // The hold's own time is over, the payment's is not.
    shop.clock.advance(Duration::from_secs(200));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(fan.state(&id).await, "paying");
    assert_eq!(shop.fan().hold(&["A-1"]).await.status, 409);
    shop.clock.advance(Duration::from_secs(200));
    eventually("its time is over", async || (fan.state(&id).await == "expired").then_some(())).await;
    assert_eq!(stripe.confirm_in_browser(&late, "pm_card_visa"), 400, "nothing can be charged any more");
    let other = shop.fan();
    let taken = eventually("the seat is free", async || {
        let held = other.hold(&["A-1"]).await;
        (held.status == 201).then(|| held.json()["id"].as_str().unwrap().to_owned())
    })
    .await;
    // The provider does not answer: the payment is delayed, and can be tried again.
    stripe.will(Fault::Hang("/payment_intents"));
    stripe.will(Fault::Hang("/payment_intents"));
    let path = format!("/api/reservations/{taken}/payment-intent");
    other.post(&path, &json!({})).await.is_problem(409, "payment_in_progress");
    assert_eq!(other.state(&taken).await, "payment_delayed");
    let secret = secret(&other, &taken).await;
    assert_eq!(stripe.confirm_in_browser(&secret, "pm_card_visa"), 200);
    assert_eq!(other.pay(&taken, "in-browser").await.json()["state"], "confirmed");
    shop.close().await;
}

async fn a_payment_that_is_begun_can_be_given_up(database: Database) {
    let (stripe, sink) = (FakeStripe::start().await, MailSink::start().await);
    let shop = open(&database, &stripe, &sink).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    let begun = secret(&fan, &id).await;
    assert_eq!(fan.delete(&format!("/api/reservations/{id}")).await.status, 204);
    assert_eq!(fan.state(&id).await, "released");
    assert_eq!(stripe.confirm_in_browser(&begun, "pm_card_visa"), 400);
    eventually("the seat is free", async || (shop.fan().hold(&["A-1"]).await.status == 201).then_some(()))
        .await;
    // By the page; and what was paid meanwhile stays paid, as long as it is not cancelled as tickets are.
    let id = fan.held(&["A-2"]).await;
    let begun = secret(&fan, &id).await;
    let page = format!("/events/demo/checkout/{id}");
    assert!(fan.get(&page).await.text.contains("data-begun=\"yes\""));
    assert_eq!(stripe.confirm_in_browser(&begun, "pm_card_visa"), 200);
    assert_eq!(fan.submit(&format!("{page}/cancel"), &[]).await.status, 303);
    eventually("the money is back", async || (fan.state(&id).await == "refunded").then_some(())).await;
    shop.close().await;
}

/// What the page says and may load, with and without the provider.
#[tokio::test(flavor = "multi_thread")]
async fn stripe_is_let_in_where_its_form_stands_and_nowhere_else() {
    let (stripe, sink) = (FakeStripe::start().await, MailSink::start().await);
    let database = Database::in_memory();
    let shop = open(&database, &stripe, &sink).await;
    let fan = shop.fan().speaking("en");
    let id = fan.held(&["A-1"]).await;
    let page = fan.get(&format!("/events/demo/checkout/{id}")).await;
    assert_eq!(
        page.header("content-security-policy"),
        "default-src 'none'; style-src 'self'; script-src 'self' https://js.stripe.com https://*.js.stripe.com; \
         img-src 'self'; connect-src 'self' https://api.stripe.com; \
         frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    for part in [
        "<script src=\"https://js.stripe.com/v3/\" defer>",
        "data-key=\"pk_test_of_the_tests\" data-amount=\"4500\" data-currency=\"eur\"",
        "that form needs JavaScript",
        "Stripe is in its test mode",
    ] {
        assert!(page.text.contains(part), "{part} is not in {}", page.text);
    }
    assert!(!page.text.contains("pm_card") && !page.text.contains("sk_test"), "{}", page.text);
    for other in ["/", "/events/demo", "/tickets"] {
        let policy = fan.get(other).await.header("content-security-policy").to_owned();
        assert!(!policy.contains("stripe"), "{other}: {policy}");
    }
    shop.close().await;
    let sandbox = Shop::open(&database).await;
    sandbox.create_demo(&[("A", 1)]).await;
    let fan = sandbox.fan();
    let id = fan.held(&["A-1"]).await;
    let page = fan.get(&format!("/events/demo/checkout/{id}")).await;
    assert!(!page.text.contains("stripe") && !page.header("content-security-policy").contains("stripe"));
    let path = format!("/api/reservations/{id}/payment-intent");
    fan.post(&path, &json!({})).await.is_problem(409, "not_in_browser");
    fan.pay(&id, "in-browser").await.is_problem(422, "card_unknown");
    sandbox.close().await;
}
