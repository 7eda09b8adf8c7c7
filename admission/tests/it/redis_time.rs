//! The drain on the real server's clock: any number of callers, whatever their own clocks say.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, SystemClock, Timestamp};
use admission::name::RoomId;
use admission::rules::Rules;
use admission::store::redis::RedisStore;
use admission::store::{Intent, Join, Joined, Memory, Presence, QueueStore, Snapshot, TURNS_PER_DRAIN_MAX};
use admission::ticket::Place;

use crate::redis_server::RedisServer;
use crate::support::{lane, rules, ticket_id};

const CALLERS: u64 = 8;
const PER_MINUTE: u64 = 6000;
const BURST: u64 = 200;

/// The machine's clock, wrong by some seconds.
struct WrongClock(i64);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis().saturating_add_signed(self.0 * 1000))
    }
}

fn room() -> RoomId {
    RoomId::parse("demo").unwrap()
}

async fn fill(store: &dyn QueueStore, count: usize) {
    fill_for(store, count, PER_MINUTE, BURST).await;
}

/// A line of `count` fans that is to move at this rate, with its burst gathered.
async fn fill_for(store: &dyn QueueStore, count: usize, drain_per_minute: u64, burst: u64) {
    // Present for longer than the test runs, so that only the rate is measured.
    let rules = Rules {
        drain_per_minute,
        burst,
        max_active: 1_000_000,
        presence_window: Duration::from_secs(3600),
        ..rules()
    };
    store.configure(&room(), &rules.check().unwrap(), 1, &Memory::default()).await.unwrap();
    for _ in 0..count / 1000 {
        let joins: Vec<Join> =
            (0..1000).map(|_| Join::new(lane("general"), ticket_id(), Intent::Wait)).collect();
        let joined = store.join(&room(), ticket_id(), &joins).await.unwrap();
        let waiting = joins.iter().zip(joined).filter_map(|(join, joined)| match joined {
            Joined::Waiting { rank, .. } => Some(Place { lane: join.lane.clone(), rank, id: join.id }),
            _ => None,
        });
        let presence = Presence { waiting: waiting.collect(), ..Presence::default() };
        store.report_presence(&room(), &presence).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(burst * 60_000 / drain_per_minute)).await;
}

async fn snapshot(store: &dyn QueueStore) -> Snapshot {
    store.snapshot(&room(), 0).await.unwrap()
}

/// What eight callers at once admit between two looks at the server, and what the rate allows.
async fn admitted_and_due(stores: Vec<RedisStore>, seconds: u64) -> (u64, f64) {
    let observer = stores[0].clone();
    // The burst goes first, so that what follows is the rate alone.
    observer.drain(&room()).await.unwrap();
    let before = snapshot(&observer).await;
    let callers: Vec<_> = stores
        .into_iter()
        .zip(1..)
        .map(|(store, caller)| {
            tokio::spawn(async move {
                let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
                while tokio::time::Instant::now() < end {
                    store.drain(&room()).await.unwrap();
                    // Each at its own pace, some of them with long pauses.
                    tokio::time::sleep(Duration::from_millis(7 * caller * caller)).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    observer.drain(&room()).await.unwrap();
    let after = snapshot(&observer).await;
    let due = after.at.since(before.at).as_secs_f64() * PER_MINUTE as f64 / 60.0;
    (after.admitted_total - before.admitted_total, due)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_callers_with_wrong_clocks_admit_at_the_rate_of_one() {
    let server = RedisServer::start();
    fill(&RedisStore::open(&server.url()).unwrap(), 4000).await;
    let stores = (0..CALLERS).map(|_| RedisStore::open(&server.url()).unwrap()).collect();
    let (admitted, due) = admitted_and_due(stores, 5).await;
    // Between the last drain and the look that follows it a few milliseconds pass, and before the first one.
    assert!((admitted as f64) <= due + BURST as f64, "{admitted} admitted, {due} due");
    assert!((admitted as f64 - due).abs() <= due / 100.0 + 2.0, "{admitted} admitted, {due} due");
}

/// Two edges whose clocks are a second apart, ticking as they do, where 20,000 fans a second are to be admitted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_a_second_land_within_a_fifth_of_a_percent() {
    const FAST: u64 = 1_200_000;
    let server = RedisServer::start();
    let observer = RedisStore::open(&server.url()).unwrap();
    // Permits of four seconds may gather, so that a machine that is busy with something else costs none.
    fill_for(&observer, 500_000, FAST, FAST / 15).await;
    // The burst goes first, in as many calls as it takes.
    let before = drained(&observer).await;
    let before_at = before.by.at;
    let edges: Vec<_> = (0..2)
        .map(|edge| {
            let store = RedisStore::open(&server.url()).unwrap();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(100 * edge)).await;
                loop {
                    store.drain(&room()).await.unwrap();
                    let now = store.snapshot(&room(), u64::MAX / 2).await.unwrap().at;
                    if now.since(before_at) >= Duration::from_secs(10) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(240)).await;
                }
            })
        })
        .collect();
    for edge in edges {
        edge.await.unwrap();
    }
    let after = drained(&observer).await;
    let admitted = after.by.admitted_total - before.by.admitted_total;
    // The last drain was at some moment between two looks, on a busy machine at any.
    let due = |from: Timestamp, to: Timestamp| to.since(from).as_secs_f64() * FAST as f64 / 60.0;
    let (least, most) = (due(before.by.at, after.since), due(before.since, after.by.at));
    println!(
        "{admitted} admitted, {:.5} to {:.5} of the rate",
        admitted as f64 / most,
        admitted as f64 / least
    );
    let is_right = admitted as f64 >= least * 0.998 && admitted as f64 <= most * 1.002;
    assert!(is_right, "{admitted} admitted, {least} to {most} due");
}

/// Everything that is due was drained, at some moment after `since` and before `by` was read.
struct DrainedUp {
    since: Timestamp,
    by: Snapshot,
}

async fn drained(store: &RedisStore) -> DrainedUp {
    loop {
        let since = snapshot(store).await.at;
        let is_all = (store.drain(&room()).await.unwrap().turns.len() as u64) < TURNS_PER_DRAIN_MAX;
        let by = snapshot(store).await;
        if is_all {
            return DrainedUp { since, by };
        }
    }
}

/// The counter-proof: were the time the callers' own, wrong clocks would break the rate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_bring_their_own_time_would_break_the_rate() {
    let server = RedisServer::start();
    fill(&RedisStore::open(&server.url()).unwrap(), 4000).await;
    let stores = (0..CALLERS)
        .map(|caller| {
            let wrong = WrongClock(if caller % 2 == 0 { 5 } else { -5 });
            RedisStore::with_clock(&server.url(), Some(Arc::new(wrong))).unwrap()
        })
        .collect();
    let (admitted, due) = admitted_and_due(stores, 2).await;
    assert!(admitted as f64 > due + BURST as f64, "{admitted} admitted, {due} due");
}

#[tokio::test]
async fn a_silence_of_all_callers_yields_the_burst_and_no_more() {
    let server = RedisServer::start();
    let store = RedisStore::open(&server.url()).unwrap();
    fill(&store, 2000).await;
    store.drain(&room()).await.unwrap();
    let before = snapshot(&store).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let turns = store.drain(&room()).await.unwrap().turns.len() as u64;
    assert_eq!(turns, BURST, "four seconds are worth {}", 4 * PER_MINUTE / 60);
    assert!(snapshot(&store).await.at > before.at);
}

/// A script that Redis forgot (a restart, `SCRIPT FLUSH`) is loaded again without anyone noticing.
#[tokio::test]
async fn forgotten_scripts_are_loaded_again() {
    let server = RedisServer::start();
    let store = RedisStore::open(&server.url()).unwrap();
    fill(&store, 1000).await;
    server.command(&["SCRIPT", "FLUSH"]).unwrap();
    assert_eq!(snapshot(&store).await.waiting(), 1000);
    let place = Place { lane: lane("general"), rank: admission::rank::Rank::ZERO, id: ticket_id() };
    let answer = store
        .report_presence(&room(), &Presence { waiting: vec![place], ..Presence::default() })
        .await
        .unwrap();
    assert_eq!(answer.not_waiting.len(), 1);
}

#[tokio::test]
async fn a_store_that_is_away_is_an_error_and_not_a_crash() {
    let server = RedisServer::start();
    let store = RedisStore::open(&server.url()).unwrap();
    fill(&store, 1000).await;
    drop(server);
    let error = store.snapshot(&room(), 0).await.unwrap_err();
    assert!(matches!(error, admission::store::StoreError::Unavailable(_)), "{error:?}");
}
