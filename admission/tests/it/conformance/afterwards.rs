//! Fans who came while the store was away, and are ranked when it is back by when they came.

use std::time::Duration;

use admission::clock::{Clock, Timestamp};
use admission::rank::Rank;
use admission::rules::Rules;
use admission::store::{Intent, Join, Joined, Standing};
use admission::ticket::Place;

use super::SECOND;
use crate::support::{Kind, Line, lane, ranks, rules, ticket_id};

on_both_stores! {
    they_stand_behind_those_before_and_before_those_after_in_the_order_they_came
    nobody_is_ranked_before_a_turn_that_was_given
    a_moment_in_the_future_is_now
    a_thousand_at_one_moment_each_get_a_rank_of_their_own
    who_comes_back_too_late_came_now
    an_outage_of_any_length_does_not_make_them_late
    who_came_before_the_draw_began_is_drawn_like_all_others
    a_replica_that_did_not_hear_of_them_knows_that_it_may_have_forgotten_them
}

async fn came_at(line: &Line, moments: &[Timestamp]) -> Vec<Place> {
    let joins: Vec<Join> = moments
        .iter()
        .map(|moment| Join {
            arrived_at: Some(*moment),
            ..Join::new(lane("general"), ticket_id(), Intent::Wait)
        })
        .collect();
    let joined = line.store.join(&line.room, ticket_id(), &joins).await.unwrap();
    let place = |(join, joined): (&Join, Joined)| {
        let Joined::Waiting { rank, .. } = joined else { panic!("{joined:?}") };
        Place { lane: join.lane.clone(), rank, id: join.id }
    };
    joins.iter().zip(joined).map(place).collect()
}

async fn they_stand_behind_those_before_and_before_those_after_in_the_order_they_came(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let before = line.fans(&lane("general"), 3).await;
    let away = line.clock.now() + Duration::from_millis(5);
    line.clock.advance(60 * SECOND);
    let after = line.fans(&lane("general"), 2).await;
    // Two proxies come back one after the other.
    let one = came_at(&line, &[away + 9 * SECOND, away + 3 * SECOND]).await;
    let other = came_at(&line, &[away + 5 * SECOND]).await;
    let in_order = [&before[..], &one[1..], &other[..], &one[..1], &after[..]].concat();
    let mut sorted = in_order.clone();
    sorted.sort_by_key(|place| place.rank);
    assert_eq!(in_order, sorted);
    for (ahead, place) in in_order.iter().enumerate() {
        assert_eq!(line.look(place).await, Standing::Waiting { ahead: ahead as u64 });
    }
    line.see(&in_order).await;
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&in_order));
    let later = line.fans(&lane("general"), 1).await;
    assert!(later[0].rank > after[1].rank);
}

async fn nobody_is_ranked_before_a_turn_that_was_given(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let away = line.clock.now();
    line.clock.advance(60 * SECOND);
    let served = line.fans(&lane("general"), 4).await;
    assert_eq!(line.drain().await.len(), 4);
    let late = came_at(&line, &[away]).await;
    assert!(late[0].rank > served[3].rank, "a rank that was given is never given again");
}

async fn a_moment_in_the_future_is_now(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let now = line.clock.now();
    let ahead = came_at(&line, &[now + 3600 * SECOND]).await;
    line.clock.advance(SECOND);
    let next = line.fans(&lane("general"), 1).await;
    assert!(ahead[0].rank < next[0].rank);
}

async fn a_thousand_at_one_moment_each_get_a_rank_of_their_own(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let moment = line.clock.now();
    line.clock.advance(10 * SECOND);
    let mut all = ranks(&came_at(&line, &[moment; 1000]).await);
    all.extend(ranks(&came_at(&line, &[moment; 1000]).await));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 2000);
    assert_eq!(line.snapshot().await.waiting(), 2000);
}

async fn a_replica_that_did_not_hear_of_them_knows_that_it_may_have_forgotten_them(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let away = line.clock.now();
    line.clock.advance(60 * SECOND);
    line.drain().await;
    let others = line.fans(&lane("general"), 2).await;
    let replica = line.replica();
    // They are ranked in the last second, by when they came a minute ago.
    let late = came_at(&line, &[away + SECOND]).await;
    line.clock.advance(SECOND);
    line.fail_over(replica);
    line.snapshot().await;
    assert_eq!(line.look(&late[0]).await, Standing::Unknown, "P4");
    line.store.restore(&line.room, &late).await.unwrap();
    assert_eq!(line.look(&late[0]).await, Standing::Waiting { ahead: 0 });
    let never = Place { rank: Rank::new(late[0].rank.get() - 1), id: ticket_id(), ..others[0].clone() };
    assert_eq!(line.look(&never).await, Standing::Ended, "a rank in the order of arrival is not");
}

async fn who_comes_back_too_late_came_now(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let hoarded = line.clock.now();
    line.pass(rules().return_window + SECOND).await;
    let waiting = line.fans(&lane("general"), 5).await;
    let late = came_at(&line, &[hoarded, hoarded]).await;
    assert!(late.iter().all(|place| place.rank > waiting[4].rank), "P1: kept for later is worth nothing");
    let next = line.fans(&lane("general"), 1).await;
    assert!(next[0].rank > late[1].rank);
}

async fn an_outage_of_any_length_does_not_make_them_late(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    line.drain().await;
    let away = line.clock.now() + SECOND;
    line.clock.advance(3600 * SECOND);
    let after = line.fans(&lane("general"), 2).await;
    line.pass(rules().return_window - 5 * SECOND).await;
    let came = came_at(&line, &[away]).await;
    assert!(came[0].rank < after[0].rank, "an hour in which nobody reached the store does not count");
}

async fn who_came_before_the_draw_began_is_drawn_like_all_others(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let hoarded = line.clock.now();
    let prequeue_at = hoarded + 10 * SECOND;
    let opens_at = Some(prequeue_at + 60 * SECOND);
    line.configure(Rules { prequeue_at: Some(prequeue_at), opens_at, ..rules() }).await;
    line.pass(20 * SECOND).await;
    let drawn = Some(Rank::new(Rank::first_of(prequeue_at).get() + 7));
    let join =
        Join { arrived_at: Some(hoarded), drawn, ..Join::new(lane("general"), ticket_id(), Intent::Wait) };
    let joined = line.store.join(&line.room, ticket_id(), &[join]).await.unwrap();
    assert_eq!(joined, [Joined::Drawn], "P10: nobody stands before the draw");
}
