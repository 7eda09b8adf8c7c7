//! The payment provider is killed at random while fans buy and give back: no charge without a ticket or a refund, no ticket
//! without a charge, nobody charged twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use origin_app::config::{Provider, Secret, StripeSettings};

use super::stage::short;
use crate::random::Dice;
use crate::sandbox::{balance, ledger};
use crate::support::{Database, Fan, STRIPE_KEY, Shop, StripeProcess, eventually, on_both_databases};

on_both_databases!(no_kill_of_the_provider_costs_anybody_anything);

const BUYERS: usize = 12;
const SEATS: usize = 60;

async fn no_kill_of_the_provider_costs_anybody_anything(database: Database) {
    let kills = std::env::var("STANCHION_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(15);
    let mut stripe = StripeProcess::new();
    stripe.start().await;
    let mut settings = short(&database);
    settings.payments.resume_after = Duration::from_secs(1);
    settings.payments.provider = Provider::Stripe(StripeSettings {
        url: stripe.url(),
        key: Secret::new(STRIPE_KEY),
        publishable_key: None,
        webhook_secrets: Vec::new(),
    });
    let shop = Shop::open_with(settings, Default::default(), None).await;
    shop.create_demo(&[("A", 30), ("B", 30)]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut dice = Dice(7);
    let buyers: Vec<_> = (0..BUYERS)
        .map(|buyer| {
            let (edge, stop) = (shop.edge.clone(), stop.clone());
            tokio::spawn(async move {
                let mut dice = Dice(1000 + buyer as u64);
                let mut bought = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    bought.extend(buy(&mut dice, edge.fan()).await);
                }
                bought
            })
        })
        .collect();
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(dice.below(250))).await;
        stripe.kill();
        tokio::time::sleep(Duration::from_millis(dice.below(100))).await;
        // Payments that are delayed come to their end, one way or the other. In small steps: a request that was signed
        // before must not look forged after.
        shop.clock.advance(Duration::from_secs(dice.below(12)));
        stripe.start().await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut reservations: HashMap<String, Fan> = HashMap::new();
    for buyer in buyers {
        reservations.extend(buyer.await.unwrap());
    }
    let mut ends: HashMap<String, String> = HashMap::new();
    for (id, fan) in &reservations {
        let state = eventually("nothing is left open", async || {
            let state = fan.state(id).await;
            let open = matches!(state.as_str(), "paying" | "payment_delayed" | "refund_due" | "held");
            if open {
                shop.clock.advance(Duration::from_secs(30));
            }
            (!open).then_some(state)
        })
        .await;
        ends.insert(id.clone(), state);
    }
    ledger(&shop).await;
    let charges = stripe.charges();
    let mut kept = 0;
    for charge in charges.iter().filter(|charge| charge.taken > 0) {
        assert_eq!(charge.taken, 1, "{charge:?}");
        let end = ends[&charge.reservation].as_str();
        assert_eq!(end, if charge.refunded { "refunded" } else { "confirmed" }, "{charge:?}");
        kept += if charge.refunded { 0 } else { charge.amount };
    }
    for (id, end) in &ends {
        let taken = charges.iter().filter(|charge| charge.reservation == *id && charge.taken > 0).count();
        assert_eq!(taken, usize::from(matches!(end.as_str(), "confirmed" | "refunded")), "{id} {end}");
    }
    let sales = shop.sales().await;
    assert_eq!(
        (sales["tickets_cents"].as_i64(), balance(&shop, "provider").await),
        (Some(kept), kept),
        "{sales}"
    );
    assert_eq!((balance(&shop, "unsettled").await, &sales["double_sold"]), (0, &0.into()));
    println!("{kills} kills, {} reservations, {} charges", ends.len(), charges.len());
    shop.close().await;
}

/// Buys a seat, if there is one; now and then gives it back. The reservation and its fan.
async fn buy(dice: &mut Dice, fan: Fan) -> Option<(String, Fan)> {
    let number = usize::try_from(dice.below(SEATS as u64)).unwrap();
    let seat = format!("{}-{}", if number < 30 { "A" } else { "B" }, number % 30 + 1);
    let held = fan.hold(&[&seat]).await;
    if held.status != 201 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        return None;
    }
    let id = held.json()["id"].as_str().unwrap().to_owned();
    let card = if dice.below(8) == 0 { "pm_card_chargeCustomerFail" } else { "pm_card_visa" };
    let paid = fan.pay(&id, card).await;
    // 403: it took so long that the clock of the test went on by more than a signature lasts.
    assert!(matches!(paid.status, 200 | 202 | 402 | 403 | 409), "{}", paid.text);
    if dice.below(12) > 0 {
        fan.delete(&format!("/api/reservations/{id}")).await;
    }
    Some((id, fan))
}
