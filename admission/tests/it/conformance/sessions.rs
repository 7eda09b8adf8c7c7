//! From a turn to a session and its end.

use std::time::Duration;

use admission::clock::Clock;
use admission::name::RoomId;
use admission::rules::Rules;
use admission::store::{LiveSession, PageMark, Presence, SESSIONS_PER_PAGE, Standing, Stay, StoreError};

use super::SECOND;
use crate::support::{Kind, Line, lane, rules, stay, ticket_id};

on_both_stores! {
    a_turn_is_claimed_once_and_stays_claimed
    an_unclaimed_turn_frees_its_place
    capacity_bounds_turns_and_sessions_together
    sessions_end_by_time_by_the_shop_and_by_leaving
    sessions_slide_but_an_ended_one_stays_ended
    ended_sessions_are_told_once
    a_stay_has_an_end_whoever_reports_it
    an_unclaimed_turn_gives_its_permit_back
    live_sessions_are_told_a_page_at_a_time
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
    let admitted_at = line.clock.now();
    let until = admitted_at + rules().session;
    assert_eq!(line.claim(&places[0]).await, Standing::Active { until, admitted_at });
    line.clock.advance(SECOND);
    assert_eq!(
        line.claim(&places[0]).await,
        Standing::Active { until, admitted_at },
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
    let admitted_at = line.clock.now() - (rules().session - SECOND);
    let presence = Presence { active: vec![stay(&places[0]), stay(&places[1])], ..Presence::default() };
    let answer = line.store.report_presence(&line.room, &presence).await.unwrap();
    assert_eq!(answer.ended, [places[1].id]);
    let until = line.clock.now() + rules().session;
    assert_eq!(line.look(&places[0]).await, Standing::Active { until, admitted_at });
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

async fn a_stay_has_an_end_whoever_reports_it(kind: Kind) {
    let short = Rules { session: 60 * SECOND, session_max: 100 * SECOND, ..rules() };
    let line = Line::start(kind, short).await;
    let places = line.fans(&lane("general"), 2).await;
    line.drain().await;
    line.claim(&places[0]).await;
    let admitted_at = line.clock.now();
    let report = async |stayed, keep_for| {
        let stay = Stay { ticket: places[0].id, stayed, keep_for };
        let presence = Presence { active: vec![stay], ..Presence::default() };
        line.store.report_presence(&line.room, &presence).await.unwrap()
    };
    line.clock.advance(50 * SECOND);
    // A proxy that saw the fan for the first time believes that they just came; the store knows better.
    report(Duration::ZERO, 60 * SECOND).await;
    let until = admitted_at + 100 * SECOND;
    assert_eq!(line.look(&places[0]).await, Standing::Active { until, admitted_at });
    line.clock.advance(50 * SECOND);
    assert_eq!(report(Duration::ZERO, 60 * SECOND).await.ended, [places[0].id]);
    assert_eq!(line.look(&places[0]).await, Standing::Ended);
    // A store that forgot the session learns from the report when it began, and that it is over.
    let forgotten = Stay { ticket: places[1].id, stayed: 100 * SECOND, keep_for: 60 * SECOND };
    let presence = Presence { active: vec![forgotten], ..Presence::default() };
    let answer = line.store.report_presence(&line.room, &presence).await.unwrap();
    assert_eq!(answer.ended, [places[1].id]);
}

async fn an_unclaimed_turn_gives_its_permit_back(kind: Kind) {
    let slow = Rules { drain_per_minute: 60, burst: 3, claim_window: 5 * SECOND, ..rules() };
    let line = Line::start(kind, slow).await;
    line.clock.advance(5 * SECOND);
    let places = line.fans(&lane("general"), 20).await;
    assert_eq!(line.drain().await.len(), 3);
    for _ in 0..4 {
        line.clock.advance(SECOND);
        line.see(&places).await;
        line.drain().await;
    }
    let before = line.snapshot().await;
    assert_eq!((before.admitted_total, before.lapsed_total), (7, 0));
    // The first three turns lapse together; one permit gathers besides. The burst bounds what gathers.
    line.clock.advance(SECOND);
    line.see(&places[7..]).await;
    assert_eq!(line.drain().await.len(), 3);
    let after = line.snapshot().await;
    assert_eq!((after.admitted_total, after.lapsed_total), (10, 3));
}

async fn live_sessions_are_told_a_page_at_a_time(kind: Kind) {
    let many = SESSIONS_PER_PAGE + SESSIONS_PER_PAGE / 2;
    let wide = Rules { max_active: 100_000, session: 60 * SECOND, ..rules() };
    let line = Line::start(kind, wide).await;
    let told = async || {
        let (mut all, mut from, mut pages) = (Vec::new(), Some(PageMark::default()), 0);
        while let Some(mark) = from {
            let page = line.store.sessions(&line.room, mark).await.unwrap();
            assert!(page.sessions.len() <= SESSIONS_PER_PAGE);
            all.extend(page.sessions);
            (from, pages) = (page.next, pages + 1);
        }
        assert!(all.is_sorted_by_key(|session: &LiveSession| session.until));
        all.sort_by_key(|session| session.ticket);
        (all, pages)
    };
    assert_eq!(told().await, (vec![], 1));
    // Many begin, and end, in the same moment; and a few later.
    let mut expected = Vec::new();
    for (count, stayed) in [(many, 2 * SECOND), (10, SECOND)] {
        let new = || Stay { ticket: ticket_id(), stayed, keep_for: 60 * SECOND };
        let active: Vec<Stay> = (0..count).map(|_| new()).collect();
        let now = line.clock.now();
        expected.extend(active.iter().map(|stay| LiveSession {
            ticket: stay.ticket,
            admitted_at: now - stayed,
            until: now + 60 * SECOND,
        }));
        let presence = Presence { active, ..Presence::default() };
        assert!(line.store.report_presence(&line.room, &presence).await.unwrap().ended.is_empty());
        line.clock.advance(SECOND);
    }
    expected.sort_by_key(|session| session.ticket);
    assert_eq!(told().await, (expected.clone(), 2));
    // Told is not used: they end when they would have.
    let over = expected.iter().map(|session| session.ticket).next().unwrap();
    line.store.end(&line.room, &[over]).await.unwrap();
    expected.retain(|session| session.ticket != over);
    assert_eq!(told().await.0, expected);
    // Between two pages the first many run out.
    let mark = line.store.sessions(&line.room, PageMark::default()).await.unwrap().next.unwrap();
    line.clock.advance(58 * SECOND);
    let now = line.clock.now();
    expected.retain(|session| session.until > now);
    let mut left = line.store.sessions(&line.room, mark).await.unwrap();
    left.sessions.sort_by_key(|session| session.ticket);
    assert_eq!((left.sessions, left.next), (expected.clone(), None));
    assert_eq!((told().await.0, expected.len()), (expected, 10));
    let elsewhere = RoomId::parse("elsewhere").unwrap();
    let unknown = line.store.sessions(&elsewhere, PageMark::default()).await;
    assert!(matches!(unknown, Err(StoreError::UnknownRoom(_))));
}
