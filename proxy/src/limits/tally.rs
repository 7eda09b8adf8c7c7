//! How often work was asked for, and what came of it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Lacking;

/// What became of somebody who has to work for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkDone {
    /// They were asked to.
    Asked,
    /// They brought the numbers.
    Computed,
    /// They waited instead.
    Waited,
    /// What they brought was worth nothing, or not yet.
    Refused,
}

/// How often work was asked for in a room at this proxy, and what came of it.
#[derive(Debug, Default)]
pub struct WorkTally([AtomicU64; 4]);

impl WorkTally {
    const ALL: [(WorkDone, &str); 4] = [
        (WorkDone::Asked, "asked"),
        (WorkDone::Computed, "computed"),
        (WorkDone::Waited, "waited"),
        (WorkDone::Refused, "refused"),
    ];

    /// Counts one more.
    pub fn add(&self, what: WorkDone) {
        if let Some(count) = self.0.get(what as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts somebody who lacks this. Whoever is still waiting was counted when they were asked.
    pub fn lack(&self, lacking: &Lacking) {
        match lacking {
            Lacking::All => self.add(WorkDone::Asked),
            Lacking::Time(_) => {}
            Lacking::Turn(..) | Lacking::Numbers(_) | Lacking::Used | Lacking::Worthless(_) => {
                self.add(WorkDone::Refused);
            }
        }
    }

    /// How often, each with its name.
    pub fn totals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().zip(Self::ALL).map(|(count, (_, name))| (name, count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_under_its_name() {
        let tally = WorkTally::default();
        for (nth, (what, _)) in WorkTally::ALL.into_iter().enumerate() {
            (0..=nth).for_each(|_| tally.add(what));
        }
        tally.lack(&Lacking::Used);
        let totals: Vec<_> = tally.totals().collect();
        assert_eq!(totals, [("asked", 1), ("computed", 2), ("waited", 3), ("refused", 5)]);
    }
}
