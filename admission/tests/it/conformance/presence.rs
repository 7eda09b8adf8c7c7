//! Turns go to fans who are there.

use admission::clock::Clock;
use admission::rank::Rank;
use admission::rules::Rules;
use admission::store::{Presence, Standing};
use admission::ticket::Place;

use super::{SECOND, used_up};
use crate::support::{Kind, Line, lane, ranks, rules};

on_both_stores! {
    whoever_went_is_absent_at_once
    leavers_cost_no_throughput
    absent_fans_are_passed_over_and_cost_no_permit
    a_passed_fan_who_returns_enters_first
    a_turn_between_those_of_others_takes_nothing_from_them
    a_passed_fan_who_stays_away_too_long_loses_the_place
    who_stays_and_never_claims_is_not_offered_turns_for_ever
    those_who_leave_hold_up_nobody
    while_no_edge_reaches_the_store_nobody_becomes_absent
    while_no_edge_reaches_the_store_nobody_loses_the_right_to_return
}

async fn absent_fans_are_passed_over_and_cost_no_permit(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 40).await;
    line.pass(11 * SECOND).await;
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
    line.pass(11 * SECOND).await;
    line.see(&places[5..]).await;
    assert_eq!(line.drain().await.len(), 10);
    line.clock.advance(SECOND);
    line.see(&places).await;
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns[..5], ranks(&places[..5]), "P1: those who returned go before all others");
    assert_eq!(turns[5..], ranks(&places[15..20]));
}

async fn a_turn_between_those_of_others_takes_nothing_from_them(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 9).await;
    line.pass(11 * SECOND).await;
    let present: Vec<Place> = places.iter().step_by(2).cloned().collect();
    line.see(&present).await;
    assert_eq!(line.drain().await.len(), 5);
    line.clock.advance(SECOND);
    line.see(&places).await;
    assert_eq!(line.drain().await.len(), 4, "those in between returned");
    for place in &places {
        let standing = line.look(place).await;
        assert!(matches!(standing, Standing::Turn { .. }), "{place:?}: {standing:?}");
    }
    let standings = line.store.claim(&line.room, &places).await.unwrap();
    assert!(standings.iter().all(|standing| matches!(standing, Standing::Active { .. })), "{standings:?}");
}

async fn a_passed_fan_who_stays_away_too_long_loses_the_place(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 2).await;
    line.pass(11 * SECOND).await;
    line.see(&places[1..]).await;
    assert_eq!(line.drain().await.len(), 1);
    line.pass(rules().return_window + SECOND).await;
    line.drain().await;
    assert_eq!(line.look(&places[0]).await, Standing::Ended);
    let presence = Presence { waiting: places[..1].to_vec(), ..Presence::default() };
    let answer = line.store.report_presence(&line.room, &presence).await.unwrap();
    assert_eq!(answer.not_waiting, places[..1]);
}

async fn who_stays_and_never_claims_is_not_offered_turns_for_ever(kind: Kind) {
    let tight = Rules {
        max_active: 2,
        claim_window: 3 * SECOND,
        return_window: 10 * SECOND,
        presence_window: 3 * SECOND,
        ..rules()
    };
    let line = Line::start(kind, tight).await;
    let places = line.fans(&lane("general"), 7).await;
    let (idle, willing) = places.split_at(4);
    let (mut offered, mut admitted) = (0, 0);
    for _ in 0..25 * 4 {
        line.see(&places).await;
        for (_, rank) in line.drain().await {
            offered += u32::from(idle.iter().any(|place| place.rank == rank));
        }
        for (place, standing) in willing.iter().zip(line.store.claim(&line.room, willing).await.unwrap()) {
            if let Standing::Active { .. } = standing {
                admitted += 1;
                line.store.end(&line.room, &[place.id]).await.unwrap();
            }
        }
        line.clock.advance(SECOND / 4);
    }
    assert_eq!(admitted, willing.len());
    for place in idle {
        assert_eq!(line.look(place).await, Standing::Ended);
    }
    assert!((5..=16).contains(&offered), "more than once each, but not for ever: {offered}");
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

async fn whoever_went_is_absent_at_once(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 12).await;
    let presence = Presence { gone: places[..5].to_vec(), ..Presence::default() };
    line.store.report_presence(&line.room, &presence).await.unwrap();
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&places[5..]), "P8: nobody waits for a time-out");
}

/// 30 % of the line leave at random times; a third of them are noticed only when they are silent for the presence
/// window, so that some of them are offered a turn that nobody takes.
async fn leavers_cost_no_throughput(kind: Kind) {
    const FANS: usize = 3000;
    let line = Line::start(kind, Rules { claim_window: 10 * SECOND, ..rules() }).await;
    let places = line.fans(&lane("general"), FANS).await;
    // Deterministic: a fan's number says whether and when they leave, in quarter seconds of 200 s.
    let leaves_at = |fan: usize| (fan * 7919 % 10 < 3).then(|| fan * 104_729 % 800);
    let silently = |fan: usize| fan.is_multiple_of(3);
    let (mut entered, mut begun) = (0, false);
    let begin = line.clock.now();
    for step in 0..800 {
        line.clock.advance(SECOND / 4);
        let here = |fan: &usize| leaves_at(*fan).is_none_or(|at| at > step);
        let waiting = (0..FANS).filter(here).map(|fan| places[fan].clone()).collect();
        let gone = (0..FANS).filter(|fan| leaves_at(*fan) == Some(step) && !silently(*fan));
        let presence =
            Presence { waiting, gone: gone.map(|fan| places[fan].clone()).collect(), ..Presence::default() };
        if !begun || step % 8 == 0 || !presence.gone.is_empty() {
            line.store.report_presence(&line.room, &presence).await.unwrap();
            begun = true;
        }
        for (_, rank) in line.drain().await {
            let fan = places.binary_search_by_key(&rank, |place| place.rank).unwrap();
            if here(&fan) {
                line.claim(&places[fan]).await;
                entered += 1;
            }
        }
    }
    let due = line.clock.now().since(begin).as_millis() as usize / 100;
    assert!(entered * 100 >= due * 98, "{entered} of {due}");
    assert!(entered <= due + 10, "P2");
}

async fn while_no_edge_reaches_the_store_nobody_becomes_absent(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 60).await;
    line.clock.advance(60 * SECOND);
    // One edge is back before the other.
    let back: Vec<Place> = places.iter().skip(1).step_by(2).cloned().collect();
    line.see(&back).await;
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&places[..10]), "P1: in the order of the line, not in that of the edges");
    line.pass(11 * SECOND).await;
    line.see(&back).await;
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&back)[5..15], "who does not come back is absent after all");
}

async fn while_no_edge_reaches_the_store_nobody_loses_the_right_to_return(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 30).await;
    line.pass(11 * SECOND).await;
    line.see(&places[1..]).await;
    assert_eq!(line.drain().await.len(), 10);
    line.clock.advance(rules().return_window + 60 * SECOND);
    // The first to reach the store again is not who comes back.
    assert_eq!(line.drain().await.len(), 10);
    line.see(&places).await;
    line.pass(SECOND).await;
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns[0], places[0].rank, "nobody could return while the store was out of reach");
}
