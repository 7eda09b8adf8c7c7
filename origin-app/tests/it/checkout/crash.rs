//! The shop dies at every step of the saga, one after another, and the next one takes up where it stood.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use origin_app::app::{Running, Surroundings, start};
use origin_app::checkout::{Point, Probe};
use origin_app::config::Settings;
use reqwest::Method;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::stage::short;
use crate::sandbox::{balance, ledger};
use crate::support::{Database, Edge, Fan, ManualClock, Shop, eventually, on_both_databases};

on_both_databases!(
    a_payment_survives_a_crash_at_every_step,
    a_declined_payment_survives_a_crash_at_every_step,
    a_charge_without_a_word_survives_a_crash_at_every_step,
    a_payment_that_never_was_survives_a_crash_at_every_step,
    a_cancellation_survives_a_crash_at_every_step,
    a_refund_that_fails_survives_a_crash_at_every_step,
    an_event_called_off_survives_a_crash_at_every_step,
);

/// Stops whoever passes the n-th place, and all after it.
pub(super) struct CrashAt {
    nth: usize,
    passed: AtomicUsize,
    reached: Notify,
}

impl CrashAt {
    pub(super) fn new(nth: usize) -> Arc<Self> {
        Arc::new(Self { nth, passed: AtomicUsize::new(0), reached: Notify::new() })
    }

    /// Waits until somebody was stopped.
    pub(super) async fn reached(&self) {
        self.reached.notified().await;
    }
}

#[async_trait]
impl Probe for CrashAt {
    async fn pass(&self, _: Point) {
        let passed = self.passed.fetch_add(1, Ordering::SeqCst);
        if passed == self.nth {
            self.reached.notify_one();
        }
        if passed >= self.nth {
            std::future::pending::<()>().await;
        }
    }
}

/// A shop that can be ended at once, with all that it is doing: it has a runtime of its own.
pub(super) struct Doomed {
    pub(super) edge: Edge,
    runtime: Runtime,
    _running: Running,
}

impl Doomed {
    pub(super) async fn open(settings: Settings, clock: Arc<ManualClock>, probe: Arc<CrashAt>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let inventory = crate::support::inventory(&settings, &clock);
        let surroundings =
            Surroundings { clock: clock.clone(), probe: Some(probe), inventory, ..Surroundings::default() };
        let running = runtime.spawn(start(settings, surroundings)).await.unwrap().unwrap();
        Self { edge: Edge { address: running.address(), clock }, runtime, _running: running }
    }

    pub(super) fn kill(self) {
        self.runtime.shutdown_background();
    }
}

/// What a fan does, until it is done.
#[derive(Clone, Copy)]
struct Way {
    card: &'static str,
    /// Whether the fan gives the tickets back.
    cancels: bool,
    /// Whether the event is called off.
    called_off: bool,
    /// How it may end.
    ends: &'static [&'static str],
    /// At how many places the shop dies at least.
    places: usize,
}

const PAYS: Way =
    Way { card: "sandbox-ok", cancels: false, called_off: false, ends: &["confirmed"], places: 5 };

async fn a_payment_survives_a_crash_at_every_step(database: Database) {
    at_every_step(&database, PAYS).await;
}

async fn a_declined_payment_survives_a_crash_at_every_step(database: Database) {
    // Where the shop comes back late, the hold is over.
    let ends = &["held", "expired"];
    at_every_step(&database, Way { card: "sandbox-declined", ends, ..PAYS }).await;
}

async fn a_charge_without_a_word_survives_a_crash_at_every_step(database: Database) {
    at_every_step(&database, Way { card: "sandbox-unknown", places: 7, ..PAYS }).await;
}

async fn a_payment_that_never_was_survives_a_crash_at_every_step(database: Database) {
    at_every_step(&database, Way { card: "sandbox-silent", ends: &["expired"], places: 7, ..PAYS }).await;
}

async fn a_cancellation_survives_a_crash_at_every_step(database: Database) {
    // Of a cancellation that was not written down nobody has told the fan anything.
    let way = Way { cancels: true, ends: &["refunded", "confirmed"], places: 10, ..PAYS };
    at_every_step(&database, way).await;
}

async fn a_refund_that_fails_survives_a_crash_at_every_step(database: Database) {
    let ends = &["refunded", "confirmed"];
    let way = Way { card: "sandbox-refund-fails", cancels: true, ends, places: 12, ..PAYS };
    at_every_step(&database, way).await;
}

async fn an_event_called_off_survives_a_crash_at_every_step(database: Database) {
    // Once the event is called off for good, nobody buys: so each crash needs an event of its own.
    let way = Way { called_off: true, ends: &["refunded", "confirmed"], places: 10, ..PAYS };
    at_every_step(&database, way).await;
}

async fn at_every_step(database: &Database, way: Way) {
    let clock = Arc::new(ManualClock::new());
    for nth in 0..40 {
        let probe = CrashAt::new(nth);
        let doomed = Doomed::open(short(database), clock.clone(), probe.clone()).await;
        let event = format!("e{nth}");
        doomed.edge.create_event(&event, &[("A", 1)]).await;
        let fan = doomed.edge.fan();
        let held =
            fan.post("/api/reservations", &serde_json::json!({"event": event, "seats": ["A-1"]})).await;
        let id = held.json()["id"].as_str().unwrap().to_owned();
        let finished = tokio::select! {
            () = go(&doomed.edge, &fan, &clock, &event, &id, way) => true,
            () = probe.reached() => false,
        };
        doomed.kill();
        let shop = Shop::open_with(short(database), clock.clone(), None).await;
        let fan = fan.moved(shop.edge.clone());
        let state = settled(&shop, &fan, &event, &id).await;
        // A payment that began and was not heard of for so long is not made any more.
        assert!(way.ends.contains(&state.as_str()) || state == "expired", "{state}");
        let sales = judge(&shop, &event, &state, way.called_off).await;
        assert_eq!(sales["charges_cents"], sales["tickets_cents"], "{state} {sales}");
        shop.close().await;
        if finished {
            assert!(nth >= way.places, "only {nth} places were passed");
            return;
        }
    }
    panic!("there is no end to it");
}

/// Goes the whole way.
async fn go(edge: &Edge, fan: &Fan, clock: &ManualClock, event: &str, id: &str, way: Way) {
    let paid = fan.pay(id, way.card).await;
    if paid.status == 202 {
        clock.advance(Duration::from_secs(400));
    }
    if way.cancels {
        fan.delete(&format!("/api/reservations/{id}")).await;
        clock.advance(Duration::from_secs(11));
    }
    if way.called_off {
        assert_eq!(edge.organiser_status(Method::POST, &format!("/api/events/{event}/call-off")).await, 202);
    }
    eventually("it ends", async || {
        let state = fan.state(id).await;
        let undecided = way.called_off && state == "confirmed";
        (way.ends.contains(&state.as_str()) && !undecided).then_some(())
    })
    .await;
}

/// How it stands when all times are over: nothing is left open.
pub(super) async fn settled(shop: &Shop, fan: &Fan, event: &str, id: &str) -> String {
    shop.clock.advance(Duration::from_secs(400));
    // What is paid for an event that was called off for good is on its way back.
    let (_, detail) = shop.organiser(Method::GET, &format!("/api/events/{event}"), None).await;
    let called_off = detail["status"] == "called_off";
    eventually("nothing is left open", async || {
        shop.clock.advance(Duration::from_secs(15));
        let state = fan.state(id).await;
        let open = match state.as_str() {
            "paying" | "payment_delayed" | "refund_due" => true,
            "confirmed" => called_off,
            _ => false,
        };
        (!open).then_some(state)
    })
    .await
}

/// Whatever happened to the one seat: the money is where the tickets are, and the seat is where the money is.
pub(super) async fn judge(shop: &Shop, event: &str, state: &str, called_off: bool) -> Value {
    ledger(shop).await;
    let (_, sales) = shop.organiser(Method::GET, &format!("/api/sales/{event}"), None).await;
    let is_sold = state == "confirmed";
    let cents = if is_sold { 4500 } else { 0 };
    assert_eq!(sales["tickets_cents"], cents, "{state} {sales}");
    assert_eq!(balance(shop, "unsettled").await, 0, "{state}");
    assert_eq!(balance(shop, "provider").await, -balance(shop, "sales").await, "{state}");
    let wants = serde_json::json!({"event": event, "seats": ["A-1"]});
    let other = shop.fan();
    if is_sold {
        other.post("/api/reservations", &wants).await.is_problem(409, "seat_taken");
    } else if !called_off && state != "held" {
        eventually("the seat is free", async || {
            (other.post("/api/reservations", &wants).await.status == 201).then_some(())
        })
        .await;
    }
    sales
}
