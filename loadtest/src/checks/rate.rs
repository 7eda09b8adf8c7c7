//! P2: admissions keep the configured rate, from below and from above.

use std::collections::BTreeMap;

use super::steady::Steady;
use super::{Outcome, Promise, Verdict, seconds};
use crate::story::Story;

/// What the line was told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Fans to admit a minute.
    pub drain_per_minute: u64,
    /// Permits that may gather while nobody takes them.
    pub burst: u64,
}

impl Expected {
    /// What may seem to have come at once where everything may have been seen so much too late.
    #[must_use]
    pub const fn seen_late(self, late_ms: u64) -> Self {
        Self { burst: self.burst + (self.drain_per_minute * late_ms).div_ceil(60_000), ..self }
    }
}

/// How far the measured rate may be from the configured one.
const OFF_MAX: f64 = 0.01;

/// How long ago a turn may have come when its fan hears of it: two ticks of 250 ms, and a machine that does
/// other things.
const HEARD_LATE_MAX_MS: u64 = 750;

/// Fewest admissions, and the shortest time, from which one percent can be told from chance. A tick shifts each
/// admission by at most 250 ms; the slope through 100 of them over 10 s is uncertain by a quarter of a percent.
const ADMISSIONS_MIN: usize = 100;
const SPAN_MIN_MS: u64 = 9_000;

/// Judges when the fans were told that their turn had come. The line must not have been empty meanwhile; `late_ms` is
/// how late this machine was.
pub fn judge(stories: &[Story], expected: Expected, late_ms: u64) -> Verdict {
    let turns = turns(stories);
    let outcome = match measure(&turns, expected.burst) {
        Err(why) => Outcome::Unjudged(why),
        Ok(measured) => {
            let wanted = expected.drain_per_minute as f64;
            let mut broken = Vec::new();
            if (measured.per_minute / wanted - 1.0).abs() > measured.off_max(late_ms) {
                broken.push(format!("{measured}, configured were {wanted} a minute"));
            }
            broken.extend(crowded_window(&turns, expected.seen_late(late_ms)));
            Outcome::of(broken, || {
                let off = (measured.per_minute / wanted - 1.0) * 100.0;
                format!("{measured}, {off:+.2} % from the configured {wanted}")
            })
        }
    };
    Verdict::new(Promise::Rate, outcome)
}

/// Judges the stretches with a steady drain that are long enough to tell; nothing where none is.
pub fn judge_stretches(
    stories: &[Story],
    stretches: &[Steady],
    window_ms: u64,
    late_ms: u64,
) -> Option<Verdict> {
    let mut turns = turns(stories);
    turns.extend(unheard(stories, window_ms + late_ms));
    turns.sort_by_key(|turn| turn.at_ms);
    let mut broken = Vec::new();
    let mut kept: Vec<String> = Vec::new();
    for Steady { during, expected } in stretches {
        // Of the first there it is not known whether they came in this stretch.
        let from = turns.partition_point(|turn| turn.at_ms < during.start + HEARD_LATE_MAX_MS);
        let to = turns.partition_point(|turn| turn.at_ms < during.end);
        let Ok(measured) = measure(turns.get(from..to).unwrap_or_default(), 0) else { continue };
        let off = measured.per_minute / expected.drain_per_minute as f64 - 1.0;
        let told = format!(
            "{measured} from {}, {:+.2} % from the configured {}",
            seconds(during.start),
            off * 100.0,
            expected.drain_per_minute
        );
        if off.abs() > measured.off_max(late_ms) { broken.push(told) } else { kept.push(told) }
    }
    match (kept.first(), broken.is_empty()) {
        (None, true) => None,
        (first, _) => {
            let more = match kept.len() {
                0 | 1 => String::new(),
                all => format!("; so were {} more stretches", all - 1),
            };
            let kept = || format!("{}{more}", first.cloned().unwrap_or_default());
            Some(Verdict::new(Promise::Rate, Outcome::of(broken, kept)))
        }
    }
}

/// Turns that may have been given to fans who had left just before, and never heard of them.
fn unheard(stories: &[Story], window_ms: u64) -> Vec<Turn> {
    let passed = super::presence::passed(stories);
    let gone = stories.iter().filter(|story| story.told_ms.is_none()).filter_map(|story| {
        let (front_ms, last) = (*passed.get(&story.fan)?, story.present.last()?);
        let may_have = last.to_ms <= front_ms && front_ms <= last.to_ms + window_ms;
        may_have.then_some(Turn { at_ms: front_ms, live: false })
    });
    gone.collect()
}

/// A turn that came.
#[derive(Clone, Copy, Debug)]
struct Turn {
    at_ms: u64,
    /// The fan heard at once; otherwise the time is a guess.
    live: bool,
}

/// The turns in the order in which they came. Who polls, or was away for a moment, hears late, but took a
/// permit all the same: their turn came no later than that of the next fan behind them who heard at once.
fn turns(stories: &[Story]) -> Vec<Turn> {
    let mut lanes: BTreeMap<&str, Vec<(u64, Turn)>> = BTreeMap::new();
    for story in stories {
        if let (Some(place), Some(at_ms)) = (story.place(), story.told_ms) {
            lanes.entry(&place.lane).or_default().push((place.rank, Turn { at_ms, live: story.told_live }));
        }
    }
    let mut turns = Vec::new();
    for lane in lanes.values_mut() {
        lane.sort_by_key(|&(rank, _)| std::cmp::Reverse(rank));
        let mut behind_ms = u64::MAX;
        for (_, turn) in lane {
            if turn.live {
                behind_ms = turn.at_ms;
            }
            turns.push(Turn { at_ms: turn.at_ms.min(behind_ms), ..*turn });
        }
    }
    turns.sort_by_key(|turn| turn.at_ms);
    turns
}

struct Measured {
    per_minute: f64,
    admissions: usize,
    span_ms: u64,
}

impl Measured {
    /// How far the rate may be off: the promise's own percent, and what cannot be told. The first or the last turn may have
    /// been seen so much too late, and one turn more or less in between may have been that of a fan who never heard of it.
    fn off_max(&self, late_ms: u64) -> f64 {
        OFF_MAX + late_ms as f64 / self.span_ms.max(1) as f64 + 1.0 / self.admissions.max(1) as f64
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { per_minute, admissions, span_ms } = self;
        write!(f, "{per_minute:.1} a minute measured ({admissions} admissions in {})", seconds(*span_ms))
    }
}

/// The rate as the slope of a straight line through (which admission, when): unlike the mere distance from the
/// first to the last, it hardly depends on when in a tick these two happened to fall.
fn measure(turns: &[Turn], burst: u64) -> Result<Measured, String> {
    // What gathered before the first fan came is given at once; the steady part begins behind it.
    let skip = usize::try_from(burst).unwrap_or(usize::MAX);
    let points: Vec<(f64, f64)> = turns
        .iter()
        .enumerate()
        .skip(skip)
        .filter(|(_, turn)| turn.live)
        .map(|(which, turn)| (which as f64, turn.at_ms as f64))
        .collect();
    let (Some(&(_, first)), Some(&(_, last))) = (points.first(), points.last()) else {
        return Err("no admission was seen in a steady line".to_owned());
    };
    let span_ms = (last - first) as u64;
    if points.len() < ADMISSIONS_MIN || span_ms < SPAN_MIN_MS {
        return Err(format!(
            "{} admissions in {} are too few to tell one percent; at least {ADMISSIONS_MIN} over {} are needed",
            points.len(),
            seconds(span_ms),
            seconds(SPAN_MIN_MS),
        ));
    }
    let count = points.len() as f64;
    let mean_which = points.iter().map(|(which, _)| which).sum::<f64>() / count;
    let mean_ms = points.iter().map(|(_, ms)| ms).sum::<f64>() / count;
    let (mut together, mut spread) = (0.0, 0.0);
    for (which, ms) in &points {
        together += (which - mean_which) * (ms - mean_ms);
        spread += (which - mean_which) * (which - mean_which);
    }
    if together <= 0.0 {
        return Err("all admissions came at once".to_owned());
    }
    Ok(Measured { per_minute: spread / together * 60_000.0, admissions: points.len(), span_ms })
}

/// A window with more admissions than rate and burst allow.
fn crowded_window(turns: &[Turn], expected: Expected) -> Option<String> {
    let per_ms = expected.drain_per_minute as f64 / 60_000.0;
    // Admissions above rate·time since the one where that was least: the window between is the worst so far.
    let mut from = (f64::INFINITY, 0_usize, 0_u64);
    let mut worst: Option<(f64, String)> = None;
    for (index, &Turn { at_ms: at, .. }) in turns.iter().enumerate() {
        let before = index as f64 - per_ms * at as f64;
        if before < from.0 {
            from = (before, index, at);
        }
        let above = index as f64 + 1.0 - per_ms * at as f64 - from.0;
        let allowed = expected.burst as f64 + per_ms * HEARD_LATE_MAX_MS as f64 + 1.0;
        if above > allowed && worst.as_ref().is_none_or(|(most, _)| above > *most) {
            let story = format!(
                "{} admissions from {} to {}, which is {above:.1} more than the rate gives; {} may gather",
                index + 1 - from.1,
                seconds(from.2),
                seconds(at),
                expected.burst,
            );
            worst = Some((above, story));
        }
    }
    worst.map(|(_, story)| story)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::{Place, SeenPlace};

    const EXPECTED: Expected = Expected { drain_per_minute: 600, burst: 10 };

    fn told_at(times: impl IntoIterator<Item = u64>) -> Vec<Story> {
        let story = |(rank, at): (usize, u64)| Story {
            places: vec![SeenPlace {
                at_ms: 0,
                place: Place { lane: "general".to_owned(), rank: rank as u64, id: vec![] },
            }],
            told_ms: Some(at),
            told_live: true,
            ..Story::default()
        };
        times.into_iter().enumerate().map(story).collect()
    }

    /// Ten a second, as a proxy tells them at its ticks of 250 ms, after a burst.
    fn ticked(apart_ms: u64, count: u64) -> Vec<u64> {
        let steady = (0..count).map(|nth| (nth * apart_ms).div_ceil(250) * 250 + nth % 7);
        std::iter::repeat_n(0, 10).chain(steady).collect()
    }

    #[test]
    fn the_configured_rate_keeps_it() {
        let verdict = judge(&told_at(ticked(100, 190)), EXPECTED, 0);
        assert!(verdict.outcome.is_kept(), "{verdict}");
    }

    #[test]
    fn a_rate_two_percent_off_breaks_it() {
        for apart in [98, 102] {
            let verdict = judge(&told_at(ticked(apart, 190)), EXPECTED, 0);
            assert!(matches!(verdict.outcome, Outcome::Broken(_)), "{verdict}");
        }
    }

    #[test]
    fn a_machine_that_is_late_is_no_broken_promise() {
        let stories = told_at(ticked(102, 190));
        assert!(judge(&stories, EXPECTED, 500).outcome.is_kept());
        assert!(!judge(&stories, EXPECTED, 50).outcome.is_kept());
    }

    #[test]
    fn twice_the_rate_breaks_it() {
        let verdict = judge(&told_at(ticked(50, 400)), EXPECTED, 0);
        assert!(matches!(verdict.outcome, Outcome::Broken(ref s) if s[0].contains("1200")), "{verdict}");
    }

    #[test]
    fn a_crowded_moment_breaks_it_though_the_average_is_right() {
        let mut times = ticked(100, 190);
        // The line stood for four seconds, and then let in what it had missed.
        for time in &mut times {
            if (8_000..12_000).contains(time) {
                *time = 12_000;
            }
        }
        let verdict = judge(&told_at(times), EXPECTED, 0);
        assert!(matches!(verdict.outcome, Outcome::Broken(ref s) if s.len() == 1), "{verdict}");
    }

    #[test]
    fn who_hears_late_does_not_blur_the_measure() {
        let mut stories = told_at(ticked(100, 190));
        // Every third of the first hundred was away when the turn came.
        for story in stories.iter_mut().take(100).step_by(3) {
            story.told_live = false;
            story.told_ms = story.told_ms.map(|told| told + 3000);
        }
        let measured = measure(&turns(&stories), EXPECTED.burst).unwrap().per_minute;
        assert!((measured - 600.0).abs() < 3.0, "{measured}");
    }

    #[test]
    fn stretches_are_measured_by_themselves() {
        let mut times = ticked(100, 400);
        // The line stood for ten seconds, and then went on.
        times.iter_mut().filter(|time| **time > 20_000).for_each(|time| *time += 10_000);
        let stories = told_at(times);
        let stretch = |from_ms, to_ms| Steady { during: from_ms..to_ms, expected: EXPECTED };
        let judge = |stretches: &[Steady]| judge_stretches(&stories, stretches, 4000, 0);
        assert!(judge(&[stretch(1000, 20_000), stretch(31_000, 50_000)]).unwrap().outcome.is_kept());
        let over = judge(&[stretch(1000, 50_000)]).unwrap();
        assert!(matches!(over.outcome, Outcome::Broken(_)), "{over}");
        assert_eq!(judge(&[stretch(1000, 5000)]), None);
    }

    #[test]
    fn a_turn_that_nobody_heard_of_counts() {
        let mut stories = told_at(ticked(100, 190));
        for (fan, story) in (0..).zip(&mut stories) {
            story.fan = fan;
        }
        for story in stories.iter_mut().skip(10).step_by(20) {
            let told_ms = story.told_ms.take().unwrap_or_default();
            let to_ms = told_ms.saturating_sub(1000);
            story.present.push(crate::story::Present { from_ms: 0, to_ms, edge: 0, deaf_ms: 0 });
        }
        let stretch = Steady { during: 500..20_000, expected: EXPECTED };
        let judge = |window_ms| judge_stretches(&stories, std::slice::from_ref(&stretch), window_ms, 0);
        assert!(judge(4000).unwrap().outcome.is_kept());
        assert!(!judge(0).unwrap().outcome.is_kept());
    }

    #[test]
    fn too_few_or_too_short_is_not_judged() {
        for times in [ticked(100, 50), ticked(10, 190), vec![5; 300], vec![]] {
            let verdict = judge(&told_at(times), EXPECTED, 0);
            assert!(matches!(verdict.outcome, Outcome::Unjudged(_)), "{verdict}");
        }
    }
}
