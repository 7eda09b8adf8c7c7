//! Redis is lost in the middle of a sale: nothing that was sold is lost, nothing is sold twice, and whoever held seats that
//! are lost is told so.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;

use super::Stage;
use crate::support::{Database, Fan, RedisServer, eventually};

const SEATS: u32 = 60;

/// What buyers were told.
#[derive(Default)]
struct Told {
    bought: AtomicU32,
    lost: AtomicU32,
}

/// Buys whatever can be had, until all is sold.
async fn buy(fan: Fan, first: u32, told: &Told) {
    let mut seat = first;
    while told.bought.load(Ordering::SeqCst) < SEATS {
        seat = seat % SEATS + 1;
        let held = fan.hold(&[&format!("A-{seat}")]).await;
        match held.status {
            201 => {}
            // Redis is away, or being loaded.
            503 => tokio::time::sleep(Duration::from_millis(20)).await,
            409 => {}
            422 => return,
            other => panic!("{other}: {}", held.text),
        }
        if held.status == 201 {
            let id = held.json()["id"].as_str().unwrap().to_owned();
            pay(&fan, &id, told).await;
        }
    }
}

/// Thinks for a moment, and pays until there is an answer.
async fn pay(fan: &Fan, id: &str, told: &Told) {
    tokio::time::sleep(Duration::from_millis(15)).await;
    for _ in 0..200 {
        let paid = fan.pay(id, "sandbox-ok").await;
        let code = paid.json()["code"].as_str().unwrap_or_default().to_owned();
        match (paid.status, code.as_str()) {
            (200, _) => {
                told.bought.fetch_add(1, Ordering::SeqCst);
                return;
            }
            (409, "hold_lost") => {
                told.lost.fetch_add(1, Ordering::SeqCst);
                return;
            }
            // The seat was lost, and somebody else was faster.
            (409, "hold_expired") => return,
            (503, _) => tokio::time::sleep(Duration::from_millis(50)).await,
            _ => panic!("{}: {}", paid.status, paid.text),
        }
    }
    panic!("no answer to a payment");
}

async fn a_sale_without_end(lose: impl Fn(&mut RedisServer)) {
    let mut stage = Stage::open(Database::postgres().await, SEATS).await;
    let told = Told::default();
    let fans: Vec<_> = (0..20).map(|number| (stage.shop.fan(), number * 3)).collect();
    let buying = futures_util::future::join_all(fans.into_iter().map(|(fan, first)| buy(fan, first, &told)));
    let losing = async {
        for share in 1..=4 {
            eventually("some seats are sold", async || {
                (told.bought.load(Ordering::SeqCst) >= SEATS * share / 6).then_some(())
            })
            .await;
            lose(stage.database.redis());
        }
    };
    tokio::join!(buying, losing);
    assert_eq!(told.bought.load(Ordering::SeqCst), SEATS);
    let sales = stage.shop.sales().await;
    let right = json!({
        "event": "demo", "seats_total": SEATS, "held": 0, "sold": SEATS, "tickets": SEATS,
        "tickets_cents": SEATS * 4500, "charges_cents": SEATS * 4500, "double_sold": 0,
    });
    assert_eq!(sales, right);
    // What is sold is sold here too.
    stage.shop.fan().hold(&["A-1"]).await.is_problem(409, "seat_taken");
    assert_eq!(stage.database.count("SELECT count(*) FROM inventory_loads WHERE lost_at > 0").await, 1);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_emptied_while_fans_buy_costs_no_sold_seat() {
    a_sale_without_end(|redis| assert_eq!(redis.command(&["FLUSHALL"]).unwrap(), "+OK\r\n")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_and_starts_empty_while_fans_buy_costs_no_sold_seat() {
    a_sale_without_end(RedisServer::restart).await;
}

/// Held while the database was away: only Redis knows, and Redis forgets.
#[tokio::test(flavor = "multi_thread")]
async fn who_held_what_is_lost_is_told_so() {
    let mut stage = Stage::open(Database::postgres().await, 4).await;
    let (fan, safe) = (stage.shop.fan(), stage.shop.fan());
    let known = safe.held(&["A-3"]).await;
    stage.caught_up().await;
    stage.database.take_away().await;
    let id = fan.held(&["A-1", "A-2"]).await;
    stage.database.lose_inventory();
    stage.database.give_back().await;
    eventually("the event is loaded again", async || {
        (stage.shop.fan().hold(&["A-4"]).await.status == 201).then_some(())
    })
    .await;
    fan.pay(&id, "sandbox-ok").await.is_problem(409, "hold_lost");
    fan.get(&format!("/api/reservations/{id}")).await.is_problem(409, "hold_lost");
    // What the database knew is there again, and what was lost can be had again.
    assert_eq!(safe.pay(&known, "sandbox-ok").await.status, 200);
    let again = fan.held(&["A-1", "A-2"]).await;
    assert_eq!(fan.pay(&again, "sandbox-ok").await.status, 200);
    stage.close().await;
}
