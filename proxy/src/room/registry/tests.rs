use admission::name::LaneId;
use admission::position::{Ladder, Rung};
use admission::rank::RankRange;
use admission::rules::Rules;
use admission::store::LaneSnapshot;
use admission::ticket::{TICKET_ID_BYTES, TicketId};

use super::*;

const EVERY: Duration = Duration::from_secs(3);

fn place(rank: u64) -> Place {
    let id = TicketId::from_bytes([rank as u8; TICKET_ID_BYTES]);
    Place { lane: LaneId::general(), rank: Rank::new(rank), id }
}

/// A line of the ranks 11 to 20, in which the turn of all up to `cursor` has come.
fn snapshot(cursor: u64) -> Snapshot {
    let first = cursor.max(10) + 1;
    let rungs = (first..=20).map(|rank| Rung { rank: Rank::new(rank), ahead: rank - first }).collect();
    let lane = LaneSnapshot {
        name: LaneId::general(),
        cursor: Rank::new(cursor),
        next_rank: Rank::new(21),
        horizon: Rank::new(15),
        ladder: Ladder::new(rungs, 21 - first),
    };
    Snapshot {
        at: Timestamp::from_millis(5000),
        resumed_at: Timestamp::from_millis(1000),
        forgotten: vec![RankRange { from: Rank::ZERO, to: Rank::new(10) }],
        lead: 0,
        rules: Rules::default().into(),
        revision: 1,
        hold_until: Timestamp::from_millis(0),
        rate: 600,
        active: 0,
        turns: 0,
        joined_total: 10,
        admitted_total: 0,
        lapsed_total: 0,
        voided_before: Timestamp::default(),
        revealed: Timestamp::default(),
        lanes: vec![lane],
        ended: Vec::new(),
        ended_mark: 0,
        by_hand: Default::default(),
    }
}

async fn rang(bell: &Notify) -> bool {
    tokio::time::timeout(Duration::from_millis(1), bell.notified()).await.is_ok()
}

#[tokio::test]
async fn presence_is_reported_up_to_the_horizon_and_now_and_then() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    for rank in [12, 15, 16] {
        registry.polled(&place(rank), now + EVERY * 10, now);
    }
    assert_eq!(registry.due_for_presence(&snapshot(10), EVERY, now), [place(12), place(15)]);
    assert!(registry.due_for_presence(&snapshot(10), EVERY, now + EVERY / 2).is_empty());
    registry.presence_failed(&[place(15)]);
    assert_eq!(registry.due_for_presence(&snapshot(10), EVERY, now + EVERY / 2), [place(15)]);
    registry.learn(&place(12), Stage::Admitted(now + EVERY), now);
    assert_eq!(registry.due_for_presence(&snapshot(10), EVERY, now + EVERY * 2), [place(15)]);
}

#[tokio::test]
async fn fans_whose_turn_may_have_come_are_asked_about_until_they_know() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    for rank in [12, 13, 14] {
        registry.polled(&place(rank), now + EVERY * 10, now);
    }
    assert_eq!(registry.due_for_a_look(&snapshot(13), EVERY, now), [place(12), place(13)]);
    registry.learn(&place(12), Stage::Admitted(now + EVERY * 2), now);
    registry.learn(&place(13), Stage::Waiting, now);
    assert!(registry.due_for_a_look(&snapshot(13), EVERY, now + EVERY / 2).is_empty());
    assert_eq!(registry.due_for_a_look(&snapshot(13), EVERY, now + EVERY), [place(13)]);
    // A turn that was not claimed in time is a turn no more.
    assert_eq!(registry.due_for_a_look(&snapshot(13), EVERY, now + EVERY * 2), [place(12), place(13)]);
}

#[tokio::test]
async fn who_is_from_before_is_put_back_once_for_each_line() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let mut line = snapshot(0);
    for rank in [5, 6, 12] {
        registry.polled(&place(rank), now + EVERY, now);
    }
    assert_eq!(registry.due_for_restoring(&line), [place(5), place(6)]);
    let is_settled = |registry: &Registry, rank, line: &Snapshot, read_at| {
        Known::is_settled(registry.known(&place(rank)), Rank::new(rank), line, read_at)
    };
    assert!(!is_settled(&registry, 5, &line, now + EVERY));
    registry.restored(&[place(5), place(6)], line.resumed_at, now);
    assert!(registry.due_for_restoring(&line).is_empty());
    assert!(!is_settled(&registry, 5, &line, now), "the snapshot is from before");
    assert!(is_settled(&registry, 5, &line, now + EVERY));
    assert!(is_settled(&registry, 12, &line, now) && is_settled(&registry, 19, &line, now));
    line.resumed_at = Timestamp::from_millis(2000);
    line.forgotten = vec![RankRange { from: Rank::ZERO, to: Rank::new(13) }];
    assert_eq!(registry.due_for_restoring(&line), [place(5), place(6), place(12)]);
}

#[tokio::test]
async fn bells_ring_for_news_and_for_places_that_mislead() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let bell = Arc::new(Notify::new());
    assert!(registry.attach(&place(18), &bell, now));
    assert_eq!(registry.show(&place(18), 7), 8);
    registry.ring_the_misled(&snapshot(10), Rank::MAX);
    assert!(!rang(&bell).await, "8 is shown and true");
    registry.ring_the_misled(&snapshot(11), Rank::MAX);
    assert!(!rang(&bell).await, "off by one is near enough");
    registry.ring_the_misled(&snapshot(12), Rank::MAX);
    assert!(rang(&bell).await);
    registry.learn(&place(18), Stage::Waiting, now);
    assert!(!rang(&bell).await, "no news");
    registry.learn(&place(18), Stage::Admitted(now + EVERY), now);
    assert!(rang(&bell).await);
    registry.forget(&place(18));
    assert!(rang(&bell).await);
    assert_eq!(registry.known(&place(18)).unwrap().stage, Stage::Expired);
}

#[tokio::test]
async fn fans_are_held_while_they_are_there() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let bells: Vec<_> = (0..=SOCKETS_PER_TICKET_MAX).map(|_| Arc::new(Notify::new())).collect();
    for (index, bell) in bells.iter().enumerate() {
        assert_eq!(registry.attach(&place(12), bell, now), index < SOCKETS_PER_TICKET_MAX);
    }
    registry.polled(&place(13), now + EVERY, now);
    registry.drop_the_gone(now + EVERY);
    assert_eq!(registry.len(), 1);
    for bell in &bells {
        registry.detach(&place(12), bell, EVERY, now + EVERY);
    }
    registry.drop_the_gone(now + EVERY);
    assert_eq!(registry.len(), 1, "a page that is being reloaded");
    registry.drop_the_gone(now + EVERY * 2);
    assert_eq!(registry.len(), 0);
}

#[test]
fn who_waits_goes_by_rank_over_all_lanes_and_nobody_twice() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let lane = |name: &str, rank| Place { lane: LaneId::parse(name).unwrap(), ..place(rank) };
    let fans = [place(14), lane("a", 13), lane("z", 11), place(12), place(15)];
    for fan in &fans {
        registry.polled(fan, now + EVERY * 2, now);
    }
    registry.learn(&place(12), Stage::Admitted(now + EVERY), now);
    registry.learn(&place(15), Stage::Expired, now);
    let ranks = |most, now| -> Vec<u64> {
        registry.first_waiting(most, now).iter().map(|place| place.rank.get()).collect()
    };
    assert_eq!((ranks(2, now), ranks(9, now)), (vec![11, 13], vec![11, 13, 14]));
    assert_eq!(ranks(9, now + EVERY), [11, 12, 13, 14], "a turn that nobody claimed is over");
    assert!(registry.anyone_waits(now) && !Registry::default().anyone_waits(now));
}

#[tokio::test]
async fn lanes_are_told_apart_and_who_is_gone_is_not_present() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let member = |rank| Place { lane: LaneId::parse("member").unwrap(), ..place(rank) };
    for place in [place(12), member(12), member(14)] {
        registry.polled(&place, now + EVERY, now);
    }
    let mut line = snapshot(10);
    assert_eq!(registry.due_for_presence(&line, EVERY, now), [place(12)], "nobody asks about the other lane");
    line.lanes.push(LaneSnapshot { name: member(0).lane, horizon: Rank::new(13), ..line.lanes[0].clone() });
    assert_eq!(registry.due_for_presence(&line, EVERY, now), [member(12)]);
    assert_eq!(registry.first_waiting(2, now), [place(12), member(12)]);
    assert_eq!(registry.len(), 3);
    // Gone, and not yet dropped.
    assert!(registry.due_for_presence(&line, EVERY, now + EVERY).is_empty());
    assert!(!registry.anyone_waits(now + EVERY) && registry.first_waiting(2, now + EVERY).is_empty());
    registry.drop_the_gone(now + EVERY);
    assert!(registry.len() == 0 && registry.known(&member(14)).is_none());
}
