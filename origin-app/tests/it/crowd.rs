//! A thousand buyers at once for a hundred seats, through the real binary. How long it takes is told by
//! `loadtest bench shop` and decides nothing here.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::binary::Process;
use crate::random::Dice;
use crate::sandbox::balance;
use crate::support::{Database, Fan, on_both_databases};

const BUYERS: usize = 1000;
const SEATS: usize = 100;
const PRICE: usize = 4500;
const TRIES_PER_LOOK: usize = 3;
const PATIENCE: Duration = Duration::from_secs(180);

on_both_databases!(a_thousand_buyers_get_a_hundred_seats);

async fn a_thousand_buyers_get_a_hundred_seats(database: Database) {
    allow_descriptors();
    // Whoever is told that it is too much at once would have to come back; here all are answered.
    let shop =
        Process::start(&database, "[limits]\nrequests_in_flight = 4096\nrequest_seconds = 120\n").await;
    shop.edge.create_demo(&[("A", 50), ("B", 50)]).await;
    let fans: Vec<_> = (0..BUYERS).map(|_| shop.edge.fan()).collect();
    let begun = Instant::now();
    let buyers = fans.into_iter().enumerate().map(|(nth, fan)| tokio::spawn(buy(fan, nth as u64)));
    let mut bought = Vec::new();
    for buyer in buyers.collect::<Vec<_>>() {
        bought.extend(buyer.await.unwrap());
    }
    println!("{BUYERS} buyers had their answers after {} ms", begun.elapsed().as_millis());

    let distinct: HashSet<_> = bought.iter().map(|(seat, _)| seat).collect();
    assert_eq!((bought.len(), distinct.len()), (SEATS, SEATS), "each seat once");
    let codes: HashSet<_> = bought.iter().map(|(_, code)| code).collect();
    assert_eq!(codes.len(), SEATS, "each ticket once");
    assert_eq!(
        shop.edge.sales().await,
        json!({
            "event": "demo", "seats_total": SEATS, "held": 0, "sold": SEATS, "tickets": SEATS,
            "tickets_cents": SEATS * PRICE, "charges_cents": SEATS * PRICE, "double_sold": 0,
        })
    );
    // The ledger, the provider's own books, and the tickets.
    let all = i64::try_from(SEATS * PRICE).unwrap();
    let edge = &shop.edge;
    assert_eq!((balance(edge, "provider").await, balance(edge, "sales").await), (all, -all));
    assert_eq!(balance(edge, "unsettled").await, 0);
    for (question, seats) in [
        ("SELECT count(*) FROM tickets", SEATS),
        ("SELECT count(DISTINCT seat_id) FROM tickets", SEATS),
        ("SELECT count(*) FROM sandbox_payments WHERE outcome = 'charged' AND refunded_at IS NULL", SEATS),
        ("SELECT count(*) FROM sandbox_payments", SEATS),
        ("SELECT count(*) FROM reservations WHERE state = 'confirmed'", SEATS),
        // A charge of a reservation without tickets, or tickets without one charge.
        (
            "SELECT count(*) FROM reservations r
              WHERE (SELECT count(*) FROM tickets t WHERE t.reservation_id = r.id)
                 <> (SELECT count(*) FROM sandbox_payments p WHERE p.reference = r.id AND p.outcome = 'charged')",
            0,
        ),
    ] {
        assert_eq!(database.count(question).await, i64::try_from(seats).unwrap(), "{question}");
    }
}

/// Wants one seat: looks at the map, asks for one that looks free, and again until there is none. The seat and the code
/// of its ticket.
async fn buy(fan: Fan, nth: u64) -> Option<(String, String)> {
    let mut dice = Dice(nth);
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let map = fan.get("/api/events/demo/seats").await.json();
        let seats = map["seats"].as_array().unwrap();
        let mut free: Vec<_> = seats.iter().filter(|seat| seat["state"] == "available").collect();
        if seats.iter().all(|seat| seat["state"] == "sold") {
            return None;
        }
        // What they saw is soon old.
        for _ in 0..TRIES_PER_LOOK.min(free.len()) {
            let seat = free.swap_remove(usize::try_from(dice.below(free.len() as u64)).unwrap());
            let held = fan.hold(&[seat["id"].as_str().unwrap()]).await;
            if held.status != 201 {
                held.is_problem(409, "seat_taken");
                continue;
            }
            let id = held.json()["id"].as_str().unwrap().to_owned();
            return Some(pay(&fan, &id).await);
        }
        // Nobody asks again at once: what looked free is soon known to be gone, and what is held to be paid or not.
        tokio::time::sleep(Duration::from_millis(1000 + dice.below(1000))).await;
    }
    panic!("not within {PATIENCE:?}");
}

async fn pay(fan: &Fan, id: &str) -> (String, String) {
    let begun = Instant::now();
    loop {
        let paid = fan.pay(id, "sandbox-ok").await;
        if paid.status == 200 {
            let ticket = &paid.json()["tickets"][0];
            let word = |name: &str| ticket[name].as_str().unwrap().to_owned();
            return (word("seat"), word("code"));
        }
        // On a busy machine the shop says that the payment is under way, or that it is too much at once; asking again is
        // no second charge.
        assert!(
            matches!(paid.status, 202 | 503) && begun.elapsed() < PATIENCE,
            "{} {}",
            paid.status,
            paid.text
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Each buyer has a connection, and both of its ends are on this machine.
fn allow_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}
