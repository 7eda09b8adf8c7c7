//! Seats that come back go to those who wait, one after the other.

use std::sync::Arc;
use std::time::Duration;

use origin_app::config::Settings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Database, Fan, MailSink, ManualClock, Shop, eventually, on_both_databases, settings};

on_both_databases!(
    what_comes_back_is_offered_to_the_first_and_then_to_the_next,
    a_guest_waits_on_the_page,
    a_guests_place_comes_along,
    what_is_not_on_sale_stands_before_nothing,
    nobody_waits_for_what_is_over,
    nobody_is_offered_more_than_one_may_have,
    a_guest_who_let_an_offer_lapse_is_forgotten,
);

const PATH: &str = "/api/events/demo/waitlist";

async fn wait(fan: &Fan) -> Value {
    let answer = fan.post(PATH, &json!({})).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

async fn offer(fan: &Fan) -> Value {
    eventually("there is an offer", async || {
        let place = fan.get(PATH).await.json();
        (place["state"] == "offered").then_some(place)
    })
    .await
}

async fn account(fan: &Fan, sink: &MailSink, email: &str) {
    let body = json!({"email": email, "password": "correct horse"});
    assert_eq!(fan.post("/api/auth/signup", &body).await.status, 202);
    let token = sink.mails(email, 1).await[0].token();
    assert_eq!(fan.post("/api/auth/verify", &json!({"token": token})).await.status, 200);
    assert_eq!(fan.post("/api/auth/login", &body).await.status, 200);
}

async fn what_comes_back_is_offered_to_the_first_and_then_to_the_next(database: Database) {
    let sink = MailSink::start().await;
    let settings = Settings { mail: sink.settings(), ..settings(&database) };
    let shop = Shop::open_with(settings, Arc::new(ManualClock::new()), None).await;
    shop.create_demo(&[("A", 2)]).await;
    let (holder, first, second, late) = (shop.fan(), shop.fan(), shop.fan(), shop.fan());
    first.post(PATH, &json!({})).await.is_problem(409, "not_sold_out");
    let held = holder.held(&["A-1", "A-2"]).await;
    first.post("/api/events/nope/waitlist", &json!({})).await.is_problem(404, "event_not_found");
    first.post(PATH, &json!({"quantity": 99})).await.is_problem(422, "invalid");
    first.get(PATH).await.is_problem(404, "not_waiting");

    account(&first, &sink, "first@example.com").await;
    assert_eq!(wait(&first).await["ahead"], 0);
    shop.clock.advance(Duration::from_millis(1));
    assert_eq!(wait(&second).await["ahead"], 1);
    assert_eq!(wait(&first).await["ahead"], 0, "asking again is no step back");
    assert_eq!(holder.delete(&format!("/api/reservations/{held}")).await.status, 204);

    // Both seats come back: one for each. Nobody else gets them.
    let (one, other) = (offer(&first).await, offer(&second).await);
    assert_eq!(late.hold(&["A-1"]).await.status, 409);
    let mail = sink.mails("first@example.com", 2).await.pop().unwrap();
    let reservation = one["reservation"].as_str().unwrap();
    assert!(mail.text().contains(&format!("/events/demo/checkout/{reservation}")), "{}", mail.text());
    assert_eq!(first.pay(reservation, "sandbox-ok").await.status, 200);
    assert_eq!(first.state(reservation).await, "confirmed");

    // The second sleeps; who came meanwhile is next.
    shop.clock.advance(Duration::from_millis(1));
    assert_eq!(wait(&late).await["ahead"], 0);
    shop.clock.advance(Duration::from_secs(1801));
    let next = offer(&late).await;
    assert_eq!(second.get(PATH).await.json()["state"], "done");
    let lapsed = second.pay(other["reservation"].as_str().unwrap(), "sandbox-ok").await;
    lapsed.is_problem(409, "hold_expired");
    assert_eq!(late.pay(next["reservation"].as_str().unwrap(), "sandbox-ok").await.status, 200);
    let sales = shop.sales().await;
    assert_eq!((&sales["sold"], &sales["double_sold"]), (&json!(2), &json!(0)), "{sales}");

    assert_eq!(wait(&second).await["state"], "waiting", "whoever is done may wait anew");
    assert_eq!(second.delete(PATH).await.status, 204);
    second.delete(PATH).await.is_problem(404, "not_waiting");
    shop.close().await;
}

/// While somebody waits, what is free is not for who comes by.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_comes_before_who_comes_by() {
    let database = Database::sqlite();
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 2)]).await;
    let (holder, waiter, passer_by) = (shop.fan(), shop.fan(), shop.fan());
    let held = holder.held(&["A-1", "A-2"]).await;
    wait(&waiter).await;
    assert_eq!(holder.delete(&format!("/api/reservations/{held}")).await.status, 204);
    let refused = passer_by.hold(&["A-1"]).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(["kept_for_waiting", "seat_taken"].contains(&refused.json()["code"].as_str().unwrap()));
    // One was enough: the other is anybody's again.
    offer(&waiter).await;
    eventually("what nobody waits for can be had", async || {
        (passer_by.hold(&["A-2"]).await.status == 201).then_some(())
    })
    .await;
    shop.close().await;
}

/// By the page alone: a guest leaves an address, sees the place, is told, and buys.
async fn a_guest_waits_on_the_page(database: Database) {
    let sink = MailSink::start().await;
    let settings = Settings { mail: sink.settings(), ..settings(&database) };
    let shop = Shop::open_with(settings, Arc::new(ManualClock::new()), None).await;
    shop.create_demo(&[("A", 2)]).await;
    let (holder, guest, next) = (shop.fan(), shop.fan().speaking("en"), shop.fan().speaking("ko"));
    assert!(!guest.get("/events/demo").await.text.contains("data-testid=\"wait\""), "there are seats");
    let early = guest.submit("/events/demo/waitlist", &[("email", "guest@example.com")]).await;
    assert!(early.status == 409 && early.text.contains("not sold out"), "{}", early.text);
    let held = holder.held(&["A-1", "A-2"]).await;
    let page = guest.get("/events/demo").await.text;
    assert!(page.contains("data-testid=\"wait\"") && page.contains("data-testid=\"wait-email\""), "{page}");
    let refused = guest.submit("/events/demo/waitlist", &[("email", "guest@"), ("quantity", "1")]).await;
    assert!(refused.status == 422 && refused.text.contains("value=\"guest@\""), "{}", refused.text);
    let joined =
        guest.submit("/events/demo/waitlist", &[("email", "guest@example.com"), ("quantity", "2")]).await;
    assert_eq!((joined.status, joined.header("location")), (303, "/events/demo#waitlist"));
    let page = guest.get("/events/demo").await;
    assert!(page.text.contains("You are first in the list."), "{}", page.text);
    assert_eq!(page.header("cache-control"), "private, no-store");
    assert!(!page.text.contains("guest@example.com"), "{}", page.text);
    shop.clock.advance(Duration::from_millis(1));
    assert_eq!(next.submit("/events/demo/waitlist", &[("email", "next@example.com")]).await.status, 303);
    assert!(next.get("/events/demo").await.text.contains("앞에 한 분이 기다리고 있습니다."));
    assert_eq!(next.submit("/events/demo/waitlist/leave", &[]).await.status, 303);
    assert!(next.get("/events/demo").await.text.contains("data-testid=\"wait\""));
    assert_eq!(next.submit("/events/demo/waitlist", &[("email", "next@example.com")]).await.status, 303);

    assert_eq!(holder.delete(&format!("/api/reservations/{held}")).await.status, 204);
    let offered = offer(&guest).await;
    let reservation = offered["reservation"].as_str().unwrap();
    let mail = sink.mails("guest@example.com", 1).await.pop().unwrap();
    assert!(mail.text().contains(&format!("/events/demo/checkout/{reservation}")), "{}", mail.text());
    let page = guest.get("/events/demo").await.text;
    assert!(page.contains("data-testid=\"offer-countdown\" data-seconds-left=\"1"), "{page}");
    assert!(page.contains(&format!("/events/demo/checkout/{reservation}")), "{page}");
    // Whoever comes by is told why there is nothing to choose, on the page.
    let late = shop.fan().submit("/events/demo/hold", &[("seat", "A-1")]).await;
    assert!(late.status == 409 && late.text.contains("data-testid=\"wait\""), "{}", late.text);
    // What becomes of it is told where the offer was told.
    let pay = format!("/events/demo/checkout/{reservation}/pay");
    assert_eq!(guest.submit(&pay, &[("card", "sandbox-ok")]).await.status, 303);
    let mails = sink.mails("guest@example.com", 2).await;
    assert!(mails.iter().any(|mail| mail.header("Subject").starts_with("Your tickets")));
    assert!(guest.get("/events/demo").await.text.contains("data-testid=\"wait\""), "for more");
    shop.close().await;
}

/// Who waited as a guest goes on waiting with the account, at the better of two places.
async fn a_guests_place_comes_along(database: Database) {
    let sink = MailSink::start().await;
    let settings = Settings { mail: sink.settings(), ..settings(&database) };
    let shop = Shop::open_with(settings, Arc::new(ManualClock::new()), None).await;
    shop.create_demo(&[("A", 2)]).await;
    shop.create_event("other", &[("A", 1)]).await;
    let (holder, fan, between, phone) = (shop.fan(), shop.fan(), shop.fan(), shop.fan());
    account(&phone, &sink, "fan@example.com").await;
    let held = holder.held(&["A-1", "A-2"]).await;
    let body = json!({"event": "other", "seats": ["A-1"]});
    assert_eq!(holder.post("/api/reservations", &body).await.status, 201);
    let body = json!({"email": "guest@example.com"});
    assert_eq!(fan.post(PATH, &body).await.status, 201);
    assert_eq!(fan.post("/api/events/other/waitlist", &body).await.status, 201);
    shop.clock.advance(Duration::from_millis(1));
    assert_eq!(wait(&between).await["ahead"], 1);
    shop.clock.advance(Duration::from_millis(1));
    // The account waits, too, and later.
    assert_eq!(wait(&phone).await["ahead"], 2);
    let fields = [("email", "fan@example.com"), ("password", "correct horse")];
    assert_eq!(fan.submit("/account/login", &fields).await.status, 303);
    for fan in [&fan, &phone] {
        assert_eq!(fan.get(PATH).await.json()["ahead"], 0);
        assert_eq!(fan.get("/api/events/other/waitlist").await.json()["ahead"], 0);
    }
    assert_eq!(between.get(PATH).await.json()["ahead"], 1);
    assert_eq!(database.count("SELECT count(*) FROM waitlist").await, 3);
    assert_eq!(database.count("SELECT count(*) FROM waitlist WHERE email IS NOT NULL").await, 0);
    assert_eq!(holder.delete(&format!("/api/reservations/{held}")).await.status, 204);
    let offered = offer(&phone).await;
    assert!(sink.mails("fan@example.com", 2).await.iter().any(|mail| mail.text().contains("checkout/")));
    // Who wants it no more leaves it to the next.
    assert_eq!(phone.delete(PATH).await.status, 204);
    assert_eq!(phone.state(offered["reservation"].as_str().unwrap()).await, "released");
    assert!(sink.all().iter().all(|mail| mail.to != "guest@example.com"));
    shop.close().await;
}

/// Two sales: what comes back of one that has ended is offered to nobody, and what comes back of the other is.
async fn what_is_not_on_sale_stands_before_nothing(database: Database) {
    let shop = Shop::open(&database).await;
    let section =
        |id: &str| json!({"id": id, "name": id, "price_class": "p", "rows": [{"name": "A", "seats": 1}]});
    // The test's clock begins on the 15th of January 2027 at eight.
    let sale = |id: &str, closes_at: &str, sections: &[&str]| json!({"id": id, "name": id, "opens_at": "2027-01-01T00:00:00Z", "closes_at": closes_at, "sections": sections});
    let body = json!({
        "id": "demo", "name": "Demo", "venue": "Hall", "starts_at": "2027-06-01T19:30:00Z", "currency": "EUR",
        "waiting_room": "demo", "price_classes": [{"id": "p", "name": "P", "price_cents": 2000}],
        "sections": [section("FRONT"), section("BACK"), section("SIDE")],
        "sales": [sale("early", "2027-01-15T08:01:00Z", &["FRONT"]), sale("late", "2027-05-31T00:00:00Z", &["BACK"]),
            sale("other", "2027-05-31T00:00:00Z", &["SIDE"])],
    });
    let (status, answer) = shop.organiser(Method::POST, "/api/events", Some(&body)).await;
    assert_eq!(status, 201, "{answer}");
    let (waiter, passer_by) = (shop.fan(), shop.fan());
    let mut held = Vec::new();
    for seat in ["FRONT.A-1", "BACK.A-1", "SIDE.A-1"] {
        let holder = shop.fan();
        held.push((holder.held(&[seat]).await, holder));
    }
    // For two: those of two sales cannot be had together.
    let answer = waiter.post(PATH, &json!({"quantity": 2})).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    shop.clock.advance(Duration::from_secs(90));
    for (reservation, holder) in &held {
        assert_eq!(holder.delete(&format!("/api/reservations/{reservation}")).await.status, 204);
    }
    let offered = offer(&waiter).await;
    let reservation =
        waiter.get(&format!("/api/reservations/{}", offered["reservation"].as_str().unwrap())).await;
    assert_eq!(reservation.json()["seats"], json!(["BACK.A-1"]));
    eventually("what nobody waits for can be had", async || {
        (passer_by.hold(&["SIDE.A-1"]).await.status == 201).then_some(())
    })
    .await;
    passer_by.hold(&["FRONT.A-1"]).await.is_problem(409, "sale_not_open");
    shop.close().await;
}

/// What has begun, or does not take place, is offered to nobody: they are done, and where they are told is forgotten.
async fn nobody_waits_for_what_is_over(database: Database) {
    const TOLD_AT: &str = "SELECT count(*) FROM waitlist WHERE email IS NOT NULL";
    let shop = Shop::open(&database).await;
    for event in ["demo", "off"] {
        shop.create_event(event, &[("A", 1)]).await;
        let body = json!({"event": event, "seats": ["A-1"]});
        assert_eq!(shop.fan().post("/api/reservations", &body).await.status, 201);
    }
    let waiter = shop.fan();
    let body = json!({"email": "guest@example.com"});
    for event in ["demo", "off"] {
        let path = format!("/api/events/{event}/waitlist");
        assert_eq!(waiter.post(&path, &body).await.json()["state"], "waiting");
    }
    let done = async |event: &str| {
        let path = format!("/api/events/{event}/waitlist");
        eventually("nobody waits", async || {
            (waiter.get(&path).await.json()["state"] == "done").then_some(())
        })
        .await;
    };
    assert_eq!(shop.organiser_status(Method::POST, "/api/events/off/call-off").await, 202);
    done("off").await;
    assert_eq!(database.count(TOLD_AT).await, 1, "for the other they still wait");
    assert_eq!(waiter.get(PATH).await.json()["state"], "waiting");
    // Until the 1st of June.
    shop.clock.advance(Duration::from_secs(200 * 24 * 3600));
    eventually("nobody waits any more", async || {
        // What was on its way to be offered lapses.
        shop.clock.advance(Duration::from_secs(1801));
        (database.count(TOLD_AT).await == 0).then_some(())
    })
    .await;
    done("demo").await;
    waiter.post(PATH, &body).await.is_problem(409, "sale_not_open");
    shop.close().await;
}

/// Who may have one more is offered one, whatever they wait for; who may have none is passed over.
async fn nobody_is_offered_more_than_one_may_have(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 10)]).await;
    let (full, nearly, next, holder) = (shop.fan(), shop.fan(), shop.fan(), shop.fan());
    full.held(&["A-1", "A-2", "A-3", "A-4"]).await;
    nearly.held(&["A-5", "A-6", "A-7"]).await;
    let held = holder.held(&["A-8", "A-9", "A-10"]).await;
    for fan in [&full, &nearly, &next] {
        assert_eq!(fan.post(PATH, &json!({"quantity": 2})).await.status, 201);
        shop.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(holder.delete(&format!("/api/reservations/{held}")).await.status, 204);
    for (fan, seats) in [(&nearly, json!(["A-8"])), (&next, json!(["A-9", "A-10"]))] {
        let offered = offer(fan).await;
        let path = format!("/api/reservations/{}", offered["reservation"].as_str().unwrap());
        assert_eq!(fan.get(&path).await.json()["seats"], seats);
    }
    assert_eq!(full.get(PATH).await.json()["state"], "done");
    shop.close().await;
}

/// Where somebody is told is kept for as long as there is something to tell.
async fn a_guest_who_let_an_offer_lapse_is_forgotten(database: Database) {
    const TOLD_AT: &str = "SELECT count(*) FROM waitlist WHERE email IS NOT NULL";
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 1)]).await;
    let (holder, guest) = (shop.fan(), shop.fan());
    let held = holder.held(&["A-1"]).await;
    assert_eq!(guest.post(PATH, &json!({"email": "guest@example.com"})).await.status, 201);
    assert_eq!(holder.delete(&format!("/api/reservations/{held}")).await.status, 204);
    offer(&guest).await;
    assert_eq!(database.count(TOLD_AT).await, 1);
    shop.clock.advance(Duration::from_secs(1801));
    eventually("it is forgotten", async || (database.count(TOLD_AT).await == 0).then_some(())).await;
    shop.close().await;
}
