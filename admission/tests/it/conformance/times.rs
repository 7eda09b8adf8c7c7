//! The times of a room: pre-queue, opening, closing.

use std::time::Duration;

use admission::clock::{Clock, Timestamp};
use admission::rank::Rank;
use admission::rules::{Mode, Phase, Rules};
use admission::store::{Intent, Join, Joined, Memory};
use admission::ticket::Place;

use super::SECOND;
use crate::support::{Kind, Line, lane, ranks, rules, ticket_id};

on_both_stores! {
    before_its_times_a_room_takes_nobody
    the_pre_queue_waits_in_the_order_of_the_draw
    whoever_comes_after_the_opening_stands_behind_the_draw
    one_rank_of_the_draw_goes_to_one_fan
    permits_gather_from_the_opening_on
    a_room_that_closes_admits_nobody_more
    the_draw_survives_the_loss_of_everything
    an_opening_that_has_been_stays
}

const BEGIN: Timestamp = Timestamp::from_millis(1_800_000_100_000);

fn with_draw() -> Rules {
    Rules { prequeue_at: Some(BEGIN), opens_at: Some(BEGIN + 60 * SECOND), ..rules() }
}

async fn at(line: &Line, moment: Timestamp) {
    line.clock.advance(moment.since(line.clock.now()));
}

fn drawn(number: u64) -> Rank {
    Rank::new(Rank::first_of(BEGIN).get() + number)
}

async fn join_drawn(line: &Line, number: u64) -> (Place, Joined) {
    let general = lane("general");
    let id = ticket_id();
    let join = Join { drawn: Some(drawn(number)), ..Join::new(general.clone(), id, Intent::EnterOrWait) };
    let joined = line.store.join(&line.room, ticket_id(), &[join]).await.unwrap()[0];
    (Place { lane: general, rank: drawn(number), id }, joined)
}

/// Fans with these numbers, who came in this order.
async fn drawn_fans(line: &Line, numbers: &[u64]) -> Vec<Place> {
    let mut places = Vec::new();
    for number in numbers {
        let (place, joined) = join_drawn(line, *number).await;
        assert_eq!(joined, Joined::Drawn);
        places.push(place);
    }
    places
}

async fn before_its_times_a_room_takes_nobody(kind: Kind) {
    let line = Line::start(kind, with_draw()).await;
    assert_eq!(join_drawn(&line, 5).await.1, Joined::Closed);
    at(&line, BEGIN).await;
    assert_eq!(join_drawn(&line, 5).await.1, Joined::Drawn);
    let (_, plain) = line.join_as(&lane("general"), Intent::Wait).await;
    assert_eq!(plain, Joined::Closed, "nobody is ranked by arrival before the opening");
}

async fn the_pre_queue_waits_in_the_order_of_the_draw(kind: Kind) {
    let line = Line::start(kind, with_draw()).await;
    at(&line, BEGIN).await;
    let numbers = [700, 3, 33_000_000, 41, 20_000_000, 42];
    let mut places = drawn_fans(&line, &numbers).await;
    line.see(&places).await;
    assert!(line.drain().await.is_empty(), "nobody is admitted before the opening");
    at(&line, BEGIN + 60 * SECOND).await;
    line.clock.advance(SECOND);
    line.see(&places).await;
    places.sort_by_key(|place| place.rank);
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&places), "P10");
}

async fn whoever_comes_after_the_opening_stands_behind_the_draw(kind: Kind) {
    let line = Line::start(kind, with_draw()).await;
    at(&line, BEGIN).await;
    let last = Rank::first_of(BEGIN).get() + (1 << 25) - 1;
    let places = drawn_fans(&line, &[last - Rank::first_of(BEGIN).get(), 1]).await;
    at(&line, BEGIN + 60 * SECOND).await;
    let (_, joined) = join_drawn(&line, 0).await;
    let Joined::Waiting { rank, ahead } = joined else { panic!("{joined:?}") };
    assert!(places.iter().all(|place| place.rank < rank) && ahead == 2, "a late draw does not count");
}

async fn one_rank_of_the_draw_goes_to_one_fan(kind: Kind) {
    let line = Line::start(kind, with_draw()).await;
    at(&line, BEGIN).await;
    assert_eq!(join_drawn(&line, 9).await.1, Joined::Drawn);
    assert_eq!(join_drawn(&line, 9).await.1, Joined::Taken);
    assert_eq!(line.snapshot().await.waiting(), 1);
}

async fn permits_gather_from_the_opening_on(kind: Kind) {
    let line = Line::start(kind, with_draw()).await;
    at(&line, BEGIN).await;
    line.drain().await;
    let before = drawn_fans(&line, &[1, 2, 3, 4, 5, 6, 7]).await;
    // Whatever gathered before the pre-queue was ordered may be used; a burst of what the waiting time would have
    // brought may not.
    let used = line.snapshot().await;
    assert_eq!(used.admitted_total, 0);
    at(&line, BEGIN + 60 * SECOND + Duration::from_millis(500)).await;
    line.see(&before).await;
    assert_eq!(
        line.drain().await.len(),
        5,
        "ten a second for half a second, and nothing for the minute before"
    );
}

async fn a_room_that_closes_admits_nobody_more(kind: Kind) {
    let closes_at = BEGIN + 10 * SECOND;
    let line = Line::start(kind, Rules { closes_at: Some(closes_at), mode: Mode::Auto, ..rules() }).await;
    let places = line.fans(&lane("general"), 30).await;
    assert!(!line.drain().await.is_empty());
    at(&line, closes_at).await;
    line.see(&places).await;
    assert!(line.drain().await.is_empty());
    assert_eq!(line.join_as(&lane("general"), Intent::EnterOrWait).await.1, Joined::Closed);
}

async fn the_draw_survives_the_loss_of_everything(kind: Kind) {
    let mut line = Line::start(kind, with_draw()).await;
    at(&line, BEGIN).await;
    let places = drawn_fans(&line, &[30_000_000, 20, 10]).await;
    line.clock.advance(20 * SECOND);
    line.lose_all_data(with_draw()).await;
    let (newcomer, joined) = join_drawn(&line, 15).await;
    assert_eq!(joined, Joined::Drawn);
    line.store.restore(&line.room, &places).await.unwrap();
    at(&line, BEGIN + 66 * SECOND).await;
    let mut all = places;
    all.push(newcomer);
    line.see(&all).await;
    all.sort_by_key(|place| place.rank);
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&all), "P4, P10");
}

async fn an_opening_that_has_been_stays(kind: Kind) {
    let mut line = Line::start(kind, with_draw()).await;
    assert_eq!(line.snapshot().await.revealed, Timestamp::default());
    at(&line, BEGIN + 60 * SECOND).await;
    line.drain().await;
    let snapshot = line.snapshot().await;
    assert_eq!((snapshot.revealed, snapshot.has_revealed()), (BEGIN, true));
    let is_open = async |line: &Line| {
        assert_eq!(line.snapshot().await.phase(), Phase::Open);
        let (_, joined) = join_drawn(line, 5).await;
        assert!(
            matches!(joined, Joined::Waiting { .. } | Joined::Entered { .. }),
            "P10: not drawn: {joined:?}"
        );
    };
    // A server whose clock is behind takes over.
    let replica = line.replica();
    line.clock.go_back(20 * SECOND);
    line.fail_over(replica);
    is_open(&line).await;
    // Rules that put it off.
    let put_off = Rules { opens_at: Some(BEGIN + 600 * SECOND), ..with_draw() };
    let memory = Memory::of(&line.snapshot().await);
    line.configure_remembering(put_off.clone(), &memory).await;
    is_open(&line).await;
    // And a line that begins anew with them, from what an edge remembers.
    line.lose_all_data_but(put_off, &memory).await;
    is_open(&line).await;
    let other =
        Rules { prequeue_at: Some(BEGIN + 100 * SECOND), opens_at: Some(BEGIN + 600 * SECOND), ..rules() };
    line.configure_remembering(other, &memory).await;
    assert_ne!(line.snapshot().await.phase(), Phase::Open, "another draw has another seed");
}
