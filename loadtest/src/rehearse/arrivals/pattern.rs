//! One shape of arrivals.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use admission::clock::millis;
use proxy::config::duration;

use super::csv::Counts;
use super::{ARRIVALS_FILE_MAX, Moment};
use crate::random::Dice;

/// Longest time that a shape takes.
const LENGTH_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// So many times the mean, and the tail of a burst is over.
const TAIL: f64 = 10.0;
/// How long a shape takes where nothing is said.
const BURST: Duration = Duration::from_secs(3 * 60);
const OTHER: Duration = Duration::from_secs(10 * 60);

/// One shape of arrivals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// At the opening, fewer and fewer: this is how long after it they come on average.
    Burst(Duration),
    /// More and more from the opening on, for so long.
    Ramp(Duration),
    /// Evenly from the opening on, for so long.
    Constant(Duration),
    /// Evenly before the opening, for so long; the whole pre-queue where nothing is said.
    Prequeue(Option<Duration>),
    /// So many in each stretch of time.
    Counted(Counts),
}

impl Pattern {
    /// Adds the moments at which `fans` fans come.
    pub(super) fn moments(
        &self,
        fans: usize,
        prequeue: Option<Duration>,
        dice: &mut Dice,
        to: &mut Vec<Moment>,
    ) {
        let length = |length: &Duration| millis(*length) as f64;
        let whole = |millis: f64| millis as Moment;
        match self {
            Self::Burst(mean) => {
                let mean = length(mean);
                to.extend((0..fans).map(|_| whole((dice.exponential() * mean).min(TAIL * mean))));
            }
            Self::Ramp(time) => to.extend((0..fans).map(|_| whole(dice.unit().sqrt() * length(time)))),
            Self::Constant(time) => to.extend((0..fans).map(|_| whole(dice.unit() * length(time)))),
            Self::Prequeue(time) => {
                let time = length(&time.or(prequeue).unwrap_or(OTHER));
                to.extend((0..fans).map(|_| whole(-(1.0 - dice.unit()) * time).min(-1)));
            }
            Self::Counted(counts) => counts.moments(fans, dice, to),
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if Path::new(text).extension().is_some_and(|extension| extension == "csv") {
            return Counts::read(Path::new(text)).map(Self::Counted);
        }
        let (name, time) = match text.split_once(':') {
            Some((name, time)) => (name, Some(time)),
            None => (text, None),
        };
        let needed = || {
            format!(
                "found \"{text}\"; one of \"burst:3m\", \"ramp:10m\", \"constant:1h\", \"prequeue\" or the name of a .csv \
                 file of seconds,count (at most {ARRIVALS_FILE_MAX} bytes) is needed; times up to 7 days"
            )
        };
        let time = time
            .map(|time| duration::parse(time).filter(|time| *time <= LENGTH_MAX).ok_or_else(needed))
            .transpose()?;
        match name {
            "burst" => Ok(Self::Burst(time.unwrap_or(BURST))),
            "ramp" => Ok(Self::Ramp(time.unwrap_or(OTHER))),
            "constant" => Ok(Self::Constant(time.unwrap_or(OTHER))),
            "prequeue" => Ok(Self::Prequeue(time)),
            _ => Err(needed()),
        }
    }
}
