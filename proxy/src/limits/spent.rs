//! Which challenges were used: each once, in bounded memory.

use std::collections::HashSet;
use std::time::Duration;

use admission::clock::Timestamp;
use admission::ticket::TicketId;
use parking_lot::Mutex;

/// Most ids in each of the two sets. With more than this used within the life of a challenge, challenges live shorter.
const IDS_MAX: usize = 1 << 17;

/// Which challenges were used. What it forgets to stay small is refused from then on, so none is ever taken twice.
pub(super) struct Spent {
    life: Duration,
    sets: Mutex<Sets>,
}

#[derive(Default)]
struct Sets {
    now: Used,
    before: Used,
    turned_at: Timestamp,
    /// Challenges that expire by then may have been forgotten.
    forgotten: Timestamp,
}

#[derive(Default)]
struct Used {
    ids: HashSet<TicketId>,
    /// When the last of them expires.
    last: Timestamp,
}

impl Spent {
    /// Of challenges that live so long.
    pub(super) fn new(life: Duration) -> Self {
        Self { life, sets: Mutex::default() }
    }

    /// Uses a challenge: whether it was not used before.
    pub(super) fn spend(&self, id: TicketId, expires_at: Timestamp, now: Timestamp) -> bool {
        let mut sets = self.sets.lock();
        if sets.now.ids.len() >= IDS_MAX || now.since(sets.turned_at) >= self.life {
            let before = std::mem::take(&mut sets.now);
            let forgotten = std::mem::replace(&mut sets.before, before);
            sets.forgotten = sets.forgotten.max(forgotten.last);
            sets.turned_at = now;
        }
        if expires_at <= sets.forgotten || sets.before.ids.contains(&id) {
            return false;
        }
        sets.now.last = sets.now.last.max(expires_at);
        sets.now.ids.insert(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const LIFE: Duration = Duration::from_secs(600);

    fn id(number: u64) -> TicketId {
        let mut bytes = [0; 12];
        bytes[4..].copy_from_slice(&number.to_be_bytes());
        TicketId::from_bytes(bytes)
    }

    #[test]
    fn each_is_used_once_as_long_as_it_lives() {
        let spent = Spent::new(LIFE);
        for second in 0..600 {
            assert!(spent.spend(id(second), START + LIFE, START + Duration::from_secs(second)), "{second}");
        }
        for second in 0..600 {
            assert!(
                !spent.spend(id(second), START + LIFE, START + Duration::from_millis(599_999)),
                "{second}"
            );
        }
        // Who is here much later is not in anybody's way.
        let later = START + LIFE * 5;
        assert!(spent.spend(id(1_000_000), later + LIFE, later));
    }

    #[test]
    fn what_is_forgotten_to_stay_small_is_not_taken_again() {
        let spent = Spent::new(LIFE);
        let count = 3 * IDS_MAX as u64;
        let at = |number: u64| START + Duration::from_millis(number / 1000);
        for number in 0..count {
            assert!(spent.spend(id(number), at(number) + LIFE, at(number)), "{number}");
        }
        for number in 0..count {
            assert!(!spent.spend(id(number), at(number) + LIFE, at(count)), "{number} a second time");
        }
        let sets = spent.sets.lock();
        assert!(sets.now.ids.len() <= IDS_MAX && sets.before.ids.len() <= IDS_MAX);
    }
}
