//! What the features ask the inventory: by reservation, whatever its event, and loading an event that is not loaded.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use admission::clock::Clock;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Ask, Held, Holding, House, Houses, Inventory, InventoryError, Keep};
use crate::ids::{EventId, FanId, ReservationId};
use crate::reservations::ReservationStore;
use crate::store::StoreError;

/// How often the events on sale are read for an id that belongs to none that is known.
const EVENTS_EVERY: Duration = Duration::from_millis(200);

/// The inventory, and what it takes to use it.
pub struct BoxOffice {
    pub(super) inventory: Arc<dyn Inventory>,
    pub(super) houses: Arc<Houses>,
    pub(super) store: Arc<dyn ReservationStore>,
    pub(super) clock: Arc<dyn Clock>,
    /// What tells this shop from others.
    pub(super) name: String,
    pub(super) written: Written,
    known: Mutex<Known>,
    pub(super) loading: Mutex<HashMap<EventId, Arc<tokio::sync::Mutex<()>>>>,
    /// Itself, for what goes on when who asked for it has gone.
    pub(super) me: Weak<Self>,
}

/// Which logs somebody of this process has written to.
#[derive(Default)]
pub struct Written {
    events: Mutex<BTreeSet<EventId>>,
    notify: Notify,
}

impl Written {
    pub(super) fn to(&self, event: &EventId) {
        let mut events = lock(&self.events);
        if !events.contains(event) {
            events.insert(event.clone());
        }
        drop(events);
        self.notify.notify_one();
    }

    /// Waits for the next, and takes which they are.
    pub async fn next(&self) -> BTreeSet<EventId> {
        self.notify.notified().await;
        std::mem::take(&mut *lock(&self.events))
    }
}

#[derive(Default)]
struct Known {
    events: BTreeSet<EventId>,
    read_at: Option<Instant>,
}

/// The inventory or the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// The inventory.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks of an event what needs it loaded; where it is not, loads it and asks once more.
macro_rules! loaded {
    ($office:expr, $event:expr, $ask:expr) => {
        match $ask.await {
            Err(InventoryError::NotLoaded) => {
                $office.load_in_time($event).await?;
                $ask.await
            }
            answer => answer,
        }
    };
}

impl BoxOffice {
    /// An office over `inventory`, which is loaded from `store`; `name` tells this shop from others.
    pub fn new(
        inventory: Arc<dyn Inventory>,
        houses: Arc<Houses>,
        store: Arc<dyn ReservationStore>,
        clock: Arc<dyn Clock>,
        name: String,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            inventory,
            houses,
            store,
            clock,
            name,
            written: Written::default(),
            known: Mutex::default(),
            loading: Mutex::default(),
            me: me.clone(),
        })
    }

    /// The inventory itself.
    pub fn inventory(&self) -> &Arc<dyn Inventory> {
        &self.inventory
    }

    /// Which logs there is something in.
    pub const fn written(&self) -> &Written {
        &self.written
    }

    /// Says that there may be something in the log of an event.
    pub fn look_at(&self, event: &EventId) {
        self.written.to(event);
    }

    /// The facts of an event.
    ///
    /// # Errors
    /// When they are not at hand and the database fails.
    pub async fn house(&self, event: &EventId) -> Result<Option<Arc<House>>, StoreError> {
        self.houses.get(event).await
    }

    /// The facts of an event were changed.
    pub fn changed(&self, event: &EventId) {
        self.houses.forget(event);
    }

    /// See [`Inventory::hold`].
    ///
    /// # Errors
    /// When the inventory or, for loading, the database fails.
    pub async fn hold(&self, event: &EventId, ask: &Ask) -> Result<Held, OfficeError> {
        let held = loaded!(self, event, self.inventory.hold(event, ask))?;
        self.written.to(event);
        Ok(held)
    }

    /// See [`Inventory::release`]; with the reservation's event.
    ///
    /// # Errors
    /// When the inventory or, for loading, the database fails.
    pub async fn release(&self, id: &ReservationId, fan: &FanId) -> Result<Option<Holding>, OfficeError> {
        for event in self.events_of(id).await? {
            let released = loaded!(self, &event, self.inventory.release(&event, id, fan))?;
            if released.is_some() {
                self.written.to(&event);
                return Ok(released);
            }
        }
        Ok(None)
    }

    /// See [`Inventory::keep`]; with the reservation's event.
    ///
    /// # Errors
    /// When the inventory or, for loading, the database fails.
    pub async fn keep(
        &self,
        id: &ReservationId,
        fan: &FanId,
    ) -> Result<Option<(EventId, Keep)>, OfficeError> {
        for event in self.events_of(id).await? {
            let keep = loaded!(self, &event, self.inventory.keep(&event, id, fan))?;
            if keep != Keep::Unknown {
                self.written.to(&event);
                return Ok(Some((event, keep)));
            }
        }
        Ok(None)
    }

    /// What the inventory knows of a reservation.
    ///
    /// # Errors
    /// When the inventory or, for loading, the database fails.
    pub async fn look(&self, id: &ReservationId) -> Result<Option<(EventId, Holding)>, OfficeError> {
        for event in self.events_of(id).await? {
            if let Some(holding) = loaded!(self, &event, self.inventory.look(&event, id))? {
                return Ok(Some((event, holding)));
            }
        }
        Ok(None)
    }

    /// What the inventory knows of a fan's reservations, whatever the event. An event that is not loaded has none.
    ///
    /// # Errors
    /// When the inventory fails.
    pub async fn of_fan(&self, fan: &FanId) -> Result<Vec<(EventId, Holding)>, InventoryError> {
        let events = self.inventory.events().await?;
        let asked = events.into_iter().map(async |event| match self.inventory.of_fan(&event, fan).await {
            Err(InventoryError::NotLoaded) => Ok(Vec::new()),
            answer => answer.map(|found| found.into_iter().map(|one| (event.clone(), one)).collect()),
        });
        let found: Vec<Vec<_>> = futures_util::future::try_join_all(asked).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// What a fan has of one event, as far as the inventory knows, those included that are over.
    ///
    /// # Errors
    /// When the inventory fails, or the event is not loaded.
    pub async fn of_fan_at(&self, event: &EventId, fan: &FanId) -> Result<Vec<Holding>, InventoryError> {
        self.inventory.of_fan(event, fan).await
    }

    /// All that is `guest`'s is `fan`'s from now on, whatever the event.
    ///
    /// # Errors
    /// When the inventory fails.
    pub async fn adopt(&self, guest: &FanId, fan: &FanId) -> Result<(), InventoryError> {
        for event in self.inventory.events().await? {
            match self.inventory.adopt(&event, guest, fan).await {
                Ok(_) | Err(InventoryError::NotLoaded) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Who has which seats of an event now; nothing where that is not known.
    ///
    /// # Errors
    /// When the inventory or, for loading, the database fails.
    pub async fn all(&self, event: &EventId) -> Result<Vec<Holding>, OfficeError> {
        Ok(loaded!(self, event, self.inventory.all(event))?)
    }

    /// The payment under way ended without a charge: the hold goes on. What fails here the reconciler puts right.
    pub async fn put_back(&self, event: &EventId, id: &ReservationId) {
        let answer = self.inventory.put_back(event, id).await.map(drop);
        self.tell_of(event, id, answer, "a hold is still kept");
    }

    /// The seats are paid. What fails here the reconciler puts right.
    pub async fn sell(&self, event: &EventId, id: &ReservationId) {
        let answer = self.inventory.sell(event, id).await.map(drop);
        self.tell_of(event, id, answer, "sold seats are not marked so");
    }

    /// The seats of a payment or a sale are free again. What fails here the reconciler puts right.
    pub async fn free(&self, event: &EventId, id: &ReservationId) {
        let answer = self.inventory.free(event, id).await.map(drop);
        self.tell_of(event, id, answer, "free seats are not marked so");
    }

    fn tell_of(
        &self,
        event: &EventId,
        id: &ReservationId,
        answer: Result<(), InventoryError>,
        what: &'static str,
    ) {
        if let Err(error) = answer {
            tracing::warn!(event = %event, reservation = %id, error = %error, "{what}, until the next comparison");
        }
        self.written.to(event);
    }

    /// The event is loaded.
    pub(super) fn knows(&self, event: &EventId) {
        lock(&self.known).events.insert(event.clone());
    }

    /// The event is over, and loaded no more.
    pub fn forget(&self, event: &EventId) {
        lock(&self.known).events.remove(event);
        lock(&self.loading).remove(event);
        self.houses.forget(event);
    }

    /// Which events a reservation of this id may be of: one, nearly always.
    async fn events_of(&self, id: &ReservationId) -> Result<Vec<EventId>, InventoryError> {
        let tag = id.event_tag();
        let tagged = |known: &Known| -> Vec<EventId> {
            known.events.iter().filter(|event| event.tag() == tag).cloned().collect()
        };
        {
            let known = lock(&self.known);
            let found = tagged(&known);
            if !found.is_empty() || known.read_at.is_some_and(|at| at.elapsed() < EVENTS_EVERY) {
                return Ok(found);
            }
        }
        let events = self.inventory.events().await?;
        let mut known = lock(&self.known);
        known.events.extend(events);
        known.read_at = Some(Instant::now());
        Ok(tagged(&known))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
