//! An entry that nobody can write, a database that is away, an entry that comes twice, a reader that dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use origin_app::inventory::{HoldingState, READ_TURN};
use serde_json::json;

use super::Stage;
use super::flaky::Flaky;
use crate::metrics::{scrape, value};
use crate::support::{Database, Fan, eventually, on_both_databases};

on_both_databases!(
    an_entry_that_the_database_refuses_is_put_aside_and_the_others_go_on,
    while_the_database_is_away_entries_wait_in_their_order,
    an_entry_that_comes_twice_changes_nothing,
    what_a_dead_reader_had_comes_to_another,
);

async fn an_entry_that_the_database_refuses_is_put_aside_and_the_others_go_on(database: Database) {
    let stage = Stage::open(database, 4).await;
    stage.database.refuse_a_seat().await;
    let fans: Vec<Fan> = (0..3).map(|_| stage.shop.fan()).collect();
    for (number, fan) in (1..).zip(&fans) {
        fan.held(&[format!("A-{number}").as_str()]).await;
    }
    let dead = stage.dead(1).await;
    assert!(dead[0].1.starts_with("the database refused: "), "{dead:?}");
    stage.caught_up().await;
    assert_eq!(stage.rows().await, (2, 2));
    // Nobody but its own fan notices: the inventory has the seat.
    stage.shop.fan().hold(&["A-2"]).await.is_problem(409, "seat_taken");
    let store = if matches!(stage.database, Database::Postgres(..)) { "redis" } else { "memory" };
    let metrics = scrape(&stage.shop).await;
    let told = |series: &str| value(&metrics, series).unwrap();
    assert_eq!(told(&format!("shop_log_dead_letters{{store=\"{store}\"}}")), 1.0);
    assert_eq!(told("shop_log_entries_total{outcome=\"put_aside\"}"), 1.0);
    assert_eq!(told("shop_log_entries_total{outcome=\"written\"}"), 2.0);
    assert!(told("shop_log_entries_total{outcome=\"failed\"}") >= 4.0, "{metrics}");
    stage.database.refuse_no_seat().await;
    assert!(stage.inventory.unbury(&stage.event, &dead[0].0, true).await.unwrap());
    stage.caught_up().await;
    assert_eq!((stage.rows().await, stage.backlog().await.dead), ((3, 3), 0));
    assert_eq!(stage.shop.sales().await["held"], 3);
    stage.close().await;
}

async fn while_the_database_is_away_entries_wait_in_their_order(database: Database) {
    let mut stage = Stage::open(database, 9).await;
    let fan = stage.shop.fan();
    let before = fan.held(&["A-9"]).await;
    stage.caught_up().await;
    assert_eq!(fan.seat("A-1").await, ("available".to_owned(), false));
    assert_eq!(fan.get("/events/demo").await.status, 200);
    stage.database.take_away().await;
    // The hot path asks no database: one seat after another passes through two hands.
    let (one, other) = (stage.shop.fan(), stage.shop.fan());
    let mut released = vec![before.clone()];
    assert_eq!(fan.delete(&format!("/api/reservations/{before}")).await.status, 204);
    let mut held = Vec::new();
    for number in 1..=4 {
        let seat = format!("A-{number}");
        let id = one.held(&[&seat]).await;
        assert_eq!(one.delete(&format!("/api/reservations/{id}")).await.status, 204);
        released.push(id);
        held.push(other.held(&[&seat]).await);
    }
    // Nor does the map, which goes on being true, and what is said of the event is told on when it would be read anew.
    stage.shop.clock.advance(Duration::from_secs(60));
    assert_eq!(other.seat("A-1").await, ("held".to_owned(), true));
    assert_eq!(fan.seat("A-1").await, ("held".to_owned(), false));
    assert_eq!(fan.seat("A-9").await, ("available".to_owned(), false));
    assert_eq!(fan.get("/events/demo").await.status, 200);
    // Longer than it takes to try five times.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let backlog = stage.backlog().await;
    assert_eq!((backlog.entries, backlog.dead), (13, 0));
    let store = if matches!(stage.database, Database::Postgres(..)) { "redis" } else { "memory" };
    stage.shop.clock.advance(Duration::from_secs(7));
    let metrics = scrape(&stage.shop).await;
    let told = |name: &str| value(&metrics, &format!("{name}{{store=\"{store}\"}}"));
    assert_eq!(told("shop_log_backlog_entries"), Some(13.0));
    assert_eq!(told("shop_log_oldest_entry_age_seconds"), Some(67.0));
    // It is asked less and less often.
    let failed = value(&metrics, "shop_log_entries_total{outcome=\"failed\"}").unwrap();
    assert!((2.0..=10.0).contains(&failed), "{failed}");
    stage.database.give_back().await;
    stage.caught_up().await;
    assert_eq!((stage.backlog().await.dead, stage.rows().await), (0, (9, 9)));
    for (ids, state) in [(&released, "released"), (&held, "held")] {
        for id in ids {
            let fan = if *id == before {
                &fan
            } else if state == "held" {
                &other
            } else {
                &one
            };
            assert_eq!(fan.state(id).await, state);
        }
    }
    let twice = "SELECT count(*) FROM (SELECT s.seat_id FROM reservation_seats s JOIN reservations r
         ON r.id = s.reservation_id WHERE r.state = 'held' GROUP BY s.seat_id HAVING count(*) > 1) AS twice";
    assert_eq!(stage.database.count(twice).await, 0);
    assert_eq!(other.pay(&held[0], "sandbox-ok").await.status, 200);
    stage.close().await;
}

async fn an_entry_that_comes_twice_changes_nothing(database: Database) {
    let times = Arc::new(AtomicU32::new(0));
    let forgetful = times.clone();
    let around = |behind| -> Arc<dyn origin_app::inventory::Inventory> {
        Arc::new(Flaky { forgets: forgetful, ..Flaky::before(behind) })
    };
    let stage = Stage::open_with(database, 6, |_| {}, around).await;
    let (one, other, buyer) = (stage.shop.fan(), stage.shop.fan(), stage.shop.fan());
    stage.caught_up().await;
    // What is written next is written six times, and in between more happens.
    times.store(6, Ordering::SeqCst);
    let given_back = one.held(&["A-1", "A-2"]).await;
    let bought = buyer.held(&["A-3"]).await;
    eventually("entries came twice", async || (times.load(Ordering::SeqCst) < 5).then_some(())).await;
    assert_eq!(one.delete(&format!("/api/reservations/{given_back}")).await.status, 204);
    let kept = other.held(&["A-1"]).await;
    assert_eq!(buyer.pay(&bought, "sandbox-ok").await.status, 200);
    eventually("entries came six times", async || (times.load(Ordering::SeqCst) == 0).then_some(())).await;
    stage.caught_up().await;
    assert_eq!((stage.rows().await, stage.backlog().await.dead), ((3, 4), 0));
    assert_eq!(one.state(&given_back).await, "released");
    assert_eq!(other.state(&kept).await, "held");
    assert_eq!(buyer.state(&bought).await, "confirmed");
    let sales = stage.shop.sales().await;
    assert_eq!((&sales["sold"], &sales["held"], &sales["tickets"]), (&json!(1), &json!(1), &json!(1)));
    stage.close().await;
}

async fn what_a_dead_reader_had_comes_to_another(database: Database) {
    let stage = Stage::empty(database, |_| {}, |inventory| inventory).await;
    // It has the turn before the shop does, reads three entries, and is heard of no more.
    let read = async || stage.inventory.read(&stage.event, "dead", 3).await.unwrap().unwrap().len();
    assert_eq!(read().await, 0);
    stage.shop.create_demo(&[("A", 5)]).await;
    let mut had = 0;
    for number in 1..=5 {
        stage.shop.fan().held(&[format!("A-{number}").as_str()]).await;
        had = read().await;
    }
    assert_eq!((had, stage.backlog().await.entries, stage.rows().await), (3, 5, (0, 0)));
    stage.shop.clock.advance(READ_TURN);
    stage.caught_up().await;
    assert_eq!(stage.rows().await, (5, 5));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_nobody_can_read_is_put_aside_and_the_others_go_on() {
    let mut stage = Stage::open(Database::postgres().await, 4).await;
    stage.shop.fan().held(&["A-1"]).await;
    for rubbish in [
        &["id", "nobody", "line", "nonsense"][..],
        &["id", "\"\\xff\\xfe\"", "line", "\"\\x00\""],
        &["something", "else"],
    ] {
        let words = [&["XADD", "shop:{demo}:log", "*"], rubbish].concat();
        let said = stage.database.redis().command(&words).unwrap();
        assert!(said.starts_with('$'), "{said}");
        stage.shop.fan().hold(&["A-2"]).await;
    }
    stage.shop.fan().held(&["A-3"]).await;
    // At once: it will not be readable later.
    let begun = Instant::now();
    let dead = stage.dead(3).await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(dead.iter().all(|(_, reason)| reason.contains("cannot be read")), "{dead:?}");
    stage.caught_up().await;
    assert_eq!(stage.rows().await, (3, 3));
    // Written again, it is no better.
    assert!(stage.inventory.unbury(&stage.event, &dead[0].0, true).await.unwrap());
    stage.dead(3).await;
    stage.close().await;
}

/// An entry may come when its reservation is long paid: written anew by hand, or by a shop that slept.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_comes_late_undoes_nothing() {
    let mut stage = Stage::open(Database::postgres().await, 2).await;
    let fan = stage.shop.fan();
    let id = fan.held(&["A-1"]).await;
    let reservation = super::reservation(&id);
    let mut holding = stage.inventory.look(&stage.event, &reservation).await.unwrap().unwrap();
    assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 200);
    for state in [HoldingState::Expired, HoldingState::Released, HoldingState::Held] {
        holding.state = state;
        let line = format!("\"{}\"", holding.to_line());
        let entry = ["XADD", "shop:{demo}:log", "*", "id", &id, "line", &line];
        assert!(stage.database.redis().command(&entry).unwrap().starts_with('$'));
    }
    stage.caught_up().await;
    assert_eq!(stage.backlog().await.dead, 0);
    assert_eq!(fan.state(&id).await, "confirmed");
    let sales = stage.shop.sales().await;
    assert_eq!((&sales["sold"], &sales["tickets"]), (&json!(1), &json!(1)));
    stage.shop.fan().hold(&["A-1"]).await.is_problem(409, "seat_taken");
    stage.close().await;
}
