//! What is heard late: of an attempt that is over, and by many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use origin_app::payments::{
    Card, ChargeError, ChargeRequest, Closed, NoAnswer, PaymentProvider, RefundRequest,
};
use reqwest::Method;
use tokio::sync::Semaphore;

use crate::sandbox::{balance, ledger};
use crate::support::{Database, Shop, eventually, on_both_databases, settings};

on_both_databases!(
    what_is_heard_late_of_an_earlier_attempt_changes_nothing,
    of_many_who_give_back_at_once_one_does,
);

/// Declines the first attempt, twice: who asked first hears it last. To the second it does not answer.
struct Forgetful {
    asked: AtomicU32,
    answers: Semaphore,
}

#[async_trait]
impl PaymentProvider for Forgetful {
    fn knows(&self, _: &str) -> bool {
        true
    }

    fn cards(&self) -> &'static [Card] {
        &[]
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<String, ChargeError> {
        if !request.key.ends_with(".1") {
            return Err(NoAnswer::new("nobody answers").into());
        }
        if self.asked.fetch_add(1, Ordering::SeqCst) == 0 {
            let _turn = self.answers.acquire().await;
        }
        Err(ChargeError::Declined)
    }

    async fn close(&self, _: &ChargeRequest) -> Result<Closed, NoAnswer> {
        Err(NoAnswer::new("nobody answers"))
    }

    async fn refund(&self, _: &RefundRequest) -> Result<(), NoAnswer> {
        Err(NoAnswer::new("nobody answers"))
    }
}

async fn what_is_heard_late_of_an_earlier_attempt_changes_nothing(database: Database) {
    let mut settings = settings(&database);
    settings.payments.timeout = Duration::from_secs(60);
    let provider = Arc::new(Forgetful { asked: AtomicU32::new(0), answers: Semaphore::new(0) });
    let shop = Shop::open_with(settings, Default::default(), Some(provider.clone())).await;
    shop.create_demo(&[("A", 1)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    let first = async { fan.pay(&id, "any").await };
    let meanwhile = async {
        eventually("the provider is asked", async || {
            (provider.asked.load(Ordering::SeqCst) == 1).then_some(())
        })
        .await;
        shop.clock.advance(Duration::from_secs(11));
        eventually("the shop asked again, and heard", async || {
            (fan.state(&id).await == "held").then_some(())
        })
        .await;
        assert_eq!(fan.pay(&id, "any").await.status, 202, "a second attempt is under way");
        provider.answers.add_permits(1);
    };
    let (late, ()) = tokio::join!(first, meanwhile);
    assert_eq!((late.status, late.json()["state"].as_str()), (202, Some("payment_delayed")), "{}", late.text);
    assert_eq!(fan.state(&id).await, "payment_delayed");
    assert_eq!(database.count("SELECT count(*) FROM seat_claims").await, 1);
    shop.clock.advance(Duration::from_secs(200));
    shop.fan().hold(&["A-1"]).await.is_problem(409, "seat_taken");
    shop.close().await;
}

async fn of_many_who_give_back_at_once_one_does(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 8)]).await;
    for seat in 1..=8 {
        let fan = shop.fan();
        let id = fan.held(&[&format!("A-{seat}")]).await;
        let payment = fan.pay(&id, "sandbox-ok").await.json()["payment"].as_str().unwrap().to_owned();
        let (back, refund) = (format!("/api/reservations/{id}"), format!("/api/payments/{payment}/refund"));
        let by_fan = futures_util::future::join_all((0..5).map(|_| fan.delete(&back)));
        let by_organiser = (0..3).map(|_| shop.organiser(Method::POST, &refund, None));
        let (by_fan, by_organiser) = tokio::join!(by_fan, futures_util::future::join_all(by_organiser));
        let answers = by_fan.iter().map(|answer| (answer.status, answer.json()));
        for (status, answer) in answers.chain(by_organiser) {
            assert_eq!(
                (status, answer["id"].as_str().or(answer["reservation"].as_str())),
                (200, Some(&*id)),
                "{answer}"
            );
        }
        eventually("the money is back", async || (fan.state(&id).await == "refunded").then_some(())).await;
    }
    assert_eq!(database.count("SELECT count(*) FROM void_tickets").await, 8);
    assert_eq!((balance(&shop, "provider").await, balance(&shop, "sales").await), (0, 0));
    ledger(&shop).await;
    shop.close().await;
}
