//! How many turns, when, and to which lane.

use admission::rank::Rank;
use admission::rules::{Mode, Rules};
use admission::store::{Intent, Joined, Memory, Standing};

use super::{SECOND, used_up};
use crate::support::{Kind, Line, lane, ranks, rules, two_lanes};

on_both_stores! {
    turns_go_to_the_lowest_ranks_at_the_rate
    any_number_of_drains_give_no_more_than_one_would
    a_pause_is_not_followed_by_a_dump
    a_clock_that_goes_back_gives_and_takes_nothing
    a_change_of_rate_holds_from_then_on
    a_rate_of_zero_admits_nobody_not_even_a_burst
    an_older_revision_changes_nothing
    lanes_share_by_weight_and_none_starves
}

async fn turns_go_to_the_lowest_ranks_at_the_rate(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 200).await;
    let mut given: Vec<Rank> = Vec::new();
    for tick in 0..40_u64 {
        line.see(&places).await;
        given.extend(line.drain().await.into_iter().map(|(_, rank)| rank));
        // P2: what was given by now is rate · time and the burst, to the permit.
        assert_eq!(given.len() as u64, 10 + tick * 10 / 4);
        line.clock.advance(SECOND / 4);
    }
    assert_eq!(given, ranks(&places)[..given.len()], "P1: in order of rank");
    assert!(matches!(line.look(&places[0]).await, Standing::Turn { .. }));
    let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
    assert_eq!(snapshot.lanes[0].cursor, *given.last().unwrap());
    assert_eq!(snapshot.admitted_total, given.len() as u64);
}

async fn any_number_of_drains_give_no_more_than_one_would(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 100).await;
    for tick in 0..20_u64 {
        line.see(&places).await;
        for _ in 0..8 {
            line.drain().await;
        }
        let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
        assert_eq!(snapshot.admitted_total, 10 + tick);
        line.clock.advance(SECOND / 10);
    }
}

async fn a_pause_is_not_followed_by_a_dump(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 100).await;
    // Nobody drains for a minute: the burst is all that has gathered.
    line.clock.advance(60 * SECOND);
    line.see(&places).await;
    assert_eq!(line.drain().await.len(), 10);
    // An operator pauses for a minute: not even that.
    line.configure(Rules { mode: Mode::Paused, ..rules() }).await;
    line.clock.advance(60 * SECOND);
    assert!(line.drain().await.is_empty());
    line.configure(rules()).await;
    line.see(&places).await;
    assert!(line.drain().await.is_empty());
    line.clock.advance(SECOND / 2);
    assert_eq!(line.drain().await.len(), 5, "and it goes on at once at its rate");
}

async fn a_clock_that_goes_back_gives_and_takes_nothing(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 50).await;
    line.clock.go_back(3600 * SECOND);
    line.see(&places).await;
    assert!(line.drain().await.is_empty());
    line.clock.advance(SECOND);
    line.see(&places).await;
    assert_eq!(line.drain().await.len(), 10);
    let later = line.fans(&lane("general"), 1).await;
    assert!(later[0].rank > places[49].rank, "ranks go on above those that were given");
}

async fn a_change_of_rate_holds_from_then_on(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 300).await;
    line.clock.advance(SECOND / 2);
    line.configure(Rules { drain_per_minute: 6000, burst: 100, ..rules() }).await;
    line.see(&places).await;
    assert_eq!(line.drain().await.len(), 5, "half a second at the old rate");
    line.clock.advance(SECOND / 2);
    assert_eq!(line.drain().await.len(), 50, "half a second at the new one");
    line.configure(Rules { drain_per_minute: 0, ..rules() }).await;
    line.clock.advance(10 * SECOND);
    line.see(&places).await;
    assert!(line.drain().await.is_empty());
}

async fn a_rate_of_zero_admits_nobody_not_even_a_burst(kind: Kind) {
    let stopped = Rules { drain_per_minute: 0, ..rules() };
    let line = Line::start(kind, stopped.clone()).await;
    let places = line.fans(&lane("general"), 3).await;
    assert!(line.drain().await.is_empty());
    line.configure(Rules { mode: Mode::Auto, ..stopped }).await;
    line.store.leave(&line.room, &places).await.unwrap();
    let (_, joined) = line.join_as(&lane("general"), Intent::EnterOnly).await;
    assert_eq!(joined, Joined::NotFree);
}

async fn an_older_revision_changes_nothing(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    line.configure(Rules { max_active: 7, ..rules() }).await;
    line.store.configure(&line.room, &rules(), 1, &Memory::default()).await.unwrap();
    let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
    assert_eq!((snapshot.rules.max_active, snapshot.revision), (7, 2));
}

async fn lanes_share_by_weight_and_none_starves(kind: Kind) {
    let line = Line::start(kind, Rules { lanes: two_lanes(), ..rules() }).await;
    let general = line.fans(&lane("general"), 100).await;
    // The members come when the general lane has long been moving alone.
    for _ in 0..3 {
        line.see(&general).await;
        assert_eq!(line.drain().await.len(), 10);
        line.clock.advance(SECOND);
    }
    let members = line.fans(&lane("member"), 60).await;
    let mut members_first_turns = 0;
    for tick in 0..4 {
        line.see(&general).await;
        line.see(&members).await;
        let turns = line.drain().await;
        let of_members = turns.iter().filter(|(name, _)| *name == lane("member")).count();
        assert!(
            (7..=8).contains(&of_members),
            "three of four, from the first tick on: {of_members} at {tick}"
        );
        members_first_turns += of_members;
        line.clock.advance(SECOND);
    }
    assert_eq!(members_first_turns, 30);
    assert_eq!(line.look(&general[99]).await, Standing::Waiting { ahead: 59 }, "told per lane");
}
