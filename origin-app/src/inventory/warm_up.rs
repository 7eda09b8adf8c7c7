//! Before a sale opens, its inventory is loaded: no fan of its first second waits for the database.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Random};

use super::{BoxOffice, Loaded};
use crate::reservations::ReservationStore;

/// How often it is looked which sales open soon.
const EVERY: Duration = Duration::from_secs(2);

/// Loads what opens soon.
pub struct WarmUp {
    office: Arc<BoxOffice>,
    store: Arc<dyn ReservationStore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    lead: Duration,
}

impl WarmUp {
    /// Loads the events of `store` into the inventory of `office`, `lead` before one of their sales opens.
    pub fn new(
        office: Arc<BoxOffice>,
        store: Arc<dyn ReservationStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        lead: Duration,
    ) -> Self {
        Self { office, store, clock, random, lead }
    }

    /// Looks again and again, until it is dropped.
    pub async fn run(&self) {
        loop {
            self.round().await;
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// Shops that were started together do not look together.
    fn pause(&self) -> Duration {
        let mut chance = [128];
        // Without randomness they may as well look together.
        let _ = self.random.fill(&mut chance);
        let [chance] = chance;
        EVERY / 2 + EVERY * u32::from(chance) / 256
    }

    /// Loads what opens within the lead, or has just opened; gives how many events this shop loaded. What fails is tried
    /// again next time.
    pub async fn round(&self) -> usize {
        let now = self.clock.now();
        let events = match self.store.opening_events(now - self.lead, now + self.lead).await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(error = %error, "it is not known which sales open soon");
                return 0;
            }
        };
        let mut loaded = 0;
        for event in events {
            match self.office.warm_up(&event).await {
                Ok(Loaded::Now) => loaded += 1,
                Ok(Loaded::Before) => {}
                Err(error) => {
                    tracing::warn!(event = %event, error = %error, "a sale that opens soon is not loaded");
                }
            }
        }
        loaded
    }
}
