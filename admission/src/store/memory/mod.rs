//! The line in memory: for one proxy with nothing to install, and the readable reference of what each verb
//! does.

mod deadlines;
mod drain;
mod ended;
mod join;
mod line;
mod rank_set;
mod snapshot;
mod standing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::clock::Clock;
use crate::name::RoomId;
use crate::rules::Rules;
use crate::ticket::{Place, TicketId};

use self::line::Line;
use super::{
    BatchId, Drained, Join, Joined, Memory, Presence, PresenceAnswer, QueueStore, Snapshot, Standing,
    StoreError,
};

/// The line of every room, in this process. It is gone with the process; the fans' tickets bring it back.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    // A std mutex, held for the length of one verb and never across an await: every verb is plain computation.
    lines: Mutex<HashMap<RoomId, Line>>,
}

impl MemoryStore {
    /// An empty store that goes by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, lines: Mutex::default() }
    }

    /// The lines. A verb that panicked half-way would leave a line that may be inconsistent but is still the
    /// best there is: going on serves the fans better than refusing them all.
    fn lines(&self) -> MutexGuard<'_, HashMap<RoomId, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another store in the state of this one, as a server that takes over: it may have missed what happened here
    /// since, and knows it.
    #[must_use]
    pub fn take_over(&self, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let mut lines = self.lines().clone();
        lines.values_mut().for_each(|line| line.resume(now));
        Self { clock, lines: Mutex::new(lines) }
    }

    /// A copy of everything, as a replica has it at this moment.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { clock: self.clock.clone(), lines: Mutex::new(self.lines().clone()) }
    }

    fn with_line<T>(&self, room: &RoomId, verb: impl FnOnce(&mut Line) -> T) -> Result<T, StoreError> {
        let mut lines = self.lines();
        lines.get_mut(room).map(verb).ok_or_else(|| StoreError::UnknownRoom(room.clone()))
    }
}

#[async_trait]
impl QueueStore for MemoryStore {
    async fn configure(
        &self,
        room: &RoomId,
        rules: &Rules,
        revision: u64,
        memory: &Memory,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut lines = self.lines();
        match lines.get_mut(room) {
            Some(line) => line.configure(rules, revision, memory, now),
            None => {
                lines.insert(room.clone(), Line::new(rules, revision, memory, now));
            }
        }
        Ok(())
    }

    async fn join(&self, room: &RoomId, batch: BatchId, joins: &[Join]) -> Result<Vec<Joined>, StoreError> {
        let now = self.clock.now();
        self.with_line(room, |line| line.join(batch, joins, now))
    }

    async fn look(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.with_line(room, |line| places.iter().map(|place| line.look(place)).collect())
    }

    async fn restore(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        let now = self.clock.now();
        self.with_line(room, |line| line.restore(places, now))
    }

    async fn claim(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        let now = self.clock.now();
        self.with_line(room, |line| line.claim(places, now))
    }

    async fn leave(&self, room: &RoomId, places: &[Place]) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.with_line(room, |line| places.iter().for_each(|place| line.leave(place, now)))
    }

    async fn end(&self, room: &RoomId, tickets: &[TicketId]) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.with_line(room, |line| tickets.iter().for_each(|ticket| line.end(*ticket, now)))
    }

    async fn drain(&self, room: &RoomId) -> Result<Drained, StoreError> {
        let now = self.clock.now();
        self.with_line(room, |line| line.drain(now))
    }

    async fn report_presence(
        &self,
        room: &RoomId,
        presence: &Presence,
    ) -> Result<PresenceAnswer, StoreError> {
        let now = self.clock.now();
        self.with_line(room, |line| line.report_presence(presence, now))
    }

    async fn snapshot(&self, room: &RoomId, ended_mark: u64) -> Result<Snapshot, StoreError> {
        let now = self.clock.now();
        self.with_line(room, |line| line.snapshot(ended_mark, now))
    }
}
