//! Money adds up at any moment, whatever fans, organisers, the provider and crashes do.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::crash::{CrashAt, Doomed};
use super::stage::short;
use crate::random::Dice;
use crate::sandbox::{balance, ledger};
use crate::support::{Database, Fan, ManualClock, Shop, eventually};

const CARDS: [&str; 9] = [
    "sandbox-ok",
    "sandbox-ok",
    "sandbox-declined",
    "sandbox-timeout",
    "sandbox-error",
    "sandbox-flaky",
    "sandbox-silent",
    "sandbox-unknown",
    "sandbox-refund-fails",
];

#[tokio::test(flavor = "multi_thread")]
async fn money_adds_up_on_sqlite() {
    let seeds: u64 = std::env::var("STANCHION_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(6);
    for seed in 0..seeds {
        a_life(&Database::sqlite(), seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_adds_up_on_postgres() {
    for seed in 100..102 {
        a_life(&Database::postgres().await, seed).await;
    }
}

/// A shop's life out of random things, each life a few deaths.
async fn a_life(database: &Database, seed: u64) {
    let mut dice = Dice(seed);
    let clock = Arc::new(ManualClock::new());
    let mut fans: Vec<(Fan, String)> = Vec::new();
    let first = Shop::open_with(short(database), clock.clone(), None).await;
    first.create_demo(&[("A", 12)]).await;
    first.close().await;
    for _ in 0..4 {
        let probe = CrashAt::new(usize::try_from(dice.below(60)).unwrap());
        let shop = Doomed::open(short(database), clock.clone(), probe.clone()).await;
        fans = fans.into_iter().map(|(fan, id)| (fan.moved(shop.edge.clone()), id)).collect();
        let living = async {
            for _ in 0..14 {
                something(&mut dice, &shop.edge, &clock, &mut fans).await;
                // At any moment, whatever is under way.
                ledger(&shop.edge).await;
            }
        };
        tokio::select! {
            () = living => {}
            () = probe.reached() => {}
        }
        shop.kill();
    }
    let last = Shop::open_with(short(database), clock.clone(), None).await;
    if dice.below(3) == 0 {
        assert_eq!(last.organiser_status(Method::POST, "/api/events/demo/call-off").await, 202);
    }
    eventually("nothing is left open", async || {
        clock.advance(Duration::from_secs(200));
        let unsettled = balance(&last, "unsettled").await;
        let sales = last.sales().await;
        (unsettled == 0 && sales["held"] == 0 && sales["charges_cents"] == sales["tickets_cents"])
            .then_some(())
    })
    .await;
    let sales = last.sales().await;
    assert_eq!(sales["double_sold"], 0, "seed {seed}: {sales}");
    assert_eq!(sales["charges_cents"], json!(balance(&last, "provider").await), "seed {seed}: {sales}");
    last.close().await;
}

async fn something(
    dice: &mut Dice,
    edge: &crate::support::Edge,
    clock: &ManualClock,
    fans: &mut Vec<(Fan, String)>,
) {
    let known = fans.len() as u64;
    match dice.below(10) {
        0..=2 => {
            let fan = edge.fan();
            let first = dice.below(12) + 1;
            let seats = [format!("A-{first}"), format!("A-{}", first % 12 + 1)];
            let many = 1 + usize::try_from(dice.below(2)).unwrap();
            let asked: Vec<_> = seats.iter().take(many).map(String::as_str).collect();
            let held = fan.hold(&asked).await;
            if held.status == 201 {
                fans.push((fan, held.json()["id"].as_str().unwrap().to_owned()));
            }
        }
        3..=6 if known > 0 => {
            let (fan, id) = &fans[usize::try_from(dice.below(known)).unwrap()];
            let card = CARDS[usize::try_from(dice.below(CARDS.len() as u64)).unwrap()];
            let paid = fan.pay(id, card).await;
            assert!(matches!(paid.status, 200 | 202 | 402 | 409), "{}", paid.text);
        }
        7 if known > 0 => {
            let (fan, id) = &fans[usize::try_from(dice.below(known)).unwrap()];
            let path = format!("/api/reservations/{id}");
            assert!(matches!(fan.delete(&path).await.status, 200 | 204 | 409));
        }
        8 if known > 0 => {
            let (fan, id) = &fans[usize::try_from(dice.below(known)).unwrap()];
            let reservation = fan.get(&format!("/api/reservations/{id}")).await.json();
            if let Some(payment) = reservation["payment"].as_str() {
                let path = format!("/api/payments/{payment}/refund");
                assert!(matches!(edge.organiser(Method::POST, &path, None).await.0, 200 | 409));
            }
        }
        _ => clock.advance(Duration::from_secs(dice.below(200))),
    }
}
