//! How many seats one fan may have: by the cookie, and by the ticket of the waiting room.

use admission::edge_signature::TICKET_WHILE_OFF;
use reqwest::Method;
use serde_json::json;

use crate::support::{Database, Shop, on_both_databases};

on_both_databases!(
    a_ticket_has_four_seats_at_most_whatever_the_cookie,
    a_ticket_has_four_seats_at_most_even_in_a_race,
    cookies_and_tickets_that_cross_do_not_lock_each_other_out,
    while_the_room_is_off_only_the_cookie_counts,
    for_an_event_without_a_room_only_the_cookie_counts,
);

async fn a_ticket_has_four_seats_at_most_whatever_the_cookie(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 20)]).await;
    // A browser that has never been here: no cookie.
    let stranger = |ticket: &str| shop.fan().with_ticket(ticket);
    let buyer = stranger("one");
    let bought = buyer.held(&["A-1", "A-2"]).await;
    assert_eq!(buyer.pay(&bought, "sandbox-ok").await.status, 200);
    let holder = stranger("one");
    let hold = holder.held(&["A-3"]).await;
    stranger("one").hold(&["A-4", "A-5"]).await.is_problem(422, "too_many_seats");
    let page = stranger("one").submit("/events/demo/hold", &[("seat", "A-4")]).await;
    assert_eq!(page.status, 303, "{}", page.text);

    let over = stranger("one").hold(&["A-5"]).await;
    over.is_problem(422, "too_many_seats");
    assert!(over.json()["detail"].as_str().unwrap().contains("you have 4"), "{}", over.text);
    let page = stranger("one").submit("/events/demo/hold", &[("seat", "A-5")]).await;
    assert_eq!((page.status, page.text.contains("you have 4")), (422, true), "{}", page.text);
    assert_eq!(shop.sales().await["held"], 2);

    // Another ticket is another fan, but the cookie counts as well.
    stranger("two").held(&["A-6", "A-7", "A-8", "A-9"]).await;
    let cookie = stranger("three");
    cookie.held(&["A-10", "A-11", "A-12"]).await;
    cookie.with_ticket("four").hold(&["A-13", "A-14"]).await.is_problem(422, "too_many_seats");

    // What is given back counts no more, nor does what has expired; what is sold does.
    assert_eq!(holder.delete(&format!("/api/reservations/{hold}")).await.status, 204);
    stranger("one").held(&["A-5"]).await;
    stranger("one").hold(&["A-15"]).await.is_problem(422, "too_many_seats");
    shop.clock.advance(std::time::Duration::from_secs(181));
    stranger("one").hold(&["A-15", "A-16", "A-17"]).await.is_problem(422, "too_many_seats");
    stranger("one").held(&["A-15", "A-16"]).await;
    shop.close().await;
}

async fn a_ticket_has_four_seats_at_most_even_in_a_race(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 80)]).await;
    let tries = (1..=80).map(|number| {
        // Two tickets, and a new cookie for each request.
        let fan = shop.fan().with_ticket(if number % 2 == 0 { "even" } else { "odd" });
        async move { (number % 2, fan.hold(&[format!("A-{number}").as_str()]).await.status) }
    });
    let statuses = futures_util::future::join_all(tries).await;
    for ticket in [0, 1] {
        let of = |status| statuses.iter().filter(|answer| **answer == (ticket, status)).count();
        assert_eq!((of(201), of(422)), (4, 36), "{statuses:?}");
    }
    assert_eq!(shop.sales().await["held"], 8);
    shop.close().await;
}

async fn cookies_and_tickets_that_cross_do_not_lock_each_other_out(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 68)]).await;
    let fans: Vec<_> = (0..4).map(|_| shop.fan()).collect();
    // Each has its cookie before the race.
    for (place, fan) in (65..).zip(&fans) {
        fan.held(&[format!("A-{place}").as_str()]).await;
    }
    let tries = (0..64_usize).map(|number| {
        let fan = fans[number % 4].with_ticket(&format!("crossing-{}", number / 4 % 4));
        async move { fan.hold(&[format!("A-{}", number + 1).as_str()]).await.status }
    });
    let statuses = futures_util::future::join_all(tries).await;
    assert!(statuses.iter().all(|status| [201, 422].contains(status)), "{statuses:?}");
    // Four fans may have three more seats each, and four tickets four each; who comes first leaves a place for some.
    let held = statuses.iter().filter(|status| **status == 201).count();
    assert!((1..=12).contains(&held), "{statuses:?}");
    shop.close().await;
}

async fn while_the_room_is_off_only_the_cookie_counts(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 20)]).await;
    let fan = shop.fan().with_ticket(TICKET_WHILE_OFF);
    fan.held(&["A-1", "A-2", "A-3", "A-4"]).await;
    fan.hold(&["A-5"]).await.is_problem(422, "too_many_seats");
    shop.fan().with_ticket(TICKET_WHILE_OFF).held(&["A-5", "A-6", "A-7", "A-8"]).await;
    shop.close().await;
}

async fn for_an_event_without_a_room_only_the_cookie_counts(database: Database) {
    let shop = Shop::open(&database).await;
    let event = json!({
        "id": "open", "name": "Open", "venue": "Park", "starts_at": "2027-06-01T19:30:00Z",
        "currency": "EUR", "waiting_room": null, "rows": [{"name": "A", "seats": 20, "price_cents": 4500}],
    });
    assert_eq!(shop.organiser(Method::POST, "/api/events", Some(&event)).await.0, 201);
    let take = |seats: &[&str]| json!({"event": "open", "seats": seats});
    // The edge names room and ticket wherever a room protects the path, whatever the event.
    let fan = shop.fan().with_ticket("one");
    let held = fan.post("/api/reservations", &take(&["A-1", "A-2", "A-3", "A-4"])).await;
    assert_eq!(held.status, 201, "{}", held.text);
    fan.post("/api/reservations", &take(&["A-5"])).await.is_problem(422, "too_many_seats");
    let other = shop.fan().with_ticket("one").post("/api/reservations", &take(&["A-5", "A-6"])).await;
    assert_eq!(other.status, 201, "{}", other.text);
    shop.close().await;
}
