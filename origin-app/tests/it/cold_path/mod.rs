//! From the inventory into the database, whatever is wrong on the way.

mod failing;
mod flaky;
mod losing;
mod over;
mod reconciling;
mod several;

use std::sync::Arc;

use origin_app::config::Settings;
use origin_app::ids::{EventId, ReservationId};
use origin_app::inventory::memory::MemoryInventory;
use origin_app::inventory::{Backlog, HoldingState, Inventory};

use crate::metrics::{scrape, value};
use crate::support::{Database, ManualClock, Shop, eventually, settings};

pub(crate) fn reservation(id: &str) -> ReservationId {
    ReservationId::parse(id).unwrap()
}

/// A shop with the event `demo`, whose inventory the test has in hand as well.
pub(crate) struct Stage {
    pub(crate) database: Database,
    pub(crate) shop: Shop,
    pub(crate) inventory: Arc<dyn Inventory>,
    pub(crate) event: EventId,
}

impl Stage {
    /// `seats` places for sale.
    pub(crate) async fn open(database: Database, seats: u32) -> Self {
        Self::open_with(database, seats, |_| {}, |inventory| inventory).await
    }

    /// The same with settings of the test's, and an inventory that the shop sees only by way of `around`.
    pub(crate) async fn open_with(
        database: Database,
        seats: u32,
        change: impl FnOnce(&mut Settings),
        around: impl FnOnce(Arc<dyn Inventory>) -> Arc<dyn Inventory>,
    ) -> Self {
        let stage = Self::empty(database, change, around).await;
        stage.shop.create_demo(&[("A", seats)]).await;
        stage
    }

    /// The same before there is an event.
    pub(crate) async fn empty(
        database: Database,
        change: impl FnOnce(&mut Settings),
        around: impl FnOnce(Arc<dyn Inventory>) -> Arc<dyn Inventory>,
    ) -> Self {
        let clock = Arc::new(ManualClock::new());
        let mut settings = settings(&database);
        change(&mut settings);
        let inventory = crate::support::inventory(&settings, &clock)
            .unwrap_or_else(|| Arc::new(MemoryInventory::new(clock.clone())));
        let seen = around(inventory.clone());
        let shop = Shop::open_around(settings, clock, None, Some(seen)).await;
        Self { database, shop, inventory, event: EventId::parse("demo").unwrap() }
    }

    pub(crate) async fn backlog(&self) -> Backlog {
        self.inventory.backlog(&self.event).await.unwrap()
    }

    /// Waits until the database knows all, but what was put aside.
    pub(crate) async fn caught_up(&self) {
        eventually("the log is in the database", async || (self.backlog().await.entries == 0).then_some(()))
            .await;
    }

    /// Waits until so many entries were put aside; why they were.
    pub(crate) async fn dead(&self, count: usize) -> Vec<(String, String)> {
        eventually("entries are put aside", async || {
            let dead = self.inventory.dead(&self.event, 100).await.unwrap();
            let told = dead.into_iter().map(|letter| (letter.mark, letter.reason));
            Some(told.collect::<Vec<_>>()).filter(|dead| dead.len() == count)
        })
        .await
    }

    /// How the inventory has a reservation.
    pub(crate) async fn state(&self, id: &str) -> Option<HoldingState> {
        self.inventory.look(&self.event, &reservation(id)).await.unwrap().map(|holding| holding.state)
    }

    /// What the reconciler has put right so far, as the metrics tell.
    pub(crate) async fn repairs(&self) -> f64 {
        value(&scrape(&self.shop).await, "shop_inventory_repairs_total").unwrap()
    }

    /// How many reservations and seats of reservations the database has.
    pub(crate) async fn rows(&self) -> (i64, i64) {
        (
            self.database.count("SELECT count(*) FROM reservations").await,
            self.database.count("SELECT count(*) FROM reservation_seats").await,
        )
    }

    pub(crate) async fn close(self) {
        self.shop.close().await;
    }
}
