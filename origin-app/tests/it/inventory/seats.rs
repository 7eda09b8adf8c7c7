//! Named seats: held, kept, sold, given back, lapsed, lost.

use std::time::Duration;

use origin_app::ids::SeatId;
use origin_app::inventory::{Held, HoldingState, InventoryError, Keep, Loaded};

use super::{Stage, fan, got, names, on_both_inventories};

on_both_inventories!(
    all_seats_are_held_or_none,
    asking_again_is_asking_once,
    fans_and_tickets_have_a_limit,
    a_lapsed_hold_stands_in_nobodys_way,
    however_many_have_lapsed_they_stand_in_nobodys_way,
    what_is_given_back_is_free,
    a_kept_hold_does_not_lapse,
    what_is_sold_stays_sold,
    an_event_is_loaded_once,
    what_was_lost_is_loaded_again,
    a_payment_wins_over_whoever_has_its_seats,
    a_reservation_is_its_fans,
);

async fn all_seats_are_held_or_none(stage: Stage) {
    let (one, other) = (fan(), fan());
    let held = stage.held(&one, &["A-1", "A-2"]).await;
    assert_eq!(
        (held.state, held.expires_at.since(stage.now())),
        (HoldingState::Held, Duration::from_secs(180))
    );
    assert_eq!((held.amount_cents(), held.fan.clone()), (9000, one));
    let Held::Taken(taken) = stage.hold(&stage.ask(&other, &["A-1", "A-3", "A-2"])).await else { panic!() };
    assert_eq!(taken.iter().map(SeatId::as_str).collect::<Vec<_>>(), ["A-1", "A-2"]);
    assert_eq!(stage.taken().await, ["A-1", "A-2"]);
    stage.held(&other, &["A-3"]).await;
}

async fn asking_again_is_asking_once(stage: Stage) {
    let ask = stage.ask(&fan(), &["A-1", "A-2", "A-3"]);
    let first = stage.hold(&ask).await;
    stage.pass(1);
    assert_eq!(stage.hold(&ask).await, first);
    assert_eq!(stage.inventory.backlog(&stage.event).await.unwrap().entries, 1);
}

async fn fans_and_tickets_have_a_limit(stage: Stage) {
    let (one, other) = (fan(), fan());
    let sold = stage.held(&one, &["A-1", "A-2"]).await;
    stage.inventory.keep(&stage.event, &sold.id, &one).await.unwrap();
    assert!(stage.inventory.sell(&stage.event, &sold.id).await.unwrap());
    stage.held(&one, &["A-3"]).await;
    assert_eq!(stage.hold(&stage.ask(&one, &["A-4", "A-5"])).await, Held::OverLimit { has: 3 });
    let mut ask = stage.ask(&other, &["A-4", "A-5", "A-6"]);
    ask.ticket = Some("t1".to_owned());
    got(stage.hold(&ask).await);
    for (fan, has) in [(fan(), 3), (other.clone(), 3)] {
        let mut ask = stage.ask(&fan, &["A-7", "A-8"]);
        ask.ticket = Some("t1".to_owned());
        assert_eq!(stage.hold(&ask).await, Held::OverLimit { has });
    }
    // What has lapsed, or came back, counts no more.
    stage.pass(180);
    let mut ask = stage.ask(&other, &["A-7", "A-8", "A-9", "A-10"]);
    ask.ticket = Some("t1".to_owned());
    got(stage.hold(&ask).await);
    assert!(stage.inventory.free(&stage.event, &sold.id).await.unwrap());
    stage.held(&one, &["A-1", "A-2", "A-3", "A-4"]).await;
}

async fn a_lapsed_hold_stands_in_nobodys_way(stage: Stage) {
    let slow = fan();
    let hold = stage.held(&slow, &["A-1", "A-2"]).await;
    stage.clock.advance(Duration::from_millis(179_999));
    assert!(matches!(stage.hold(&stage.ask(&fan(), &["A-2"])).await, Held::Taken(_)));
    stage.clock.advance(Duration::from_millis(1));
    assert_eq!(stage.taken().await, [""; 0]);
    stage.held(&fan(), &["A-2"]).await;
    assert_eq!(stage.state(&hold.id).await, Some(HoldingState::Expired));
    let Keep::Over(over) = stage.inventory.keep(&stage.event, &hold.id, &slow).await.unwrap() else {
        panic!()
    };
    assert_eq!(over.state, HoldingState::Expired);
    // Swept, too.
    stage.pass(180);
    assert_eq!(stage.inventory.lapse(&stage.event, 10).await.unwrap(), 1);
    assert_eq!(stage.inventory.lapse(&stage.event, 10).await.unwrap(), 0);
}

async fn however_many_have_lapsed_they_stand_in_nobodys_way(stage: Stage) {
    for number in 1..=200 {
        stage.held(&fan(), &[format!("A-{number}").as_str()]).await;
    }
    stage.pass(180);
    // The last of them, far beyond what is ended in passing.
    let last = stage.held(&fan(), &["A-200"]).await;
    assert_eq!(names(&last), ["A-200"]);
    assert_eq!(stage.taken().await, ["A-200"]);
}

async fn what_is_given_back_is_free(stage: Stage) {
    let (one, other) = (fan(), fan());
    let hold = stage.held(&one, &["A-1"]).await;
    assert_eq!(stage.inventory.release(&stage.event, &hold.id, &other).await.unwrap(), None);
    for _ in 0..2 {
        let released = stage.inventory.release(&stage.event, &hold.id, &one).await.unwrap().unwrap();
        assert_eq!(released.state, HoldingState::Released);
    }
    let next = stage.held(&other, &["A-1"]).await;
    // Kept, it cannot be given back.
    stage.inventory.keep(&stage.event, &next.id, &other).await.unwrap();
    let kept = stage.inventory.release(&stage.event, &next.id, &other).await.unwrap().unwrap();
    assert_eq!((kept.state, stage.taken().await), (HoldingState::Kept, vec!["A-1".to_owned()]));
}

async fn a_kept_hold_does_not_lapse(stage: Stage) {
    let buyer = fan();
    let hold = stage.held(&buyer, &["A-1"]).await;
    for _ in 0..2 {
        let kept = stage.inventory.keep(&stage.event, &hold.id, &buyer).await.unwrap();
        assert!(matches!(kept, Keep::Kept(kept) if kept.state == HoldingState::Kept));
    }
    stage.pass(100);
    let back = stage.inventory.put_back(&stage.event, &hold.id).await.unwrap().unwrap();
    assert_eq!((back.state, back.expires_at), (HoldingState::Held, hold.expires_at));
    stage.inventory.keep(&stage.event, &hold.id, &buyer).await.unwrap();
    stage.pass(86_400);
    assert_eq!(stage.inventory.lapse(&stage.event, 10).await.unwrap(), 0);
    assert!(matches!(stage.hold(&stage.ask(&fan(), &["A-1"])).await, Held::Taken(_)));
    // Put back, its time is over.
    let back = stage.inventory.put_back(&stage.event, &hold.id).await.unwrap().unwrap();
    assert_eq!(back.state, HoldingState::Expired);
    stage.held(&fan(), &["A-1"]).await;
}

async fn what_is_sold_stays_sold(stage: Stage) {
    let buyer = fan();
    let hold = stage.held(&buyer, &["A-1"]).await;
    stage.inventory.keep(&stage.event, &hold.id, &buyer).await.unwrap();
    for _ in 0..2 {
        assert!(stage.inventory.sell(&stage.event, &hold.id).await.unwrap());
    }
    stage.pass(86_400);
    stage.inventory.put_back(&stage.event, &hold.id).await.unwrap();
    assert_eq!(stage.state(&hold.id).await, Some(HoldingState::Sold));
    assert!(matches!(stage.hold(&stage.ask(&fan(), &["A-1"])).await, Held::Taken(_)));
    assert!(stage.inventory.free(&stage.event, &hold.id).await.unwrap());
    assert!(!stage.inventory.free(&stage.event, &hold.id).await.unwrap());
    assert!(!stage.inventory.sell(&stage.event, &hold.id).await.unwrap());
    stage.held(&fan(), &["A-1"]).await;
}

async fn an_event_is_loaded_once(stage: Stage) {
    stage.held(&fan(), &["A-1"]).await;
    assert_eq!(stage.inventory.load(&stage.event, &[]).await.unwrap(), Loaded::Before);
    assert_eq!(stage.taken().await, ["A-1"]);
    assert_eq!(stage.inventory.events().await.unwrap(), std::slice::from_ref(&stage.event));
}

async fn what_was_lost_is_loaded_again(stage: Stage) {
    let (one, other) = (fan(), fan());
    let (sold, held) = (stage.held(&one, &["A-1"]).await, stage.held(&other, &["A-2", "A-3"]).await);
    stage.inventory.keep(&stage.event, &sold.id, &one).await.unwrap();
    stage.inventory.sell(&stage.event, &sold.id).await.unwrap();
    let known = stage.inventory.all(&stage.event).await.unwrap();
    stage.lose_everything();
    let ask = stage.ask(&fan(), &["A-1"]);
    assert_eq!(stage.inventory.hold(&stage.event, &ask).await, Err(InventoryError::NotLoaded));
    assert_eq!(stage.inventory.keep(&stage.event, &held.id, &other).await, Err(InventoryError::NotLoaded));
    assert_eq!(stage.inventory.load(&stage.event, &known).await.unwrap(), Loaded::Now);
    assert_eq!(stage.taken().await, ["A-1", "A-2", "A-3"]);
    assert_eq!(stage.state(&sold.id).await, Some(HoldingState::Sold));
    assert_eq!(stage.hold(&stage.ask(&other, &["A-4", "A-5", "A-6"])).await, Held::OverLimit { has: 2 });
    assert!(matches!(stage.hold(&ask).await, Held::Taken(_)));
    stage.pass(180);
    stage.held(&fan(), &["A-2", "A-3"]).await;
}

async fn a_payment_wins_over_whoever_has_its_seats(stage: Stage) {
    let (buyer, other) = (fan(), fan());
    let mut paid = stage.held(&buyer, &["A-1", "A-2"]).await;
    paid.state = HoldingState::Sold;
    stage.inventory.release(&stage.event, &paid.id, &buyer).await.unwrap();
    let rival = stage.held(&other, &["A-2", "A-3"]).await;
    let hold = stage.ask(&fan(), &["A-3"]);
    // A hold wins over nobody.
    let mut late = rival.clone();
    late.id = hold.id;
    assert!(!stage.inventory.restore(&stage.event, &late).await.unwrap());
    assert!(stage.inventory.restore(&stage.event, &paid).await.unwrap());
    assert_eq!(stage.taken().await, ["A-1", "A-2"]);
    assert_eq!(stage.state(&rival.id).await, Some(HoldingState::Expired));
    assert!(matches!(stage.hold(&stage.ask(&other, &["A-2"])).await, Held::Taken(_)));
    stage.held(&other, &["A-3"]).await;
}

async fn a_reservation_is_its_fans(stage: Stage) {
    let (one, other) = (fan(), fan());
    let hold = stage.held(&one, &["A-1"]).await;
    assert_eq!(stage.inventory.keep(&stage.event, &hold.id, &other).await.unwrap(), Keep::Unknown);
    assert_eq!(stage.inventory.of_fan(&stage.event, &one).await.unwrap(), [hold]);
    assert_eq!(stage.inventory.of_fan(&stage.event, &other).await.unwrap(), []);
}
