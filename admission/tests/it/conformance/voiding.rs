//! Every admission up to a moment is taken back at once.

use std::time::Duration;

use admission::clock::{Clock, Timestamp};
use admission::rules::{Mode, Rules};
use admission::store::{Intent, Joined, Memory, Presence, Snapshot, Standing, Stay, Voided};
use admission::ticket::Place;

use super::SECOND;
use crate::support::{Kind, Line, lane, rules, stay};

on_both_stores! {
    sessions_end_and_turns_and_places_stay
    who_is_admitted_in_the_same_moment_is_admitted_after_it
    a_moment_in_the_past_spares_who_came_later
    voiding_again_changes_nothing_more
    a_clock_that_goes_back_spares_nobody_and_voids_nobody_new
    it_is_remembered_over_a_loss_and_told_again
    a_replica_that_missed_it_is_told_again
    a_room_that_there_is_not_is_said_to_be_none
}

const MILLI: Duration = Duration::from_millis(1);

async fn void(line: &Line, before: Option<Timestamp>) -> Voided {
    line.store.void(&line.room, before).await.unwrap()
}

/// Ten turns, of which the first `count` are claimed.
async fn admitted(line: &Line, count: usize) -> Vec<Place> {
    let places = line.fans(&lane("general"), 12).await;
    assert_eq!(line.drain().await.len(), 10);
    for place in &places[..count] {
        assert!(matches!(line.claim(place).await, Standing::Active { .. }));
    }
    places
}

async fn report(line: &Line, stay: Stay) -> bool {
    let presence = Presence { active: vec![stay], ..Presence::default() };
    line.store.report_presence(&line.room, &presence).await.unwrap().ended.is_empty()
}

async fn sessions_end_and_turns_and_places_stay(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = admitted(&line, 4).await;
    let mark = line.snapshot().await.ended_mark;
    line.clock.advance(SECOND);
    let now = line.clock.now();
    assert_eq!(void(&line, None).await, Voided { before: now, sessions: 4 });
    let snapshot = line.store.snapshot(&line.room, mark).await.unwrap();
    let Snapshot { voided_before, active, turns, ended, .. } = snapshot;
    assert_eq!((voided_before, active, turns, ended.len()), (now, 0, 6, 4), "their places are free");
    for place in &places[..4] {
        assert_eq!(line.look(place).await, Standing::Ended);
        assert_eq!(line.claim(place).await, Standing::Ended);
        assert!(!report(&line, stay(place)).await, "an edge that was not told yet is told now");
    }
    assert!(matches!(line.look(&places[4]).await, Standing::Turn { .. }));
    assert_eq!(line.look(&places[10]).await, Standing::Waiting { ahead: 0 });
    // A session that this line never knew, begun before: over too. One begun since goes on.
    let unknown = |stayed| Stay { stayed, ..stay(&places[11]) };
    line.clock.advance(SECOND);
    assert!(!report(&line, unknown(SECOND)).await);
    assert!(report(&line, Stay { ticket: places[9].id, ..unknown(SECOND - MILLI) }).await);
}

async fn who_is_admitted_in_the_same_moment_is_admitted_after_it(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = admitted(&line, 1).await;
    let before = void(&line, None).await.before;
    assert_eq!(before, line.clock.now());
    let after = before + MILLI;
    let Standing::Active { until, admitted_at } = line.claim(&places[1]).await else { panic!() };
    assert_eq!((until, admitted_at), (after + rules().session, after));
    assert_eq!(void(&line, Some(before)).await.sessions, 0);
    assert!(matches!(line.look(&places[1]).await, Standing::Active { .. }));

    let free = Line::start(kind, Rules { mode: Mode::Auto, ..rules() }).await;
    let before = void(&free, None).await.before;
    let (_, joined) = free.join_as(&lane("general"), Intent::EnterOnly).await;
    let Joined::Entered { until, .. } = joined else { panic!("{joined:?}") };
    assert_eq!(until, before + MILLI + rules().session, "an edge tells from it when the session began");
    assert_eq!(void(&free, Some(before)).await.sessions, 0);
    assert_eq!(void(&free, None).await.sessions, 1, "though this very moment had not come");
}

async fn a_moment_in_the_past_spares_who_came_later(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = admitted(&line, 2).await;
    let before = line.clock.now();
    line.clock.advance(SECOND);
    assert!(matches!(line.claim(&places[2]).await, Standing::Active { .. }));
    assert_eq!(void(&line, Some(before)).await, Voided { before, sessions: 2 });
    assert!(matches!(line.look(&places[2]).await, Standing::Active { .. }));
    let future = line.clock.now() + 60 * SECOND;
    let now = line.clock.now();
    assert_eq!(void(&line, Some(future)).await, Voided { before: now, sessions: 1 }, "never ahead of time");
}

async fn voiding_again_changes_nothing_more(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = admitted(&line, 3).await;
    let first = void(&line, None).await;
    line.clock.advance(SECOND);
    assert!(matches!(line.claim(&places[3]).await, Standing::Active { .. }));
    for earlier in [first.before, first.before - SECOND, Timestamp::default()] {
        assert_eq!(void(&line, Some(earlier)).await, Voided { before: first.before, sessions: 0 });
    }
    assert!(matches!(line.look(&places[3]).await, Standing::Active { .. }));
}

async fn a_clock_that_goes_back_spares_nobody_and_voids_nobody_new(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = admitted(&line, 1).await;
    let admitted_at = line.clock.now();
    line.clock.go_back(3 * SECOND);
    assert_eq!(void(&line, None).await, Voided { before: admitted_at, sessions: 1 });
    let Standing::Active { admitted_at: after, .. } = line.claim(&places[1]).await else { panic!() };
    assert_eq!(after, admitted_at + MILLI);
    assert!(report(&line, stay(&places[1])).await);
}

async fn it_is_remembered_over_a_loss_and_told_again(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let places = admitted(&line, 2).await;
    line.clock.advance(SECOND);
    let before = void(&line, None).await.before;
    let memory = Memory::of(&line.snapshot().await);
    assert_eq!(memory.voided_before, before);
    line.lose_all_data_but(rules(), &memory).await;
    assert_eq!(line.snapshot().await.voided_before, before);
    let since = line.clock.now().since(before);
    assert!(!report(&line, Stay { stayed: since + SECOND, ..stay(&places[0]) }).await);

    // One that nobody remembered began anew; then an edge comes that does.
    line.lose_all_data(rules()).await;
    assert_eq!(line.snapshot().await.voided_before, Timestamp::default());
    assert!(report(&line, Stay { stayed: since + SECOND, ..stay(&places[1]) }).await);
    line.configure_remembering(rules(), &memory).await;
    let snapshot = line.snapshot().await;
    assert_eq!((snapshot.voided_before, snapshot.active), (before, 0));
    line.configure(rules()).await;
    assert_eq!(line.snapshot().await.voided_before, before, "never lowered");
}

async fn a_replica_that_missed_it_is_told_again(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    admitted(&line, 2).await;
    let replica = line.replica();
    void(&line, None).await;
    let memory = Memory::of(&line.snapshot().await);
    line.fail_over(replica);
    assert_eq!(line.snapshot().await.active, 2, "it did not hear of it");
    line.configure_remembering(rules(), &memory).await;
    let snapshot = line.snapshot().await;
    assert_eq!((snapshot.voided_before, snapshot.active), (memory.voided_before, 0));
}

async fn a_room_that_there_is_not_is_said_to_be_none(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let nowhere = admission::name::RoomId::parse("nowhere").unwrap();
    let error = line.store.void(&nowhere, None).await.unwrap_err();
    assert_eq!(error, admission::store::StoreError::UnknownRoom(nowhere));
}
