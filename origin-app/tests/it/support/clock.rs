//! A clock that is told the time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use admission::clock::{Clock, SystemClock, Timestamp, millis};

pub(crate) struct ManualClock(AtomicU64);

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(1_800_000_000_000))
    }

    /// A clock that begins at the machine's time, for whoever has a clock of its own.
    pub(crate) fn of_now() -> Self {
        Self(AtomicU64::new(SystemClock.now().as_millis()))
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.0.fetch_add(millis(duration), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
