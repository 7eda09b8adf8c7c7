//! The shop's own inventory, in this process: what a request does once it is read, and before it is answered.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Random, SystemClock, SystemRandom};
use anyhow::{Result, bail};
use origin_app::ids::{EventId, FanId, ReservationId, SeatId};
use origin_app::inventory::memory::MemoryInventory;
use origin_app::inventory::redis::RedisInventory;
use origin_app::inventory::{Ask, Held, HeldSeat, Inventory, InventoryError};

use super::asks::{self, Asks, PRICE};
use super::round::{Outcome, Worker};

/// How long a hold lasts.
pub(crate) const HOLD: Duration = Duration::from_secs(180);
/// Most seats of a fan.
pub(crate) const SEATS_MAX: u32 = 4;

pub(crate) struct Own {
    redis: Office,
    rows: u64,
}

/// An inventory.
#[derive(Clone)]
pub(crate) struct Office {
    inventory: Arc<dyn Inventory>,
    pub(crate) asks: Arc<Asks>,
}

impl Own {
    pub(crate) fn open(redis: &str, rows: u64) -> Result<Self> {
        let inventory: Arc<dyn Inventory> = Arc::new(RedisInventory::open(redis)?);
        Ok(Self { redis: Office { inventory, asks: Arc::new(Asks::in_rows(rows)) }, rows })
    }

    /// An empty one: a process does not run for so long.
    pub(crate) fn memory(&self) -> Worker {
        let inventory: Arc<dyn Inventory> = Arc::new(MemoryInventory::new(Arc::new(SystemClock)));
        Worker::Own(Office { inventory, asks: Arc::new(Asks::in_rows(self.rows)) })
    }

    pub(crate) async fn redis(&self) -> Result<Worker> {
        self.redis.inventory.ping().await?;
        Ok(Worker::Own(self.redis.clone()))
    }
}

impl Office {
    pub(crate) async fn hold(&self, ask: asks::Ask) -> Result<Outcome> {
        let event = EventId::parse(&format!("e{}", ask.event))?;
        let random: &dyn Random = &SystemRandom;
        let mut seats = Vec::with_capacity(2);
        for (name, place) in ask.seats().iter().zip(ask.places()) {
            let place = i64::try_from(place)?;
            seats.push(HeldSeat { id: SeatId::parse(name)?, price_cents: PRICE, place, general: false });
        }
        let ask = Ask {
            id: ReservationId::new(&event, SystemClock.now(), random)?,
            fan: FanId::random(random)?,
            ticket: Some(format!("{}-{}", ask.event, ask.number)),
            duration: HOLD,
            seats_max: SEATS_MAX,
            currency: "EUR".to_owned(),
            seats,
            general: Vec::new(),
        };
        let held = match self.inventory.hold(&event, &ask).await {
            Err(InventoryError::NotLoaded) => {
                self.inventory.load(&event, &[]).await?;
                self.inventory.hold(&event, &ask).await?
            }
            answer => answer?,
        };
        match held {
            Held::Held(_) => Ok(Outcome::Held),
            Held::Taken(_) => Ok(Outcome::Refused),
            other => bail!("the inventory says {other:?}"),
        }
    }
}
