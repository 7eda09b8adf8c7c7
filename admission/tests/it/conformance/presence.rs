//! Turns go to fans who are there.

use admission::rank::Rank;
use admission::store::{Presence, Standing};
use admission::ticket::Place;

use super::{SECOND, used_up};
use crate::support::{Kind, lane, ranks, rules};

on_both_stores! {
    absent_fans_are_passed_over_and_cost_no_permit
    a_passed_fan_who_returns_enters_first
    a_passed_fan_who_stays_away_too_long_loses_the_place
    those_who_leave_hold_up_nobody
}

async fn absent_fans_are_passed_over_and_cost_no_permit(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 40).await;
    line.clock.advance(11 * SECOND);
    let present: Vec<Place> = places.iter().skip(1).step_by(2).cloned().collect();
    line.see(&present).await;
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&present)[..10]);
    let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
    assert_eq!(snapshot.waiting(), 20, "ten have their turn, the ten absent before them were passed over");
    assert_eq!(line.look(&places[0]).await, Standing::Waiting { ahead: 0 });
}

async fn a_passed_fan_who_returns_enters_first(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 30).await;
    line.clock.advance(11 * SECOND);
    line.see(&places[5..]).await;
    assert_eq!(line.drain().await.len(), 10);
    line.clock.advance(SECOND);
    line.see(&places).await;
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns[..5], ranks(&places[..5]), "P1: those who returned go before all others");
    assert_eq!(turns[5..], ranks(&places[15..20]));
}

async fn a_passed_fan_who_stays_away_too_long_loses_the_place(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 2).await;
    line.clock.advance(11 * SECOND);
    line.see(&places[1..]).await;
    assert_eq!(line.drain().await.len(), 1);
    line.clock.advance(rules().return_window + SECOND);
    line.drain().await;
    assert_eq!(line.look(&places[0]).await, Standing::Ended);
    let presence = Presence { waiting: places[..1].to_vec(), ..Presence::default() };
    let answer = line.store.report_presence(&line.room, &presence).await.unwrap();
    assert_eq!(answer.not_waiting, places[..1]);
}

async fn those_who_leave_hold_up_nobody(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 20).await;
    line.store.leave(&line.room, &places[..10]).await.unwrap();
    assert_eq!(line.look(&places[10]).await, Standing::Waiting { ahead: 0 });
    assert_eq!(line.look(&places[0]).await, Standing::Ended);
    line.clock.advance(SECOND);
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&places[10..]));
}
