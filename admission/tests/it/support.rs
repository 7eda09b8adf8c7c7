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
use admission::store::{Intent, Join, Joined, Presence, QueueStore, Standing};
use admission::ticket::{Place, TicketId};

use crate::redis_server::RedisServer;

/// A clock that moves when it is told to.
pub(crate) struct ManualClock(AtomicU64);

impl ManualClock {
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
    redis: Option<RedisServer>,
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
        let store: Arc<dyn QueueStore> = match &redis {
            None => Arc::new(MemoryStore::new(clock.clone())),
            Some(server) => Arc::new(RedisStore::with_clock(&server.url(), Some(clock.clone())).unwrap()),
        };
        let room = RoomId::parse("demo").unwrap();
        let line = Self { store, clock, room, revision: AtomicU64::new(0), redis };
        line.configure(rules).await;
        line
    }

    pub(crate) async fn configure(&self, rules: Rules) {
        let revision = self.revision.fetch_add(1, Ordering::SeqCst) + 1;
        self.store.configure(&self.room, &rules.check().unwrap(), revision).await.unwrap();
    }

    /// Everything the store held is gone; what its users know is not.
    pub(crate) async fn lose_all_data(&mut self, rules: Rules) {
        self.clock.advance(Duration::from_millis(2));
        match &self.redis {
            None => self.store = Arc::new(MemoryStore::new(self.clock.clone())),
            Some(server) => assert_eq!(server.command(&["FLUSHALL"]).unwrap(), "+OK\r\n"),
        }
        self.configure(rules).await;
    }

    pub(crate) async fn join_as(&self, lane: &LaneId, intent: Intent) -> (TicketId, Joined) {
        let id = ticket_id();
        let join = Join { lane: lane.clone(), id, intent };
        let joined = self.store.join(&self.room, ticket_id(), &[join]).await.unwrap();
        assert_eq!(joined.len(), 1);
        (id, joined[0])
    }

    /// `count` fans join a lane and wait.
    pub(crate) async fn fans(&self, lane: &LaneId, count: usize) -> Vec<Place> {
        let joins: Vec<Join> =
            (0..count).map(|_| Join { lane: lane.clone(), id: ticket_id(), intent: Intent::Wait }).collect();
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
            let presence = Presence { waiting: waiting.to_vec(), active: vec![] };
            self.store.report_presence(&self.room, &presence).await.unwrap();
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

pub(crate) fn ranks(places: &[Place]) -> Vec<Rank> {
    places.iter().map(|place| place.rank).collect()
}
