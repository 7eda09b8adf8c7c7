//! The verbs that were done and are not written yet: bounded, and never waiting for the disk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

use super::frame::RECORD_MAX;
use super::record::Record;

/// Most bytes that wait to be written. A disk that is further behind is not waited for.
const BYTES_MAX: usize = 64 << 20;

/// After so long without a verb that changed anything, a record says that there was none.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// What the verbs and the thread that writes share.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    has_work: Condvar,
    is_done: Condvar,
    /// Set while the lines are locked: no verb is done after it.
    is_closing: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) batch: Batch,
    /// Verbs are not kept, for the lines will be written as a whole.
    is_paused: bool,
    is_over: bool,
    last_at: Timestamp,
    flush: bool,
    /// How many records came in all, and how many of them are safe.
    taken: u64,
    pub(super) safe: u64,
    /// The thread has ended.
    pub(super) is_finished: bool,
}

/// Records that go to the file together.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The records one by one.
    pub(super) fn records(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.ends.iter().filter_map(move |&end| {
            let record = self.bytes.get(from..end);
            from = end;
            record
        })
    }
}

/// What the writing thread finds.
pub(super) struct Work {
    pub(super) batch: Batch,
    /// The number of the last of them.
    pub(super) taken: u64,
    /// Somebody waits for it to be safe.
    pub(super) flush: bool,
    /// More came than could be kept.
    pub(super) is_over: bool,
    pub(super) is_closing: bool,
}

impl Queue {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing was noted for so long that a record is due which says so.
    pub(super) fn is_silent(&self, now: Timestamp) -> bool {
        let last_at = self.lock().last_at;
        now < last_at || last_at + SILENCE_MAX <= now
    }

    /// Takes a record. The caller holds the lock of the lines, so that records come in the order of the verbs.
    pub(super) fn push(&self, at: Timestamp, record: &Record<'_>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.taken += 1;
        state.last_at = at;
        if state.is_paused {
            return;
        }
        let before = state.batch.bytes.len();
        let is_first = state.batch.is_empty();
        let bytes = std::mem::take(&mut state.batch.bytes);
        // Serialising into memory fails for no type that a record is made of; should it, the lines are written.
        state.batch.bytes = postcard::to_extend(record, bytes).unwrap_or_default();
        let length = state.batch.bytes.len();
        if length > BYTES_MAX || length <= before || length - before > RECORD_MAX {
            state.pause();
            state.is_over = true;
        } else {
            state.batch.ends.push(length);
        }
        drop(guard);
        if is_first {
            self.has_work.notify_one();
        }
    }

    /// Waits for work, at most for `time`.
    pub(super) fn wait(&self, time: Duration) -> Work {
        let guard = self.lock();
        let is_idle = |state: &mut State| {
            let has_work = !state.batch.is_empty() || state.flush || state.is_over;
            !has_work && !self.is_closing()
        };
        let waited = self.has_work.wait_timeout_while(guard, time, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Work {
            batch: std::mem::take(&mut state.batch),
            taken: state.taken,
            flush: std::mem::take(&mut state.flush),
            is_over: std::mem::take(&mut state.is_over),
            is_closing: self.is_closing(),
        }
    }

    /// Notes that everything up to a record is safe.
    pub(super) fn tell_safe(&self, taken: u64) {
        self.lock().safe = taken;
        self.is_done.notify_all();
    }

    pub(super) fn tell_finished(&self) {
        self.lock().is_finished = true;
        self.is_done.notify_all();
    }

    /// Waits until everything that was done before is on the disk. False if that takes too long.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let mut state = self.lock();
        state.flush = true;
        let goal = state.taken;
        self.has_work.notify_one();
        self.wait_while(state, patience, |state| state.safe < goal && !state.is_finished)
    }

    /// Asks the thread to end, and waits for it. False if that takes too long. No verb may be done any more.
    pub(super) fn finish(&self, patience: Duration) -> bool {
        let state = self.lock();
        self.has_work.notify_one();
        self.wait_while(state, patience, |state| !state.is_finished)
    }

    fn wait_while(
        &self,
        state: MutexGuard<'_, State>,
        patience: Duration,
        unless: impl Fn(&State) -> bool,
    ) -> bool {
        let waited = self.is_done.wait_timeout_while(state, patience, |state| unless(state));
        let (_state, time) = waited.unwrap_or_else(PoisonError::into_inner);
        !time.timed_out()
    }

    /// Called with the lines locked.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::SeqCst)
    }
}

impl State {
    /// Keeps nothing from here on.
    pub(super) fn pause(&mut self) {
        self.is_paused = true;
        self.batch = Batch::default();
    }

    /// Keeps what comes from here on. How many records came before.
    pub(super) fn resume(&mut self) -> u64 {
        self.is_paused = false;
        self.is_over = false;
        self.taken
    }
}
