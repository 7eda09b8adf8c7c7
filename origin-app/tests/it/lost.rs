//! What a lost inventory costs: holds that had not come into the database, and nothing that was sold.

use serde_json::json;

use crate::support::{Database, Shop, eventually, on_both_databases, settings};

on_both_databases!(what_was_sold_and_held_is_there_again, a_hold_that_was_lost_is_told_so,);

async fn what_was_sold_and_held_is_there_again(database: Database) {
    let clock = std::sync::Arc::new(crate::support::ManualClock::new());
    let shop = Shop::open_with(settings(&database), clock.clone(), None).await;
    shop.create_demo(&[("A", 4)]).await;
    let (buyer, holder) = (shop.fan(), shop.fan());
    let bought = buyer.held(&["A-1"]).await;
    assert_eq!(buyer.pay(&bought, "sandbox-ok").await.status, 200);
    let held = holder.held(&["A-2"]).await;
    // Asked for, the figures wait until the database knows of the hold.
    assert_eq!(shop.sales().await["held"], 1);
    let shop = if matches!(database, Database::Sqlite(_)) {
        shop.close().await;
        Shop::open_with(settings(&database), clock, None).await
    } else {
        database.lose_inventory();
        shop
    };
    let (buyer, holder, other) =
        (buyer.moved(shop.edge.clone()), holder.moved(shop.edge.clone()), shop.fan());
    other.hold(&["A-1", "A-3"]).await.is_problem(409, "seat_taken");
    other.hold(&["A-2", "A-3"]).await.is_problem(409, "seat_taken");
    assert_eq!((buyer.state(&bought).await, holder.state(&held).await), ("confirmed".into(), "held".into()));
    // The limit is as it was.
    buyer.hold(&["A-2", "A-3", "A-4"]).await.is_problem(409, "seat_taken");
    assert_eq!(holder.pay(&held, "sandbox-ok").await.status, 200);
    let taken = other.held(&["A-3", "A-4"]).await;
    assert_eq!(other.pay(&taken, "sandbox-ok").await.status, 200);
    let sales = shop.sales().await;
    assert_eq!((&sales["sold"], &sales["double_sold"], &sales["held"]), (&json!(4), &json!(0), &json!(0)));
    shop.close().await;
}

async fn a_hold_that_was_lost_is_told_so(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 2)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    // Known to the database it would not be lost: as if it had not come there.
    assert_eq!(shop.sales().await["held"], 1);
    database.tamper("DELETE FROM reservation_seats").await;
    database.tamper("DELETE FROM reservations").await;
    let clock = shop.clock.clone();
    shop.close().await;
    database.lose_inventory();
    let shop = Shop::open_with(settings(&database), clock, None).await;
    let fan = fan.moved(shop.edge.clone());
    eventually("the event is loaded again", async || {
        (shop.fan().hold(&["A-2"]).await.status == 201).then_some(())
    })
    .await;
    fan.pay(&id, "sandbox-ok").await.is_problem(409, "hold_lost");
    fan.get(&format!("/api/reservations/{id}")).await.is_problem(409, "hold_lost");
    let again = fan.held(&["A-1"]).await;
    assert_eq!(fan.pay(&again, "sandbox-ok").await.status, 200);
    // Long ago, or never, is not lost.
    let never = format!("{}0000000000000000", &id[..16].replace("01a", "019"));
    fan.get(&format!("/api/reservations/{never}")).await.is_problem(404, "reservation_not_found");
    shop.close().await;
}
