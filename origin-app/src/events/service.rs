//! Reading events, by way of what is kept of them.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Clock;

use super::cache::{Cache, Keep};
use super::house::EventDetail;
use super::model::{EventOnSale, EventStatus, Seat};
use super::new_event::{ChangeBody, NewEvent, NewSeat};
use super::query::EventQuery;
use super::store::{Created, EventStore, SectionCount, Updated};
use crate::config::CacheSettings;
use crate::ids::EventId;
use crate::inventory::{BoxOffice, Holding, OfficeError, seat_map};
use crate::store::StoreError;

/// A list is shown to nobody younger than a shared cache would keep it, however many seats are sold.
const LIST_LEAST: Duration = Duration::from_secs(1);

/// Most venues to choose from.
const VENUES_MAX: u32 = 200;

/// Events, their seats and what is gone of them. Nothing that is kept says anything about a fan.
pub struct Events {
    store: Arc<dyn EventStore>,
    office: Arc<BoxOffice>,
    clock: Arc<dyn Clock>,
    details: Cache<EventId, Option<Arc<EventDetail>>>,
    lists: Cache<EventQuery, Arc<Vec<EventOnSale>>>,
    venues: Cache<(), Arc<Vec<String>>>,
    /// Which seats there are. Who has them is marked on a copy.
    numbered: Cache<EventId, Arc<Vec<Seat>>>,
    seats: Cache<EventId, Arc<Vec<Seat>>>,
    claimed: Cache<EventId, Arc<Vec<SectionCount>>>,
}

/// Why an event was not changed. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeRefused {
    /// There is no such event.
    #[error("no such event")]
    Missing,
    /// Somebody changed it after the version that the change was made from.
    #[error("changed meanwhile")]
    Stale,
    /// The change makes no sense; the message names the field and what would be right.
    #[error("{0}")]
    Invalid(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Events {
    /// Reads events from `store`, and from `office` who has which seats; keeps them as `settings` say.
    pub fn new(
        store: Arc<dyn EventStore>,
        office: Arc<BoxOffice>,
        clock: Arc<dyn Clock>,
        settings: CacheSettings,
    ) -> Self {
        let CacheSettings { event, seats, list, entries } = settings;
        let keep = |expiry| Keep { expiry, least: Duration::ZERO, most: entries };
        Self {
            details: Cache::new(Arc::clone(&clock), keep(event)),
            lists: Cache::new(Arc::clone(&clock), Keep { least: LIST_LEAST.min(list), ..keep(list) }),
            venues: Cache::new(Arc::clone(&clock), keep(list)),
            numbered: Cache::new(Arc::clone(&clock), keep(event)),
            seats: Cache::new(Arc::clone(&clock), keep(seats)),
            claimed: Cache::new(Arc::clone(&clock), keep(seats)),
            store,
            office,
            clock,
        }
    }

    /// An event with its house and its sales, of whatever status.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn detail(&self, id: &EventId) -> Result<Option<Arc<EventDetail>>, StoreError> {
        let read = async || Ok::<_, StoreError>(self.store.detail(id).await?.map(Arc::new));
        let detail = self.details.get(id, read).await?;
        if detail.is_none() {
            // That there is none is not kept: another shop may put it on sale, and this one would tell the buyers of the
            // first seconds that it is too late to give their tickets back.
            self.details.drop_one(id);
        }
        Ok(detail)
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
        let known =
            async || Ok::<_, StoreError>(Arc::new(self.store.seats(id, None, self.clock.now()).await?));
        // While seats are sold the inventory knows who has which: the database is not asked after each of them.
        let read = async || match self.held(id).await? {
            Some(holdings) => Ok(Arc::new(seat_map::of(&self.numbered.get(id, known).await?, &holdings))),
            None => known().await,
        };
        self.seats.get(id, read).await
    }

    /// How many places of each section are gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claimed(&self, id: &EventId) -> Result<Arc<Vec<SectionCount>>, StoreError> {
        let read = async || match (self.held(id).await?, self.office.house(id).await?) {
            (Some(holdings), Some(house)) => Ok(Arc::new(seat_map::count(&house, &holdings))),
            _ => Ok(Arc::new(self.store.claimed(id, self.clock.now()).await?)),
        };
        self.claimed.get(id, read).await
    }

    /// Who has which seats; nothing where only the database can say. Of a draft nobody has any, and a house that may yet
    /// become another is not loaded.
    async fn held(&self, id: &EventId) -> Result<Option<Vec<Holding>>, StoreError> {
        let house = self.office.house(id).await?;
        if house.is_none_or(|house| house.detail.event.status == EventStatus::Draft) {
            return Ok(None);
        }
        match self.office.all(id).await {
            Ok(holdings) => Ok(Some(holdings)),
            Err(OfficeError::Store(error)) => Err(error),
            Err(OfficeError::Inventory(error)) => {
                tracing::warn!(event = %id, error = %error, "told what the database knows");
                Ok(None)
            }
        }
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

    /// An event as the database has it now, for who is about to change it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn detail_now(&self, id: &EventId) -> Result<Option<EventDetail>, StoreError> {
        self.store.detail(id).await
    }

    /// Changes an event as `body` says, which is as `PATCH /api/events/{id}` takes it and was made from version `from`.
    ///
    /// # Errors
    /// When it is not of that version any more, or the change makes no sense.
    pub async fn change_by_json(
        &self,
        id: &EventId,
        from: i64,
        body: serde_json::Value,
    ) -> Result<EventDetail, ChangeRefused> {
        let body = serde_json::from_value(body).map_err(|error| ChangeRefused::Invalid(error.to_string()))?;
        self.change(id, from, body).await
    }

    pub(super) async fn change(
        &self,
        id: &EventId,
        from: i64,
        body: ChangeBody,
    ) -> Result<EventDetail, ChangeRefused> {
        let before = self.detail_now(id).await?.ok_or(ChangeRefused::Missing)?;
        if before.event.version != from {
            return Err(ChangeRefused::Stale);
        }
        let changed = body
            .apply(&before, self.clock.now())
            .map_err(|error| ChangeRefused::Invalid(error.to_string()))?;
        match self.update(&changed.detail, changed.seats.as_deref(), from).await? {
            Updated::Yes => {
                let event = &changed.detail.event;
                let (version, status) = (event.version, event.status.as_str());
                tracing::info!(event = %id, version, status, "event changed");
                Ok(changed.detail)
            }
            Updated::Stale => Err(ChangeRefused::Stale),
        }
    }

    /// Makes an event what `changed` says, if it is still of version `from`.
    ///
    /// # Errors
    /// When the database fails.
    async fn update(
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

    /// What is said of the event was changed elsewhere.
    pub fn changed(&self, id: &EventId) {
        self.edited(id);
    }

    /// What is said of the event was changed.
    fn edited(&self, id: &EventId) {
        self.details.drop_one(id);
        self.numbered.drop_one(id);
        self.office.changed(id);
        self.claims_changed(id);
        self.lists.drop_all();
        self.venues.drop_all();
    }
}
