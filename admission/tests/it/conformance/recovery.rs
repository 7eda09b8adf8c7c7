//! A store that lost its data.

use admission::clock::Clock;
use admission::rank::Rank;
use admission::rules::Rules;
use admission::store::{ENDED_MEMORY, Memory, Presence, Standing, Stay};
use admission::ticket::Place;

use super::SECOND;
use crate::support::{Kind, Line, lane, ranks, rules, stay};

on_both_stores! {
    a_ticket_older_than_what_is_remembered_is_not_put_back
    a_line_that_lost_everything_is_rebuilt_at_the_same_ranks
    no_rank_is_given_twice_across_a_loss
    ranks_that_ran_ahead_of_the_clock_outlive_a_loss_that_nobody_remembers
    the_rate_holds_through_a_loss
    what_proxies_remember_is_never_undone
    a_replica_that_missed_the_last_second_loses_nobodys_place
    a_replica_whose_clock_is_behind_gives_no_rank_twice
    what_nobody_saw_before_a_loss_after_a_fail_over_is_not_given_again
    the_rate_and_the_capacity_hold_through_a_fail_over
    what_ended_before_a_fail_over_stays_ended
    draining_resumes_by_itself_after_a_fail_over
    a_session_that_one_edge_saw_long_ago_waits_for_the_others_to_tell
}

async fn a_line_that_lost_everything_is_rebuilt_at_the_same_ranks(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 50).await;
    assert_eq!(line.drain().await.len(), 10);
    line.lose_all_data(rules()).await;
    let newcomers = line.fans(&lane("general"), 1).await;
    assert_eq!(line.look(&places[20]).await, Standing::Unknown);
    // They come back in no order, some of them twice.
    let mut returning: Vec<Place> = places[10..].to_vec();
    returning.rotate_left(17);
    returning.extend_from_slice(&places[12..14]);
    for standing in line.store.restore(&line.room, &returning).await.unwrap() {
        assert!(matches!(standing, Standing::Waiting { .. }));
    }
    assert!(line.drain().await.is_empty(), "nobody goes before those in front had time to return");
    assert_eq!(line.look(&newcomers[0]).await, Standing::Waiting { ahead: 40 }, "newcomers stand behind");
    line.clock.advance(rules().recovery_grace);
    line.see(&places[10..]).await;
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&places[10..20]), "P4, P1: at their old ranks, in their old order");
}

async fn no_rank_is_given_twice_across_a_loss(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let before = line.fans(&lane("general"), 100).await;
    line.lose_all_data(rules()).await;
    let after = line.fans(&lane("general"), 100).await;
    assert!(after[0].rank > before[99].rank, "however soon");
}

async fn ranks_that_ran_ahead_of_the_clock_outlive_a_loss_that_nobody_remembers(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    line.fans(&lane("general"), 1).await;
    let memory = Memory::of(&line.snapshot().await);
    line.lose_all_data_but(rules(), &memory).await;
    let places = line.fans(&lane("general"), 30).await;
    assert!(places[0].rank > Rank::first_of(line.clock.now() + SECOND), "ranks run ahead now");
    line.store.leave(&line.room, &places[29..]).await.unwrap();
    line.lose_all_data(rules()).await;
    for place in &places {
        assert_eq!(line.look(place).await, Standing::Unknown, "no rank of this line is that high");
    }
    // The last of them first, so that the others lie below what the line has risen to.
    for place in places[10..29].iter().rev() {
        let standing = line.store.restore(&line.room, std::slice::from_ref(place)).await.unwrap();
        assert_eq!(standing, [Standing::Waiting { ahead: 0 }]);
    }
    assert_eq!(line.look(&places[0]).await, Standing::Unknown, "below it they may be forgotten too");
    let newcomers = line.fans(&lane("general"), 1).await;
    assert!(newcomers[0].rank > places[29].rank, "P4: behind all who were there, at a rank of their own");
    line.clock.advance(rules().recovery_grace + SECOND);
    line.see(&places[10..29]).await;
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&places[10..20]), "at their old ranks, in their old order");
}

/// Turns that the line gives over the next `seconds`, in steps of a quarter second, to fans who are all there.
async fn turns_in(line: &Line, seconds: u32, places: &[Place]) -> Vec<Rank> {
    let mut turns = Vec::new();
    for _ in 0..seconds * 4 {
        line.clock.advance(SECOND / 4);
        line.see(places).await;
        turns.extend(line.drain().await.into_iter().map(|(_, rank)| rank));
    }
    turns
}

async fn the_rate_holds_through_a_loss(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 200).await;
    let mut turns = line.drain().await.len();
    assert_eq!(turns, 10, "the burst is used");
    for _ in 0..3 {
        line.lose_all_data(rules()).await;
        line.store.restore(&line.room, &places[turns..]).await.unwrap();
        turns += turns_in(&line, 6, &places).await.len();
    }
    // 18 s at ten a second, less what nobody got while the line was put back together.
    assert!(turns <= 10 + 180, "P2: {turns}");
    assert!(turns > 10 + 20, "draining resumes: {turns}");
}

async fn what_proxies_remember_is_never_undone(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 20).await;
    line.drain().await;
    let memory = Memory::of(&line.snapshot().await);
    // A server whose clock is ten seconds behind that of the one which was lost.
    line.clock.go_back(10 * SECOND);
    line.lose_all_data_but(rules(), &memory).await;
    let snapshot = line.snapshot().await;
    let general = snapshot.lane(&lane("general")).unwrap();
    assert_eq!((general.cursor, snapshot.joined_total, snapshot.admitted_total), (places[9].rank, 20, 10));
    assert!(snapshot.hold_until > snapshot.at, "those in front get the time to come back");
    let newcomer = line.fans(&lane("general"), 1).await;
    assert!(newcomer[0].rank > places[19].rank, "P4: no rank is given twice");
    assert_eq!(line.look(&places[15]).await, Standing::Unknown);
    // Another proxy remembers less; that changes nothing.
    line.configure_remembering(rules(), &Memory { joined_total: 5, ..memory }).await;
    assert_eq!(line.snapshot().await.joined_total, 21);
}

async fn a_replica_that_missed_the_last_second_loses_nobodys_place(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let mut places = line.fans(&lane("general"), 30).await;
    line.drain().await;
    let replica = line.replica();
    line.clock.advance(SECOND / 2);
    places.extend(line.fans(&lane("general"), 30).await);
    line.clock.advance(SECOND / 2);
    line.fail_over(replica);
    let before = line.snapshot().await;
    let newcomers = line.fans(&lane("general"), 5).await;
    for place in &places[30..] {
        assert_eq!(line.look(place).await, Standing::Unknown, "the replica never saw them, and knows it");
    }
    line.store.restore(&line.room, &places[10..]).await.unwrap();
    assert!(before.hold_until >= before.at + rules().recovery_grace);
    places.extend(newcomers);
    line.clock.advance(rules().recovery_grace);
    let turns = turns_in(&line, 6, &places).await;
    assert_eq!(turns, ranks(&places[10..]), "P1, P4: in the order of their ranks, the newcomers last");
}

async fn a_replica_whose_clock_is_behind_gives_no_rank_twice(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    line.drain().await;
    let replica = line.replica();
    line.clock.advance(SECOND);
    let mut all = ranks(&line.fans(&lane("general"), 500).await);
    line.clock.go_back(20 * SECOND);
    line.fail_over(replica);
    all.extend(ranks(&line.fans(&lane("general"), 500).await));
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "P4");
}

async fn the_rate_and_the_capacity_hold_through_a_fail_over(kind: Kind) {
    let full = Rules { max_active: 15, ..rules() };
    let mut line = Line::start(kind, full).await;
    let places = line.fans(&lane("general"), 40).await;
    let replica = line.replica();
    assert_eq!(line.drain().await.len(), 10);
    for place in &places[..10] {
        line.claim(place).await;
    }
    line.clock.advance(SECOND);
    line.fail_over(replica);
    assert!(turns_in(&line, 4, &places[10..]).await.is_empty(), "nobody is admitted before all is told");
    // The proxies report the sessions that the replica missed.
    let active = places[..10].iter().map(stay).collect();
    let presence = Presence { active, ..Presence::default() };
    line.store.report_presence(&line.room, &presence).await.unwrap();
    let turns = turns_in(&line, 10, &places[10..]).await;
    assert_eq!(turns.len(), 5, "P3: ten of fifteen places are taken");
    assert_eq!(turns, ranks(&places[10..15]), "P1");
}

async fn what_ended_before_a_fail_over_stays_ended(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 2).await;
    line.drain().await;
    line.claim(&places[0]).await;
    let replica = line.replica();
    line.store.end(&line.room, &[places[0].id]).await.unwrap();
    line.fail_over(replica);
    // The proxies know, and tell it again.
    line.store.end(&line.room, &[places[0].id]).await.unwrap();
    assert_eq!(line.look(&places[0]).await, Standing::Ended);
    assert_eq!(line.claim(&places[0]).await, Standing::Ended, "nobody is admitted twice");
    let stays = Presence { active: vec![stay(&places[0])], ..Presence::default() };
    let answer = line.store.report_presence(&line.room, &stays).await.unwrap();
    assert_eq!(answer.ended, [places[0].id]);
}

async fn draining_resumes_by_itself_after_a_fail_over(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 200).await;
    let mut turns = line.drain().await.len();
    for _ in 0..3 {
        let replica = line.replica();
        line.clock.advance(SECOND);
        turns += line.drain().await.len();
        line.fail_over(replica);
        let resumed = line.snapshot().await;
        assert!(resumed.resumed_at <= resumed.at);
        turns += turns_in(&line, 7, &places).await.len();
    }
    assert!(turns <= 10 + 10 * 24, "P2: {turns}");
    assert!(turns >= 50, "{turns}");
    assert!(line.snapshot().await.forgotten.len() >= 4);
}

async fn what_nobody_saw_before_a_loss_after_a_fail_over_is_not_given_again(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    line.drain().await;
    let replica = line.replica();
    line.fail_over(replica);
    // Ranks run ahead of the clock now.
    let seen = line.fans(&lane("general"), 3).await;
    line.clock.advance(SECOND);
    let memory = Memory::of(&line.snapshot().await);
    line.clock.advance(SECOND / 8);
    let unseen = line.fans(&lane("general"), 3).await;
    // Another server, whose clock is a little behind, and one edge that remembers.
    line.clock.go_back(2 * SECOND);
    line.lose_all_data_but(rules(), &memory).await;
    for place in seen.iter().chain(&unseen) {
        assert_eq!(line.look(place).await, Standing::Unknown, "P4");
    }
    let after = line.fans(&lane("general"), 3).await;
    assert!(after[0].rank > unseen[2].rank, "P4: no rank is given twice");
}

async fn a_ticket_older_than_what_is_remembered_is_not_put_back(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 2).await;
    line.clock.advance(ENDED_MEMORY + 60 * SECOND);
    let recent = line.fans(&lane("general"), 1).await;
    line.lose_all_data(rules()).await;
    assert_eq!(
        line.look(&places[0]).await,
        Standing::Ended,
        "nobody remembers any more whether they have been in"
    );
    assert_eq!(line.look(&recent[0]).await, Standing::Unknown);
}

async fn a_session_that_one_edge_saw_long_ago_waits_for_the_others_to_tell(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 1).await;
    line.drain().await;
    line.claim(&places[0]).await;
    let memory = Memory::of(&line.snapshot().await);
    line.lose_all_data_but(rules(), &memory).await;
    assert!(!ends(&line, &places[0], SECOND / 100).await);
    line.clock.advance(SECOND);
    assert!(!ends(&line, &places[0], rules().session).await, "somebody else knows of a later use");
    line.clock.advance(rules().recovery_grace + SECOND);
    assert!(matches!(line.look(&places[0]).await, Standing::Active { .. }));
    // One that nobody else knows of ends when the line is whole.
    line.lose_all_data_but(rules(), &memory).await;
    ends(&line, &places[0], SECOND / 100).await;
    line.clock.advance(rules().recovery_grace);
    assert_eq!(line.snapshot().await.active, 0);
}

/// Whether a session that is reported to live for so long is over.
async fn ends(line: &Line, place: &Place, keep_for: std::time::Duration) -> bool {
    let told = Stay { stayed: 5 * SECOND, keep_for, ..stay(place) };
    let presence = Presence { active: vec![told], ..Presence::default() };
    !line.store.report_presence(&line.room, &presence).await.unwrap().ended.is_empty()
}
