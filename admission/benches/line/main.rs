//! What the line costs in Redis, at a million waiting: `cargo bench -p admission`.
//!
//! Memory is what Redis says it uses, beyond what it used when empty. Server time is what Redis itself counts
//! for the script, without client and network.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on stops"
)]

#[path = "../../tests/it/redis_server.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod redis_server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use admission::clock::{Clock, SystemClock, SystemRandom, Timestamp};
use admission::draw::DRAW_NUMBERS;
use admission::name::{LaneId, RoomId};
use admission::rank::Rank;
use admission::rules::{Mode, Rules};
use admission::store::redis::RedisStore;
use admission::store::{BATCH_MAX, Intent, Join, Joined, Joins, Memory, Presence, QueueStore};
use admission::ticket::{Place, TicketId};
use redis_server::RedisServer;

const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];

fn id() -> TicketId {
    TicketId::random(&SystemRandom).unwrap()
}

fn room() -> RoomId {
    RoomId::parse("bench").unwrap()
}

/// 20,000 a second, so that a drain finds 1,000 due after 50 ms.
fn rules(burst: u64) -> Rules {
    Rules {
        mode: Mode::Always,
        drain_per_minute: 1_200_000,
        burst,
        max_active: 10_000_000,
        ..Rules::default()
    }
}

fn joins(count: usize) -> Vec<Join> {
    (0..count).map(|_| Join::new(LaneId::general(), id(), Intent::Wait)).collect()
}

async fn fill(store: &RedisStore, count: usize) -> Vec<Place> {
    let mut front = Vec::new();
    for from in (0..count).step_by(BATCH_MAX) {
        let joins = joins(BATCH_MAX.min(count - from));
        let joined = store.join(&room(), id(), &joins).await.unwrap();
        for (join, joined) in joins.into_iter().zip(joined) {
            let Joined::Waiting { rank, .. } = joined else { panic!("{joined:?}") };
            if front.len() < 200_000 {
                front.push(Place { lane: join.lane, rank, id: join.id });
            }
        }
    }
    front
}

/// What Redis says after `field:`.
fn info(server: &RedisServer, section: &str, field: &str) -> String {
    let text = server.command(&["INFO", section]).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.trim_start_matches(':').to_owned()
}

fn used_memory(server: &RedisServer) -> u64 {
    info(server, "memory", "used_memory").parse().unwrap()
}

/// Milliseconds that the server's main thread has worked in all. Time in which the machine did something else does
/// not count, so neighbours do not blur it much.
fn worked_ms(server: &RedisServer) -> f64 {
    let seconds = |key: &str| info(server, "cpu", key).parse::<f64>().unwrap();
    (seconds("used_cpu_user_main_thread") + seconds("used_cpu_sys_main_thread")) * 1000.0
}

/// Milliseconds of server time for a snapshot, with all that belongs to a call.
async fn snapshot_ms(server: &RedisServer, store: &RedisStore, ended_mark: u64) -> f64 {
    const TIMES: u32 = 50;
    let before = worked_ms(server);
    for _ in 0..TIMES {
        store.snapshot(&room(), ended_mark).await.unwrap();
    }
    (worked_ms(server) - before) / f64::from(TIMES)
}

async fn at_size(size: usize) {
    let server = RedisServer::start();
    let store = RedisStore::open(&server.url()).unwrap();
    store.configure(&room(), &rules(20_000).check().unwrap(), 1, &Memory::default()).await.unwrap();
    let empty = used_memory(&server);
    let front = fill(&store, size).await;
    // What the fans near the front cost to be known as present counts too.
    for places in front.chunks(BATCH_MAX).take(150) {
        let presence = Presence { waiting: places.to_vec(), ..Presence::default() };
        store.report_presence(&room(), &presence).await.unwrap();
    }
    let first = store.snapshot(&room(), 0).await.unwrap();
    // Answers to joins are remembered for a minute; the line itself is what stays.
    server.command(&["CONFIG", "SET", "maxmemory-samples", "5"]).unwrap();
    let used = used_memory(&server) - empty;

    let snapshot_ms = snapshot_ms(&server, &store, first.ended_mark).await;

    // Drains of exactly 1,000: the burst is cut to that, and gathers again in 50 ms.
    store.configure(&room(), &rules(10_000).check().unwrap(), 2, &Memory::default()).await.unwrap();
    store.drain(&room()).await.unwrap();
    let mut turns = 0;
    let mut ms = Vec::new();
    while turns < size.min(60_000) / 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let before = worked_ms(&server);
        let given = store.drain(&room()).await.unwrap().turns.len();
        if given == 0 {
            break;
        }
        ms.push((worked_ms(&server) - before) * 1000.0 / given as f64);
        turns += given;
    }
    ms.sort_by(f64::total_cmp);
    let per_thousand = ms.get(ms.len() / 2).copied().unwrap_or_default();
    println!(
        "| {size:>9} | {:>6.1} | {:>5.1} | {:>4} | {snapshot_ms:>5.2} | {per_thousand:>5.2} |",
        used as f64 / (1024.0 * 1024.0),
        used as f64 / size as f64,
        first.lanes[0].ladder.rungs().len(),
    );
}

/// Fans of a pre-queue, each at the rank that a draw would give them: memory, joins and snapshot.
async fn drawn(size: usize) {
    let server = RedisServer::start();
    let store = RedisStore::open(&server.url()).unwrap();
    let prequeue_at = SystemClock.now();
    let opens_at = prequeue_at + Duration::from_secs(3600);
    let with_draw = Rules { prequeue_at: Some(prequeue_at), opens_at: Some(opens_at), ..rules(20_000) };
    store.configure(&room(), &with_draw.check().unwrap(), 1, &Memory::default()).await.unwrap();
    let empty = used_memory(&server);
    let (mut count, mut taken) = (0, 0);
    let begin = Instant::now();
    while count < size {
        let joins: Vec<Join> =
            joins(BATCH_MAX.min(size - count)).into_iter().map(|join| at_random(join, prequeue_at)).collect();
        let joined = store.join(&room(), id(), &joins).await.unwrap();
        let here = joined.iter().filter(|joined| **joined == Joined::Drawn).count();
        (count, taken) = (count + here, taken + joined.len() - here);
        let waiting =
            joins.into_iter().map(|join| Place { lane: join.lane, rank: join.drawn.unwrap(), id: join.id });
        if count < 150_000 {
            let presence = Presence { waiting: waiting.collect(), ..Presence::default() };
            store.report_presence(&room(), &presence).await.unwrap();
        }
    }
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    let used = used_memory(&server) - empty;
    store.snapshot(&room(), 0).await.unwrap();
    println!(
        "| {size:>9} | {:>6.1} | {:>5.1} | {rate:>9.0} | {taken:>5} | {:>5.2} |",
        used as f64 / (1024.0 * 1024.0),
        used as f64 / size as f64,
        snapshot_ms(&server, &store, 0).await,
    );
}

/// The join with a rank that is as good as drawn: the first 25 bits of its random id.
fn at_random(join: Join, prequeue_at: Timestamp) -> Join {
    let number =
        join.id.to_string().bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(1_000_003) ^ u64::from(byte));
    let rank = Rank::new(
        Rank::first_of(prequeue_at).get()
            + number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % u64::from(DRAW_NUMBERS),
    );
    Join { drawn: Some(rank), ..join }
}

/// Joins a second from `tasks` callers with batches of `batch`.
async fn join_rate(tasks: usize, batch: usize) {
    let server = RedisServer::start();
    let store = Arc::new(RedisStore::open(&server.url()).unwrap());
    store.configure(&room(), &rules(20_000).check().unwrap(), 1, &Memory::default()).await.unwrap();
    let begin = Instant::now();
    let callers: Vec<_> = (0..tasks)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let (mut count, mut slowest) = (0, Duration::ZERO);
                while begin.elapsed() < Duration::from_secs(3) {
                    let joins = joins(batch);
                    let sent = Instant::now();
                    count += store.join(&room(), id(), &joins).await.unwrap().len();
                    slowest = slowest.max(sent.elapsed());
                }
                (count, slowest)
            })
        })
        .collect();
    let (mut count, mut slowest) = (0, Duration::ZERO);
    for caller in callers {
        let (joined, time) = caller.await.unwrap();
        count += joined;
        slowest = slowest.max(time);
    }
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    println!("| {tasks:>5} | {batch:>5} | {rate:>9.0} | {:>6.1} |", slowest.as_secs_f64() * 1000.0);
}

/// Joins a second from `tasks` callers, each with one fan at a time, gathered on the way as the edge does.
async fn gathered_rate(tasks: usize) {
    let server = RedisServer::start();
    let store = RedisStore::open(&server.url()).unwrap();
    store.configure(&room(), &rules(20_000).check().unwrap(), 1, &Memory::default()).await.unwrap();
    let gathering = Joins::start(room(), Arc::new(store), Arc::new(SystemRandom));
    let begin = Instant::now();
    let callers: Vec<_> = (0..tasks)
        .map(|_| {
            let gathering = gathering.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                while begin.elapsed() < Duration::from_secs(3) {
                    let sent = Instant::now();
                    gathering.join(Join::new(LaneId::general(), id(), Intent::Wait)).await.unwrap();
                    times.push(sent.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for caller in callers {
        times.extend(caller.await.unwrap());
    }
    let rate = times.len() as f64 / begin.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    println!("| {tasks:>5} | {rate:>9.0} | {:>5.2} | {:>5.2} | {:>6.1} |", at(50), at(99), at(100));
}

#[tokio::main]
async fn main() {
    // `cargo bench -p admission --bench line -- 10000000`: only this many fans, and only what depends on how many.
    let only: Option<usize> = std::env::args().find_map(|argument| argument.parse().ok());
    let sizes = only.map_or_else(|| SIZES.to_vec(), |size| vec![size]);
    println!("| waiting | Redis MiB | bytes a fan | rungs | snapshot ms | drain of 1,000 ms |");
    println!("|---|---|---|---|---|---|");
    for size in sizes.iter().copied() {
        at_size(size).await;
    }
    println!("\n| drawn | Redis MiB | bytes a fan | joins a second | taken | snapshot ms |");
    println!("|---|---|---|---|---|---|");
    for size in sizes.iter().copied() {
        drawn(size).await;
    }
    if only.is_some() {
        return;
    }
    println!("\n| callers | joins a call | joins a second | slowest ms |\n|---|---|---|---|");
    for (tasks, batch) in [(1, 1), (64, 1), (4, 100), (2, 1000)] {
        join_rate(tasks, batch).await;
    }
    println!("\n| fans at once | joins a second | median ms | 99 % ms | slowest ms |\n|---|---|---|---|---|");
    for tasks in [64, 1000, 10_000] {
        gathered_rate(tasks).await;
    }
}
