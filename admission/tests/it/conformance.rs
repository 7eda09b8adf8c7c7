//! One suite that both stores pass: every verb, on a clock that the test moves.

use std::time::Duration;

use admission::clock::Clock;
use admission::rank::Rank;
use admission::rules::{Mode, Rules};
use admission::store::{Intent, Join, Joined, Presence, Standing, StoreError};
use admission::ticket::Place;

use crate::support::{Kind, Line, lane, ranks, rules, ticket_id, two_lanes};

const SECOND: Duration = Duration::from_secs(1);

macro_rules! on_both_stores {
    ($($(#[$doc:meta])* $name:ident)*) => {
        mod memory {
            $($(#[$doc])* #[tokio::test] async fn $name() { super::$name(super::Kind::Memory).await; })*
        }
        mod redis {
            $($(#[$doc])* #[tokio::test] async fn $name() { super::$name(super::Kind::Redis).await; })*
        }
    };
}

on_both_stores! {
    fans_wait_in_the_order_in_which_they_joined
    a_batch_that_is_sent_again_gets_the_same_answer
    a_free_room_lets_in_at_once
    a_room_that_is_not_free_tells_who_cannot_wait
    a_full_line_says_so
    a_closed_room_takes_nobody
    turns_go_to_the_lowest_ranks_at_the_rate
    any_number_of_drains_give_no_more_than_one_would
    a_pause_is_not_followed_by_a_dump
    a_clock_that_goes_back_gives_and_takes_nothing
    a_change_of_rate_holds_from_then_on
    an_older_revision_changes_nothing
    absent_fans_are_passed_over_and_cost_no_permit
    a_passed_fan_who_returns_enters_first
    a_passed_fan_who_stays_away_too_long_loses_the_place
    a_turn_is_claimed_once_and_stays_claimed
    an_unclaimed_turn_frees_its_place
    capacity_bounds_turns_and_sessions_together
    sessions_end_by_time_by_the_shop_and_by_leaving
    sessions_slide_but_an_ended_one_stays_ended
    those_who_leave_hold_up_nobody
    lanes_share_by_weight_and_none_starves
    positions_come_from_the_snapshot
    positions_are_true_in_a_long_line_with_gaps
    a_line_that_lost_everything_is_rebuilt_at_the_same_ranks
    no_rank_is_given_twice_across_a_loss
    an_unknown_room_is_named
    ended_sessions_are_told_once
}

/// 600 a minute is 10 a second; the burst of 10 is there at the start.
async fn used_up(kind: Kind, rules: Rules) -> Line {
    let line = Line::start(kind, rules).await;
    let first = line.fans(&lane("general"), 10).await;
    assert_eq!(line.drain().await.len(), 10);
    for place in &first {
        assert!(matches!(line.claim(place).await, Standing::Active { .. }));
    }
    line
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
    let join = |intent| Join { lane: general.clone(), id: ticket_id(), intent };
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
        assert_eq!(line.look(&place).await, Standing::Active { until });
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

async fn an_older_revision_changes_nothing(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    line.configure(Rules { max_active: 7, ..rules() }).await;
    line.store.configure(&line.room, &rules(), 1).await.unwrap();
    let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
    assert_eq!((snapshot.rules.max_active, snapshot.revision), (7, 2));
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
    let presence = Presence { waiting: places[..1].to_vec(), active: vec![] };
    let answer = line.store.report_presence(&line.room, &presence).await.unwrap();
    assert_eq!(answer.not_waiting, places[..1]);
}

async fn a_turn_is_claimed_once_and_stays_claimed(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 12).await;
    line.drain().await;
    assert_eq!(
        line.look(&places[0]).await,
        Standing::Turn { until: line.clock.now() + rules().claim_window }
    );
    assert_eq!(line.claim(&places[11]).await, Standing::Waiting { ahead: 1 }, "not their turn");
    let until = line.clock.now() + rules().session;
    assert_eq!(line.claim(&places[0]).await, Standing::Active { until });
    line.clock.advance(SECOND);
    assert_eq!(
        line.claim(&places[0]).await,
        Standing::Active { until },
        "the answer was lost; the same session"
    );
    let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
    assert_eq!((snapshot.active, snapshot.turns), (1, 9));
}

async fn an_unclaimed_turn_frees_its_place(kind: Kind) {
    let line = Line::start(kind, Rules { max_active: 1, ..rules() }).await;
    let places = line.fans(&lane("general"), 2).await;
    assert_eq!(line.drain().await, [(lane("general"), places[0].rank)]);
    line.clock.advance(rules().claim_window);
    line.see(&places[1..]).await;
    assert_eq!(line.drain().await, [(lane("general"), places[1].rank)]);
    assert_eq!(
        line.claim(&places[0]).await,
        Standing::Waiting { ahead: 0 },
        "they may return within the window"
    );
}

async fn capacity_bounds_turns_and_sessions_together(kind: Kind) {
    let short = Rules { session: 60 * SECOND, claim_window: 20 * SECOND, ..rules() };
    let line = Line::start(kind, Rules { max_active: 15, ..short }).await;
    let places = line.fans(&lane("general"), 60).await;
    let mut claimed = 0;
    for tick in 0..100 {
        line.see(&places).await;
        for (_, rank) in line.drain().await {
            let place = places.iter().find(|place| place.rank == rank).unwrap();
            if tick % 3 != 0 {
                assert!(matches!(line.claim(place).await, Standing::Active { .. }));
                claimed += 1;
            }
        }
        let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
        assert!(snapshot.active + snapshot.turns <= 15, "P3 at {tick}: {snapshot:?}");
        line.clock.advance(10 * SECOND);
    }
    assert!(claimed > 15, "places were freed and used again");
}

async fn sessions_end_by_time_by_the_shop_and_by_leaving(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 3).await;
    line.drain().await;
    for place in &places {
        line.claim(place).await;
    }
    line.store.end(&line.room, &[places[0].id]).await.unwrap();
    line.store.leave(&line.room, &places[1..2]).await.unwrap();
    assert_eq!(line.look(&places[0]).await, Standing::Ended);
    assert_eq!(line.look(&places[1]).await, Standing::Ended);
    assert!(matches!(line.look(&places[2]).await, Standing::Active { .. }));
    line.clock.advance(rules().session);
    let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
    assert_eq!(snapshot.active, 0);
    assert_eq!(line.look(&places[2]).await, Standing::Ended);
    for place in &places {
        assert_eq!(line.claim(place).await, Standing::Ended, "what ended does not come back");
    }
}

async fn sessions_slide_but_an_ended_one_stays_ended(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 2).await;
    line.drain().await;
    for place in &places {
        line.claim(place).await;
    }
    line.store.end(&line.room, &[places[1].id]).await.unwrap();
    line.clock.advance(rules().session - SECOND);
    let presence = Presence { waiting: vec![], active: vec![places[0].id, places[1].id] };
    let answer = line.store.report_presence(&line.room, &presence).await.unwrap();
    assert_eq!(answer.ended, [places[1].id]);
    assert_eq!(line.look(&places[0]).await, Standing::Active { until: line.clock.now() + rules().session });
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

async fn positions_come_from_the_snapshot(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 2500).await;
    line.store.leave(&line.room, &places[1000..1100]).await.unwrap();
    let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
    let told = snapshot.lane(&lane("general")).unwrap();
    assert_eq!((told.ladder.waiting(), snapshot.waiting()), (2400, 2400));
    assert_eq!((told.horizon, told.cursor), (Rank::MAX, Rank::ZERO));
    assert!(told.next_rank > places[2499].rank);
    let waiting = places[..1000].iter().chain(&places[1100..]);
    for (ahead, place) in (0_u64..).zip(waiting) {
        let off = told.ladder.ahead(place.rank).abs_diff(ahead);
        assert!(off <= (ahead / 100).max(1) && (ahead >= 100 || off == 0), "P5 at {ahead}: off by {off}");
    }
}

async fn positions_are_true_in_a_long_line_with_gaps(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let mut places = Vec::new();
    for _ in 0..140 {
        places.extend(line.fans(&lane("general"), 500).await);
        line.clock.advance(SECOND / 3);
    }
    // A stretch of the line leaves whole, and every seventh fan of the rest.
    let (mut staying, mut leaving) = (Vec::new(), Vec::new());
    for (index, place) in places.into_iter().enumerate() {
        let leaves = index % 7 == 3 || (20_000..23_000).contains(&index);
        if leaves { leaving.push(place) } else { staying.push(place) }
    }
    for places in leaving.chunks(admission::store::BATCH_MAX) {
        line.store.leave(&line.room, places).await.unwrap();
    }
    for _ in 0..3 {
        let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
        let told = snapshot.lane(&lane("general")).unwrap();
        assert_eq!(told.ladder.waiting(), staying.len() as u64);
        assert!(told.ladder.rungs().len() < 2500);
        assert!(told.horizon >= staying[4080].rank && told.horizon < staying[6000].rank);
        for (ahead, place) in (0_u64..).zip(&staying) {
            let off = told.ladder.ahead(place.rank).abs_diff(ahead);
            assert!(off <= (ahead / 100).max(1) && (ahead >= 100 || off == 0), "P5 at {ahead}: off by {off}");
        }
        for ahead in [0, 1, 99, 5000, 40_000] {
            assert_eq!(line.look(&staying[ahead]).await, Standing::Waiting { ahead: ahead as u64 });
        }
        // The same again after the front has moved and what was cached is out of date.
        line.see(&staying[..10]).await;
        let given = line.drain().await.len();
        staying.drain(..given);
        line.clock.advance(SECOND);
    }
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

async fn an_unknown_room_is_named(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let nowhere = admission::name::RoomId::parse("nowhere").unwrap();
    let unknown = StoreError::UnknownRoom(nowhere.clone());
    assert_eq!(line.store.snapshot(&nowhere, 0).await.unwrap_err(), unknown);
    assert_eq!(line.store.drain(&nowhere).await.unwrap_err(), unknown);
    let join = Join { lane: lane("general"), id: ticket_id(), intent: Intent::Wait };
    assert_eq!(line.store.join(&nowhere, ticket_id(), &[join]).await.unwrap_err(), unknown);
}

async fn ended_sessions_are_told_once(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 5).await;
    let ids: Vec<_> = places.iter().map(|place| place.id).collect();
    line.store.end(&line.room, &ids[..2]).await.unwrap();
    let first = line.store.snapshot(&line.room, 0).await.unwrap();
    assert_eq!(first.ended, ids[..2]);
    let again = line.store.snapshot(&line.room, first.ended_mark).await.unwrap();
    assert!(again.ended.is_empty() && again.ended_mark == first.ended_mark);
    // In the same millisecond, and one that had ended before.
    line.store.end(&line.room, &ids[1..]).await.unwrap();
    let more = line.store.snapshot(&line.room, first.ended_mark).await.unwrap();
    assert_eq!(more.ended, ids[2..]);
    assert!(line.store.snapshot(&line.room, more.ended_mark).await.unwrap().ended.is_empty());
}
