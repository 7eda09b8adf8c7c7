//! Fans who come, look and get their turns while servers die, and what has to hold after it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use admission::name::RoomId;
use admission::rank::Rank;
use admission::rules::Rules;
use admission::store::redis::RedisStore;
use admission::store::{BATCH_MAX, Intent, Join, Joined, Memory, QueueStore, Standing, StoreError};
use admission::ticket::Place;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{lane, rules, ticket_id};

/// No verb may take longer, whatever happens: twice over what it allows itself, for a machine that is busy.
const VERB_MAX: Duration = Duration::from_secs(5);
/// Longest wait for a store that works again.
const PATIENCE: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(1);

/// One room under load.
pub(crate) struct Load {
    store: RedisStore,
    room: RoomId,
    seen: Arc<Seen>,
    tasks: Vec<JoinHandle<()>>,
}

/// What the tasks saw.
#[derive(Default)]
struct Seen {
    places: Mutex<Vec<Place>>,
    turns: Mutex<Vec<Rank>>,
    done: AtomicU64,
    unavailable: AtomicU64,
    is_over: AtomicBool,
}

impl Seen {
    /// Takes note of how a verb ended. There are only two ways.
    async fn verb<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        let ended = timeout(VERB_MAX, call).await;
        match ended.unwrap_or_else(|_| panic!("a verb did not end in time")) {
            Ok(answer) => {
                self.done.fetch_add(1, Ordering::SeqCst);
                Some(answer)
            }
            Err(StoreError::Unavailable(_)) => {
                self.unavailable.fetch_add(1, Ordering::SeqCst);
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Begins a line in which everybody waits.
pub(crate) async fn open(store: &RedisStore, name: &str) -> RoomId {
    let room = RoomId::parse(name).unwrap();
    let rules = Rules {
        presence_window: Duration::from_secs(600),
        claim_window: Duration::from_secs(600),
        recovery_grace: GRACE,
        ..rules()
    };
    store.configure(&room, &rules.check().unwrap(), 1, &Memory::default()).await.unwrap();
    room
}

pub(crate) fn joins(count: usize) -> Vec<Join> {
    (0..count).map(|_| Join::new(lane("general"), ticket_id(), Intent::Wait)).collect()
}

pub(crate) fn places(joins: &[Join], joined: &[Joined]) -> Vec<Place> {
    let place = |(join, joined): (&Join, &Joined)| {
        let Joined::Waiting { rank, .. } = joined else { panic!("{joined:?}") };
        Place { lane: join.lane.clone(), rank: *rank, id: join.id }
    };
    joins.iter().zip(joined).map(place).collect()
}

impl Load {
    /// Begins a line, and joins, looks and drains that do not end.
    pub(crate) async fn start(store: &RedisStore, name: &str) -> Self {
        let room = open(store, name).await;
        let seen = Arc::new(Seen::default());
        let tasks = vec![
            tokio::spawn(join(store.clone(), room.clone(), seen.clone())),
            tokio::spawn(look(store.clone(), room.clone(), seen.clone())),
            tokio::spawn(drain(store.clone(), room.clone(), seen.clone())),
        ];
        Self { store: store.clone(), room, seen, tasks }
    }

    /// How many verbs worked.
    pub(crate) fn done(&self) -> u64 {
        self.seen.done.load(Ordering::SeqCst)
    }

    /// How many did not.
    pub(crate) fn unavailable(&self) -> u64 {
        self.seen.unavailable.load(Ordering::SeqCst)
    }

    /// Waits until so many more verbs worked.
    pub(crate) async fn go_on(&self, verbs: u64) {
        let (from, deadline) = (self.done(), Instant::now() + PATIENCE);
        while self.done() < from + verbs {
            assert!(Instant::now() < deadline, "verbs do not work again");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a verb failed.
    pub(crate) async fn fail(&self) {
        let (from, deadline) = (self.unavailable(), Instant::now() + PATIENCE);
        while self.unavailable() == from {
            assert!(Instant::now() < deadline, "nobody noticed");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// When the line was taken over.
    pub(crate) async fn resumed_at(&self) -> admission::clock::Timestamp {
        self.store.snapshot(&self.room, 0).await.unwrap().resumed_at
    }

    /// Ends the load. No rank was given twice, and whoever was ever told a place has it, or gets it back. How
    /// many of them had been forgotten.
    pub(crate) async fn check(self) -> usize {
        self.seen.is_over.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        let places = self.seen.places.lock().unwrap().clone();
        let turns: HashSet<Rank> = self.seen.turns.lock().unwrap().iter().copied().collect();
        assert!(!turns.is_empty(), "nobody got a turn");
        let ranks: HashSet<Rank> = places.iter().map(|place| place.rank).collect();
        assert_eq!(ranks.len(), places.len(), "a rank was given twice");
        let mut forgotten = Vec::new();
        for some in places.chunks(BATCH_MAX) {
            for (place, standing) in some.iter().zip(self.store.look(&self.room, some).await.unwrap()) {
                match standing {
                    Standing::Waiting { .. } | Standing::Turn { .. } => {}
                    Standing::Unknown => forgotten.push(place.clone()),
                    other => panic!("{place:?}: {other:?}"),
                }
            }
        }
        for some in forgotten.chunks(BATCH_MAX) {
            for standing in self.store.restore(&self.room, some).await.unwrap() {
                assert!(matches!(standing, Standing::Waiting { .. }), "{standing:?}");
            }
        }
        forgotten.len()
    }
}

async fn join(store: RedisStore, room: RoomId, seen: Arc<Seen>) {
    while !seen.is_over.load(Ordering::SeqCst) {
        let (batch, joins) = (ticket_id(), joins(5));
        // As an edge does: a batch that may have happened is sent again under its name.
        let joined = loop {
            if let Some(joined) = seen.verb(store.join(&room, batch, &joins)).await {
                break joined;
            }
            if seen.is_over.load(Ordering::SeqCst) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        };
        seen.places.lock().unwrap().extend(places(&joins, &joined));
        sleep(Duration::from_millis(5)).await;
    }
}

async fn look(store: RedisStore, room: RoomId, seen: Arc<Seen>) {
    while !seen.is_over.load(Ordering::SeqCst) {
        let some: Vec<Place> = seen.places.lock().unwrap().iter().rev().take(50).cloned().collect();
        if let Some(standings) = seen.verb(store.look(&room, &some)).await {
            assert_eq!(standings.len(), some.len());
        }
        sleep(Duration::from_millis(10)).await;
    }
}

async fn drain(store: RedisStore, room: RoomId, seen: Arc<Seen>) {
    while !seen.is_over.load(Ordering::SeqCst) {
        if let Some(drained) = seen.verb(store.drain(&room)).await {
            seen.turns.lock().unwrap().extend(drained.turns.into_iter().map(|(_, rank)| rank));
        }
        sleep(Duration::from_millis(50)).await;
    }
}
