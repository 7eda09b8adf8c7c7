//! How late this machine is with what it is told to do: what was seen can be no more exact than that.
//!
//! The crowd and the system that it judges share the machine. When it has other things to do, an edge reads the line
//! later and a fan hears later, and neither is a broken promise. A task that sleeps for a moment, again and again,
//! tells how much later than asked for it woke.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

const EVERY: Duration = Duration::from_millis(20);
/// This late is every timer.
const ALWAYS: Duration = Duration::from_millis(5);
/// An edge may be as late as the fan whom it tells.
const BOTH_SIDES: u64 = 2;

/// Measures until it is dropped.
#[derive(Debug)]
pub struct Lateness {
    most_ms: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Lateness {
    /// Begins to measure.
    pub fn start() -> Self {
        let most_ms = Arc::new(AtomicU64::new(0));
        let measured = Arc::clone(&most_ms);
        let task = tokio::spawn(async move {
            loop {
                let asked_for = Instant::now() + EVERY;
                tokio::time::sleep_until(asked_for).await;
                let late = asked_for.elapsed().saturating_sub(ALWAYS);
                measured.fetch_max(u64::try_from(late.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        });
        Self { most_ms, task }
    }

    /// How much later than it was due anything may have been seen.
    pub fn most_ms(&self) -> u64 {
        self.most_ms.load(Ordering::Relaxed).saturating_mul(BOTH_SIDES)
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_is_kept_busy_is_late() {
        let lateness = Lateness::start();
        tokio::time::sleep(EVERY * 2).await;
        // The one thread that the runtime has.
        std::thread::sleep(Duration::from_millis(300));
        tokio::time::sleep(EVERY * 2).await;
        let most = lateness.most_ms();
        assert!(most >= 400, "{most}");
    }
}
