use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use admission::name::LaneId;
use admission::position::{Ladder, Rung};
use admission::rank::RankRange;
use admission::rules::Rules;
use admission::store::LaneSnapshot;
use admission::ticket::{TICKET_ID_BYTES, TicketId};

use super::*;
use crate::wire::Floor;

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

const HEARTBEAT: Duration = Duration::from_secs(16);

/// A fan's task, which hears of everything itself.
fn wire_by_task() -> Arc<Wire> {
    Wire::of_task(HEARTBEAT, Arc::default())
}

/// Whether it rang for the task since it was last asked.
async fn rang(wire: &Wire) -> bool {
    poll_fn(|cx| Poll::Ready(pin!(wire.rung()).poll(cx).is_ready())).await
}

/// Tells who is due after the snapshot: those to whom it is told directly.
fn round(registry: &mut Registry, snapshot: &Snapshot, below: Rank, now: Instant) -> Vec<(u64, u64, bool)> {
    let lanes = [LaneId::general()];
    let round = Round { places: Some((snapshot, below)), is_news: true, lanes: &lanes, now };
    registry.due(&round).iter().map(|due| (due.position, due.ahead, due.is_beat)).collect()
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
async fn tasks_are_woken_for_news_and_for_places_that_mislead() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let wire = wire_by_task();
    assert!(registry.attach(&place(18), &wire, now));
    assert_eq!(registry.show(&place(18), 7), 8);
    assert_eq!(round(&mut registry, &snapshot(10), Rank::MAX, now), []);
    assert!(!rang(&wire).await, "8 is shown and true");
    round(&mut registry, &snapshot(11), Rank::MAX, now);
    assert!(!rang(&wire).await, "off by one is near enough");
    round(&mut registry, &snapshot(12), Rank::new(18), now);
    assert!(!rang(&wire).await, "places cannot be told up to there");
    assert_eq!(
        round(&mut registry, &snapshot(12), Rank::MAX, now),
        [],
        "over such a wire only the task tells"
    );
    assert!(rang(&wire).await);
    registry.learn(&place(18), Stage::Waiting, now);
    assert!(!rang(&wire).await, "no news");
    registry.learn(&place(18), Stage::Admitted(now + EVERY), now);
    assert!(rang(&wire).await);
    registry.forget(&place(18));
    assert!(rang(&wire).await);
    assert_eq!(registry.known(&place(18)).unwrap().stage, Stage::Expired);
}

#[tokio::test]
async fn who_can_be_told_directly_is() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let (wire, _far) = crate::wire::pair(HEARTBEAT).await;
    assert!(registry.attach(&place(18), &wire, now));
    assert_eq!(round(&mut registry, &snapshot(10), Rank::MAX, now), [], "their task is about to tell them");
    assert!(rang(&wire).await);
    wire.leave_floor();
    assert_eq!(round(&mut registry, &snapshot(11), Rank::MAX, now), []);
    assert_eq!(round(&mut registry, &snapshot(12), Rank::MAX, now), [(6, 5, false)]);
    assert!(!rang(&wire).await);
    // What is not known for certain is for the task to say.
    let mut forgotten = snapshot(14);
    forgotten.forgotten = vec![RankRange { from: Rank::ZERO, to: Rank::new(30) }];
    assert_eq!(round(&mut registry, &forgotten, Rank::MAX, now), []);
    assert!(rang(&wire).await);
    registry.learn(&place(18), Stage::Admitted(now + EVERY), now);
    assert!(rang(&wire).await);
    assert_eq!(round(&mut registry, &snapshot(17), Rank::MAX, now), []);
    assert!(!rang(&wire).await, "no place is told to who has their turn");
}

#[tokio::test]
async fn silence_is_broken_in_time_and_only_where_there_is_silence() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let (wire, _far) = crate::wire::pair(HEARTBEAT).await;
    let task = wire_by_task();
    for (rank, wire) in [(18, &wire), (19, &task)] {
        assert!(registry.attach(&place(rank), wire, now));
        registry.show(&place(rank), rank - 11);
        wire.leave_floor();
    }
    registry.polled(&place(20), now + HEARTBEAT * 9, now);
    let at =
        |registry: &mut Registry, cursor, after| round(registry, &snapshot(cursor), Rank::MAX, now + after);
    assert_eq!(at(&mut registry, 10, HEARTBEAT / 2), []);
    assert!(!rang(&task).await);
    assert_eq!(at(&mut registry, 12, HEARTBEAT * 3 / 4), [(6, 5, false)]);
    assert!(rang(&task).await);
    // Told a while ago, and true still.
    assert_eq!(at(&mut registry, 12, HEARTBEAT * 5 / 4), []);
    assert!(!rang(&task).await);
    assert_eq!(at(&mut registry, 12, HEARTBEAT * 7 / 4), [(6, 5, true)]);
    assert!(rang(&task).await && task.take_floor() == Floor::Taken { with_ping: true });
    assert_eq!(at(&mut registry, 12, HEARTBEAT * 7 / 4), [], "once is enough");
    // Of those who are gone nothing is remembered.
    for (rank, wire) in [(18, &wire), (19, &task)] {
        registry.detach(&place(rank), wire, EVERY, now);
    }
    assert_eq!(at(&mut registry, 10, HEARTBEAT * 9), []);
}

#[tokio::test]
async fn fans_are_held_while_they_are_there() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let wires: Vec<_> = (0..=SOCKETS_PER_TICKET_MAX).map(|_| wire_by_task()).collect();
    for (index, wire) in wires.iter().enumerate() {
        assert_eq!(registry.attach(&place(12), wire, now), index < SOCKETS_PER_TICKET_MAX);
    }
    registry.polled(&place(13), now + EVERY, now);
    registry.drop_the_gone(now + EVERY);
    assert_eq!(registry.len(), 1);
    for wire in &wires {
        registry.detach(&place(12), wire, EVERY, now + EVERY);
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
