//! The cold path: what the inventory's logs tell comes into the database, in order for each event, at least once.
//!
//! What was written twice, or late, changes nothing in the database, so an entry is acknowledged only after it is
//! there. While the database is away, entries wait. An entry that the database refuses again and again, or that nobody can
//! read, is put aside, so that the others go on; `origin-app dead-letters` shows those.

mod reconcile;
mod trouble;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::ids::EventId;
use crate::inventory::{BoxOffice, Holding, InventoryError, LogEntry};
use crate::reservations::ReservationStore;
use crate::store::StoreError;

use trouble::Trouble;

pub use reconcile::Reconciler;

/// Entries written in one transaction.
const BATCH: u32 = 256;
/// How often logs are looked at that nobody of this process wrote to.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Carries what happened from the logs into the database.
pub struct ColdPath {
    office: Arc<BoxOffice>,
    store: Arc<dyn ReservationStore>,
    /// What tells this process from others.
    reader: String,
    /// What went wrong lately. Held for a whole round: one at a time.
    trouble: Mutex<HashMap<EventId, Trouble>>,
    written: AtomicU64,
    retries: AtomicU64,
    put_aside: AtomicU64,
}

/// What this process has done since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCounts {
    /// Entries that it brought into the database.
    pub written: u64,
    /// Attempts that failed, and so were or will be made again.
    pub retries: u64,
    /// Entries that it put aside.
    pub put_aside: u64,
}

/// How far the database is behind, all events together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogFigures {
    /// Entries that are not in the database yet.
    pub backlog_entries: u64,
    /// How old the oldest of them is.
    pub oldest_age: Duration,
    /// Entries that were put aside.
    pub dead_letters: u64,
}

impl ColdPath {
    /// From the logs of `office` into `store`; `reader` tells this process from others.
    pub fn new(office: Arc<BoxOffice>, store: Arc<dyn ReservationStore>, reader: String) -> Self {
        Self {
            office,
            store,
            reader,
            trouble: Mutex::default(),
            written: AtomicU64::default(),
            retries: AtomicU64::default(),
            put_aside: AtomicU64::default(),
        }
    }

    /// Works until it is dropped.
    pub async fn run(&self) {
        let mut all_at = Instant::now();
        let mut written = BTreeSet::new();
        loop {
            let round = if Instant::now() >= all_at {
                all_at = Instant::now() + LOOK_EVERY;
                self.round().await
            } else {
                self.bring_in(std::mem::take(&mut written)).await
            };
            if let Err(error) = round {
                tracing::warn!(error = %error, "the logs are out of reach");
                tokio::time::sleep(LOOK_EVERY).await;
            }
            // Whoever writes in this process wakes it; whoever does elsewhere is noticed soon.
            let next = tokio::time::timeout_at(all_at, self.office.written().next());
            written = next.await.unwrap_or_default();
        }
    }

    /// Brings in what the logs of all events have now.
    ///
    /// # Errors
    /// When the inventory cannot be reached.
    pub async fn round(&self) -> Result<(), InventoryError> {
        self.bring_in(self.office.inventory().events().await?.into_iter().collect()).await
    }

    async fn bring_in(&self, events: BTreeSet<EventId>) -> Result<(), InventoryError> {
        let mut trouble = self.trouble.lock().await;
        for event in events {
            let known = trouble.remove(&event);
            if known.as_ref().is_some_and(|known| known.waits(Instant::now())) {
                trouble.extend(known.map(|known| (event, known)));
                continue;
            }
            if let Some(now) = self.drain(&event, known).await? {
                trouble.insert(event, now);
            }
        }
        Ok(())
    }

    /// Brings in the log of one event, as far as it goes; what stands in the way is given back.
    async fn drain(
        &self,
        event: &EventId,
        mut trouble: Option<Trouble>,
    ) -> Result<Option<Trouble>, InventoryError> {
        let log = self.office.inventory();
        while let Some(entries) = log.read(event, &self.reader, BATCH).await? {
            if entries.is_empty() {
                return Ok(None);
            }
            match self.write(event, &entries).await {
                Ok(()) => self.done(event, &entries).await?,
                Err(error) => {
                    let mut now = self.fail(event, &error, trouble.take());
                    // Whatever else is wrong with the database is none of the entries' fault: they wait.
                    if matches!(error, StoreError::Refused(_)) {
                        self.one_by_one(event, &entries, &mut now).await?;
                    }
                    return Ok(Some(now));
                }
            }
            trouble = None;
        }
        Ok(trouble)
    }

    async fn write(&self, event: &EventId, entries: &[LogEntry]) -> Result<(), StoreError> {
        let happened: Result<Vec<Holding>, String> =
            entries.iter().map(|entry| entry.holding.clone()).collect();
        match happened {
            Ok(happened) => self.store.record(event, &happened).await,
            // What stands there is not told in the log: it may be anything, a fan's cookie too.
            Err(_) => Err(StoreError::Refused("it cannot be read".into())),
        }
    }

    /// Writes entries each for itself, up to the first that fails; one that was refused too often is put aside.
    async fn one_by_one(
        &self,
        event: &EventId,
        entries: &[LogEntry],
        trouble: &mut Trouble,
    ) -> Result<(), InventoryError> {
        let log = self.office.inventory();
        for entry in entries {
            let alone = std::slice::from_ref(entry);
            let Err(error) = self.write(event, alone).await else {
                self.done(event, alone).await?;
                continue;
            };
            if !matches!(error, StoreError::Refused(_)) {
                return Ok(());
            }
            if !trouble.refused(&entry.mark, entry.holding.is_ok(), Instant::now()) {
                return Ok(());
            }
            let reason = chain(&error);
            tracing::error!(event = %event, mark = entry.mark, reason, "an entry of the log was put aside");
            log.bury(event, entry, &reason).await?;
            self.put_aside.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn done(&self, event: &EventId, entries: &[LogEntry]) -> Result<(), InventoryError> {
        self.office.inventory().acknowledge(event, entries).await?;
        self.written.fetch_add(entries.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn fail(&self, event: &EventId, error: &StoreError, before: Option<Trouble>) -> Trouble {
        self.retries.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let before = before.unwrap_or_else(|| Trouble::none(now));
        let failures = before.failures();
        if failures.is_power_of_two() || failures == 0 {
            tracing::warn!(event = %event, error = chain(error), failures, "the log waits");
        }
        before.failed(now)
    }

    /// Waits until what the event's log has now is in the database. Whether it was in time.
    pub async fn caught_up(&self, event: &EventId, within: Duration) -> bool {
        let begun = Instant::now();
        loop {
            match self.office.inventory().backlog(event).await {
                Ok(backlog) if backlog.entries == 0 => return true,
                _ if begun.elapsed() > within => return false,
                _ => {}
            }
            self.office.look_at(event);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What this process has done.
    pub fn counts(&self) -> LogCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LogCounts {
            written: count(&self.written),
            retries: count(&self.retries),
            put_aside: count(&self.put_aside),
        }
    }

    /// How far the database is behind.
    ///
    /// # Errors
    /// When the inventory cannot be reached.
    pub async fn figures(&self) -> Result<LogFigures, InventoryError> {
        let inventory = self.office.inventory();
        let events = inventory.events().await?;
        let asked = events.iter().map(|event| inventory.backlog(event));
        let mut figures = LogFigures::default();
        for backlog in futures_util::future::try_join_all(asked).await? {
            figures.backlog_entries += backlog.entries;
            figures.dead_letters += backlog.dead;
            let age = backlog.oldest.map_or(Duration::ZERO, |oldest| backlog.now.since(oldest));
            figures.oldest_age = figures.oldest_age.max(age);
        }
        Ok(figures)
    }
}

fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
