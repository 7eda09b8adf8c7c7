//! How long fans stay in the shop.

use std::str::FromStr;
use std::time::Duration;

use proxy::config::duration;

use crate::random::Dice;

/// Longest stay that is ever rolled.
const STAY_MAX: Duration = Duration::from_secs(24 * 3600);
/// How far the logarithms of stays spread where they are spread as people's are.
const SPREAD: f64 = 0.6;

/// How long fans stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// Half of them shorter than this, a few far longer: as people do.
    Typical(Duration),
    /// All of them exactly so long.
    Fixed(Duration),
    /// Evenly from one to the other.
    Between(Duration, Duration),
}

impl Stay {
    /// One fan's.
    pub fn roll(self, dice: &mut Dice) -> Duration {
        match self {
            Self::Typical(median) => {
                let factor = (dice.normal() * SPREAD).exp();
                Duration::try_from_secs_f64(median.as_secs_f64() * factor).unwrap_or(STAY_MAX).min(STAY_MAX)
            }
            Self::Fixed(length) => length,
            Self::Between(low, high) => dice.between(low, high),
        }
    }
}

impl FromStr for Stay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let needed = || {
            format!(
                "found \"{text}\"; a time such as \"4m\" (half of the fans stay shorter), \"fixed:4m\" or \"1m-10m\" is \
                 needed, at most 24 h"
            )
        };
        let time = |text: &str| duration::parse(text).filter(|time| *time <= STAY_MAX).ok_or_else(needed);
        if let Some(fixed) = text.strip_prefix("fixed:") {
            return time(fixed).map(Self::Fixed);
        }
        match text.split_once('-') {
            Some((low, high)) => {
                let (low, high) = (time(low)?, time(high)?);
                if low <= high { Ok(Self::Between(low, high)) } else { Err(needed()) }
            }
            None => time(text).map(Self::Typical),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_are_read() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        assert_eq!("4m".parse(), Ok(Stay::Typical(minutes(4))));
        assert_eq!("fixed:4m".parse(), Ok(Stay::Fixed(minutes(4))));
        assert_eq!("1m-10m".parse(), Ok(Stay::Between(minutes(1), minutes(10))));
        for bad in ["", "4", "10m-1m", "fixed:", "2d", "uniform:4m", "-4m"] {
            assert!(bad.parse::<Stay>().is_err(), "{bad}");
        }
    }

    #[test]
    fn half_stay_shorter_and_a_few_far_longer() {
        let (stay, mut dice) = (Stay::Typical(Duration::from_secs(240)), Dice::new(1));
        let mut rolled: Vec<Duration> = (0..10_001).map(|_| stay.roll(&mut dice)).collect();
        rolled.sort();
        assert!((230..250).contains(&rolled[5000].as_secs()), "{:?}", rolled[5000]);
        assert!((440..620).contains(&rolled[9000].as_secs()), "{:?}", rolled[9000]);
    }
}
