//! What operators do by hand: everybody's place is taken back, or one fan gets a turn before the others.

use std::time::Duration;

use admission::clock::Clock;
use admission::rank::Rank;
use admission::rules::{Mode, Rules};
use admission::store::{Intent, InvitationUse, Join, Joined, Memory, Reset, Standing, StoreError};
use admission::ticket::Place;

use super::{SECOND, used_up};
use crate::support::{Kind, Line, lane, rules, ticket_id, two_lanes};

on_both_stores! {
    a_reset_takes_everybodys_place_and_whoever_comes_then_is_first
    a_reset_that_is_repeated_takes_nobody_elses_place
    what_was_reset_is_not_put_back_when_the_line_is_lost
    a_replica_that_missed_a_reset_is_told
    invitations_may_be_used_again_after_a_reset
    before_the_draw_there_is_nothing_to_reset
    a_turn_out_of_order_is_counted_and_told_until_it_is_claimed
    nobody_is_admitted_by_hand_beyond_what_fits_or_when_there_is_no_way_in
    who_was_passed_over_may_be_admitted_by_hand
    a_room_that_there_is_not_is_said_to_be_none
}

async fn a_reset_takes_everybodys_place_and_whoever_comes_then_is_first(kind: Kind) {
    let line = Line::start(kind, Rules { lanes: two_lanes(), claim_window: 2 * SECOND, ..rules() }).await;
    let mut places = line.fans(&lane("general"), 700).await;
    places.extend(line.fans(&lane("member"), 5).await);
    line.see(&places).await;
    let turns = line.drain().await;
    assert_eq!(turns.len(), 10);
    let first = places.iter().find(|place| place.rank == turns[0].1 && place.lane == turns[0].0).unwrap();
    assert!(matches!(line.claim(first).await, Standing::Active { .. }));
    // Some of the turns lapse, so that there are fans who were passed over.
    line.clock.advance(3 * SECOND);
    line.snapshot().await;
    line.see(&places[600..]).await;
    line.drain().await;
    let now = line.clock.now();
    let Some(Reset { at, places: count, sessions }) = line.reset().await else { panic!() };
    assert_eq!((at, sessions), (now, 1));
    assert_eq!(count, 704, "all but the one with a session");
    let snapshot = line.snapshot().await;
    assert_eq!((snapshot.waiting(), snapshot.active, snapshot.turns), (0, 0, 0));
    assert_eq!((snapshot.by_hand.reset_at, snapshot.voided_before), (now, now));
    for place in &places {
        assert!(place.rank < snapshot.by_hand.reset_below);
    }
    let desk = [&places[0], &places[300], &places[704]];
    for place in desk {
        assert_eq!(line.look(place).await, Standing::Ended);
        assert_eq!(line.claim(place).await, Standing::Ended);
        let restored = line.store.restore(&line.room, std::slice::from_ref(place)).await.unwrap();
        assert_eq!(restored, [Standing::Ended]);
        assert_eq!(line.admit(place).await, Standing::Ended);
    }
    line.see(&places).await;
    let again = line.fans(&lane("general"), 3).await;
    assert!(again[0].rank >= snapshot.by_hand.reset_below);
    assert_eq!(line.look(&again[0]).await, Standing::Waiting { ahead: 0 });
    line.clock.advance(SECOND);
    line.see(&again).await;
    assert_eq!(line.drain().await.len(), 3, "nobody stands before them");
}

async fn a_reset_that_is_repeated_takes_nobody_elses_place(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    line.fans(&lane("general"), 3).await;
    let since = line.clock.now();
    let first = line.desk().reset(&line.room, since).await.unwrap().unwrap();
    line.clock.advance(SECOND);
    let place = line.fans(&lane("general"), 1).await.remove(0);
    let again = line.desk().reset(&line.room, since).await.unwrap().unwrap();
    assert_eq!((first.places, again), (3, Reset { at: first.at, places: 0, sessions: 0 }));
    assert_eq!(line.look(&place).await, Standing::Waiting { ahead: 0 });
    assert_eq!(line.reset().await.unwrap().places, 1, "whoever means it anew says so by a later moment");
}

async fn what_was_reset_is_not_put_back_when_the_line_is_lost(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let before = line.fans(&lane("general"), 2).await;
    line.reset().await.unwrap();
    line.clock.advance(SECOND);
    let after = line.fans(&lane("general"), 1).await.remove(0);
    let memory = Memory::of(&line.snapshot().await);
    line.lose_all_data_but(rules(), &memory).await;
    let restore = async |line: &Line, place: &Place| {
        line.store.restore(&line.room, std::slice::from_ref(place)).await.unwrap()[0]
    };
    assert_eq!(restore(&line, &before[0]).await, Standing::Ended);
    assert_eq!(restore(&line, &after).await, Standing::Waiting { ahead: 0 });
    // One that nobody remembered began anew, and took them back; then an edge comes that knows better.
    line.lose_all_data(rules()).await;
    assert_eq!(restore(&line, &before[1]).await, Standing::Waiting { ahead: 0 });
    assert_eq!(restore(&line, &after).await, Standing::Waiting { ahead: 1 });
    line.configure_remembering(rules(), &memory).await;
    assert_eq!(line.look(&before[1]).await, Standing::Ended);
    assert_eq!(line.look(&after).await, Standing::Waiting { ahead: 0 });
}

async fn a_replica_that_missed_a_reset_is_told(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 600).await;
    let replica = line.replica();
    line.reset().await.unwrap();
    let memory = Memory::of(&line.snapshot().await);
    line.fail_over(replica);
    assert_eq!(line.snapshot().await.waiting(), 600);
    line.configure_remembering(rules(), &memory).await;
    let snapshot = line.snapshot().await;
    assert_eq!((snapshot.waiting(), snapshot.by_hand.reset_at), (0, memory.reset.0));
    assert_eq!(line.look(&places[599]).await, Standing::Ended);
}

async fn invitations_may_be_used_again_after_a_reset(kind: Kind) {
    let line = Line::start(kind, Rules { lanes: two_lanes(), ..rules() }).await;
    let id = ticket_id();
    let invitation = Some(InvitationUse { id, uses: 1, good_for: Duration::from_secs(60) });
    let join = Join { invitation, ..Join::new(lane("member"), id, Intent::Wait) };
    let join =
        async || line.store.join(&line.room, ticket_id(), std::slice::from_ref(&join)).await.unwrap()[0];
    let Joined::Waiting { rank: before, .. } = join().await else { panic!() };
    line.reset().await.unwrap();
    line.clock.advance(SECOND);
    let Joined::Waiting { rank, ahead: 0 } = join().await else { panic!() };
    assert!(rank > before);
    let place = Place { lane: lane("member"), rank, id };
    assert_eq!(line.look(&place).await, Standing::Waiting { ahead: 0 });
    assert_eq!(join().await, Joined::Waiting { rank, ahead: 0 });
}

async fn before_the_draw_there_is_nothing_to_reset(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let now = line.clock.now();
    let (prequeue_at, opens_at) = (Some(now), Some(now + 60 * SECOND));
    line.configure(Rules { prequeue_at, opens_at, ..rules() }).await;
    let rank = Rank::new(Rank::first_of(now).get() + 7);
    let id = ticket_id();
    let join = Join { drawn: Some(rank), ..Join::new(lane("general"), id, Intent::Wait) };
    assert_eq!(line.store.join(&line.room, ticket_id(), &[join]).await.unwrap(), [Joined::Drawn]);
    assert_eq!(line.reset().await, None);
    let place = Place { lane: lane("general"), rank, id };
    assert_eq!(line.look(&place).await, Standing::Waiting { ahead: 0 });
    assert_eq!(line.admit(&place).await, Standing::Waiting { ahead: 0 }, "the order is not known yet");
    line.clock.advance(61 * SECOND);
    line.snapshot().await;
    assert_eq!(line.reset().await.unwrap().places, 1);
    assert_eq!(line.look(&place).await, Standing::Ended);
}

async fn a_turn_out_of_order_is_counted_and_told_until_it_is_claimed(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 5).await;
    let before = line.snapshot().await;
    let until = line.clock.now() + rules().claim_window;
    assert_eq!(line.admit(&places[4]).await, Standing::Turn { until });
    assert_eq!(line.admit(&places[4]).await, Standing::Turn { until }, "once is enough");
    let snapshot = line.snapshot().await;
    assert_eq!((snapshot.by_hand.admitted, snapshot.admitted_total), (1, before.admitted_total + 1));
    assert_eq!(snapshot.by_hand.called, [(lane("general"), places[4].rank)]);
    assert_eq!(snapshot.lanes[0].cursor, before.lanes[0].cursor, "for the others nothing changed");
    assert_eq!(line.look(&places[3]).await, Standing::Waiting { ahead: 3 });
    assert!(matches!(line.claim(&places[4]).await, Standing::Active { .. }));
    assert_eq!(line.snapshot().await.by_hand.called, []);
    // It took the permit of the next in line.
    line.see(&places[..4]).await;
    line.clock.advance(Duration::from_millis(100));
    assert_eq!(
        line.admit(&places[3]).await,
        Standing::Turn { until: line.clock.now() + rules().claim_window }
    );
    assert_eq!(line.drain().await, []);
    line.clock.advance(Duration::from_millis(100));
    assert_eq!(line.drain().await, [(lane("general"), places[0].rank)]);
}

async fn nobody_is_admitted_by_hand_beyond_what_fits_or_when_there_is_no_way_in(kind: Kind) {
    let line = Line::start(kind, Rules { max_active: 2, mode: Mode::Paused, ..rules() }).await;
    let places = line.fans(&lane("general"), 4).await;
    for place in &places[2..] {
        assert!(matches!(line.admit(place).await, Standing::Turn { .. }), "a pause is no reason");
    }
    assert_eq!(line.admit(&places[0]).await, Standing::Waiting { ahead: 0 }, "P3 holds all the same");
    line.configure(Rules { mode: Mode::Closed, ..rules() }).await;
    assert_eq!(line.admit(&places[0]).await, Standing::Waiting { ahead: 0 });
    line.store.leave(&line.room, &places[..1]).await.unwrap();
    line.configure(rules()).await;
    assert_eq!(line.admit(&places[0]).await, Standing::Ended);
    assert_eq!(line.snapshot().await.by_hand.admitted, 2);
}

async fn who_was_passed_over_may_be_admitted_by_hand(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 2).await;
    line.pass(rules().presence_window + SECOND).await;
    line.see(&places[1..]).await;
    assert_eq!(line.drain().await, [(lane("general"), places[1].rank)]);
    assert!(matches!(line.admit(&places[0]).await, Standing::Turn { .. }));
    assert!(matches!(line.claim(&places[0]).await, Standing::Active { .. }));
}

async fn a_room_that_there_is_not_is_said_to_be_none(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let nowhere = admission::name::RoomId::parse("nowhere").unwrap();
    let error = StoreError::UnknownRoom(nowhere.clone());
    assert_eq!(line.desk().reset(&nowhere, line.clock.now()).await.unwrap_err(), error);
    assert_eq!(line.desk().admit(&nowhere, &[]).await.unwrap_err(), error);
}
