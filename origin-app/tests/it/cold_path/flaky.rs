//! An inventory whose log can lose what it is told, as when a shop is killed between the database and the log, and can be behind
//! until somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use origin_app::ids::{EventId, FanId, ReservationId};
use origin_app::inventory::{
    Ask, Backlog, DeadLetter, Held, Holding, Inventory, InventoryError, InventoryLog, Keep, Loaded, LogEntry,
};

use crate::support::eventually;

/// The inventory behind it, with what is wrong.
pub(super) struct Flaky {
    pub(super) behind: Arc<dyn Inventory>,
    /// How often it does not hear that entries are in the database.
    pub(super) forgets: Arc<AtomicU32>,
    /// Whether its log is read by nobody, until somebody asks for a reservation: that waits until all of it is in the database.
    pub(super) held_back: Arc<AtomicBool>,
}

impl Flaky {
    /// One with which nothing is wrong yet.
    pub(super) fn before(behind: Arc<dyn Inventory>) -> Self {
        Self { behind, forgets: Arc::default(), held_back: Arc::default() }
    }
}

macro_rules! as_it_is {
    ($($verb:ident($($name:ident: $kind:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl Inventory for Flaky {
            $(
                async fn $verb(&self $(, $name: $kind)*) -> Result<$answer, InventoryError> {
                    self.behind.$verb($($name),*).await
                }
            )+

            async fn look(&self, event: &EventId, id: &ReservationId) -> Result<Option<Holding>, InventoryError> {
                if self.held_back.swap(false, Ordering::SeqCst) {
                    eventually("the log is in the database", async || {
                        let backlog = self.behind.backlog(event).await.unwrap();
                        (backlog.entries == 0).then_some(())
                    })
                    .await;
                }
                self.behind.look(event, id).await
            }
        }
    };
}

as_it_is!(
    begin_load(event: &EventId, loader: &str, turn: Duration) -> bool;
    load(event: &EventId, holdings: &[Holding]) -> Loaded;
    events() -> Vec<EventId>;
    hold(event: &EventId, ask: &Ask) -> Held;
    release(event: &EventId, id: &ReservationId, fan: &FanId) -> Option<Holding>;
    keep(event: &EventId, id: &ReservationId, fan: &FanId) -> Keep;
    put_back(event: &EventId, id: &ReservationId) -> Option<Holding>;
    sell(event: &EventId, id: &ReservationId) -> bool;
    free(event: &EventId, id: &ReservationId) -> bool;
    lapse(event: &EventId, limit: u32) -> u32;
    of_fan(event: &EventId, fan: &FanId) -> Vec<Holding>;
    adopt(event: &EventId, guest: &FanId, fan: &FanId) -> u32;
    all(event: &EventId) -> Vec<Holding>;
    restore(event: &EventId, holding: &Holding) -> bool;
    mend(event: &EventId, sections: &[(String, u32)]) -> u32;
    retire(event: &EventId, after: Duration) -> bool;
    ping() -> ();
);

#[async_trait]
impl InventoryLog for Flaky {
    async fn read(
        &self,
        event: &EventId,
        reader: &str,
        limit: u32,
    ) -> Result<Option<Vec<LogEntry>>, InventoryError> {
        if self.held_back.load(Ordering::SeqCst) {
            return Ok(None);
        }
        self.behind.read(event, reader, limit).await
    }

    async fn acknowledge(&self, event: &EventId, entries: &[LogEntry]) -> Result<(), InventoryError> {
        let left = self.forgets.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => Err(InventoryError::Unavailable("nobody heard".to_owned())),
            Err(_) => self.behind.acknowledge(event, entries).await,
        }
    }

    async fn bury(&self, event: &EventId, entry: &LogEntry, reason: &str) -> Result<(), InventoryError> {
        self.behind.bury(event, entry, reason).await
    }

    async fn dead(&self, event: &EventId, limit: u32) -> Result<Vec<DeadLetter>, InventoryError> {
        self.behind.dead(event, limit).await
    }

    async fn unbury(&self, event: &EventId, mark: &str, replay: bool) -> Result<bool, InventoryError> {
        self.behind.unbury(event, mark, replay).await
    }

    async fn backlog(&self, event: &EventId) -> Result<Backlog, InventoryError> {
        self.behind.backlog(event).await
    }
}
