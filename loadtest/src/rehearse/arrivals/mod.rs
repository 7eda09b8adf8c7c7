//! When fans come: before and after the opening, in shapes that can be put together.

mod csv;
mod pattern;

use std::str::FromStr;
use std::time::Duration;

pub use self::csv::{ARRIVALS_FILE_MAX, Counts};
pub use self::pattern::Pattern;
use crate::random::Dice;

/// Most parts that arrivals are put together from.
const PARTS_MAX: usize = 16;

/// Milliseconds from the opening on; before it they are negative.
pub type Moment = i64;

/// When fans come.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrivals {
    /// Each with the share of all fans who come so; together they are 1.
    parts: Vec<(Pattern, f64)>,
}

impl Arrivals {
    /// How many fans these are, where that is said.
    pub fn count(&self) -> Option<usize> {
        match self.parts.as_slice() {
            [(Pattern::Counted(counts), _)] => usize::try_from(counts.total()).ok(),
            _ => None,
        }
    }

    /// Whether any of them come in the pre-queue.
    pub fn need_a_prequeue(&self) -> bool {
        self.parts.iter().any(|(pattern, _)| matches!(pattern, Pattern::Prequeue(_)))
    }

    /// The moments at which `fans` fans come, in order. `prequeue` is how long the room's pre-queue is.
    pub fn moments(&self, fans: usize, prequeue: Option<Duration>, dice: &mut Dice) -> Vec<Moment> {
        let mut moments = Vec::with_capacity(fans);
        let mut share_so_far = 0.0;
        for (pattern, share) in &self.parts {
            share_so_far += share;
            // Rounded in sum, so that none is missing at the end.
            let until = ((share_so_far * fans as f64).round() as usize).min(fans);
            let fans = until.saturating_sub(moments.len());
            pattern.moments(fans, prequeue, dice, &mut moments);
        }
        moments.sort_unstable();
        moments
    }
}

impl FromStr for Arrivals {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let written: Vec<&str> = text.split(',').map(str::trim).collect();
        if written.len() > PARTS_MAX {
            return Err(format!("found {} parts; at most {PARTS_MAX} fit", written.len()));
        }
        let mut parts = Vec::new();
        for part in written {
            let (pattern, share) = match part.rsplit_once('=') {
                Some((pattern, share)) => (pattern, Some(share_of(part, share)?)),
                None => (part, None),
            };
            parts.push((pattern.parse::<Pattern>()?, share));
        }
        let said: f64 = parts.iter().filter_map(|(_, share)| *share).sum();
        let silent = parts.iter().filter(|(_, share)| share.is_none()).count();
        if said > 1.0 + 1e-9 || (silent == 0 && said < 1.0 - 1e-9) {
            let percent = said * 100.0;
            return Err(format!("the parts of \"{text}\" are {percent:.0} % together; 100 % is needed"));
        }
        let rest = (1.0 - said).max(0.0) / silent.max(1) as f64;
        let parts = parts.into_iter().map(|(pattern, share)| (pattern, share.unwrap_or(rest))).collect();
        Ok(Self { parts })
    }
}

fn share_of(part: &str, text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    number.filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| percent / 100.0).ok_or_else(|| {
        format!("found \"{part}\"; a share is written as a percentage, such as \"burst:5m=60%\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(text: &str, fans: usize) -> Vec<Moment> {
        let arrivals: Arrivals = text.parse().unwrap();
        arrivals.moments(fans, Some(Duration::from_secs(1800)), &mut Dice::new(7))
    }

    #[test]
    fn every_shape_brings_all_its_fans_within_its_time() {
        for (text, from, to) in [
            ("burst:0s", 0, 0),
            ("burst:1m", 0, 600_000),
            ("ramp:10m", 0, 600_000),
            ("constant:1h", 0, 3_600_000),
            ("prequeue", -1_800_000, -1),
            ("prequeue:10m", -600_000, -1),
            ("prequeue:10m=60%,burst:1m", -600_000, 600_000),
        ] {
            let moments = moments(text, 9_999);
            assert_eq!(moments.len(), 9_999, "{text}");
            assert!(moments.is_sorted() && moments[0] >= from && moments[9_998] <= to, "{text}");
        }
    }

    #[test]
    fn the_shapes_are_what_their_names_say() {
        let before = |moments: &[Moment], at| moments.partition_point(|moment| *moment < at) as f64 / 1e4;
        // Of a burst with a mean of a minute, 1 - 1/e come within it; of a ramp, a quarter in the first half.
        assert!((before(&moments("burst:1m", 10_000), 60_000) - 0.632).abs() < 0.02);
        assert!((before(&moments("ramp:10m", 10_000), 300_000) - 0.25).abs() < 0.02);
        assert!((before(&moments("constant:10m", 10_000), 300_000) - 0.5).abs() < 0.02);
        assert!((before(&moments("prequeue:10m=60%,burst:1m", 10_000), 0) - 0.6).abs() < 0.001);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (text, part) in [
            ("", "burst"),
            ("bursts:5m", "found \"bursts:5m\""),
            ("burst:five", "found \"burst:five\""),
            ("burst:8d", "7 days"),
            ("burst:5m=60", "percentage"),
            ("burst:5m=60%,ramp:5m=60%", "120 %"),
            ("burst:5m=60%", "60 %"),
            ("nothing-there.csv", "nothing-there.csv"),
        ] {
            let error = text.parse::<Arrivals>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
