//! What surviving a restart costs the embedded store: `cargo bench -p admission --bench journal [-- waiting]`.
//!
//! The same verbs on a store without and with a journal, in turns, so that both meet the same machine; then how long
//! it takes to open the file again with everybody in it.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use admission::clock::{SystemClock, SystemRandom};
use admission::name::{LaneId, RoomId};
use admission::rules::{Mode, Rules};
use admission::store::memory::MemoryStore;
use admission::store::{BATCH_MAX, Intent, Join, Joined, Memory, QueueStore};
use admission::ticket::{Place, TicketId};

const TIME: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;

fn id() -> TicketId {
    TicketId::random(&SystemRandom).unwrap()
}

fn room() -> RoomId {
    RoomId::parse("bench").unwrap()
}

fn joins(count: usize) -> Vec<Join> {
    (0..count).map(|_| Join::new(LaneId::general(), id(), Intent::Wait)).collect()
}

async fn configure(store: &MemoryStore) {
    let rules = Rules {
        mode: Mode::Always,
        drain_per_minute: 6_000_000,
        burst: 100_000,
        max_active: 100_000_000,
        waiting_max: 100_000_000,
        ..Rules::default()
    };
    store.configure(&room(), &rules.check().unwrap(), 1, &Memory::default()).await.unwrap();
}

/// Verbs a second, joins of so many each, with the slowest one.
async fn join_rate(store: &MemoryStore, batch: usize) -> (f64, Duration) {
    // Made before, so that the verbs alone are measured.
    let batches: Vec<Vec<Join>> = (0..1000_usize.div_ceil(batch)).map(|_| joins(batch)).collect();
    let (began, mut count, mut slowest) = (Instant::now(), 0_u32, Duration::ZERO);
    while began.elapsed() < TIME {
        for batch in &batches {
            let sent = Instant::now();
            store.join(&room(), id(), batch).await.unwrap();
            slowest = slowest.max(sent.elapsed());
            count += 1;
        }
    }
    (f64::from(count) / began.elapsed().as_secs_f64(), slowest)
}

/// Fans a second who get in the line, get their turn, claim it and are done: five verbs for ten fans.
async fn whole_visits(store: &MemoryStore) -> f64 {
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < TIME {
        let joins = joins(10);
        let joined = store.join(&room(), id(), &joins).await.unwrap();
        let places: Vec<Place> = joins
            .into_iter()
            .zip(joined)
            .filter_map(|(join, joined)| match joined {
                Joined::Waiting { rank, .. } => Some(Place { lane: join.lane, rank, id: join.id }),
                _ => None,
            })
            .collect();
        store.drain(&room()).await.unwrap();
        store.claim(&room(), &places).await.unwrap();
        let tickets: Vec<TicketId> = places.iter().map(|place| place.id).collect();
        store.end(&room(), &tickets).await.unwrap();
        store.snapshot(&room(), 0).await.unwrap();
        count += 5;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let waiting = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(1_000_000);
    let clock = Arc::new(SystemClock);
    println!(
        "| verb | without a journal, a second | with, a second | slowest without, ms | slowest with, ms |"
    );
    println!("|---|---|---|---|---|");
    for batch in [1, 100] {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let folder = tempfile::tempdir().unwrap();
            let plain = MemoryStore::new(clock.clone());
            let journaled = MemoryStore::open(&folder.path().join("line"), clock.clone()).unwrap();
            configure(&plain).await;
            configure(&journaled).await;
            without.push(join_rate(&plain, batch).await);
            with.push(join_rate(&journaled, batch).await);
            assert!(journaled.flush(), "the disk kept up");
        }
        without.sort_by(|one, other| one.0.total_cmp(&other.0));
        with.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (without, with) = (without.get(ROUNDS / 2).unwrap(), with.get(ROUNDS / 2).unwrap());
        println!(
            "| join of {batch} | {:.0} | {:.0} | {:.1} | {:.1} |",
            without.0,
            with.0,
            without.1.as_secs_f64() * 1000.0,
            with.1.as_secs_f64() * 1000.0
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let plain = MemoryStore::new(clock.clone());
    let journaled = MemoryStore::open(&folder.path().join("line"), clock.clone()).unwrap();
    configure(&plain).await;
    configure(&journaled).await;
    let (without, with) = (whole_visits(&plain).await, whole_visits(&journaled).await);
    println!("| join, drain, claim, end, snapshot for ten fans | {without:.0} | {with:.0} | | |");
    drop(journaled);
    restart(waiting).await;
}

/// How long it takes to open a file again, when the line was just written as a whole and when many verbs follow.
async fn restart(waiting: usize) {
    let clock = Arc::new(SystemClock);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line");
    let killed = folder.path().join("killed");
    println!("\n| waiting | file, MiB | of it | opened after, ms |\n|---|---|---|---|");
    {
        let store = MemoryStore::open(&path, clock.clone()).unwrap();
        configure(&store).await;
        for _ in 0..waiting.div_ceil(BATCH_MAX) {
            store.join(&room(), id(), &joins(BATCH_MAX)).await.unwrap();
        }
        assert!(store.flush(), "the disk kept up");
        std::fs::copy(&path, &killed).unwrap();
    }
    opened(&killed, "verbs, after a kill").await;
    opened(&killed, "the line as a whole").await;
}

async fn opened(path: &std::path::Path, what: &str) {
    let bytes = std::fs::metadata(path).unwrap().len();
    let began = Instant::now();
    let store = MemoryStore::open(path, Arc::new(SystemClock)).unwrap();
    let time = began.elapsed();
    let waiting = store.snapshot(&room(), 0).await.unwrap().waiting();
    let mib = bytes as f64 / f64::from(1 << 20);
    println!("| {waiting} | {mib:.1} | {what} | {:.0} |", time.as_secs_f64() * 1000.0);
}
