//! Which seats are asked for: two beside each other, each time by another fan.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;

/// Seats in a row.
pub(crate) const ROW: u64 = 100;
/// What one costs.
pub(crate) const PRICE: i64 = 4500;
/// Fans who want the same two seats at the same time, where it is crowded.
const RIVALS: u64 = 10;
/// A prime, and more than there are rows: each pair comes once before one comes again.
const STRIDE: u64 = 7919;

/// How fans choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asked {
    /// Everybody other seats: nobody is in anybody's way.
    Apart,
    /// Ten the same at the same time.
    Crowded,
}

/// One ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// Which of all asks.
    pub(crate) number: u64,
    /// Which event, of as many as are needed.
    pub(crate) event: u64,
    /// Which pair of its seats.
    pair: u64,
}

impl Ask {
    /// The seats' numbers, from 0.
    pub(crate) fn places(self) -> [u64; 2] {
        [self.pair * 2, self.pair * 2 + 1]
    }

    /// The seats' names.
    pub(crate) fn seats(self) -> [String; 2] {
        self.places().map(|place| format!("R{}-{}", place / ROW, place % ROW + 1))
    }
}

/// The asks of one peer, over all rounds.
#[derive(Debug)]
pub(crate) struct Asks {
    /// Pairs of seats of an event.
    pairs: u64,
    apart: AtomicU64,
    crowded: AtomicU64,
}

impl Asks {
    /// For events of so many rows.
    pub(crate) fn in_rows(rows: u64) -> Self {
        Self { pairs: rows.max(1) * ROW / 2, apart: AtomicU64::default(), crowded: AtomicU64::default() }
    }

    /// The next one; each way to choose has events of its own.
    pub(crate) fn next(&self, asked: Asked) -> Ask {
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        let (number, nth, odd) = match asked {
            Asked::Apart => {
                let number = count(&self.apart);
                (number, number, 0)
            }
            Asked::Crowded => {
                let number = count(&self.crowded);
                (number, number / RIVALS, 1)
            }
        };
        Ask { number, event: nth / self.pairs * 2 + odd, pair: nth % self.pairs * STRIDE % self.pairs }
    }
}
