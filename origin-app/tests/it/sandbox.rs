//! Whatever the provider does, by the cards of the sandbox: what the fan hears, and where the money is.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Database, Edge, Shop, on_both_databases, settings};

on_both_databases!(every_card_ends_well, the_circuit_opens_and_the_fan_hears_at_once);

/// What stands in an account.
pub(crate) async fn balance(edge: &Edge, account: &str) -> i64 {
    let ledger = ledger(edge).await;
    let balances = ledger["balances"].as_array().unwrap();
    balances.iter().filter(|one| one["account"] == account).map(|one| one["cents"].as_i64().unwrap()).sum()
}

/// The ledger, which adds up and contradicts nothing at any moment.
pub(crate) async fn ledger(edge: &Edge) -> Value {
    let (status, ledger) = edge.organiser(reqwest::Method::GET, "/api/ledger", None).await;
    assert_eq!(status, 200, "{ledger}");
    assert_eq!((&ledger["unbalanced"], &ledger["contradictions"]), (&json!(0), &json!(0)), "{ledger}");
    let sum: i64 =
        ledger["balances"].as_array().unwrap().iter().map(|one| one["cents"].as_i64().unwrap()).sum();
    assert_eq!(sum, 0, "{ledger}");
    ledger
}

async fn every_card_ends_well(database: Database) {
    let mut settings = settings(&database);
    settings.payments.timeout = Duration::from_millis(300);
    settings.payments.breaker.least = 1000;
    let shop = Shop::open_with(settings, Default::default(), None).await;
    shop.create_demo(&[("A", 9)]).await;
    // What the first try answers, and what the second.
    for (seat, (card, first, second)) in [
        ("sandbox-ok", 200, 200),
        ("sandbox-declined", 402, 402),
        ("sandbox-timeout", 202, 200),
        ("sandbox-error", 402, 402),
        ("sandbox-flaky", 202, 200),
        ("sandbox-silent", 202, 202),
        ("sandbox-unknown", 202, 202),
        ("sandbox-refund-fails", 200, 200),
    ]
    .into_iter()
    .enumerate()
    {
        let fan = shop.fan();
        let id = fan.held(&[&format!("A-{}", seat + 1)]).await;
        let answers = (fan.pay(&id, card).await.status, fan.pay(&id, card).await.status);
        assert_eq!(answers, (first, second), "{card}");
        ledger(&shop).await;
    }
    // Four have tickets; of the fifth charge the shop has not heard.
    assert_eq!(balance(&shop, "sales").await, -4 * 4500);
    assert_eq!(balance(&shop, "provider").await, 4 * 4500);
    assert_eq!(shop.sales().await["charges_cents"], 5 * 4500);
    shop.close().await;
}

async fn the_circuit_opens_and_the_fan_hears_at_once(database: Database) {
    let mut settings = settings(&database);
    // Half of what the slow card takes, so that the two never race.
    settings.payments.timeout = Duration::from_millis(500);
    settings.payments.resume_after = Duration::from_secs(600);
    let shop = Shop::open_with(settings, Default::default(), None).await;
    shop.create_demo(&[("A", 16)]).await;
    let silent = (1..=10).map(|seat| {
        let fan = shop.fan();
        async move {
            let id = fan.held(&[&format!("A-{seat}")]).await;
            assert_eq!(fan.pay(&id, "sandbox-silent").await.status, 202);
        }
    });
    futures_util::future::join_all(silent).await;
    let fan = shop.fan();
    let id = fan.held(&["A-11"]).await;
    assert_eq!(fan.pay(&id, "sandbox-slow").await.status, 202);
    assert_eq!(shop.sales().await["charges_cents"], 0, "nobody is asked");
    let metrics =
        reqwest::get(format!("http://{}/metrics", shop.edge.address)).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("\nshop_payment_circuit_open 1\n"), "{metrics}");
    // Half a minute later one call tries, and then everybody is served again.
    shop.clock.advance(Duration::from_secs(30));
    assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 202, "its card is the slow one");
    shop.clock.advance(Duration::from_secs(30));
    let other = shop.fan();
    let second = other.held(&["A-12"]).await;
    assert_eq!(other.pay(&second, "sandbox-ok").await.status, 200);
    assert_eq!(shop.sales().await["charges_cents"], 9000, "the slow card was charged, too");
    shop.close().await;
}
