//! Reading events, by way of what is kept of them.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Clock;

use super::cache::{Cache, Keep};
use super::house::EventDetail;
use super::model::{EventOnSale, Seat};
use super::new_event::{NewEvent, NewSeat};
use super::query::EventQuery;
use super::store::{Created, EventStore, SectionCount, Updated};
use crate::config::CacheSettings;
use crate::ids::EventId;
use crate::store::StoreError;

/// A list is shown to nobody younger than a shared cache would keep it, however many seats are sold.
const LIST_LEAST: Duration = Duration::from_secs(1);

/// Most venues to choose from.
const VENUES_MAX: u32 = 200;

/// Events, their seats and what is gone of them. Nothing that is kept says anything about a fan.
pub struct Events {
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    details: Cache<EventId, Option<Arc<EventDetail>>>,
    lists: Cache<EventQuery, Arc<Vec<EventOnSale>>>,
    venues: Cache<(), Arc<Vec<String>>>,
    seats: Cache<EventId, Arc<Vec<Seat>>>,
    claimed: Cache<EventId, Arc<Vec<SectionCount>>>,
}

impl Events {
    /// Reads events from `store` and keeps them as `settings` say.
    pub fn new(store: Arc<dyn EventStore>, clock: Arc<dyn Clock>, settings: CacheSettings) -> Self {
        let CacheSettings { event, seats, list, entries } = settings;
        let keep = |expiry| Keep { expiry, least: Duration::ZERO, most: entries };
        Self {
            details: Cache::new(Arc::clone(&clock), keep(event)),
            lists: Cache::new(Arc::clone(&clock), Keep { least: LIST_LEAST.min(list), ..keep(list) }),
            venues: Cache::new(Arc::clone(&clock), keep(list)),
            seats: Cache::new(Arc::clone(&clock), keep(seats)),
            claimed: Cache::new(Arc::clone(&clock), keep(seats)),
            store,
            clock,
        }
    }

    /// An event with its house and its sales, of whatever status.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn detail(&self, id: &EventId) -> Result<Option<Arc<EventDetail>>, StoreError> {
        self.details.get(id, async || Ok(self.store.detail(id).await?.map(Arc::new))).await
    }

    /// The events that `query` asks for, by start.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page(&self, query: &EventQuery) -> Result<Arc<Vec<EventOnSale>>, StoreError> {
        let read = async || Ok(Arc::new(self.store.page(query, self.clock.now()).await?));
        // What organisers see is asked for rarely, and has to be as it is.
        if query.with_drafts { read().await } else { self.lists.get(query, read).await }
    }

    /// Where published events happen, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn venues(&self) -> Result<Arc<Vec<String>>, StoreError> {
        self.venues.get(&(), async || Ok(Arc::new(self.store.venues(VENUES_MAX).await?))).await
    }

    /// The numbered seats of an event, as somebody sees them to whom none belongs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seats(&self, id: &EventId) -> Result<Arc<Vec<Seat>>, StoreError> {
        self.seats.get(id, async || Ok(Arc::new(self.store.seats(id, None, self.clock.now()).await?))).await
    }

    /// How many places of each section are gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claimed(&self, id: &EventId) -> Result<Arc<Vec<SectionCount>>, StoreError> {
        self.claimed.get(id, async || Ok(Arc::new(self.store.claimed(id, self.clock.now()).await?))).await
    }

    /// Adds an event.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create(&self, new: &NewEvent) -> Result<Created, StoreError> {
        let created = self.store.create(new, self.clock.now()).await;
        self.edited(&new.detail.event.id);
        created
    }

    /// Makes an event what `changed` says, if it is still of version `from`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update(
        &self,
        changed: &EventDetail,
        seats: Option<&[NewSeat]>,
        from: i64,
    ) -> Result<Updated, StoreError> {
        let updated = self.store.update(changed, seats, from).await;
        // Whatever came of it: an error does not say that nothing was written.
        self.edited(&changed.event.id);
        updated
    }

    /// Seats of the event were held, given back or sold.
    pub fn claims_changed(&self, id: &EventId) {
        self.seats.drop_one(id);
        self.claimed.drop_one(id);
        self.lists.touch_all();
    }

    /// Seats of some event were given back.
    pub fn any_claims_changed(&self) {
        self.seats.drop_all();
        self.claimed.drop_all();
        self.lists.touch_all();
    }

    /// What is said of the event was changed.
    fn edited(&self, id: &EventId) {
        self.details.drop_one(id);
        self.claims_changed(id);
        self.lists.drop_all();
        self.venues.drop_all();
    }
}
