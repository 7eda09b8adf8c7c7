//! What a room asks of the store.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};

use admission::adaptive::{History, LoadInterval, LoadReport};
use admission::clock::{RandomError, SystemClock, SystemRandom};
use admission::draw::Seed;
use admission::name::{LaneId, RoomId};
use admission::rules::{LaneRule, Rules};
use admission::store::memory::MemoryStore;
use admission::store::{
    BatchId, Drained, Intent, Join, Joined, Memory, PageMark, Presence, PresenceAnswer, SessionPage,
    Snapshot, Voided,
};
use admission::ticket::Order;

use super::*;
use crate::config::rooms;
use crate::waiting::status::State;
use crate::wire::Wire;

/// Counts the calls that reach a store in memory.
struct Counting {
    store: MemoryStore,
    calls: AtomicUsize,
}

impl Counting {
    fn counted(&self) -> &MemoryStore {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.store
    }
}

#[async_trait::async_trait]
impl QueueStore for Counting {
    async fn configure(
        &self,
        room: &RoomId,
        rules: &Rules,
        at: u64,
        memory: &Memory,
    ) -> Result<(), StoreError> {
        self.counted().configure(room, rules, at, memory).await
    }
    async fn join(&self, room: &RoomId, batch: BatchId, joins: &[Join]) -> Result<Vec<Joined>, StoreError> {
        // Joins are not part of the tick.
        self.store.join(room, batch, joins).await
    }
    async fn look(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.counted().look(room, places).await
    }
    async fn restore(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.counted().restore(room, places).await
    }
    async fn claim(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.counted().claim(room, places).await
    }
    async fn leave(&self, room: &RoomId, places: &[Place]) -> Result<(), StoreError> {
        self.counted().leave(room, places).await
    }
    async fn end(&self, room: &RoomId, tickets: &[TicketId]) -> Result<(), StoreError> {
        self.counted().end(room, tickets).await
    }
    async fn void(&self, room: &RoomId, before: Option<Timestamp>) -> Result<Voided, StoreError> {
        self.counted().void(room, before).await
    }
    async fn drain(&self, room: &RoomId) -> Result<Drained, StoreError> {
        self.counted().drain(room).await
    }
    async fn report_presence(
        &self,
        room: &RoomId,
        presence: &Presence,
    ) -> Result<PresenceAnswer, StoreError> {
        self.counted().report_presence(room, presence).await
    }
    async fn report_load(
        &self,
        room: &RoomId,
        report: &LoadReport,
    ) -> Result<Option<(LoadInterval, History)>, StoreError> {
        self.counted().report_load(room, report).await
    }
    async fn set_rate(
        &self,
        room: &RoomId,
        at: u64,
        rate: u64,
        history: &History,
    ) -> Result<bool, StoreError> {
        self.counted().set_rate(room, at, rate, history).await
    }
    async fn snapshot(&self, room: &RoomId, mark: u64) -> Result<Snapshot, StoreError> {
        self.counted().snapshot(room, mark).await
    }
    async fn sessions(&self, room: &RoomId, from: PageMark) -> Result<SessionPage, StoreError> {
        self.counted().sessions(room, from).await
    }
}

/// Most calls of the store in one tick of 250 ms, over ten seconds, with so many fans connected.
async fn calls_a_tick(fans: usize) -> usize {
    let file = "[[room]]\nid = \"demo\"\npaths = [\"/buy\"]\nmode = \"always\"\ndrain_per_minute = 600";
    let config = rooms::parse(std::path::Path::new("rooms.toml"), file).unwrap().remove(0);
    let clock = Arc::new(SystemClock);
    let store = Arc::new(Counting { store: MemoryStore::new(clock.clone()), calls: AtomicUsize::new(0) });
    let keys = Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
    let ports = Ports {
        store: store.clone(),
        keys: Arc::new(ArcSwap::from_pointee(keys)),
        clock,
        random: Arc::new(SystemRandom),
    };
    let room = Room::start(config, 1, Scheme::Http, ports, Duration::from_millis(250));
    tokio::time::sleep(Duration::from_millis(400)).await;
    let wire = Wire::of_task(Duration::from_secs(15), Arc::default());
    for from in (0..fans).step_by(10_000) {
        let wish = Wish::new(Intent::Wait);
        let joins = (from..fans.min(from + 10_000)).map(|_| room.join(&wish));
        for joined in futures_util::future::join_all(joins).await {
            let Arrival::Waiting(open) = joined.unwrap() else { panic!("a fan did not get a place") };
            assert!(room.attach(&open.place, &wire));
        }
    }
    assert_eq!(room.fans(), fans);
    let mut most = 0;
    for _ in 0..40 {
        let before = store.calls.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(250)).await;
        most = most.max(store.calls.load(Ordering::Relaxed) - before);
    }
    most
}

/// Virtual time, as the runtime's.
struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000) + self.0.elapsed()
    }
}

fn edge(store: &Arc<MemoryStore>, clock: &Arc<VirtualClock>, rules: &str) -> Arc<Room> {
    edge_with(store, clock, rules, Arc::new(SystemRandom))
}

fn edge_with(
    store: &Arc<MemoryStore>,
    clock: &Arc<VirtualClock>,
    rules: &str,
    random: Arc<dyn Random>,
) -> Arc<Room> {
    let file = format!("[[room]]\nid = \"demo\"\npaths = [\"/buy\"]\n{rules}");
    let config = rooms::parse(std::path::Path::new("rooms.toml"), &file).unwrap().remove(0);
    let keys = Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
    let (store, clock) = (store.clone(), clock.clone());
    let ports = Ports { store, keys: Arc::new(ArcSwap::from_pointee(keys)), clock, random };
    Room::start(config, 1, Scheme::Http, ports, Duration::from_millis(250))
}

async fn joins(room: &Room) -> (Place, Option<u64>) {
    let Arrival::Waiting(open) = room.join(&Wish::new(Intent::Wait)).await.unwrap() else {
        panic!("a fan did not get a place")
    };
    let shown = shown(room, &open.place).await;
    (open.place, shown)
}

async fn shown(room: &Room, place: &Place) -> Option<u64> {
    let stand = room.stand(place, Duration::from_secs(10)).await;
    room.status(place, stand).position
}

/// Who is back first would read a place that is too good, and never a higher one again.
#[tokio::test(start_paused = true)]
async fn places_are_told_when_the_line_is_whole_again() {
    for rules in ["mode = \"paused\"", "mode = \"always\"\ndrain_per_minute = 1"] {
        let clock = Arc::new(VirtualClock(Instant::now()));
        let lost = Arc::new(MemoryStore::new(clock.clone()));
        let room = edge(&lost, &clock, rules);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut fans = Vec::new();
        for position in 1..=31 {
            let (place, shown) = joins(&room).await;
            assert_eq!(shown, Some(position), "told at once, though no snapshot knows of them");
            fans.push(place);
        }
        room.stop();
        // All edges and the store are gone at once, and nobody remembers the line but its fans.
        let empty = Arc::new(MemoryStore::new(clock.clone()));
        let rooms = [edge(&empty, &clock, rules), edge(&empty, &clock, rules)];
        tokio::time::sleep(Duration::from_millis(300)).await;
        for place in fans.iter().rev() {
            assert_eq!(shown(&rooms[0], place).await, None);
        }
        let (newcomer, told) = joins(&rooms[0]).await;
        assert_eq!(told, None);
        let stand = rooms[0].stand_now(&newcomer);
        assert!(rooms[0].status(&newcomer, stand).message.contains("put back together"));
        for place in &fans {
            assert_eq!(shown(&rooms[1], place).await, None);
        }
        let mut places = fans.clone();
        places.push(newcomer);
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            for (position, place) in (1..).zip(&places) {
                for room in &rooms {
                    let told = shown(room, place).await;
                    assert!(told.is_none_or(|told| told == position), "{position}: {told:?}");
                }
            }
        }
        for (position, place) in (1..).zip(&places) {
            assert_eq!(shown(&rooms[1], place).await, Some(position));
        }
        rooms.iter().for_each(|room| room.stop());
    }
}

/// Nothing drains a lane that the rules no longer name: a place and a wait would promise what does not come.
#[tokio::test(start_paused = true)]
async fn a_fan_in_a_lane_that_is_no_longer_named_is_told_that_it_stands() {
    let clock = Arc::new(VirtualClock(Instant::now()));
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let room = edge(&store, &clock, "mode = \"always\"\ndrain_per_minute = 1");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (place, position) = joins(&room).await;
    assert_eq!(position, Some(1));
    let wire = Wire::of_task(Duration::from_secs(15), Arc::default());
    assert!(room.attach(&place, &wire));
    for (revision, lane, state, position) in
        [(2, "members", State::Paused, None), (3, "general", State::Waiting, Some(1))]
    {
        let lanes = vec![LaneRule { name: LaneId::parse(lane).unwrap(), weight: 1 }];
        let rules = Rules { lanes, ..room.config().rules.clone() };
        store.configure(&room.id, &rules, revision, &Memory::default()).await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), wire.rung()).await.expect("it is told at once");
        tokio::time::sleep(Duration::from_millis(500)).await;
        let stand = room.stand(&place, Duration::from_secs(10)).await;
        let status = room.status(&place, stand);
        assert_eq!((status.state, status.position), (state, position));
        assert_eq!(status.eta_seconds.is_some(), state == State::Waiting);
    }
    room.stop();
}

/// Gives what it was told to, then what the system has.
#[derive(Default)]
struct Scripted(Mutex<VecDeque<[u8; 12]>>);

impl Random for Scripted {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        match self.0.lock().pop_front() {
            Some(bytes) => buffer.copy_from_slice(&bytes),
            None => SystemRandom.fill(buffer)?,
        }
        Ok(())
    }
}

/// Two ids with the same draw number: one of some thousand pairs.
fn a_collision(seed: &Seed) -> [[u8; 12]; 2] {
    let mut ids = HashMap::new();
    for number in 0_u128.. {
        let id: [u8; 12] = number.to_be_bytes()[4..].try_into().unwrap();
        if let Some(other) = ids.insert(seed.number(TicketId::from_bytes(id)), id) {
            return [other, id];
        }
    }
    unreachable!("there are more ids than draw numbers")
}

#[tokio::test(start_paused = true)]
async fn whoever_draws_a_number_that_is_taken_gets_another_id() {
    let clock = Arc::new(VirtualClock(Instant::now()));
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let rules = "prequeue_at = 2027-01-15T07:59:00Z\nopens_at = 2027-01-15T09:00:00Z";
    let random = Arc::new(Scripted::default());
    let room = edge_with(&store, &clock, rules, random.clone());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let draw = room.draw_id().unwrap();
    let [first, second] = a_collision(&Seed::derive(&room.ports.keys.load(), &room.id, &draw).unwrap());
    // Each id is followed by the name of the batch that brings it to the store.
    *random.0.lock() = [first, [1; 12], second, [2; 12], [3; 12], [4; 12]].into();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let open = match room.join(&Wish::new(Intent::Wait)).await {
            Ok(Arrival::Waiting(open)) => open,
            other => panic!("{other:?}"),
        };
        assert_eq!(open.ticket.order, Order::Drawn(draw.clone()));
        ids.push(open.ticket.id);
    }
    assert_eq!(ids, [first, [3; 12]].map(TicketId::from_bytes));
    // One whose numbers are all taken is not kept for ever.
    *random.0.lock() = (100..200).map(|name| if name % 2 == 0 { first } else { [name; 12] }).collect();
    assert!(matches!(room.join(&Wish::new(Intent::Wait)).await, Err(RoomError::Unsigned(_))));
    room.stop();
}

/// Time is virtual: a tick is over when all its calls are.
#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_fans_cost_the_store_no_more_calls_than_one() {
    let (one, many) = (calls_a_tick(1).await, calls_a_tick(100_000).await);
    println!("calls a tick: {one} for one fan, {many} for 100,000");
    // Presence, drain, snapshot, a look at the fans whose turn may have come, and now and then a page of sessions.
    assert!(one <= 5 && many <= 5, "{one} for one fan, {many} for 100,000");
}
