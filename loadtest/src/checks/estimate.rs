//! P5: the true wait falls inside the range that is shown at least 90 % of the time under a steady drain.

use super::evidence::{Setting, Strike};
use super::{Outcome, Promise, Verdict, bound, seconds, steady};
use crate::story::Story;

/// How long the drain has to have been steady before an estimate: what had gathered is gone by then.
const STEADY_MS: u64 = 10_000;
/// Fewest estimates from which their share can be told from chance.
const ESTIMATES_MIN: usize = 50;
/// The share that comes true, in percent.
const RIGHT_MIN_PERCENT: usize = 90;

/// Judges what fans were told of their wait, where the drain was steady from well before until their turn came.
pub fn judge(stories: &[Story], setting: &Setting, strikes: &[Strike], late_ms: u64) -> Verdict {
    let steady = steady::stretches(stories, setting, strikes, late_ms);
    let (mut judged, mut right) = (0_usize, 0_usize);
    // The worst story: how far the wait was from the range.
    let mut worst: Option<(u64, String)> = None;
    for story in stories {
        let Some((given_ms, told_ms)) = bound::given(story) else { continue };
        for seen in &story.positions {
            let Some((low_s, high_s)) = seen.wait_s else { continue };
            let at = steady.partition_point(|stretch| stretch.during.start + STEADY_MS <= seen.at_ms);
            let stretch = at.checked_sub(1).and_then(|at| steady.get(at));
            if seen.at_ms >= given_ms || stretch.is_none_or(|stretch| stretch.during.end < given_ms) {
                continue;
            }
            let (least_ms, most_ms) = (given_ms - seen.at_ms, told_ms - seen.at_ms);
            let off = (low_s * 1000).saturating_sub(most_ms).max(least_ms.saturating_sub(high_s * 1000));
            judged += 1;
            right += usize::from(off == 0);
            if off > 0 && worst.as_ref().is_none_or(|(most, _)| off > *most) {
                let told = format!(
                    "fan {} was told {low_s} to {high_s} s at {} and waited {}",
                    story.fan,
                    seconds(seen.at_ms),
                    seconds(most_ms)
                );
                worst = Some((off, told));
            }
        }
    }
    let share = format!("{right} of {judged} estimates of the wait under a steady drain came true");
    let outcome = if judged < ESTIMATES_MIN {
        Outcome::NotAsked(format!("{share}; at least {ESTIMATES_MIN} tell something"))
    } else if right * 100 < judged * RIGHT_MIN_PERCENT {
        Outcome::Broken([share].into_iter().chain(worst.map(|(_, told)| told)).collect())
    } else {
        Outcome::Kept(share)
    };
    Verdict::new(Promise::Estimate, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::{Present, SeenPosition};

    fn setting() -> Setting {
        Setting::of(&crate::stack::Room::demo(60))
    }

    /// A line of a hundred, of whom one is told every second and all were told `wait_s` at 15 s, when 85 waited.
    fn line(wait_s: impl Fn(u64) -> (u64, u64)) -> Vec<Story> {
        let fan = |nth: u64| {
            let told_ms = (nth + 1) * 1000;
            let seen = SeenPosition {
                at_ms: 15_000,
                position: nth,
                connection: 1,
                edge: 0,
                wait_s: Some(wait_s(nth.saturating_sub(14))),
            };
            Story {
                positions: vec![seen],
                present: vec![Present { from_ms: 0, to_ms: told_ms, edge: 0, deaf_ms: 0 }],
                told_ms: Some(told_ms),
                told_live: true,
                ..Story::default()
            }
        };
        (0..100).map(fan).collect()
    }

    #[test]
    fn ranges_with_the_truth_in_them_keep_it() {
        let verdict = judge(&line(|seconds| (seconds.saturating_sub(2), seconds + 3)), &setting(), &[], 0);
        assert!(verdict.outcome.is_kept(), "{verdict}");
    }

    #[test]
    fn ranges_beside_the_truth_break_it() {
        let verdict = judge(&line(|seconds| (seconds * 2, seconds * 3)), &setting(), &[], 0);
        assert!(matches!(verdict.outcome, Outcome::Broken(ref told) if told.len() == 2), "{verdict}");
        let right_for_most = line(|seconds| if seconds > 80 { (0, 1) } else { (seconds, seconds + 1) });
        assert!(judge(&right_for_most, &setting(), &[], 0).outcome.is_kept());
    }

    #[test]
    fn while_the_drain_is_not_steady_nothing_is_judged() {
        let strike = Strike { from_ms: 12_000, to_ms: 90_000, ..Strike::default() };
        let verdict = judge(&line(|_| (0, 1)), &setting(), &[strike], 0);
        assert!(matches!(verdict.outcome, Outcome::NotAsked(_)), "{verdict}");
    }
}
