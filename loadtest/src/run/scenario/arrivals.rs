//! When which fan comes: decided beforehand, whatever the system does. A fan who is kept waiting holds up no other.

use std::time::Duration;

use super::{Arrivals, Errand, Kind, Phase, Scenario};
use crate::random::Dice;

/// A fan who is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Microseconds after the run began.
    pub at_us: u64,
    /// Of which kind.
    pub kind: usize,
}

impl Scenario {
    /// All who come, in order. The same seed gives the same fans; each one's number is its place here.
    pub fn arrivals(&self, seed: u64) -> Vec<Arrival> {
        let mut dice = Dice::new(seed);
        let mut all: Vec<Arrival> = Vec::new();
        let mut from = Duration::ZERO;
        for phase in &self.phases {
            let begin = micros(from);
            let mut times = times(phase, &mut dice);
            times.sort_unstable();
            let kinds: Vec<(usize, f64)> =
                phase.kinds.iter().filter_map(|at| Some((*at, self.kinds.get(*at)?.share))).collect();
            all.extend(
                times.into_iter().map(|at| Arrival { at_us: begin + at, kind: pick(&kinds, &mut dice) }),
            );
            from += phase.length;
        }
        all
    }
}

impl Kind {
    /// Whether such a fan stands in line, and so has a story.
    pub fn has_a_story(&self) -> bool {
        !matches!(self.errand, Errand::Browse | Errand::Join | Errand::Reserve)
    }
}

/// One of the kinds, by their shares.
fn pick(kinds: &[(usize, f64)], dice: &mut Dice) -> usize {
    let total: f64 = kinds.iter().map(|(_, share)| share).sum();
    let mut at = dice.unit() * total;
    for (kind, share) in kinds {
        at -= share;
        if at < 0.0 {
            return *kind;
        }
    }
    kinds.last().map_or(0, |(kind, _)| *kind)
}

/// Microseconds after the phase began.
fn times(phase: &Phase, dice: &mut Dice) -> Vec<u64> {
    let length = phase.length.as_secs_f64();
    let at = |seconds: f64| (seconds.clamp(0.0, length) * 1e6) as u64;
    match &phase.arrivals {
        Arrivals::None => Vec::new(),
        Arrivals::Burst(fans, within) => (0..*fans).map(|_| at(dice.unit() * within.as_secs_f64())).collect(),
        Arrivals::Constant(rate) => evenly(*rate, *rate, length).map(at).collect(),
        Arrivals::Ramp(from, to) => evenly(*from, *to, length).map(at).collect(),
        Arrivals::Poisson(rate) => {
            let (mut times, mut now) = (Vec::new(), 0.0);
            while *rate > 0.0 && times.len() < super::file::ARRIVALS_MAX as usize {
                now += dice.exponential() / rate;
                if now >= length {
                    break;
                }
                times.push(at(now));
            }
            times
        }
        Arrivals::Recorded(counts) => {
            let fans = usize::try_from(counts.total()).unwrap_or(usize::MAX);
            let mut moments = Vec::new();
            counts.moments(fans, dice, &mut moments);
            moments.into_iter().map(|ms| at(ms as f64 / 1000.0)).collect()
        }
    }
}

/// The moments, in seconds, at which somebody comes where the rate goes evenly from one to another.
fn evenly(from: f64, to: f64, length: f64) -> impl Iterator<Item = f64> {
    let slope = (to - from) / length.max(1e-9);
    let fans = ((from + to) / 2.0 * length).round() as u64;
    // So many have come after t: from·t + slope·t²/2. The nth comes when that is n and a half.
    (0..fans).map(move |nth| {
        let nth = nth as f64 + 0.5;
        if slope.abs() < 1e-9 {
            nth / from.max(1e-9)
        } else {
            (-from + (from * from + 2.0 * slope * nth).max(0.0).sqrt()) / slope
        }
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(arrivals: Arrivals) -> Phase {
        Phase { name: "p".to_owned(), length: Duration::from_secs(10), arrivals, kinds: vec![0] }
    }

    #[test]
    fn each_shape_is_what_its_name_says() {
        let before = |times: &[u64], second: u64| times.iter().filter(|at| **at < second * 1_000_000).count();
        let of = |arrivals| times(&phase(arrivals), &mut Dice::new(7));
        assert!(of(Arrivals::None).is_empty());
        let constant = of(Arrivals::Constant(100.0));
        assert_eq!((constant.len(), before(&constant, 5)), (1000, 500));
        let ramp = of(Arrivals::Ramp(0.0, 200.0));
        assert_eq!((ramp.len(), before(&ramp, 5)), (1000, 250));
        let down = of(Arrivals::Ramp(200.0, 0.0));
        assert_eq!((down.len(), before(&down, 5)), (1000, 750));
        let poisson = of(Arrivals::Poisson(100.0));
        assert!((880..1120).contains(&poisson.len()), "{}", poisson.len());
        let burst = of(Arrivals::Burst(50, Duration::from_secs(2)));
        assert_eq!((burst.len(), before(&burst, 2)), (50, 50));
        for times in [constant, ramp, down, poisson, burst] {
            assert!(times.iter().all(|at| *at <= 10_000_000));
        }
    }

    #[test]
    fn kinds_come_by_their_shares() {
        let (mut dice, kinds) = (Dice::new(3), [(4, 0.25), (9, 0.5)]);
        let picked = (0..9000).filter(|_| pick(&kinds, &mut dice) == 9).count();
        assert!((5700..6300).contains(&picked), "{picked}");
    }
}
