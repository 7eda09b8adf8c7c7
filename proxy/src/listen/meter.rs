//! What a connection has read of the request that is awaited, and how what is written goes out, shared by who reads and
//! writes it and who owns it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// As much as anyone likes.
const UNBOUNDED: usize = usize::MAX;
/// A head that began to come just now: who reads it looks at it at once, and need not know the time unless it is not whole.
const JUST_NOW: u64 = u64::MAX;

/// How what is written goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum GoesOut {
    /// Gathered, until it is flushed.
    Gathered,
    /// At once: it is an answer whole, and nothing follows that it could go with.
    Whole,
    /// Gathered though it is flushed, for more is about to follow; as long as it is not too much.
    Held,
}

/// What a connection has read of the request that is awaited.
pub struct Meter {
    began: Instant,
    /// How many bytes of a head may still come.
    head_left: AtomicUsize,
    /// When the head that is awaited began to come, in milliseconds since `began`, plus one; 0 while it has not.
    head_began: AtomicU64,
    /// Whether that is noted only when it is asked for.
    is_looked_at: AtomicBool,
    lingers: AtomicBool,
    goes_out: AtomicU8,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            head_left: AtomicUsize::new(UNBOUNDED),
            head_began: AtomicU64::new(0),
            is_looked_at: AtomicBool::new(false),
            lingers: AtomicBool::new(false),
            goes_out: AtomicU8::new(GoesOut::Gathered as u8),
        }
    }
}

impl Meter {
    /// From now on a head is awaited; it may be so long. Of it, so much is `there`.
    pub fn await_head(&self, bytes: usize, there: usize) {
        self.await_head_as(bytes, there, false);
    }

    /// The same, by who looks at what was read at once, and says so with [`Self::goes_on`] where the head is not whole.
    pub fn await_whole_head(&self, bytes: usize, there: usize) {
        self.await_head_as(bytes, there, true);
    }

    fn await_head_as(&self, bytes: usize, there: usize, is_looked_at: bool) {
        self.is_looked_at.store(is_looked_at, Ordering::Relaxed);
        self.head_left.store(bytes, Ordering::Relaxed);
        self.head_began.store(0, Ordering::Relaxed);
        self.read(there);
    }

    /// What was read of the head just now is not all of it: others go on with it.
    pub fn goes_on(&self) {
        self.is_looked_at.store(false, Ordering::Relaxed);
        self.waits();
    }

    /// More is waited for: if the head began to come, it did so now.
    pub fn waits(&self) {
        if self.head_began.load(Ordering::Relaxed) == JUST_NOW {
            self.head_began.store(self.now(), Ordering::Relaxed);
        }
    }

    /// In milliseconds since `began`, plus one.
    fn now(&self) -> u64 {
        admission::clock::millis(self.began.elapsed()) + 1
    }

    /// The head has arrived.
    pub fn head_arrived(&self) {
        self.head_left.store(UNBOUNDED, Ordering::Relaxed);
    }

    /// When the first byte of the head came that is awaited.
    pub fn head_began(&self) -> Option<Instant> {
        match self.head_began.load(Ordering::Relaxed) {
            0 => None,
            JUST_NOW => Some(Instant::now()),
            millis => Some(self.began + Duration::from_millis(millis - 1)),
        }
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
            let is_looked_at = self.is_looked_at.load(Ordering::Relaxed);
            self.head_began.store(if is_looked_at { JUST_NOW } else { self.now() }, Ordering::Relaxed);
        }
    }

    /// The client was answered before it had sent everything.
    pub fn answered_early(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    /// What is written from now on goes out like this.
    pub fn go_out(&self, goes_out: GoesOut) {
        self.goes_out.store(goes_out as u8, Ordering::Relaxed);
    }

    /// Whether what is written goes out like this.
    pub(super) fn goes_out(&self, goes_out: GoesOut) -> bool {
        self.goes_out.load(Ordering::Relaxed) == goes_out as u8
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

    #[tokio::test(start_paused = true)]
    async fn a_head_that_is_looked_at_at_once_needs_no_clock_unless_it_goes_on() {
        let meter = Meter::default();
        tokio::time::advance(Duration::from_secs(5)).await;
        meter.await_whole_head(100, 0);
        meter.goes_on();
        assert!(meter.head_began().is_none(), "nothing has come");
        meter.await_whole_head(100, 0);
        meter.read(50);
        meter.goes_on();
        let began = meter.head_began().unwrap();
        assert_eq!(began, Instant::now());
        tokio::time::advance(Duration::from_secs(5)).await;
        meter.read(10);
        assert!(meter.may_read() && meter.head_began() == Some(began));
        meter.read(40);
        assert!(!meter.may_read());
        meter.await_whole_head(100, 0);
        meter.read(1);
        meter.waits();
        let began = meter.head_began();
        tokio::time::advance(Duration::from_secs(5)).await;
        meter.read(1);
        meter.goes_on();
        assert_eq!(meter.head_began(), began, "a part of it was waited for");
        meter.await_whole_head(100, 100);
        assert!(!meter.may_read(), "what is there counts");
    }
}
