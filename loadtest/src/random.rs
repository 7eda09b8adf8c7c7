//! Chance: a generator that a seed repeats, and the secrets of a run.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// Rolls that a seed repeats (splitmix64). For the behaviour of fans, never for secrets.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same seed rolls the same.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for one of many, from the same seed.
    pub fn nth(seed: u64, number: u32) -> Self {
        let mut dice = Self(seed ^ (u64::from(number) << 32 | u64::from(number)));
        dice.roll();
        dice
    }

    /// Any number.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when there is none.
    pub const fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.roll() % bound as u64) as usize }
    }

    /// From 0 to less than 1.
    pub const fn unit(&mut self) -> f64 {
        // 53 bits are what a float holds exactly.
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in `share` of all cases.
    pub const fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// As long as one waits for what happens by chance, once on average.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    /// About normal, around 0 with a deviation of 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A time from `low` to `high`.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = high.saturating_sub(low).as_micros();
        let span = usize::try_from(span).unwrap_or(usize::MAX);
        low + Duration::from_micros(self.below(span.saturating_add(1)) as u64)
    }
}

/// `bytes` random bytes, for keys.
pub fn secret<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut secret = [0; BYTES];
    #[expect(
        clippy::disallowed_methods,
        reason = "the one source of secrets here; nothing has to repeat them"
    )]
    getrandom::fill(&mut secret).context("the system gives no random bytes")?;
    Ok(secret)
}

/// A seed nobody chose, for a run that was not told one.
pub fn seed() -> Result<u64> {
    Ok(u64::from_le_bytes(secret()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_rolls() {
        let rolls = |seed| {
            let mut dice = Dice::new(seed);
            [dice.roll(), dice.roll(), dice.roll()]
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
        assert_ne!(Dice::nth(7, 1).roll(), Dice::nth(7, 2).roll());
    }

    #[test]
    fn rolls_stay_within_bounds() {
        let mut dice = Dice::new(1);
        let (low, high) = (Duration::from_millis(10), Duration::from_millis(20));
        for _ in 0..1000 {
            assert!(dice.below(3) < 3);
            assert!((low..=high).contains(&dice.between(low, high)));
        }
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.between(high, low), high);
        assert!(!dice.chance(0.0) && dice.chance(1.0));
    }

    #[test]
    fn secrets_differ() {
        assert_ne!(secret::<32>().unwrap(), secret::<32>().unwrap());
    }
}
