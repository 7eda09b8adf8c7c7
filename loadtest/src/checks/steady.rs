//! When nothing was in the way of the drain: nothing had failed, the rate stayed, there was room, and enough fans waited.

use std::ops::Range;

use super::evidence::{Setting, Strike};
use super::rate::Expected;
use crate::story::Story;

/// How long after a fault and what has to be put right again everything is as always.
const SETTLES_MS: u64 = 3000;
/// How long a line that moves has to have fans in front.
const WAITING_FOR_SECONDS: u64 = 3;
/// Fewer than these are not enough in any line.
const WAITING_MIN: u64 = 10;
/// Of a hundred places inside, as many may be taken, as fans see it: the line counts a fan for longer.
const INSIDE_MAX_PERCENT: u64 = 90;

/// A stretch of time with a steady drain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steady {
    /// From when until when.
    pub during: Range<u64>,
    /// What the line had to do all the time.
    pub expected: Expected,
}

/// When nothing was wrong, from the opening on.
pub fn calm(setting: &Setting, strikes: &[Strike], late_ms: u64) -> Vec<Range<u64>> {
    let mut troubles: Vec<Range<u64>> = strikes
        .iter()
        .map(|strike| {
            let grace_ms = if strike.effects.line_lost { setting.recovery_grace_ms } else { 0 };
            let after_ms = setting.presence_window_ms + grace_ms + SETTLES_MS + late_ms;
            strike.from_ms..strike.to_ms + after_ms
        })
        .collect();
    troubles.sort_unstable_by_key(|trouble| trouble.start);
    let mut from_ms = setting.opened_ms.map_or(0, |opened_ms| opened_ms + late_ms);
    let mut calm = Vec::new();
    for trouble in troubles {
        if trouble.start > from_ms {
            calm.push(from_ms..trouble.start);
        }
        from_ms = from_ms.max(trouble.end);
    }
    calm.push(from_ms..u64::MAX);
    calm
}

/// The stretches with a steady drain, in the order of time.
pub fn stretches(stories: &[Story], setting: &Setting, strikes: &[Strike], late_ms: u64) -> Vec<Steady> {
    let steps = steps(stories);
    let ends = setting.rates.iter().skip(1).map(|(from_ms, _)| *from_ms).chain([u64::MAX]);
    let inside_max = setting.max_active * INSIDE_MAX_PERCENT / 100;
    let mut found = Vec::new();
    for (&(from_ms, expected), to_ms) in setting.rates.iter().zip(ends) {
        let from_ms = if from_ms == 0 { 0 } else { from_ms + SETTLES_MS };
        let waiting_min = (expected.drain_per_minute * WAITING_FOR_SECONDS / 60).max(WAITING_MIN);
        for calm in calm(setting, strikes, late_ms) {
            let within = calm.start.max(from_ms)..calm.end.min(to_ms);
            let busy = busy(&steps, &within, waiting_min, inside_max);
            found.extend(busy.into_iter().map(|during| Steady { during, expected }));
        }
    }
    found.sort_by_key(|steady| steady.during.start);
    found
}

/// When somebody comes into the line or goes out of it, and into the shop and out of it.
fn steps(stories: &[Story]) -> Vec<(u64, i64, i64)> {
    let mut steps = Vec::new();
    for story in stories {
        for present in &story.present {
            let to_ms = story.told_ms.map_or(present.to_ms, |told_ms| told_ms.min(present.to_ms));
            if present.from_ms < to_ms {
                steps.extend([(present.from_ms, 1, 0), (to_ms, -1, 0)]);
            }
        }
        if let Some(told_ms) = story.told_ms {
            steps.push((told_ms, 0, 1));
            steps.extend(story.over_ms.map(|over_ms| (over_ms.max(told_ms), 0, -1)));
        }
    }
    steps.sort_unstable();
    steps
}

/// The stretches of `within` in which at least so many waited and at most so many were inside.
fn busy(
    steps: &[(u64, i64, i64)],
    within: &Range<u64>,
    waiting_min: u64,
    inside_max: u64,
) -> Vec<Range<u64>> {
    let (mut waiting, mut inside) = (0_i64, 0_i64);
    let mut since: Option<u64> = None;
    let mut found = Vec::new();
    for (at_ms, line, shop) in steps {
        waiting += line;
        inside += shop;
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        let is_busy = count(waiting) >= waiting_min && count(inside) <= inside_max;
        match since {
            None if is_busy => since = Some(*at_ms),
            Some(from_ms) if !is_busy => {
                found.push(from_ms.max(within.start)..(*at_ms).min(within.end));
                since = None;
            }
            _ => {}
        }
    }
    found.retain(|during| during.start < during.end);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Effects;
    use crate::story::Present;

    const EXPECTED: Expected = Expected { drain_per_minute: 60, burst: 1 };

    fn setting() -> Setting {
        Setting {
            rates: vec![(0, EXPECTED)],
            max_active: 100,
            opened_ms: None,
            presence_window_ms: 1000,
            recovery_grace_ms: 2000,
        }
    }

    /// Twelve fans who wait for a minute and three who come late.
    fn fans() -> Vec<Story> {
        let fan = |from_ms, told_ms| Story {
            present: vec![Present { from_ms, to_ms: told_ms, edge: 0, deaf_ms: 0 }],
            told_ms: Some(told_ms),
            ..Story::default()
        };
        (0..12).map(|nth| fan(nth, 60_000 + nth)).chain((0..3).map(|_| fan(90_000, 95_000))).collect()
    }

    #[test]
    fn a_stretch_is_as_long_as_enough_fans_wait() {
        let found = stretches(&fans(), &setting(), &[], 0);
        assert_eq!(found, [Steady { during: 9..60_002, expected: EXPECTED }]);
    }

    #[test]
    fn faults_changes_of_rate_and_a_full_shop_end_it() {
        let effects = Effects { line_lost: true, ..Effects::default() };
        let strike = Strike { from_ms: 20_000, to_ms: 21_000, effects, ..Strike::default() };
        let found = stretches(&fans(), &setting(), &[strike], 0);
        assert_eq!(
            found.iter().map(|steady| steady.during.clone()).collect::<Vec<_>>(),
            [9..20_000, 27_000..60_002]
        );
        let faster = Expected { drain_per_minute: 120, burst: 2 };
        let changed = Setting { rates: vec![(0, EXPECTED), (30_000, faster)], ..setting() };
        let found = stretches(&fans(), &changed, &[], 0);
        assert_eq!(found[1], Steady { during: 33_000..60_002, expected: faster });
        let mut full = fans();
        full.extend((0..95).map(|_| Story {
            told_ms: Some(10_000),
            over_ms: Some(30_000),
            ..Story::default()
        }));
        let found = stretches(&full, &setting(), &[], 0);
        assert_eq!(found[0].during, 9..10_000);
        assert_eq!(found[1].during.start, 30_000);
    }

    #[test]
    fn before_the_opening_nothing_is_calm() {
        let setting = Setting { opened_ms: Some(500), ..setting() };
        assert_eq!(calm(&setting, &[], 10)[0].start, 510);
    }
}
