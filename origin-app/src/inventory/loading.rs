//! Making an event ready to be sold: by whoever asks for it first, and before its sale opens.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::box_office::{BoxOffice, OfficeError, lock};
use super::{Holding, House, InventoryError, Loaded};
use crate::ids::EventId;
use crate::store::StoreError;

/// How long a request waits for an event to be loaded.
const LOAD_WAIT: Duration = Duration::from_secs(2);
/// How long loading waits until the database knows what the log of before tells.
const LOG_WAIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a shop has its turn to load an event. One that takes longer does no harm: who is second changes nothing.
const LOAD_TURN: Duration = Duration::from_secs(2);

impl BoxOffice {
    /// Loads an event, waiting for it as long as a request may. It is loaded even if nobody waits any more.
    pub(super) async fn load_in_time(&self, event: &EventId) -> Result<(), OfficeError> {
        let (me, event) = (self.me.upgrade().ok_or(InventoryError::NotLoaded)?, event.clone());
        let load = tokio::spawn(async move { me.load(&event).await });
        match tokio::time::timeout(LOAD_WAIT, load).await {
            Ok(Ok(loaded)) => loaded.map(drop),
            Ok(Err(_)) | Err(_) => Err(InventoryError::NotLoaded.into()),
        }
    }

    /// A holding of the database's as the inventory keeps it.
    ///
    /// # Errors
    /// When the event is not at hand and the database fails.
    pub async fn as_in_house(&self, event: &EventId, mut holding: Holding) -> Result<Holding, StoreError> {
        if let Some(house) = self.houses.get(event).await? {
            mark_general(&house, &mut holding);
        }
        Ok(holding)
    }

    /// Loads an event and has its facts at hand, so that the first fan waits for neither.
    ///
    /// # Errors
    /// When the inventory or the database fails.
    pub async fn warm_up(&self, event: &EventId) -> Result<Loaded, OfficeError> {
        let loaded = self.load(event).await?;
        self.house(event).await?;
        Ok(loaded)
    }

    /// Makes an event ready to be sold, if it is not. What the log of before tells comes into the database first:
    /// from there the event is loaded, by one shop while the others wait.
    ///
    /// # Errors
    /// When the inventory or the database fails.
    pub async fn load(&self, event: &EventId) -> Result<Loaded, OfficeError> {
        let only_one = Arc::clone(lock(&self.loading).entry(event.clone()).or_default());
        let _only_one = only_one.lock().await;
        if self.is_loaded(event).await? {
            return Ok(Loaded::Before);
        }
        let begun = Instant::now();
        let Some(house) = self.houses.read(event).await? else {
            return Err(InventoryError::NotLoaded.into());
        };
        while !self.inventory.begin_load(event, &self.name, LOAD_TURN).await? {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.is_loaded(event).await? {
                return Ok(Loaded::Before);
            }
        }
        while self.inventory.backlog(event).await?.entries > 0 && begun.elapsed() < LOG_WAIT {
            self.written.to(event);
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let now = self.clock.now();
        let mut holdings = self.store.live(event, now).await?;
        holdings.iter_mut().for_each(|holding| mark_general(&house, holding));
        let loaded = self.inventory.load(event, &holdings).await?;
        self.knows(event);
        if loaded == Loaded::Now {
            let lost = self.store.note_load(event, now).await?;
            let (reservations, millis) = (holdings.len(), begun.elapsed().as_millis());
            tracing::info!(event = %event, reservations, again = lost, millis, "inventory loaded");
        }
        Ok(loaded)
    }

    async fn is_loaded(&self, event: &EventId) -> Result<bool, InventoryError> {
        match self.inventory.lapse(event, 0).await {
            Ok(_) => {
                self.knows(event);
                Ok(true)
            }
            Err(InventoryError::NotLoaded) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Marks the seats that are of a section without numbers, of which the database's holdings say nothing.
fn mark_general(house: &House, holding: &mut Holding) {
    for seat in &mut holding.seats {
        seat.general = house.seat(&seat.id).is_some_and(|known| known.general);
    }
}
