//! What the crowd does right now, counted while it does it: for whoever watches.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::checks::entry::Attempt;
use crate::meter::Meter;

/// How far back the measured drain looks.
const WINDOW_MS: u64 = 30_000;
/// Shorter than this, chance is too large a part of it.
const WINDOW_MIN_MS: u64 = 5_000;
/// Most admissions remembered for it.
const ADMISSIONS_MAX: usize = 100_000;
/// Most attempts of cheats that are kept.
const ATTEMPTS_MAX: usize = 100_000;
/// Most old papers that are kept.
const PAPERS_MAX: usize = 200;

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// One more until the guard is dropped.
    pub fn enter(&self) -> Inside<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Inside(self)
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts one in a [`Gauge`] while it lives.
#[derive(Debug)]
pub struct Inside<'a>(&'a Gauge);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The crowd's counts.
#[derive(Debug, Default)]
pub struct Tally {
    /// Fans in line, from arrival until they hear that their turn has come.
    pub waiting: Gauge,
    /// Fans with an open WebSocket.
    pub live: Gauge,
    /// Fans in the shop.
    pub shopping: Gauge,
    /// Fans who came, in all.
    pub arrived: Gauge,
    /// Fans who were let in, in all.
    pub admitted: Gauge,
    /// Seats on fans' tickets.
    pub seats_bought: Gauge,
    /// Connections that broke while a fan waited.
    pub connections_lost: Gauge,
    /// Positions shown that were above the one before.
    pub rises: Gauge,
    /// Tickets given to fans who had another before.
    pub places_lost: Gauge,
    /// Fans who could not go on.
    pub shut_out: Gauge,
    /// Fans who held seats.
    pub held: Gauge,
    /// Fans who bought.
    pub bought: Gauge,
    /// Fans who left the line, or were sent away.
    pub left: Gauge,
    /// What was asked, and how long the answers took.
    pub meter: Meter,
    /// What cheats tried.
    pub attempts: Attempts,
    /// Tickets and tokens of fans whose session is over.
    pub old_papers: OldPapers,
    recent: Mutex<VecDeque<u64>>,
}

/// What cheats tried, and how it was answered.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<Vec<Attempt>>);

impl Attempts {
    /// Keeps this one, unless there are very many.
    pub fn keep(&self, attempt: Attempt) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < ATTEMPTS_MAX {
            kept.push(attempt);
        }
    }

    /// All that are kept.
    pub fn take(&self) -> Vec<Attempt> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a fan still holds when the session is over, and what must open nothing any more.
#[derive(Clone, PartialEq, Eq)]
pub struct Papers {
    /// Whose they were.
    pub fan: u32,
    /// When the session was over for certain.
    pub over_ms: u64,
    /// The sealed ticket.
    pub ticket: String,
    /// The admission token.
    pub token: String,
}

impl std::fmt::Debug for Papers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Papers(fan {}, over at {} ms)", self.fan, self.over_ms)
    }
}

/// The papers of the fans whose sessions were over first.
#[derive(Debug, Default)]
pub struct OldPapers(Mutex<Vec<Papers>>);

impl OldPapers {
    /// Keeps these, unless there are enough.
    pub fn keep(&self, papers: Papers) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < PAPERS_MAX {
            kept.push(papers);
        }
    }

    /// Those of sessions that were over between two moments.
    pub fn over_between(&self, from_ms: u64, to_ms: u64) -> Vec<Papers> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|papers| (from_ms..to_ms).contains(&papers.over_ms)).cloned().collect()
    }
}

impl Tally {
    /// A fan was let in at `at_ms`.
    pub fn note_admitted(&self, at_ms: u64) {
        self.admitted.add(1);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back(at_ms);
        while recent.len() > ADMISSIONS_MAX || recent.front().is_some_and(|&first| first + WINDOW_MS < at_ms)
        {
            recent.pop_front();
        }
    }

    /// Fans let in a minute, over the last half minute; nothing while too little was seen.
    pub fn admitted_per_minute(&self, now_ms: u64) -> Option<f64> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let from = now_ms.saturating_sub(WINDOW_MS);
        let within = recent.iter().filter(|&&at| at >= from && at <= now_ms);
        let (count, first) = within.fold((0_u64, now_ms), |(count, first), &at| (count + 1, first.min(at)));
        let span = now_ms - first;
        (span >= WINDOW_MIN_MS).then(|| (count.saturating_sub(1)) as f64 * 60_000.0 / span as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_follows_who_is_inside() {
        let gauge = Gauge::default();
        let (first, second) = (gauge.enter(), gauge.enter());
        assert_eq!(gauge.get(), 2);
        drop((first, second));
        assert_eq!(gauge.get(), 0);
    }

    #[test]
    fn old_papers_are_kept_and_not_shown() {
        let papers =
            |over_ms| Papers { fan: 3, over_ms, ticket: "secret".to_owned(), token: "secret".to_owned() };
        let old = OldPapers::default();
        [10, 20, 30].into_iter().for_each(|over_ms| old.keep(papers(over_ms)));
        assert_eq!(old.over_between(20, 30), [papers(20)]);
        assert_eq!(format!("{:?}", papers(20)), "Papers(fan 3, over at 20 ms)");
    }

    #[test]
    fn the_drain_is_measured_over_the_last_half_minute() {
        let tally = Tally::default();
        for second in 0..=100 {
            tally.note_admitted(second * 500);
        }
        let measured = tally.admitted_per_minute(50_000).unwrap();
        assert!((measured - 120.0).abs() < 1.0, "{measured}");
        assert_eq!(tally.admitted.get(), 101);
        assert_eq!(Tally::default().admitted_per_minute(50_000), None);
    }
}
