//! A pace: so many at once, and so many a minute after that.
//!
//! The generic cell rate algorithm (ITU-T I.371): one moment says all there is to know, the one at which everything
//! that was asked for so far is paid off.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MICROS_PER_MINUTE: u64 = 60_000_000;

/// So many at once, and so many a minute after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    per_minute: u64,
    burst: u64,
}

impl Pace {
    /// `per_minute` a minute and `burst` at once, each at least 1; nothing where `per_minute` is 0: no limit.
    pub fn new(per_minute: u64, burst: u64) -> Option<Self> {
        (per_minute > 0).then(|| Self::of(per_minute, burst))
    }

    /// `per_minute` a minute and `burst` at once, each at least 1.
    pub fn of(per_minute: u64, burst: u64) -> Self {
        Self { per_minute: per_minute.max(1), burst: burst.max(1) }
    }

    /// How many a minute.
    pub fn per_minute(self) -> u64 {
        self.per_minute
    }

    /// How many at once.
    pub fn burst(self) -> u64 {
        self.burst
    }

    /// Microseconds that one costs.
    fn cost(self) -> u64 {
        (MICROS_PER_MINUTE / self.per_minute.max(1)).max(1)
    }

    /// Takes one at the moment `now`, in microseconds since any beginning. What is owed then, or how long it is until
    /// one may be had.
    ///
    /// # Errors
    /// The latter.
    pub fn take(self, owed_until: u64, now: u64) -> Result<u64, Duration> {
        let (cost, credit) = (self.cost(), self.cost().saturating_mul(self.burst));
        let after = owed_until.max(now).saturating_add(cost);
        let too_much = after.saturating_sub(now.saturating_add(credit));
        if too_much == 0 { Ok(after) } else { Err(Duration::from_micros(too_much)) }
    }

    /// Takes one at the moment `now`, whatever is owed: what is owed then, and how many that is. At most the burst is
    /// remembered.
    pub fn count(self, owed_until: u64, now: u64) -> (u64, u64) {
        let cost = self.cost();
        let most = now.saturating_add(cost.saturating_mul(self.burst));
        let after = owed_until.max(now).saturating_add(cost).min(most);
        (after, after.saturating_sub(now) / cost)
    }
}

/// What one session asked for. Takes no lock.
#[derive(Debug, Default)]
pub struct Paced(AtomicU64);

impl Paced {
    /// Takes one.
    ///
    /// # Errors
    /// How long it is until one may be had.
    pub fn take(&self, pace: Pace, now: u64) -> Result<(), Duration> {
        let mut refused = Duration::ZERO;
        let update = |owed| match pace.take(owed, now) {
            Ok(after) => Some(after),
            Err(wait) => {
                refused = wait;
                None
            }
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update).map(drop).map_err(|_| refused)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let pace = Pace::new(60, 3).unwrap();
        let paced = Paced::default();
        let start = 1_000_000_000;
        for _ in 0..3 {
            assert_eq!(paced.take(pace, start), Ok(()));
        }
        assert_eq!(paced.take(pace, start), Err(Duration::from_secs(1)));
        assert_eq!(paced.take(pace, start + 400_000), Err(Duration::from_micros(600_000)));
        assert_eq!(paced.take(pace, start + 1_000_000), Ok(()));
        assert_eq!(paced.take(pace, start + 1_000_000), Err(Duration::from_secs(1)));
        assert!(Pace::new(0, 5).is_none());
    }

    proptest! {
        /// Over any stretch of time no more than the rate and the burst, and a refusal's time is enough.
        #[test]
        fn never_more_than_the_pace(per_minute in 1..10_000_u64, burst in 1..50_u64, steps in prop::collection::vec(0..2_000_000_u64, 1..200)) {
            let pace = Pace::new(per_minute, burst).unwrap();
            let (mut now, mut owed) = (5_000_000_u64, 0);
            let mut taken = vec![];
            for step in steps {
                now += step;
                match pace.take(owed, now) {
                    Ok(after) => {
                        owed = after;
                        taken.push(now);
                    }
                    Err(wait) => {
                        prop_assert!(pace.take(owed, now + wait.as_micros() as u64).is_ok());
                        prop_assert!(pace.take(owed, now + wait.as_micros() as u64 - 1).is_err());
                    }
                }
            }
            for (first, from) in taken.iter().enumerate() {
                for (last, to) in taken.iter().enumerate().skip(first) {
                    let most = burst + 1 + (to - from) / (60_000_000 / per_minute).max(1);
                    prop_assert!(((last - first) as u64) < most);
                }
            }
        }
    }
}
