//! What stands in the way of an event's log: how long it is waited for, and when it is put aside. Pure; the time is a parameter.

use std::time::Duration;

use tokio::time::Instant;

/// How often an entry may be refused before it is put aside.
const ATTEMPTS_MAX: u32 = 5;
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// An event whose entries do not get through.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    failures: u32,
    retry_at: Instant,
    /// The entry that is refused alone, and how often it was.
    culprit: Option<(String, u32)>,
}

impl Trouble {
    /// Nothing stands in the way at `now`.
    pub(super) const fn none(now: Instant) -> Self {
        Self { failures: 0, retry_at: now, culprit: None }
    }

    /// How often it was tried in vain.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether it is too early at `now` to try again.
    pub(super) fn waits(&self, now: Instant) -> bool {
        self.retry_at > now
    }

    /// It failed once more at `now`: the pauses get longer.
    pub(super) fn failed(self, now: Instant) -> Self {
        let pause = (PAUSE_MIN * (1 << self.failures.min(8))).min(PAUSE_MAX);
        Self { failures: self.failures + 1, retry_at: now + pause, ..self }
    }

    /// The entry `mark` was refused by itself at `now`. Whether it is to be put aside: then nothing stands in the way of the
    /// next, which does not wait for what this one did.
    pub(super) fn refused(&mut self, mark: &str, is_readable: bool, now: Instant) -> bool {
        let before = self.culprit.take().filter(|(known, _)| known == mark);
        let attempts = before.map_or(0, |(_, attempts)| attempts) + 1;
        // What cannot be read will not be readable later.
        if attempts < ATTEMPTS_MAX && is_readable {
            self.culprit = Some((mark.to_owned(), attempts));
            return false;
        }
        *self = Self::none(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_get_longer_up_to_a_bound() {
        let now = Instant::now();
        let mut trouble = Trouble::none(now);
        assert!(!trouble.waits(now));
        let mut pauses = Vec::new();
        for _ in 0..12 {
            trouble = trouble.failed(now);
            assert!(trouble.waits(now));
            pauses.push((trouble.retry_at - now).as_millis());
        }
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000, 5000]);
        assert_eq!(trouble.failures(), 12);
    }

    #[test]
    fn who_is_refused_five_times_is_put_aside_and_the_next_does_not_wait_for_it() {
        let now = Instant::now();
        let mut trouble = Trouble::none(now);
        for attempt in 1..=5 {
            trouble = trouble.failed(now);
            assert_eq!(trouble.refused("7-0", true, now), attempt == 5, "{attempt}");
        }
        assert_eq!(trouble, Trouble::none(now));
        assert!(!trouble.waits(now));
        // The next has its own five attempts, and its own pauses.
        trouble = trouble.failed(now);
        assert!(!trouble.refused("8-0", true, now) && !trouble.waits(now + PAUSE_MIN));
    }

    #[test]
    fn an_entry_is_not_put_aside_for_what_another_was_refused() {
        let now = Instant::now();
        let mut trouble = Trouble::none(now);
        for _ in 0..4 {
            assert!(!trouble.refused("7-0", true, now));
        }
        assert!(!trouble.refused("8-0", true, now));
    }

    #[test]
    fn what_cannot_be_read_is_put_aside_at_once() {
        let now = Instant::now();
        assert!(Trouble::none(now).failed(now).refused("7-0", false, now));
    }
}
