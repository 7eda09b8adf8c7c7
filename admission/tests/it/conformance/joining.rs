//! Who gets in, who waits, who is told to come again.

use admission::clock::Clock;
use admission::rules::{Mode, Rules};
use admission::store::{Intent, Join, Joined, Standing, StoreError};
use admission::ticket::Place;

use super::SECOND;
use crate::support::{Kind, Line, lane, rules, ticket_id, two_lanes};

on_both_stores! {
    fans_wait_in_the_order_in_which_they_joined
    a_batch_that_is_sent_again_gets_the_same_answer
    a_free_room_lets_in_at_once
    a_room_that_is_not_free_tells_who_cannot_wait
    a_full_line_says_so
    a_closed_room_takes_nobody
    an_unknown_room_is_named
    who_waits_in_a_lane_that_is_gone_is_in_nobodys_way
}

async fn fans_wait_in_the_order_in_which_they_joined(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let mut places = line.fans(&lane("general"), 30).await;
    line.clock.advance(3 * SECOND);
    places.extend(line.fans(&lane("general"), 5).await);
    assert!(places.is_sorted_by_key(|place| place.rank));
    for (ahead, place) in (0..).zip(&places) {
        assert_eq!(line.look(place).await, Standing::Waiting { ahead });
    }
    let (_, joined) = line.join_as(&lane("general"), Intent::EnterOrWait).await;
    assert!(matches!(joined, Joined::Waiting { ahead: 35, .. }), "{joined:?}");
}

async fn a_batch_that_is_sent_again_gets_the_same_answer(kind: Kind) {
    let line = Line::start(kind, Rules { mode: Mode::Auto, ..rules() }).await;
    let (batch, general) = (ticket_id(), lane("general"));
    let join = |intent| Join::new(general.clone(), ticket_id(), intent);
    let joins =
        [join(Intent::EnterOrWait), join(Intent::Wait), join(Intent::EnterOnly), join(Intent::EnterOrWait)];
    let first = line.store.join(&line.room, batch, &joins).await.unwrap();
    let again = line.store.join(&line.room, batch, &joins).await.unwrap();
    assert_eq!(first, again);
    assert!(matches!(first[0], Joined::Entered { .. }));
    assert!(matches!(
        first[1..],
        [Joined::Waiting { ahead: 0, .. }, Joined::NotFree, Joined::Waiting { ahead: 1, .. }]
    ));
    let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
    assert_eq!((snapshot.joined_total, snapshot.waiting(), snapshot.active), (3, 2, 1));
}

async fn a_free_room_lets_in_at_once(kind: Kind) {
    let line = Line::start(kind, Rules { mode: Mode::Auto, max_active: 12, ..rules() }).await;
    for _ in 0..10 {
        let (id, joined) = line.join_as(&lane("general"), Intent::EnterOnly).await;
        let Joined::Entered { rank, until } = joined else { panic!("{joined:?}") };
        assert_eq!(until, line.clock.now() + rules().session);
        let place = Place { lane: lane("general"), rank, id };
        assert_eq!(line.look(&place).await, Standing::Active { until, admitted_at: line.clock.now() });
    }
    // The burst is used up: the rate holds at the door too.
    assert_eq!(line.join_as(&lane("general"), Intent::EnterOnly).await.1, Joined::NotFree);
    line.clock.advance(SECOND);
    for _ in 0..2 {
        let (_, joined) = line.join_as(&lane("general"), Intent::EnterOrWait).await;
        assert!(matches!(joined, Joined::Entered { .. }), "{joined:?}");
    }
    // Now the room is full: there are permits left, but no place.
    let (_, joined) = line.join_as(&lane("general"), Intent::EnterOrWait).await;
    assert!(matches!(joined, Joined::Waiting { ahead: 0, .. }), "{joined:?}");
}

async fn a_room_that_is_not_free_tells_who_cannot_wait(kind: Kind) {
    let line = Line::start(kind, Rules { mode: Mode::Auto, ..rules() }).await;
    line.fans(&lane("general"), 1).await;
    assert_eq!(line.join_as(&lane("general"), Intent::EnterOnly).await.1, Joined::NotFree);
    let always = Line::start(kind, rules()).await;
    assert_eq!(always.join_as(&lane("general"), Intent::EnterOnly).await.1, Joined::NotFree);
    assert_eq!(
        always.store.snapshot(&always.room, 0).await.unwrap().waiting(),
        0,
        "whoever cannot wait does not"
    );
}

async fn a_full_line_says_so(kind: Kind) {
    let line = Line::start(kind, Rules { waiting_max: 3, ..rules() }).await;
    line.fans(&lane("general"), 3).await;
    assert_eq!(line.join_as(&lane("general"), Intent::EnterOrWait).await.1, Joined::Full);
    assert_eq!(line.drain().await.len(), 3);
    assert!(matches!(line.join_as(&lane("general"), Intent::Wait).await.1, Joined::Waiting { ahead: 0, .. }));
}

async fn a_closed_room_takes_nobody(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 2).await;
    line.configure(Rules { mode: Mode::Closed, ..rules() }).await;
    assert_eq!(line.join_as(&lane("general"), Intent::EnterOrWait).await.1, Joined::Closed);
    assert!(line.drain().await.is_empty());
    line.configure(rules()).await;
    assert_eq!(line.join_as(&lane("nobody-made-this"), Intent::Wait).await.1, Joined::Closed);
    assert_eq!(line.drain().await.len(), places.len(), "those who waited kept their places");
}

async fn an_unknown_room_is_named(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let nowhere = admission::name::RoomId::parse("nowhere").unwrap();
    let unknown = StoreError::UnknownRoom(nowhere.clone());
    assert_eq!(line.store.snapshot(&nowhere, 0).await.unwrap_err(), unknown);
    assert_eq!(line.store.drain(&nowhere).await.unwrap_err(), unknown);
    let join = Join::new(lane("general"), ticket_id(), Intent::Wait);
    assert_eq!(line.store.join(&nowhere, ticket_id(), &[join]).await.unwrap_err(), unknown);
}

async fn who_waits_in_a_lane_that_is_gone_is_in_nobodys_way(kind: Kind) {
    let line = Line::start(kind, Rules { lanes: two_lanes(), ..rules() }).await;
    let member = line.fans(&lane("member"), 1).await;
    line.configure(Rules { mode: Mode::Auto, waiting_max: 1, ..rules() }).await;
    let (_, joined) = line.join_as(&lane("general"), Intent::EnterOrWait).await;
    assert!(matches!(joined, Joined::Entered { .. }), "{joined:?}");
    assert_eq!(line.fans(&lane("general"), 1).await.len(), 1, "the line is not full either");
    // When the lane is named again they are where they were.
    line.configure(Rules { lanes: two_lanes(), ..rules() }).await;
    assert_eq!(line.look(&member[0]).await, Standing::Waiting { ahead: 0 });
}
