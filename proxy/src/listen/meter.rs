//! What a connection has read of the request that is awaited, shared by who reads it and who owns it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// As much as anyone likes.
const UNBOUNDED: usize = usize::MAX;

/// What a connection has read of the request that is awaited.
pub struct Meter {
    began: Instant,
    /// How many bytes of a head may still come.
    head_left: AtomicUsize,
    /// When the head that is awaited began to come, in milliseconds since `began`, plus one; 0 while it has not.
    head_began: AtomicU64,
    lingers: AtomicBool,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            head_left: AtomicUsize::new(UNBOUNDED),
            head_began: AtomicU64::new(0),
            lingers: AtomicBool::new(false),
        }
    }
}

impl Meter {
    /// From now on a head is awaited; it may be so long. Of it, so much is `there`.
    pub fn await_head(&self, bytes: usize, there: usize) {
        self.head_left.store(bytes, Ordering::Relaxed);
        self.head_began.store(0, Ordering::Relaxed);
        self.read(there);
    }

    /// The head has arrived.
    pub fn head_arrived(&self) {
        self.head_left.store(UNBOUNDED, Ordering::Relaxed);
    }

    /// When the first byte of the head came that is awaited.
    pub fn head_began(&self) -> Option<Instant> {
        let millis = self.head_began.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.began + Duration::from_millis(millis))
    }

    /// Whether anything more may be read.
    pub(super) fn may_read(&self) -> bool {
        self.head_left.load(Ordering::Relaxed) > 0
    }

    /// So many bytes were read.
    pub(super) fn read(&self, bytes: usize) {
        let left = self.head_left.load(Ordering::Relaxed);
        if left == UNBOUNDED || bytes == 0 {
            return;
        }
        self.head_left.store(left.saturating_sub(bytes), Ordering::Relaxed);
        if self.head_began.load(Ordering::Relaxed) == 0 {
            let millis = admission::clock::millis(self.began.elapsed());
            self.head_began.store(millis + 1, Ordering::Relaxed);
        }
    }

    /// The client was answered before it had sent everything.
    pub fn answered_early(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    /// Whether the connection is not to be closed at once.
    pub(super) fn lingers(&self) -> bool {
        self.lingers.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_bounded_and_what_follows_is_not() {
        let meter = Meter::default();
        meter.read(1 << 30);
        assert!(meter.may_read() && meter.head_began().is_none());
        meter.await_head(100, 0);
        meter.read(99);
        assert!(meter.may_read() && meter.head_began().is_some());
        meter.read(50);
        assert!(!meter.may_read());
        meter.head_arrived();
        meter.read(1 << 30);
        assert!(meter.may_read());
        meter.await_head(100, 0);
        assert!(meter.head_began().is_none());
        meter.await_head(100, 100);
        assert!(!meter.may_read() && meter.head_began().is_some());
    }
}
