//! What the hot path must know of an event: kept in this process, so that holding seats asks no database.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{GeneralAsk, HeldSeat};
use crate::events::{EventDetail, EventStore, Place};
use crate::ids::{EventId, SeatId, SectionId};
use crate::store::StoreError;

/// How old facts may be before they are read again. Until they are, the old ones serve.
const FRESH: Duration = Duration::from_secs(30);
/// Most events that are kept; beyond it the oldest goes.
const HOUSES_MAX: usize = 256;

/// An event and its places, as they are sold.
#[derive(Debug)]
pub struct House {
    /// The event with its sections and sales.
    pub detail: EventDetail,
    places: HashMap<SeatId, (HeldSeat, SectionId)>,
    /// Sections without numbers: one of their places, the first by number.
    general: HashMap<SectionId, (HeldSeat, u32)>,
    read_at: Instant,
}

impl House {
    fn new(detail: EventDetail, places: Vec<Place>) -> Self {
        let mut general: HashMap<SectionId, (HeldSeat, u32)> = HashMap::new();
        let places = places.into_iter().map(|Place { id, section, price_cents, place, general: alike }| {
            let seat = HeldSeat { id: id.clone(), price_cents, place, general: alike };
            if alike {
                let (first, capacity) = general.entry(section.clone()).or_insert((seat.clone(), 0));
                *capacity += 1;
                if place < first.place {
                    *first = seat.clone();
                }
            }
            (id, (seat, section))
        });
        Self { places: places.collect(), detail, general, read_at: Instant::now() }
    }

    /// A place of the event.
    pub fn seat(&self, id: &SeatId) -> Option<&HeldSeat> {
        self.places.get(id).map(|(seat, _)| seat)
    }

    /// The section of a place.
    pub fn section_of(&self, id: &SeatId) -> Option<&SectionId> {
        self.places.get(id).map(|(_, section)| section)
    }

    /// The sections without numbers, and how many places each has.
    pub fn sections_without_numbers(&self) -> Vec<(String, u32)> {
        let sections = self.general.iter();
        sections.map(|(section, (_, capacity))| (section.as_str().to_owned(), *capacity)).collect()
    }

    /// What to ask for, for any places of a section without numbers.
    pub fn any_of(&self, section: &SectionId, quantity: u32) -> Option<GeneralAsk> {
        let (first, capacity) = self.general.get(section)?;
        Some(GeneralAsk {
            section: section.as_str().to_owned(),
            quantity,
            price_cents: first.price_cents,
            place: first.place - 1,
            capacity: *capacity,
        })
    }
}

/// The events of this process, read when they are first asked for and again now and then.
pub struct Houses {
    events: Arc<dyn EventStore>,
    kept: Mutex<HashMap<EventId, Arc<House>>>,
    reading: Mutex<HashSet<EventId>>,
    /// Counts the changes: what was read before one is not kept after it.
    changes: AtomicU64,
}

impl Houses {
    /// None yet; they are read from `events`.
    pub fn new(events: Arc<dyn EventStore>) -> Arc<Self> {
        let (kept, reading, changes) = (Mutex::default(), Mutex::default(), AtomicU64::default());
        Arc::new(Self { events, kept, reading, changes })
    }

    /// The event, if there is one.
    ///
    /// # Errors
    /// When it is not kept here and the database fails.
    pub async fn get(self: &Arc<Self>, id: &EventId) -> Result<Option<Arc<House>>, StoreError> {
        let kept = lock(&self.kept).get(id).cloned();
        let Some(house) = kept else {
            return self.read(id).await;
        };
        if house.read_at.elapsed() > FRESH && lock(&self.reading).insert(id.clone()) {
            let (this, id) = (Arc::clone(self), id.clone());
            tokio::spawn(async move {
                if let Err(error) = this.read(&id).await {
                    tracing::warn!(event = %id, error = %error, "the event was not read again");
                }
                lock(&this.reading).remove(&id);
            });
        }
        Ok(Some(house))
    }

    /// The event was changed: what is kept of it is old.
    pub fn forget(&self, id: &EventId) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        lock(&self.kept).remove(id);
    }

    /// Reads an event anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self, id: &EventId) -> Result<Option<Arc<House>>, StoreError> {
        let changes = self.changes.load(Ordering::SeqCst);
        let Some(detail) = self.events.detail(id).await? else {
            lock(&self.kept).remove(id);
            return Ok(None);
        };
        let house = Arc::new(House::new(detail, self.events.places(id).await?));
        let mut kept = lock(&self.kept);
        if self.changes.load(Ordering::SeqCst) != changes {
            return Ok(Some(house));
        }
        if kept.len() >= HOUSES_MAX
            && !kept.contains_key(id)
            && let Some(oldest) = kept.iter().min_by_key(|(_, house)| house.read_at).map(|(id, _)| id.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(id.clone(), Arc::clone(&house));
        Ok(Some(house))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
