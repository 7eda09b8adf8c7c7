//! Numbers that many threads add to at once.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Into how many shares a number is divided. More threads than that share them.
const SHARES: usize = 8;

/// The share that a thread adds to.
fn share() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    MINE.with(|mine| {
        if mine.get() == usize::MAX {
            mine.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARES);
        }
        mine.get()
    })
}

/// One share, on cache lines of its own: a neighbour's would be fetched with each addition of the neighbour.
#[derive(Debug)]
#[repr(align(128))]
struct Share<const COUNT: usize>([AtomicU64; COUNT]);

/// `COUNT` numbers that only grow.
#[derive(Debug)]
pub struct Counters<const COUNT: usize> {
    shares: [Share<COUNT>; SHARES],
}

impl<const COUNT: usize> Default for Counters<COUNT> {
    fn default() -> Self {
        Self { shares: std::array::from_fn(|_| Share(std::array::from_fn(|_| AtomicU64::new(0)))) }
    }
}

impl<const COUNT: usize> Counters<COUNT> {
    /// Adds `more` to the number at `index`; nothing where there is none.
    pub fn add(&self, index: usize, more: u64) {
        if let Some(number) = self.shares.get(share()).and_then(|share| share.0.get(index)) {
            number.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// All of them.
    pub fn totals(&self) -> [u64; COUNT] {
        let mut totals = [0; COUNT];
        for share in &self.shares {
            for (total, number) in totals.iter_mut().zip(&share.0) {
                *total += number.load(Ordering::Relaxed);
            }
        }
        totals
    }
}

/// The bounds of [`Times`], in microseconds.
const BOUNDS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];
/// Where what is beyond all bounds is counted, and where the sum stands.
const BEYOND: usize = BOUNDS.len();
const SUM: usize = BEYOND + 1;

/// How long something took, as a histogram.
#[derive(Debug, Default)]
pub struct Times(Counters<{ SUM + 1 }>);

/// What [`Times`] come to.
#[derive(Clone, Debug, PartialEq)]
pub struct TimesRead {
    /// Each bound in seconds, with how many took no longer.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were.
    pub count: u64,
    /// How long all of them took together, in seconds.
    pub seconds: f64,
}

impl Times {
    /// Takes one in.
    pub fn observe(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.0.add(BOUNDS.partition_point(|bound| *bound < micros), 1);
        self.0.add(SUM, micros);
    }

    /// What they come to.
    pub fn read(&self) -> TimesRead {
        let totals = self.0.totals();
        let micros = totals.last().copied().unwrap_or_default();
        let mut count = 0;
        let mut buckets = Vec::with_capacity(BOUNDS.len());
        for (bound, within) in BOUNDS.iter().zip(&totals) {
            count += within;
            buckets.push((*bound as f64 / 1e6, count));
        }
        count += totals.get(BEYOND).copied().unwrap_or_default();
        TimesRead { buckets, count, seconds: micros as f64 / 1e6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_add_is_all_there() {
        let counters: Counters<2> = Counters::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * SHARES {
                scope.spawn(|| (0..1000).for_each(|_| counters.add(1, 2)));
            }
        });
        counters.add(2, 1);
        assert_eq!(counters.totals(), [0, 2 * SHARES as u64 * 2000]);
    }

    #[test]
    fn times_stand_below_their_bounds() {
        let times = Times::default();
        for micros in [0, 500, 501, 9_999_999, 10_000_000, 10_000_001] {
            times.observe(Duration::from_micros(micros));
        }
        let read = times.read();
        assert_eq!(read.count, 6);
        assert_eq!(read.buckets.first(), Some(&(0.0005, 2)));
        assert_eq!(read.buckets.get(1), Some(&(0.001, 3)));
        assert_eq!(read.buckets.last(), Some(&(10.0, 5)));
        assert!((read.seconds - 30.001_001).abs() < 1e-9, "{}", read.seconds);
    }
}
