//! What the tests share: a clock they set, a store of either kind, and fans.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use admission::clock::{Clock, SystemRandom, Timestamp};
use admission::name::{LaneId, RoomId};
use admission::rank::Rank;
use admission::rules::{LaneRule, Mode, Rules};
use admission::store::memory::MemoryStore;
use admission::store::redis::RedisStore;
use admission::store::{
    ByHandStore, Intent, Join, Joined, Memory, Presence, QueueStore, Reset, Snapshot, Standing, Stay,
};
use admission::ticket::{Place, TicketId};

use crate::redis_server::RedisServer;

/// A clock that moves when it is told to.
pub(crate) struct ManualClock(AtomicU64);

impl ManualClock {
    pub(crate) fn at(millis: u64) -> Self {
        Self(AtomicU64::new(millis))
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.0.fetch_add(duration.as_millis() as u64, Ordering::SeqCst);
    }

    pub(crate) fn go_back(&self, duration: Duration) {
        self.0.fetch_sub(duration.as_millis() as u64, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// One room on one store, with the clock that both go by.
pub(crate) struct Line {
    pub(crate) store: Arc<dyn QueueStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) room: RoomId,
    revision: AtomicU64,
    memory: Arc<MemoryStore>,
    redis: Option<RedisServer>,
}

/// The state of a store at some moment.
pub(crate) enum Replica {
    Memory(MemoryStore),
    Redis(Vec<u8>),
}

/// Which store a test runs on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Memory,
    Redis,
}

pub(crate) fn lane(name: &str) -> LaneId {
    LaneId::parse(name).unwrap()
}

pub(crate) fn ticket_id() -> TicketId {
    TicketId::random(&SystemRandom).unwrap()
}

/// Rules under which everybody waits: 600 a minute, in steps of at most 10.
pub(crate) fn rules() -> Rules {
    Rules { mode: Mode::Always, max_active: 100_000, ..Rules::default() }
}

pub(crate) fn two_lanes() -> Vec<LaneRule> {
    vec![LaneRule { name: lane("general"), weight: 1 }, LaneRule { name: lane("member"), weight: 3 }]
}

impl Line {
    pub(crate) async fn start(kind: Kind, rules: Rules) -> Self {
        let clock = Arc::new(ManualClock(AtomicU64::new(1_800_000_000_000)));
        let redis = (kind == Kind::Redis).then(RedisServer::start);
        let memory = Arc::new(MemoryStore::new(clock.clone()));
        let store: Arc<dyn QueueStore> = match &redis {
            None => memory.clone(),
            Some(server) => Arc::new(RedisStore::with_clock(&server.url(), Some(clock.clone())).unwrap()),
        };
        let room = RoomId::parse("demo").unwrap();
        let line = Self { store, memory, clock, room, revision: AtomicU64::new(0), redis };
        line.configure(rules).await;
        // A line begins without permits: let the burst gather.
        line.clock.advance(Duration::from_secs(2));
        line
    }

    pub(crate) async fn configure(&self, rules: Rules) {
        self.configure_remembering(rules, &Memory::default()).await;
    }

    pub(crate) async fn configure_remembering(&self, rules: Rules, memory: &Memory) {
        let revision = self.revision.fetch_add(1, Ordering::SeqCst) + 1;
        self.store.configure(&self.room, &rules.check().unwrap(), revision, memory).await.unwrap();
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        self.store.snapshot(&self.room, 0).await.unwrap()
    }

    /// Everything the store held is gone; what its users know is not.
    pub(crate) async fn lose_all_data(&mut self, rules: Rules) {
        self.lose_all_data_but(rules, &Memory::default()).await;
    }

    pub(crate) async fn lose_all_data_but(&mut self, rules: Rules, memory: &Memory) {
        self.clock.advance(Duration::from_millis(2));
        match &self.redis {
            None => {
                self.memory = Arc::new(MemoryStore::new(self.clock.clone()));
                self.store = self.memory.clone();
            }
            Some(server) => assert_eq!(server.command(&["FLUSHALL"]).unwrap(), "+OK\r\n"),
        }
        self.configure_remembering(rules, memory).await;
    }

    /// What a replica has at this moment.
    pub(crate) fn replica(&self) -> Replica {
        match &self.redis {
            None => Replica::Memory(self.memory.copy()),
            Some(server) => Replica::Redis(server.dump()),
        }
    }

    /// The server is gone and a replica takes over, with what it had.
    pub(crate) fn fail_over(&mut self, replica: Replica) {
        match (replica, &mut self.redis) {
            (Replica::Memory(copy), _) => {
                self.memory = Arc::new(copy.take_over(self.clock.clone()));
                self.store = self.memory.clone();
            }
            (Replica::Redis(dump), redis) => {
                let server = RedisServer::start_with(&dump);
                self.store =
                    Arc::new(RedisStore::with_clock(&server.url(), Some(self.clock.clone())).unwrap());
                *redis = Some(server);
            }
        }
    }

    /// The same store, for operators.
    pub(crate) fn desk(&self) -> Arc<dyn ByHandStore> {
        match &self.redis {
            None => self.memory.clone(),
            Some(server) => {
                Arc::new(RedisStore::with_clock(&server.url(), Some(self.clock.clone())).unwrap())
            }
        }
    }

    /// Takes back everybody's place.
    pub(crate) async fn reset(&self) -> Option<Reset> {
        self.desk().reset(&self.room, self.clock.now()).await.unwrap()
    }

    /// Gives a turn out of order.
    pub(crate) async fn admit(&self, place: &Place) -> Standing {
        self.desk().admit(&self.room, std::slice::from_ref(place)).await.unwrap()[0]
    }

    pub(crate) async fn join_as(&self, lane: &LaneId, intent: Intent) -> (TicketId, Joined) {
        let id = ticket_id();
        let join = Join::new(lane.clone(), id, intent);
        let joined = self.store.join(&self.room, ticket_id(), &[join]).await.unwrap();
        assert_eq!(joined.len(), 1);
        (id, joined[0])
    }

    /// `count` fans join a lane and wait.
    pub(crate) async fn fans(&self, lane: &LaneId, count: usize) -> Vec<Place> {
        let joins: Vec<Join> =
            (0..count).map(|_| Join::new(lane.clone(), ticket_id(), Intent::Wait)).collect();
        let mut places = Vec::new();
        for joins in joins.chunks(admission::store::BATCH_MAX) {
            let joined = self.store.join(&self.room, ticket_id(), joins).await.unwrap();
            for (join, joined) in joins.iter().zip(joined) {
                let Joined::Waiting { rank, .. } = joined else { panic!("{joined:?}") };
                places.push(Place { lane: lane.clone(), rank, id: join.id });
            }
        }
        places
    }

    pub(crate) async fn see(&self, places: &[Place]) {
        for waiting in places.chunks(admission::store::BATCH_MAX) {
            let presence = Presence { waiting: waiting.to_vec(), ..Presence::default() };
            self.store.report_presence(&self.room, &presence).await.unwrap();
        }
    }

    /// Time goes by in which edges reach the store and nobody is admitted.
    pub(crate) async fn pass(&self, time: Duration) {
        let until = self.clock.now() + time;
        loop {
            let left = until.since(self.clock.now());
            if left.is_zero() {
                break;
            }
            self.clock.advance(left.min(Duration::from_secs(1)));
            self.join_as(&lane("nowhere"), Intent::EnterOnly).await;
        }
    }

    pub(crate) async fn drain(&self) -> Vec<(LaneId, Rank)> {
        self.store.drain(&self.room).await.unwrap().turns
    }

    pub(crate) async fn look(&self, place: &Place) -> Standing {
        self.store.look(&self.room, std::slice::from_ref(place)).await.unwrap()[0]
    }

    pub(crate) async fn claim(&self, place: &Place) -> Standing {
        self.store.claim(&self.room, std::slice::from_ref(place)).await.unwrap()[0]
    }
}

/// A session in use that the store knows the beginning of.
pub(crate) fn stay(place: &Place) -> Stay {
    Stay { ticket: place.id, stayed: Duration::ZERO, keep_for: rules().session }
}

pub(crate) fn ranks(places: &[Place]) -> Vec<Rank> {
    places.iter().map(|place| place.rank).collect()
}
