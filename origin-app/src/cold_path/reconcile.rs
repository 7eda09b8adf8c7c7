//! The reconciler: compares inventory and database, and puts the inventory right.
//!
//! A crash between the two leaves seats kept for a payment that is over, or sold seats that are not marked so. Of payments the
//! database is right in every case; of holds, whoever has one that the other lacks, for the log is what should have told of it.
//! What is younger than [`IN_FLIGHT`] may still be on its way.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use admission::clock::Clock;

use crate::ids::{EventId, ReservationId};
use crate::inventory::{BoxOffice, Holding, HoldingState, Loaded, OfficeError};
use crate::reservations::{ReservationState, ReservationStore};

/// How long the two may differ: between keeping seats and writing the payment down.
const IN_FLIGHT: Duration = Duration::from_secs(60);

/// How long after its beginning an event is over for the inventory: nothing of it is sold any more.
const OVER_AFTER: Duration = Duration::from_secs(24 * 3600);
/// How long what is kept of it stays then, for somebody to look at.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

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
        if let Err(error) = self.retire(&events).await {
            tracing::warn!(error = %error, "what is over is not forgotten");
        }
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

    /// Has the inventory forget events that are over.
    async fn retire(&self, on_sale: &[EventId]) -> Result<(), OfficeError> {
        for event in self.office.inventory().events().await? {
            if on_sale.contains(&event) {
                continue;
            }
            let begins = self.office.house(&event).await?.map(|house| house.detail.event.starts_at);
            let is_over = begins.is_none_or(|begins| begins + OVER_AFTER < self.clock.now());
            if is_over && self.office.inventory().retire(&event, FORGOTTEN_AFTER).await? {
                self.office.forget(&event);
                tracing::info!(event = %event, "what the inventory had of an event that is over is gone");
            }
        }
        Ok(())
    }

    async fn compare(&self, event: &EventId) -> Result<usize, OfficeError> {
        if self.office.load(event).await? == Loaded::Now {
            return Ok(0);
        }
        let sections = self.office.house(event).await?.map(|house| house.sections_without_numbers());
        let mut repaired = self.office.inventory().mend(event, &sections.unwrap_or_default()).await? as usize;
        // The inventory first: what happens in between, the database knows better.
        let kept = self.office.inventory().all(event).await?;
        let kept: HashMap<&ReservationId, &Holding> =
            kept.iter().map(|holding| (&holding.id, holding)).collect();
        let known = self.store.live(event, self.clock.now()).await?;
        for right in &known {
            let found = kept.get(&right.id).map(|found| found.state);
            let differs = match right.state {
                HoldingState::Held => found.is_none() && self.is_forgotten(event, right).await?,
                _ => found != Some(right.state) && self.still(event, &right.id, found).await?,
            };
            if differs {
                let right = self.office.as_in_house(event, right.clone()).await?;
                // A hold whose seats are somebody else's by now is over, and only the database does not know.
                repaired += usize::from(self.office.inventory().restore(event, &right).await?);
            }
        }
        let known: HashMap<&ReservationId, HoldingState> =
            known.iter().map(|known| (&known.id, known.state)).collect();
        for found in kept.values() {
            repaired += usize::from(self.is_too_much(event, found, known.get(&found.id).copied()).await?);
        }
        Ok(repaired)
    }

    /// Puts right what the inventory has and the database, which says `known` of it, has not. Whether there was something.
    async fn is_too_much(
        &self,
        event: &EventId,
        found: &Holding,
        known: Option<HoldingState>,
    ) -> Result<bool, OfficeError> {
        let is_paid = known.is_some_and(|known| known != HoldingState::Held);
        if is_paid || found.since + IN_FLIGHT > self.clock.now() {
            return Ok(false);
        }
        match found.state {
            HoldingState::Kept => self.office.put_back(event, &found.id).await,
            HoldingState::Sold => self.office.free(event, &found.id).await,
            // The log should have told of it long ago.
            HoldingState::Held if known.is_none() => {
                if self.store.find(&found.id, &found.fan).await?.is_some() {
                    return Ok(false);
                }
                self.store.record(event, std::slice::from_ref(found)).await?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether the inventory knows nothing of a hold that the database has. What it has forgotten because the database knows
    /// that it is over, the database does not say to be held: so it is asked after the inventory.
    async fn is_forgotten(&self, event: &EventId, right: &Holding) -> Result<bool, OfficeError> {
        if self.office.inventory().look(event, &right.id).await?.is_some() {
            return Ok(false);
        }
        let now = self.store.find(&right.id, &right.fan).await?;
        Ok(now.is_some_and(|now| now.state == ReservationState::Held && now.expires_at > self.clock.now()))
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
