//! The inventory in this process: for one shop with nothing to install, and the readable reference of what each
//! verb does. It is gone with its process; what the database knows is loaded again.

mod book;
mod log;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admission::clock::{Clock, Timestamp};
use async_trait::async_trait;

use self::book::Book;
use super::{
    Ask, Backlog, DeadLetter, Held, Holding, Inventory, InventoryError, InventoryLog, Keep, Loaded, LogEntry,
};
use crate::ids::{EventId, FanId, ReservationId};

/// The inventory of every event, in this process.
pub struct MemoryInventory {
    clock: Arc<dyn Clock>,
    // A std mutex, held for the length of one verb and never across an await: every verb is plain computation.
    books: Mutex<BTreeMap<EventId, Book>>,
}

impl MemoryInventory {
    /// An empty inventory that goes by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, books: Mutex::default() }
    }

    /// Does something with an event's book, loaded or not.
    fn with<T>(&self, event: &EventId, verb: impl FnOnce(&mut Book, Timestamp) -> T) -> T {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        match books.get_mut(event) {
            Some(book) => verb(book, now),
            None => verb(books.entry(event.clone()).or_default(), now),
        }
    }

    /// Does something with an event that is loaded.
    fn loaded<T>(
        &self,
        event: &EventId,
        verb: impl FnOnce(&mut Book, Timestamp) -> T,
    ) -> Result<T, InventoryError> {
        self.with(
            event,
            |book, now| {
                if book.is_loaded() { Ok(verb(book, now)) } else { Err(InventoryError::NotLoaded) }
            },
        )
    }

    /// Loses everything, as a Redis without persistence does. For tests.
    pub fn lose_everything(&self) {
        self.books.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[async_trait]
impl Inventory for MemoryInventory {
    async fn begin_load(&self, _: &EventId, _: &str, _: Duration) -> Result<bool, InventoryError> {
        // There is one shop, and it does one thing at a time.
        Ok(true)
    }

    async fn load(&self, event: &EventId, holdings: &[Holding]) -> Result<Loaded, InventoryError> {
        Ok(self.with(event, |book, now| book.load(holdings, now)))
    }

    async fn events(&self) -> Result<Vec<EventId>, InventoryError> {
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(books.iter().filter(|(_, book)| book.is_loaded()).map(|(event, _)| event.clone()).collect())
    }

    async fn hold(&self, event: &EventId, ask: &Ask) -> Result<Held, InventoryError> {
        self.loaded(event, |book, now| book.hold(ask, now))
    }

    async fn release(
        &self,
        event: &EventId,
        id: &ReservationId,
        fan: &FanId,
    ) -> Result<Option<Holding>, InventoryError> {
        self.loaded(event, |book, now| book.release(id, fan, now))
    }

    async fn keep(&self, event: &EventId, id: &ReservationId, fan: &FanId) -> Result<Keep, InventoryError> {
        self.loaded(event, |book, now| book.keep(id, fan, now))
    }

    async fn put_back(&self, event: &EventId, id: &ReservationId) -> Result<Option<Holding>, InventoryError> {
        self.loaded(event, |book, now| book.put_back(id, now))
    }

    async fn sell(&self, event: &EventId, id: &ReservationId) -> Result<bool, InventoryError> {
        self.loaded(event, |book, now| book.sell(id, now))
    }

    async fn free(&self, event: &EventId, id: &ReservationId) -> Result<bool, InventoryError> {
        self.loaded(event, |book, now| book.free(id, now))
    }

    async fn lapse(&self, event: &EventId, limit: u32) -> Result<u32, InventoryError> {
        self.loaded(event, |book, now| book.lapse(limit, now))
    }

    async fn look(&self, event: &EventId, id: &ReservationId) -> Result<Option<Holding>, InventoryError> {
        self.loaded(event, |book, _| book.look(id))
    }

    async fn of_fan(&self, event: &EventId, fan: &FanId) -> Result<Vec<Holding>, InventoryError> {
        self.loaded(event, |book, _| book.of_fan(fan))
    }

    async fn adopt(&self, event: &EventId, guest: &FanId, fan: &FanId) -> Result<u32, InventoryError> {
        self.loaded(event, |book, _| book.adopt(guest, fan))
    }

    async fn all(&self, event: &EventId) -> Result<Vec<Holding>, InventoryError> {
        self.loaded(event, |book, now| book.all(now))
    }

    async fn restore(&self, event: &EventId, holding: &Holding) -> Result<bool, InventoryError> {
        self.loaded(event, |book, now| book.restore(holding, now))
    }

    async fn mend(&self, _: &EventId, _: &[(String, u32)]) -> Result<u32, InventoryError> {
        // Nobody else reaches it.
        Ok(0)
    }

    async fn retire(&self, event: &EventId, after: Duration) -> Result<bool, InventoryError> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let is_over = books.get_mut(event).is_none_or(|book| book.retire(after, now));
        if is_over {
            books.remove(event);
        }
        Ok(is_over)
    }

    async fn ping(&self) -> Result<(), InventoryError> {
        Ok(())
    }
}

#[async_trait]
impl InventoryLog for MemoryInventory {
    async fn read(
        &self,
        event: &EventId,
        reader: &str,
        limit: u32,
    ) -> Result<Option<Vec<LogEntry>>, InventoryError> {
        Ok(self.with(event, |book, now| book.log.read(reader, limit, now)))
    }

    async fn acknowledge(&self, event: &EventId, entries: &[LogEntry]) -> Result<(), InventoryError> {
        self.with(event, |book, _| book.acknowledge(entries));
        Ok(())
    }

    async fn bury(&self, event: &EventId, entry: &LogEntry, reason: &str) -> Result<(), InventoryError> {
        self.with(event, |book, _| book.log.bury(&entry.mark, reason));
        Ok(())
    }

    async fn dead(&self, event: &EventId, limit: u32) -> Result<Vec<DeadLetter>, InventoryError> {
        Ok(self.with(event, |book, _| book.log.dead(limit)))
    }

    async fn unbury(&self, event: &EventId, mark: &str, replay: bool) -> Result<bool, InventoryError> {
        Ok(self.with(event, |book, _| book.log.unbury(mark, replay)))
    }

    async fn backlog(&self, event: &EventId) -> Result<Backlog, InventoryError> {
        Ok(self.with(event, |book, now| book.log.backlog(now)))
    }
}
