//! The part of P4 that a fault puts to the test: the line goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use loadtest::checks::{Evidence, Promise, Setting, judge_all};
use loadtest::crowd::Crowd;
use loadtest::fan::{Plan, Venue};
use loadtest::fault::{Fault, FaultPlan, strike};
use loadtest::lateness::Lateness;
use loadtest::run::scenario::Waits;
use loadtest::stack::{Blueprint, Payments, Room, Sale, Stack, Store};
use loadtest::story::Watch;
use loadtest::tally::Tally;

use super::wrong;

const FANS: u32 = 80;
const ARRIVALS: Duration = Duration::from_secs(2);
/// How long the line moves before the fault, and how long its fans wait afterwards that it does again.
const BEFORE: Duration = Duration::from_secs(2);
const AFTERWARDS: Duration = Duration::from_secs(20);
const EVERY: Duration = Duration::from_millis(50);
/// So much later than on a machine of one's own may be heard of everything.
const GRANTED_MS: u64 = 3000;

/// Has nobody admitted for a minute from now on, as a line does for a moment that was lost.
const WAITS_ON: &str = "
    if redis.call('HEXISTS', KEYS[1], 'hold_until') == 0 then return 0 end
    local time = redis.call('TIME')
    return redis.call('HSET', KEYS[1], 'hold_until', string.format('%d', (time[1] + 60) * 1000))";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_does_not_go_on_after_a_fault_is_called_broken() {
    let room = Room { drain_per_minute: 300, burst: 5, ..FaultPlan::room() };
    let blueprint =
        Blueprint { store: Store::Redis, proxies: 2, rooms: vec![room.clone()], ..Blueprint::default() };
    let mut stack = Stack::start(&blueprint).await.unwrap();
    stack.open_sale(&Sale::demo(2, 10)).await.unwrap();
    let (watch, lateness) = (Watch::start(), Lateness::start());
    let venue = Venue {
        edges: stack.edges(),
        room: room.id.clone(),
        event: room.id.clone(),
        payments: Payments::Sandbox,
        watch,
        tally: Arc::new(Tally::default()),
    };
    let mut crowd = Crowd::new(venue, 5);
    for _ in 0..FANS {
        crowd.send(|dice| Plan { waits: Waits::Live, appetite: 0.0, ..Plan::neighbour(dice) }).unwrap();
        tokio::time::sleep(ARRIVALS / FANS).await;
    }
    tokio::time::sleep(BEFORE).await;
    let struck = strike(&mut stack, Fault::Flushall, Duration::ZERO, watch).await.unwrap();
    let key = format!("wr:{{{}}}", room.id);
    let redis = stack.redis().unwrap();
    let tamper = async {
        loop {
            redis.script(WAITS_ON, &[&key]).await.unwrap();
            tokio::time::sleep(EVERY).await;
        }
    };
    let stories = tokio::select! {
        stories = crowd.gather(AFTERWARDS) => stories,
        () = tamper => unreachable!("it never ends"),
    };
    let evidence = Evidence {
        stories,
        setting: Some(Setting::of(&room)),
        strikes: vec![struck],
        late_ms: lateness.most_ms() + GRANTED_MS,
        ..Evidence::default()
    };
    stack.stop().await;
    let verdicts = judge_all(&evidence);
    verdicts.iter().for_each(|verdict| println!("{verdict}"));
    // A line that stands still does not use its rate either.
    assert_eq!(wrong(&verdicts, Promise::Recovery, "never got in", &[Promise::Rate]), None);
}
