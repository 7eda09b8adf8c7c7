//! The inventory by itself: one suite for memory and Redis, and both side by side through the same.

mod differential;
mod general;
mod log;
mod redis;
mod seats;

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, SystemRandom, Timestamp};
use origin_app::ids::{EventId, FanId, ReservationId, SeatId};
use origin_app::inventory::memory::MemoryInventory;
use origin_app::inventory::redis::RedisInventory;
use origin_app::inventory::{Ask, GeneralAsk, Held, HeldSeat, Holding, HoldingState, Inventory};

use crate::support::{ManualClock, RedisServer};

/// An inventory for one test, with the event `demo` loaded.
pub(crate) struct Stage {
    pub(crate) inventory: Arc<dyn Inventory>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) event: EventId,
    redis: Option<RedisServer>,
    memory: Option<Arc<MemoryInventory>>,
}

impl Stage {
    pub(crate) async fn in_memory() -> Self {
        let clock = Arc::new(ManualClock::new());
        let memory = Arc::new(MemoryInventory::new(clock.clone()));
        let inventory: Arc<dyn Inventory> = memory.clone();
        Self { inventory, clock, event: event(), redis: None, memory: Some(memory) }.loaded(&[]).await
    }

    pub(crate) async fn in_redis() -> Self {
        let (clock, redis) = (Arc::new(ManualClock::new()), RedisServer::start());
        let inventory = Arc::new(RedisInventory::with_clock(&redis.url(), Some(clock.clone())).unwrap());
        Self { inventory, clock, event: event(), redis: Some(redis), memory: None }.loaded(&[]).await
    }

    async fn loaded(self, holdings: &[Holding]) -> Self {
        self.inventory.load(&self.event, holdings).await.unwrap();
        self
    }

    /// Loses everything, as a Redis without persistence does when it is killed.
    pub(crate) fn lose_everything(&self) {
        match (&self.redis, &self.memory) {
            (Some(redis), _) => assert_eq!(redis.command(&["FLUSHALL"]).unwrap(), "+OK\r\n"),
            (None, Some(memory)) => memory.lose_everything(),
            (None, None) => {}
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// An ask for named seats, at most four for a fan.
    pub(crate) fn ask(&self, fan: &FanId, seats: &[&str]) -> Ask {
        Ask {
            id: ReservationId::new(&self.event, self.now(), &SystemRandom).unwrap(),
            fan: fan.clone(),
            ticket: None,
            duration: Duration::from_secs(180),
            seats_max: 4,
            currency: "EUR".to_owned(),
            seats: seats.iter().map(|id| seat(id)).collect(),
            general: Vec::new(),
        }
    }

    pub(crate) async fn hold(&self, ask: &Ask) -> Held {
        self.inventory.hold(&self.event, ask).await.unwrap()
    }

    /// Holds seats that can be had.
    pub(crate) async fn held(&self, fan: &FanId, seats: &[&str]) -> Holding {
        got(self.hold(&self.ask(fan, seats)).await)
    }

    /// How a reservation stands, if it is known.
    pub(crate) async fn state(&self, id: &ReservationId) -> Option<HoldingState> {
        self.inventory.look(&self.event, id).await.unwrap().map(|holding| holding.state)
    }

    /// Seats that somebody has, in order.
    pub(crate) async fn taken(&self) -> Vec<String> {
        let all = self.inventory.all(&self.event).await.unwrap();
        let mut seats: Vec<_> = all.iter().flat_map(names).collect();
        seats.sort();
        seats
    }
}

pub(crate) fn event() -> EventId {
    EventId::parse("demo").unwrap()
}

pub(crate) fn fan() -> FanId {
    FanId::random(&SystemRandom).unwrap()
}

pub(crate) fn seat(id: &str) -> HeldSeat {
    let place = id.rsplit('-').next().unwrap().parse().unwrap();
    HeldSeat { id: SeatId::parse(id).unwrap(), price_cents: 4500, place, general: false }
}

pub(crate) fn general(section: &str, quantity: u32, capacity: u32) -> GeneralAsk {
    GeneralAsk { section: section.to_owned(), quantity, price_cents: 2000, place: 1000, capacity }
}

pub(crate) fn names(holding: &Holding) -> Vec<String> {
    holding.seats.iter().map(|seat| seat.id.to_string()).collect()
}

#[track_caller]
pub(crate) fn got(held: Held) -> Holding {
    match held {
        Held::Held(holding) => holding,
        other => panic!("{other:?}"),
    }
}

/// Runs each test on memory and on Redis.
macro_rules! on_both_inventories {
    ($($test:ident),+ $(,)?) => {
        mod in_memory {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::inventory::Stage::in_memory().await).await;
                }
            )+
        }
        mod in_redis {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::inventory::Stage::in_redis().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_both_inventories;
