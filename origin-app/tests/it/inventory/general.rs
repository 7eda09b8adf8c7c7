//! Sections without numbers: any free seats, by count.

use std::collections::BTreeSet;

use origin_app::inventory::{Held, HoldingState};

use super::{Stage, fan, general, got, names, on_both_inventories};

on_both_inventories!(
    seats_are_handed_out_by_count_and_never_twice,
    what_comes_back_is_handed_out_again,
    what_was_lost_is_loaded_with_its_gaps,
);

async fn seats_are_handed_out_by_count_and_never_twice(stage: Stage) {
    let mut given = BTreeSet::new();
    for _ in 0..25 {
        let mut ask = stage.ask(&fan(), &[]);
        ask.general = vec![general("GA", 4, 103)];
        for seat in got(stage.hold(&ask).await).seats {
            assert!(seat.general && seat.price_cents == 2000);
            assert_eq!(format!("GA-{}", seat.place - 1000), seat.id.as_str());
            assert!(given.insert(seat.id.to_string()), "{} twice", seat.id);
        }
    }
    let mut ask = stage.ask(&fan(), &["A-1"]);
    ask.general = vec![general("GA", 4, 103)];
    // Named seats and others are one ask: all or none, and one limit.
    assert_eq!(stage.hold(&ask).await, Held::OverLimit { has: 0 });
    ask.seats.clear();
    assert_eq!(stage.hold(&ask).await, Held::SoldOut("GA".to_owned()));
    ask = stage.ask(&fan(), &["A-1"]);
    ask.general = vec![general("GA", 3, 103)];
    assert_eq!(names(&got(stage.hold(&ask).await)), ["A-1", "GA-101", "GA-102", "GA-103"]);
}

async fn what_comes_back_is_handed_out_again(stage: Stage) {
    let (one, other) = (fan(), fan());
    let ask = |fan, quantity| {
        let mut ask = stage.ask(fan, &[]);
        ask.general = vec![general("GA", quantity, 6)];
        ask
    };
    let first = got(stage.hold(&ask(&one, 4)).await);
    let second = got(stage.hold(&ask(&other, 2)).await);
    assert_eq!(stage.hold(&ask(&other, 1)).await, Held::SoldOut("GA".to_owned()));
    stage.inventory.keep(&stage.event, &second.id, &other).await.unwrap();
    stage.inventory.sell(&stage.event, &second.id).await.unwrap();
    // Lapsed, however it came to be.
    stage.pass(180);
    assert_eq!(names(&got(stage.hold(&ask(&other, 2)).await)), ["GA-1", "GA-2"]);
    assert_eq!(stage.state(&first.id).await, Some(HoldingState::Expired));
    stage.inventory.free(&stage.event, &second.id).await.unwrap();
    assert_eq!(names(&got(stage.hold(&ask(&one, 4)).await)), ["GA-3", "GA-4", "GA-5", "GA-6"]);
}

async fn what_was_lost_is_loaded_with_its_gaps(stage: Stage) {
    let fans: Vec<_> = (0..5).map(|_| fan()).collect();
    let mut holdings = Vec::new();
    for fan in &fans {
        let mut ask = stage.ask(fan, &[]);
        ask.general = vec![general("GA", 2, 12)];
        holdings.push(got(stage.hold(&ask).await));
    }
    stage.lose_everything();
    // The second and the fourth had not come into the database.
    let known = [holdings[4].clone(), holdings[0].clone(), holdings[2].clone()];
    stage.inventory.load(&stage.event, &known).await.unwrap();
    let mut free = BTreeSet::new();
    for _ in 0..3 {
        let mut ask = stage.ask(&fan(), &[]);
        ask.general = vec![general("GA", 2, 12)];
        free.extend(names(&got(stage.hold(&ask).await)));
    }
    let expected = ["GA-11", "GA-12", "GA-3", "GA-4", "GA-7", "GA-8"];
    assert_eq!(free.into_iter().collect::<Vec<_>>(), expected);
    let mut ask = stage.ask(&fan(), &[]);
    ask.general = vec![general("GA", 1, 12)];
    assert_eq!(stage.hold(&ask).await, Held::SoldOut("GA".to_owned()));
}
