//! Several shops on one Redis and one PostgreSQL.

use std::collections::BTreeSet;

use crate::binary::Process;
use crate::support::{Database, Fan, eventually};

/// Buys seats until none is left; those that were bought.
async fn buy_all(fans: Vec<Fan>, seats: u32) -> Vec<String> {
    let buying = fans.into_iter().enumerate().map(|(number, fan)| async move {
        let mut bought = Vec::new();
        for step in 0..seats {
            // Everybody wants everything, and begins elsewhere.
            let seat = format!("A-{}", (u32::try_from(number).unwrap() * 7 + step) % seats + 1);
            let held = fan.hold(&[&seat]).await;
            match held.status {
                201 => {
                    let id = held.json()["id"].as_str().unwrap().to_owned();
                    let paid = fan.pay(&id, "sandbox-ok").await;
                    assert_eq!(paid.status, 200, "{}", paid.text);
                    bought.push(seat);
                }
                409 => {}
                422 => break,
                other => panic!("{other}: {}", held.text),
            }
        }
        bought
    });
    futures_util::future::join_all(buying).await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_shops_sell_every_seat_once_and_either_persists_when_the_other_is_killed() {
    let database = Database::postgres().await;
    let (one, other) = tokio::join!(Process::start(&database, ""), Process::start(&database, ""));
    one.edge.create_demo(&[("A", 60)]).await;
    let fans = (0..10).flat_map(|_| [one.edge.fan(), other.edge.fan()]).collect();
    let bought = buy_all(fans, 60).await;
    let seats: BTreeSet<_> = bought.iter().collect();
    assert_eq!((bought.len(), seats.len()), (60, 60), "{bought:?}");
    for shop in [&one, &other] {
        let sales = shop.edge.sales().await;
        assert_eq!((&sales["sold"], &sales["double_sold"]), (&60.into(), &0.into()), "{sales}");
        assert_eq!(sales["charges_cents"], 60 * 4500);
    }
    // A hold is in the database soon, whichever shop is left.
    let held = "SELECT count(*) FROM reservations WHERE event_id <> 'demo' AND state = 'held'";
    let hold = async |shop: &Process, event: &str| {
        shop.edge.create_event(event, &[("A", 4)]).await;
        let body = serde_json::json!({"event": event, "seats": ["A-1"]});
        let answer = shop.edge.fan().post("/api/reservations", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    };
    hold(&one, "first").await;
    one.kill();
    hold(&other, "second").await;
    eventually("what one held came in by the other", async || {
        (database.count(held).await == 2).then_some(())
    })
    .await;
    let one = Process::start(&database, "").await;
    hold(&other, "third").await;
    other.kill();
    hold(&one, "fourth").await;
    eventually("and the other way round", async || (database.count(held).await == 4).then_some(())).await;
}
