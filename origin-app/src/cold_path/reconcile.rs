//! The reconciler: compares inventory and database, and puts the inventory right.
//!
//! A crash between the two leaves seats kept for a payment that is over, or sold seats that are not marked so. The
//! database is right in every case; what is younger than [`IN_FLIGHT`] may still be on its way there.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use admission::clock::Clock;

use crate::ids::{EventId, ReservationId};
use crate::inventory::{BoxOffice, Holding, HoldingState, Loaded, OfficeError};
use crate::reservations::ReservationStore;

/// How long the two may differ: between keeping seats and writing the payment down.
const IN_FLIGHT: Duration = Duration::from_secs(60);

/// Compares inventory and database.
pub struct Reconciler {
    office: Arc<BoxOffice>,
    store: Arc<dyn ReservationStore>,
    clock: Arc<dyn Clock>,
    repaired: AtomicU64,
}

impl Reconciler {
    /// Puts the inventory of `office` right by what `store` says.
    pub fn new(office: Arc<BoxOffice>, store: Arc<dyn ReservationStore>, clock: Arc<dyn Clock>) -> Self {
        Self { office, store, clock, repaired: AtomicU64::default() }
    }

    /// What it has put right so far.
    pub fn repaired(&self) -> u64 {
        self.repaired.load(Ordering::Relaxed)
    }

    /// Compares again and again, until it is dropped.
    pub async fn run(&self, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            self.round().await;
        }
    }

    /// Loads every event that was on sale and is not loaded, and compares the others; gives how many reservations it put
    /// right. What fails is tried again next time.
    pub async fn round(&self) -> usize {
        let events = match self.store.loaded_events(self.clock.now()).await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(error = %error, "inventory and database are not compared");
                return 0;
            }
        };
        let mut repaired = 0;
        for event in events {
            match self.compare(&event).await {
                Ok(0) => {}
                Ok(count) => {
                    tracing::warn!(event = %event, count, "the inventory was put right");
                    repaired += count;
                }
                Err(error) => {
                    tracing::warn!(event = %event, error = %error, "inventory and database are not compared");
                }
            }
        }
        self.repaired.fetch_add(repaired as u64, Ordering::Relaxed);
        repaired
    }

    async fn compare(&self, event: &EventId) -> Result<usize, OfficeError> {
        if self.office.load(event).await? == Loaded::Now {
            return Ok(0);
        }
        // The inventory first: what happens in between, the database knows better.
        let kept = self.office.inventory().all(event).await?;
        let kept: HashMap<&ReservationId, &Holding> =
            kept.iter().map(|holding| (&holding.id, holding)).collect();
        let known = self.store.live(event, self.clock.now()).await?;
        let mut repaired = 0;
        for right in known.iter().filter(|right| right.state != HoldingState::Held) {
            let found = kept.get(&right.id).map(|found| found.state);
            if found != Some(right.state) && self.still(event, &right.id, found).await? {
                let right = self.office.as_in_house(event, right.clone()).await?;
                self.office.inventory().restore(event, &right).await?;
                repaired += 1;
            }
        }
        let known: HashMap<&ReservationId, HoldingState> =
            known.iter().map(|known| (&known.id, known.state)).collect();
        for found in kept.values() {
            let is_paid = known.get(&found.id).is_some_and(|known| *known != HoldingState::Held);
            if is_paid || found.since + IN_FLIGHT > self.clock.now() {
                continue;
            }
            match found.state {
                HoldingState::Kept => self.office.put_back(event, &found.id).await,
                HoldingState::Sold => self.office.free(event, &found.id).await,
                _ => continue,
            }
            repaired += 1;
        }
        Ok(repaired)
    }

    /// Whether the inventory has not changed its mind meanwhile.
    async fn still(
        &self,
        event: &EventId,
        id: &ReservationId,
        found: Option<HoldingState>,
    ) -> Result<bool, OfficeError> {
        let now = self.office.inventory().look(event, id).await?.map(|holding| holding.state);
        Ok(now.filter(|state| state.has_seats()) == found)
    }
}
