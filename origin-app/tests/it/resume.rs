//! A crash in the middle of a payment costs neither the seat nor the money.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use origin_app::payments::{
    Card, ChargeError, ChargeRequest, Closed, NoAnswer, PaymentProvider, RefundRequest,
};
use serde_json::json;

use crate::binary::Process;
use crate::support::{Database, ManualClock, Shop, eventually, on_both_databases, settings};

on_both_databases!(
    a_payment_that_never_reached_the_provider_is_made_after_the_crash,
    a_charge_whose_answer_was_lost_to_a_crash_becomes_a_ticket,
    what_a_shop_left_is_taken_up_at_once,
);

/// A provider that the request never reaches.
struct Unreachable;

#[async_trait]
impl PaymentProvider for Unreachable {
    fn knows(&self, _: &str) -> bool {
        true
    }

    fn cards(&self) -> &'static [Card] {
        &[]
    }

    async fn charge(&self, _: &ChargeRequest) -> Result<String, ChargeError> {
        std::future::pending().await
    }

    async fn close(&self, _: &ChargeRequest) -> Result<Closed, NoAnswer> {
        std::future::pending().await
    }

    async fn refund(&self, _: &RefundRequest) -> Result<(), NoAnswer> {
        std::future::pending().await
    }
}

async fn a_payment_that_never_reached_the_provider_is_made_after_the_crash(database: Database) {
    let clock = Arc::new(ManualClock::new());
    let mut cut_off = settings(&database);
    cut_off.payments.timeout = Duration::from_millis(100);
    let before = Shop::open_with(cut_off, clock.clone(), Some(Arc::new(Unreachable))).await;
    before.create_demo(&[("A", 3)]).await;
    let fan = before.fan();
    let (pays, declined) = (fan.held(&["A-1"]).await, fan.held(&["A-2"]).await);
    assert_eq!(fan.pay(&pays, "sandbox-ok").await.status, 202);
    assert_eq!(fan.pay(&declined, "sandbox-declined").await.status, 202);
    assert_eq!(before.sales().await["charges_cents"], 0);
    before.close().await;

    // What was being paid is not free, though the hold is over.
    clock.advance(Duration::from_secs(200));
    let after = Shop::open_with(settings(&database), clock, None).await;
    let fan = fan.moved(after.edge.clone());
    eventually("both payments are settled", async || {
        let states = (fan.state(&pays).await, fan.state(&declined).await);
        (states == ("confirmed".into(), "expired".into())).then_some(())
    })
    .await;
    let sales = after.sales().await;
    assert_eq!((&sales["tickets"], &sales["charges_cents"]), (&json!(1), &json!(4500)));
    after.close().await;
}

/// The next shop does not wait until a payment has been without an answer for long: no time passes here.
async fn what_a_shop_left_is_taken_up_at_once(database: Database) {
    let clock = Arc::new(ManualClock::new());
    let mut cut_off = settings(&database);
    cut_off.payments.timeout = Duration::from_millis(100);
    let before = Shop::open_with(cut_off, clock.clone(), Some(Arc::new(Unreachable))).await;
    before.create_demo(&[("A", 1)]).await;
    let fan = before.fan();
    let id = fan.held(&["A-1"]).await;
    assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 202);
    before.close().await;
    let after = Shop::open_with(settings(&database), clock, None).await;
    let fan = fan.moved(after.edge.clone());
    eventually("the payment is settled", async || (fan.state(&id).await == "confirmed").then_some(())).await;
    after.close().await;
}

async fn a_charge_whose_answer_was_lost_to_a_crash_becomes_a_ticket(database: Database) {
    let config =
        "[payments]\ntimeout_ms = 30000\n[limits]\nrequest_seconds = 60\n[holds]\nsweep_seconds = 1\n";
    let first = Process::start(&database, config).await;
    first.edge.create_demo(&[("A", 1)]).await;
    let fan = first.edge.fan();
    let id = fan.held(&["A-1"]).await;
    let waiting = async {
        // Ends with the connection, when the shop is killed.
        let path = format!("/api/reservations/{id}/payment");
        let body = json!({"card": "sandbox-timeout"});
        tokio::select! {
            () = fan.post_and_forget(&path, &body) => {}
            () = tokio::time::sleep(Duration::from_secs(60)) => panic!("the shop was not killed"),
        }
    };
    let killing = async {
        eventually("the provider has charged", async || {
            (first.edge.sales().await["charges_cents"] == 4500).then_some(())
        })
        .await;
        assert_eq!(fan.state(&id).await, "paying");
        first.kill();
    };
    tokio::join!(waiting, killing);

    let second = Process::start(&database, config).await;
    let fan = fan.moved(second.edge.clone());
    eventually("the charge has become a ticket", async || {
        (fan.state(&id).await == "confirmed").then_some(())
    })
    .await;
    let sales = second.edge.sales().await;
    assert_eq!((&sales["tickets"], &sales["charges_cents"]), (&json!(1), &json!(4500)));
    assert_eq!(fan.pay(&id, "sandbox-timeout").await.status, 200);
    assert_eq!(second.edge.sales().await["charges_cents"], 4500);
}
