//! The shop dies at every step of a payment that the fan's browser makes, and the browser goes on meanwhile.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use origin_app::config::{Provider, Settings};
use reqwest::Method;
use serde_json::json;

use super::crash::{CrashAt, Doomed, judge, settled};
use super::stage::short;
use crate::stripe::{WEBHOOK_SECRET, tell, with_stripe};
use crate::support::{Database, Edge, FakeStripe, Fan, ManualClock, Shop, eventually, on_both_databases};

on_both_databases!(
    what_the_page_tells_of_survives_a_crash_at_every_step,
    what_stripe_tells_of_survives_a_crash_at_every_step,
    what_nobody_tells_of_survives_a_crash_at_every_step,
    what_the_browser_never_pays_survives_a_crash_at_every_step,
    giving_up_survives_a_crash_at_every_step,
    giving_up_what_is_paid_survives_a_crash_at_every_step,
    calling_the_event_off_survives_a_crash_at_every_step,
);

/// What is done, in this order.
#[derive(Clone, Copy)]
enum Step {
    /// The browser's first card is declined, its second one pays.
    Pay,
    /// The page has the shop look.
    Look,
    /// Stripe sends its message.
    Tell,
    /// Time passes, and the shop looks by itself.
    Wait(u64),
    /// The fan gives the seats back.
    GiveUp,
    /// The organiser calls the event off.
    CallOff,
}

struct Way {
    steps: &'static [Step],
    /// How it may end.
    ends: &'static [&'static str],
    /// At how many places the shop dies at least.
    places: usize,
}

impl Way {
    fn calls_off(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::CallOff))
    }
}

async fn what_the_page_tells_of_survives_a_crash_at_every_step(database: Database) {
    let steps = &[Step::Look, Step::Pay, Step::Look];
    at_every_step(&database, Way { steps, ends: &["confirmed"], places: 10 }).await;
}

async fn what_stripe_tells_of_survives_a_crash_at_every_step(database: Database) {
    let steps = &[Step::Pay, Step::Tell];
    at_every_step(&database, Way { steps, ends: &["confirmed"], places: 7 }).await;
}

async fn what_nobody_tells_of_survives_a_crash_at_every_step(database: Database) {
    let steps = &[Step::Pay, Step::Wait(11)];
    at_every_step(&database, Way { steps, ends: &["confirmed"], places: 7 }).await;
}

async fn what_the_browser_never_pays_survives_a_crash_at_every_step(database: Database) {
    let steps = &[Step::Wait(400)];
    at_every_step(&database, Way { steps, ends: &["expired"], places: 7 }).await;
}

async fn giving_up_survives_a_crash_at_every_step(database: Database) {
    let steps = &[Step::GiveUp];
    at_every_step(&database, Way { steps, ends: &["released", "expired"], places: 7 }).await;
}

async fn giving_up_what_is_paid_survives_a_crash_at_every_step(database: Database) {
    // What was not written down when the shop died, nobody has told the fan.
    let steps = &[Step::Pay, Step::GiveUp];
    at_every_step(&database, Way { steps, ends: &["refunded", "confirmed"], places: 11 }).await;
}

async fn calling_the_event_off_survives_a_crash_at_every_step(database: Database) {
    let steps = &[Step::CallOff, Step::Pay, Step::Look];
    at_every_step(&database, Way { steps, ends: &["refunded", "expired", "confirmed"], places: 10 }).await;
}

/// A fan and their browser, which knows the payment when the shop has handed it over.
struct Buyer<'a> {
    stripe: &'a FakeStripe,
    secret: Mutex<Option<String>>,
    event: String,
    id: String,
}

impl Buyer<'_> {
    /// The browser pays, whether the shop is there or not. It does not see what Stripe says of what is over.
    fn pays(&self) {
        let secret = self.secret.lock().unwrap().clone();
        if let Some(secret) = secret {
            self.stripe.confirm_in_browser(&secret, "pm_card_chargeCustomerFail");
            self.stripe.confirm_in_browser(&secret, "pm_card_visa");
        }
    }

    /// Goes the whole way.
    async fn go(&self, edge: &Edge, fan: &Fan, clock: &ManualClock, way: &Way) {
        let handed = fan.post(&format!("/api/reservations/{}/payment-intent", self.id), &json!({})).await;
        assert_eq!(handed.status, 200, "{}", handed.text);
        let secret = handed.json()["client_secret"].as_str().unwrap().to_owned();
        *self.secret.lock().unwrap() = Some(secret);
        for step in way.steps {
            match step {
                Step::Pay => self.pays(),
                Step::Look => {
                    fan.pay(&self.id, "in-browser").await;
                }
                Step::Tell => {
                    let object = json!({"metadata": {"reservation": self.id}});
                    let message = json!({"type": "payment_intent.succeeded", "data": {"object": object}});
                    let now = edge.clock.now().as_secs();
                    assert_eq!(tell(edge, &message.to_string(), WEBHOOK_SECRET, now).await, 200);
                }
                Step::Wait(seconds) => clock.advance(Duration::from_secs(*seconds)),
                Step::GiveUp => {
                    fan.delete(&format!("/api/reservations/{}", self.id)).await;
                }
                Step::CallOff => {
                    let path = format!("/api/events/{}/call-off", self.event);
                    assert_eq!(edge.organiser_status(Method::POST, &path).await, 202);
                }
            }
        }
        eventually("it ends", async || {
            let state = fan.state(&self.id).await;
            let undecided = way.calls_off() && state == "confirmed";
            (way.ends.contains(&state.as_str()) && !undecided).then_some(())
        })
        .await;
    }

    /// Whether the money is with the shop, by Stripe's own books. It is never taken twice.
    fn has_paid(&self) -> bool {
        let charges = self.stripe.charges();
        let own: Vec<_> = charges.iter().filter(|charge| charge.reservation == self.id).collect();
        assert!(own.len() <= 1 && own.iter().all(|charge| charge.taken <= 1), "{own:?}");
        own.iter().any(|charge| charge.taken == 1 && !charge.refunded)
    }
}

fn settings(database: &Database, stripe: &FakeStripe) -> Settings {
    let mut settings = with_stripe(database, stripe.url());
    settings.payments.breaker = short(database).payments.breaker;
    if let Provider::Stripe(stripe) = &mut settings.payments.provider {
        stripe.publishable_key = Some("pk_test_of_the_tests".to_owned());
    }
    settings
}

async fn at_every_step(database: &Database, way: Way) {
    let (clock, stripe) = (Arc::new(ManualClock::new()), FakeStripe::start().await);
    let may_pay = way.steps.iter().any(|step| matches!(step, Step::Pay));
    for nth in 0..40 {
        let probe = CrashAt::new(nth);
        let doomed = Doomed::open(settings(database, &stripe), clock.clone(), probe.clone()).await;
        let event = format!("e{nth}");
        doomed.edge.create_event(&event, &[("A", 1)]).await;
        let fan = doomed.edge.fan();
        let held = fan.post("/api/reservations", &json!({"event": event, "seats": ["A-1"]})).await;
        let id = held.json()["id"].as_str().unwrap().to_owned();
        let buyer = Buyer { stripe: &stripe, secret: Mutex::default(), event, id };
        let finished = tokio::select! {
            () = buyer.go(&doomed.edge, &fan, &clock, &way) => true,
            () = probe.reached() => false,
        };
        doomed.kill();
        if may_pay {
            buyer.pays();
        }
        let shop = Shop::open_with(settings(database, &stripe), clock.clone(), None).await;
        let fan = fan.moved(shop.edge.clone());
        let state = settled(&shop, &fan, &buyer.event, &buyer.id).await;
        // A payment that the browser has not made by the time that was given to it is not made any more.
        assert!(way.ends.contains(&state.as_str()) || state == "expired", "{state} after {nth}");
        assert_eq!(buyer.has_paid(), state == "confirmed", "{state} after {nth}");
        judge(&shop, &buyer.event, &state, way.calls_off()).await;
        shop.close().await;
        if finished {
            assert!(nth >= way.places, "only {nth} places were passed");
            return;
        }
    }
    panic!("there is no end to it");
}
