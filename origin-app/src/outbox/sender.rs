//! Takes what is due, sends it, and says what came of it.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Random};
use futures_util::StreamExt as _;
use tokio::sync::watch;

use super::message::Letter;
use super::store::OutboxStore;
use crate::notifications::{Failure, Notifier};
use crate::store::StoreError;

/// Messages that are taken at once.
const BATCH: u32 = 32;
/// Messages that are sent at the same time.
const CONCURRENCY: usize = 8;
/// How long whoever took messages has them to themselves: longer than sending all of them may take.
const LEASE: Duration = Duration::from_secs(300);
/// How often it is looked for messages when there were none.
const EVERY: Duration = Duration::from_millis(500);
/// How long to wait after the first failure; each further one doubles it.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest wait.
const PAUSE_MAX: Duration = Duration::from_secs(2 * 3600);
/// How often a message is tried: for about nine hours.
const ATTEMPTS_MAX: u32 = 15;
/// How long it is remembered what was sent, so that it is not told again.
const MEMORY: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many of those are forgotten in one round.
const FORGET_BATCH: u32 = 500;
/// How many rounds there are between two in which is forgotten.
const FORGET_EVERY: u32 = 600;

/// Sends what waits in the outbox.
pub struct Sender {
    store: Arc<dyn OutboxStore>,
    notifier: Notifier,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What came of one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages that are out.
    pub sent: u32,
    /// Messages that are tried again later.
    pub delayed: u32,
    /// Messages that were given up.
    pub dead: u32,
}

impl Delivered {
    fn total(self) -> u32 {
        self.sent + self.delayed + self.dead
    }
}

enum Fate {
    Sent,
    Delayed,
    Dead,
}

impl Sender {
    /// Sends what is in `store` by `notifier`.
    pub fn new(
        store: Arc<dyn OutboxStore>,
        notifier: Notifier,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { store, notifier, clock, random }
    }

    /// Sends until `stop` turns true; what is being sent then is sent. What came of each round is told.
    pub async fn run(self, mut stop: watch::Receiver<bool>, told: impl Fn(Delivered)) {
        let mut rounds = 0_u32;
        while !*stop.borrow() {
            let delivered = match self.round().await {
                Ok(delivered) => delivered,
                Err(error) => {
                    report(&error, "messages not taken from the outbox");
                    Delivered::default()
                }
            };
            told(delivered);
            if rounds.is_multiple_of(FORGET_EVERY) {
                let before = self.clock.now() - MEMORY;
                if let Err(error) = self.store.forget(before, FORGET_BATCH).await {
                    report(&error, "old messages not forgotten");
                }
            }
            rounds = rounds.wrapping_add(1);
            if delivered.total() < BATCH {
                // It has turned true, or nobody is left who could turn it.
                if tokio::time::timeout(EVERY, stop.wait_for(|stop| *stop)).await.is_ok() {
                    break;
                }
            }
        }
    }

    /// Tries what is due now, once.
    ///
    /// # Errors
    /// When the database does not say what that is.
    pub async fn round(&self) -> Result<Delivered, StoreError> {
        let now = self.clock.now();
        let letters = self.store.take(now, now + LEASE, BATCH).await?;
        let fates: Vec<_> = futures_util::stream::iter(letters)
            .map(|letter| self.settle(letter))
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        let mut delivered = Delivered::default();
        for fate in fates {
            match fate {
                Fate::Sent => delivered.sent += 1,
                Fate::Delayed => delivered.delayed += 1,
                Fate::Dead => delivered.dead += 1,
            }
        }
        Ok(delivered)
    }

    async fn settle(&self, letter: Letter) -> Fate {
        let sent = self.notifier.send(&letter, self.clock.now()).await;
        let now = self.clock.now();
        let Letter { key, attempts, .. } = letter;
        let (fate, noted) = match sent {
            Ok(()) => (Fate::Sent, self.store.sent(&key, now).await),
            Err(Failure { why, for_good }) if for_good || attempts >= ATTEMPTS_MAX => {
                tracing::error!(attempts, failure = %why, kind = letter.notice.kind(), "message given up");
                (Fate::Dead, self.store.bury(&key, &why, now).await)
            }
            Err(Failure { why, .. }) => {
                tracing::warn!(attempts, failure = %why, kind = letter.notice.kind(), "message not sent, will be tried again");
                (Fate::Delayed, self.store.retry(&key, &why, now + self.pause(attempts)).await)
            }
        };
        if let Err(error) = noted {
            // It is tried again when the lease is over.
            report(&error, "what came of a message is not noted");
        }
        fate
    }

    /// How long to wait after so many attempts: longer each time, and never as long as another message.
    fn pause(&self, attempts: u32) -> Duration {
        let mut dice = [0; 2];
        // Without dice, all wait alike.
        let _ = self.random.fill(&mut dice);
        pause(attempts, u16::from_le_bytes(dice))
    }
}

/// The wait after `attempts`, of which `dice` takes away up to a quarter.
fn pause(attempts: u32, dice: u16) -> Duration {
    let doubled = PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(PAUSE_MAX);
    doubled - doubled / 4 * u32::from(dice) / u32::from(u16::MAX)
}

fn report(error: &StoreError, what: &'static str) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(error = %error, cause, "{what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_two_hours() {
        assert_eq!(pause(1, 0), PAUSE);
        assert_eq!(pause(2, 0), PAUSE * 2);
        assert_eq!(pause(1, u16::MAX), PAUSE * 3 / 4);
        assert_eq!(pause(40, 0), PAUSE_MAX);
        let all: Duration = (1..ATTEMPTS_MAX).map(|attempts| pause(attempts, 0)).sum();
        assert!((8..10).contains(&(all.as_secs() / 3600)), "{all:?}");
    }
}
