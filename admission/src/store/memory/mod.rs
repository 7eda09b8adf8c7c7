//! The line in memory: for one proxy with nothing to install, and the readable reference of what each verb
//! does. With a journal it survives a restart of its process.

mod by_hand;
mod deadlines;
mod drain;
mod ended;
mod fleet;
mod join;
mod journal;
mod line;
mod load;
mod rank_set;
mod sessions;
mod snapshot;
mod standing;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::adaptive::{History, LoadInterval, LoadReport};
use crate::clock::{Clock, Timestamp};
use crate::name::RoomId;
use crate::rules::Rules;
use crate::ticket::{Place, TicketId};

use self::fleet::Fleet;
use self::journal::{Configuration, Entry, Gathered, Journal, Verb};
use self::line::Line;
use super::{
    BatchId, Drained, Join, Joined, Memory, PageMark, Presence, PresenceAnswer, QueueStore, SessionPage,
    Snapshot, Standing, StoreError, Voided,
};

pub use self::journal::JournalError;

/// The line of every room.
type Lines = HashMap<RoomId, Line>;

/// The line of every room, in this process. Without a journal it is gone with the process, but for what the fans'
/// tickets bring back.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    // A std mutex, held for the length of one verb and never across an await: every verb is plain computation.
    lines: Arc<Mutex<Lines>>,
    journal: Option<Journal>,
    fleet: Mutex<Fleet>,
}

impl MemoryStore {
    /// An empty store that goes by `clock`, and writes nothing.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, lines: Arc::default(), journal: None, fleet: Mutex::default() }
    }

    /// A store that goes by `clock` and keeps its journal in the file at `path`: it goes on where the process
    /// before left it, or begins empty where there is no file yet.
    ///
    /// # Errors
    /// When another process has the file, a newer version wrote it, it is something else, or it cannot be read or
    /// locked. A damaged one is read as far as possible, and kept.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        let (lines, journal) = Journal::open(path, &clock)?;
        Ok(Self { clock, lines, journal: Some(journal), fleet: Mutex::new(Fleet::open(path)) })
    }

    /// Waits until everything that was done is on the disk, for some seconds at most. Whether it is; without a
    /// journal there is nothing to wait for.
    pub fn flush(&self) -> bool {
        self.journal.as_ref().is_none_or(Journal::flush)
    }

    /// Ends the store, so that nothing is missing when it is opened again: verbs fail from here on. Takes some
    /// seconds at most.
    pub fn close(&self) {
        if let Some(journal) = &self.journal {
            journal.close();
        }
    }

    /// The lines. A verb that panicked half-way would leave a line that may be inconsistent but is still the
    /// best there is: going on serves the fans better than refusing them all.
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another store in the state of this one, as a server that takes over: it may have missed what happened here
    /// since, and knows it.
    #[must_use]
    pub fn take_over(&self, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let mut lines = self.lines().clone();
        for line in lines.values_mut() {
            line.listen(now);
            line.resume(now);
        }
        Self { clock, lines: Arc::new(Mutex::new(lines)), journal: None, fleet: Mutex::new(self.fleet()) }
    }

    /// A copy of everything, as a replica has it at this moment.
    #[must_use]
    pub fn copy(&self) -> Self {
        let lines = self.lines().clone();
        let fleet = Mutex::new(self.fleet());
        Self { clock: self.clock.clone(), lines: Arc::new(Mutex::new(lines)), journal: None, fleet }
    }

    /// Does a verb, which also tells what of it to note in the journal.
    fn with_line<'v, T>(
        &self,
        room: &'v RoomId,
        verb: impl FnOnce(&mut Line, Timestamp) -> (T, Option<Verb<'v>>),
    ) -> Result<T, StoreError> {
        let mut lines = self.open_lines()?;
        let now = self.clock.now();
        let line = lines.get_mut(room).ok_or_else(|| StoreError::UnknownRoom(room.clone()))?;
        let gathered = Gathered { at: line.gathered_at, units: line.units };
        let revealed = line.revealed;
        let silence = line.listen(now);
        let has_opened = line.revealed != revealed;
        let (answer, verb) = verb(line, now);
        let has_expired = std::mem::take(&mut line.has_expired);
        if let Some(journal) = &self.journal {
            let verb = verb.or_else(|| has_expired.then_some(Verb::Expire)).or_else(|| {
                (!silence.is_zero() || has_opened || journal.is_silent(now)).then_some(Verb::Nothing)
            });
            if let Some(verb) = verb {
                journal.note(Entry { at: now, room: Cow::Borrowed(room), gathered, silence, verb });
            }
        }
        Ok(answer)
    }

    /// The lines, unless verbs are over.
    fn open_lines(&self) -> Result<MutexGuard<'_, Lines>, StoreError> {
        let lines = self.lines();
        match &self.journal {
            Some(journal) if journal.is_closing() => {
                Err(StoreError::Unavailable("its process is stopping".into()))
            }
            _ => Ok(lines),
        }
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
        let mut lines = self.open_lines()?;
        let now = self.clock.now();
        let (gathered, silence, is_news) = match lines.get_mut(room) {
            Some(line) => {
                let gathered = Gathered { at: line.gathered_at, units: line.units };
                let revealed = line.revealed;
                let silence = line.listen(now);
                let has_opened = line.revealed != revealed;
                let is_news =
                    line.revision < revision || !memory.is_empty() || !silence.is_zero() || has_opened;
                line.configure(rules, revision, memory, now);
                (gathered, silence, is_news)
            }
            None => {
                lines.insert(room.clone(), Line::new(rules, revision, memory, now));
                (Gathered::default(), Duration::ZERO, true)
            }
        };
        if let Some(journal) = self.journal.as_ref().filter(|_| is_news) {
            let (rules, memory) = (Cow::Borrowed(rules), Cow::Borrowed(memory));
            let verb = Verb::Configure(Box::new(Configuration { rules, revision, memory }));
            journal.note(Entry { at: now, room: Cow::Borrowed(room), gathered, silence, verb });
        }
        drop(lines);
        // What is remembered to be void is noted by itself.
        if self.with_line(room, |line, _| (line.voided_before < memory.voided_before, None))? {
            self.with_line(room, |line, now| {
                let before = line.void_up_to(memory.voided_before, now).before;
                ((), Some(Verb::Void(before)))
            })?;
        }
        let (at, below) = memory.reset;
        if self.with_line(room, |line, _| (line.by_hand.reset_at < at, None))? {
            self.with_line(room, |line, _| {
                line.recall_reset(at, below);
                ((), Some(Verb::RecallReset { at, below }))
            })?;
        }
        Ok(())
    }

    async fn join(&self, room: &RoomId, batch: BatchId, joins: &[Join]) -> Result<Vec<Joined>, StoreError> {
        self.with_line(room, |line, now| {
            let is_repeated = line.has_answered(&batch, now);
            let answer = line.join(batch, joins, now);
            // Where nobody came, invitations may still have run out, as they do when somebody asks to join.
            let nobody = || line.has_expired.then_some(Cow::Borrowed(joins.get(..0).unwrap_or_default()));
            let news = if is_repeated { None } else { who_came(joins, &answer) };
            (answer, news.or_else(nobody).map(Verb::Join))
        })
    }

    async fn look(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.with_line(room, |line, now| (places.iter().map(|place| line.look(place, now)).collect(), None))
    }

    async fn restore(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.with_line(room, |line, now| {
            let unknown = those(places, |place| line.look(place, now) == Standing::Unknown);
            (line.restore(places, now), unknown.map(Verb::Restore))
        })
    }

    async fn claim(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.with_line(room, |line, now| {
            line.expire(now);
            let turns = those(places, |place| line.has_turn(place));
            (line.claim(places, now), turns.map(Verb::Claim))
        })
    }

    async fn leave(&self, room: &RoomId, places: &[Place]) -> Result<(), StoreError> {
        self.with_line(room, |line, now| {
            places.iter().for_each(|place| line.leave(place, now));
            ((), Some(Verb::Leave(Cow::Borrowed(places))))
        })
    }

    async fn end(&self, room: &RoomId, tickets: &[TicketId]) -> Result<(), StoreError> {
        self.with_line(room, |line, now| {
            tickets.iter().for_each(|ticket| line.end(*ticket, now));
            ((), Some(Verb::End(Cow::Borrowed(tickets))))
        })
    }

    async fn void(&self, room: &RoomId, before: Option<Timestamp>) -> Result<Voided, StoreError> {
        self.with_line(room, |line, now| {
            let voided = line.void(before, now);
            (voided, Some(Verb::Void(voided.before)))
        })
    }

    async fn drain(&self, room: &RoomId) -> Result<Drained, StoreError> {
        self.with_line(room, |line, now| {
            let lanes = line.drain(now);
            let mut drained = Drained::default();
            for lane in &lanes {
                drained.turns.extend(lane.turns.iter().map(|rank| (lane.lane.clone(), *rank)));
                drained.passed += lane.passed.len() as u64;
            }
            (drained, (!lanes.is_empty()).then_some(Verb::Drain(lanes)))
        })
    }

    async fn report_presence(
        &self,
        room: &RoomId,
        presence: &Presence,
    ) -> Result<PresenceAnswer, StoreError> {
        self.with_line(room, |line, now| {
            let back = those(&presence.waiting, |place| line.was_passed(place));
            let answer = line.report_presence(presence, now);
            let is_news = back.is_some() || !presence.active.is_empty();
            let active = Cow::Borrowed(presence.active.as_slice());
            (answer, is_news.then(|| Verb::Presence { back: back.unwrap_or_default(), active }))
        })
    }

    async fn report_load(
        &self,
        room: &RoomId,
        report: &LoadReport,
    ) -> Result<Option<(LoadInterval, History)>, StoreError> {
        self.with_line(room, |line, now| (line.report_load(report, now), None))
    }

    async fn set_rate(
        &self,
        room: &RoomId,
        interval: u64,
        rate: u64,
        history: &History,
    ) -> Result<bool, StoreError> {
        self.with_line(room, |line, now| {
            let is_set = line.set_rate(interval, rate, history, now);
            let (rate, history) = (line.rate, Cow::Owned(history.to_string()));
            (is_set, is_set.then_some(Verb::Rate { rate, history }))
        })
    }

    async fn snapshot(&self, room: &RoomId, ended_mark: u64) -> Result<Snapshot, StoreError> {
        self.with_line(room, |line, now| (line.snapshot(ended_mark, now), None))
    }

    async fn sessions(&self, room: &RoomId, from: PageMark) -> Result<SessionPage, StoreError> {
        self.with_line(room, |line, now| (line.sessions(from, now), None))
    }
}

/// Those of the places that are so, if any.
fn those(places: &[Place], is_so: impl Fn(&Place) -> bool) -> Option<Vec<Place>> {
    let found: Vec<Place> = places.iter().filter(|place| is_so(place)).cloned().collect();
    (!found.is_empty()).then_some(found)
}

/// Those who got in or into the line, if any: the others changed nothing.
fn who_came<'a>(joins: &'a [Join], answer: &[Joined]) -> Option<Cow<'a, [Join]>> {
    let came =
        |joined: &Joined| matches!(joined, Joined::Entered { .. } | Joined::Waiting { .. } | Joined::Drawn);
    if answer.iter().all(came) && !joins.is_empty() {
        return Some(Cow::Borrowed(joins));
    }
    let some: Vec<Join> =
        joins.iter().zip(answer).filter(|(_, joined)| came(joined)).map(|(join, _)| join.clone()).collect();
    (!some.is_empty()).then_some(Cow::Owned(some))
}
