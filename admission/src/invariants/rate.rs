//! P2.

use crate::clock::Timestamp;

use super::setting::Setting;
use super::story::{Span, Story};
use super::turns::Turn;
use super::{Promise, Violation};

/// A permit, in the units of [`Setting::permits`].
const PERMIT: u64 = 1000;

/// **P2 rate.** Over any window of T seconds, admissions ≤ rate·T + burst, whatever the number of proxies, their
/// clocks and their restarts; and ≥ 99 % of rate·T while enough present fans wait.
///
/// An admission is a turn that was given; one that lapsed unclaimed gives its permit back. A window has too many
/// when the turns that surely fell into it, less those that may have lapsed in it, are more than the rate and the
/// burst give. It has too few when somebody who was there waited all through it, nothing was wrong, the room was
/// not full, and the turns that may have fallen into it are fewer than 99 % of what the rate gives.
pub fn rate(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    let turns: Vec<Turn> = stories.iter().flat_map(|story| story.turns(setting)).collect();
    too_many(&turns, setting).into_iter().chain(too_few(stories, &turns, setting)).collect()
}

fn too_many(turns: &[Turn], setting: &Setting) -> Option<Violation> {
    let mut by_end: Vec<(Span, u64)> = turns
        .iter()
        .filter(|turn| turn.sure)
        .map(|turn| (turn.given, setting.permits(turn.given.to)))
        .collect();
    by_end.sort();
    by_end.sort_by_key(|(given, _)| given.to);
    let lapses = Lapses::of(turns);
    let mut worst: Option<(u64, Violation)> = None;
    for (Span { from, .. }, _) in &by_end {
        let before = setting.permits(*from);
        let mut count = 0;
        for (given, by_then) in by_end.iter().filter(|(given, _)| given.from >= *from) {
            count += 1;
            let window = Span::new(*from, given.to);
            let gathered = setting.in_force(window).map(|rule| rule.burst).max().unwrap_or_default();
            // Half-open thousandths at both ends.
            let allowed = by_then - before + (gathered + lapses.within(window)) * PERMIT + 2;
            let above = (count * PERMIT).saturating_sub(allowed);
            if above > 0 && worst.as_ref().is_none_or(|(most, _)| above > *most) {
                let message = format!(
                    "{count} turns were given between {} and {}; the rate gives {:.2} and {gathered} may have \
                     gathered before ({} may have lapsed)",
                    window.from,
                    window.to,
                    (by_then - before) as f64 / PERMIT as f64,
                    lapses.within(window),
                );
                worst = Some((above, Violation::new(Promise::Rate, window.to, &[], message)));
            }
        }
    }
    worst.map(|(_, violation)| violation)
}

/// When turns may have lapsed.
struct Lapses {
    from: Vec<Timestamp>,
    to: Vec<Timestamp>,
}

impl Lapses {
    fn of(turns: &[Turn]) -> Self {
        let lapsed = || turns.iter().filter_map(|turn| turn.lapsed);
        let mut from: Vec<Timestamp> = lapsed().map(|span| span.from).collect();
        let mut to: Vec<Timestamp> = lapsed().map(|span| span.to).collect();
        from.sort_unstable();
        to.sort_unstable();
        Self { from, to }
    }

    /// How many may have lapsed in `window`.
    fn within(&self, window: Span) -> u64 {
        let begun = self.from.partition_point(|from| *from <= window.to);
        let ended = self.to.partition_point(|to| *to < window.from);
        begun.saturating_sub(ended) as u64
    }
}

fn too_few(stories: &[Story], turns: &[Turn], setting: &Setting) -> Option<Violation> {
    if !is_roomy(stories, setting) {
        return None;
    }
    for window in somebody_waits(stories, setting).into_iter().flat_map(|span| setting.calm(span)) {
        // What gathers at the beginning is given a tick later, and what gathers at the end is not given yet.
        let from = window.from + setting.tolerance.settle;
        // Turns of the last moments are not heard of any more.
        let window = Span::new(from, window.to.min(setting.until - setting.tolerance.stale));
        let mut ends: Vec<Timestamp> = turns.iter().map(|turn| turn.given.from).collect();
        ends.push(window.to);
        for to in ends.into_iter().filter(|to| from < *to && *to <= window.to) {
            let due = setting.permits(to).saturating_sub(setting.permits(from + setting.tolerance.stale));
            let given = turns.iter().filter(|turn| turn.given.meets(Span::new(from, to))).count() as u64;
            if (given + 1) * PERMIT * 100 < due * 99 {
                let message = format!(
                    "{given} turns were given between {from} and {to} while somebody waited all the time; the rate \
                     gives {:.2}",
                    due as f64 / PERMIT as f64,
                );
                return Some(Violation::new(Promise::Rate, to, &[], message));
            }
        }
    }
    None
}

/// Whether there was room for everybody all the time, so that the rate alone decides.
pub(super) fn is_roomy(stories: &[Story], setting: &Setting) -> bool {
    let everything = Span::new(Timestamp::default(), setting.until);
    setting.in_force(everything).all(|rule| rule.max_active >= stories.len() as u64)
}

/// The stretches in each moment of which some fan was there, known to the line, and waited.
pub(super) fn somebody_waits(stories: &[Story], setting: &Setting) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for story in stories {
        let turns = story.turns(setting);
        for mut span in story.present(setting) {
            span.from = span.from + setting.tolerance.settle;
            let first = turns.iter().filter(|turn| turn.given.meets(span)).map(|turn| turn.given.from).min();
            span.to = first.map_or(span.to, |first| first.min(span.to));
            if !span.is_empty() {
                spans.push(span);
            }
        }
    }
    spans.sort();
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::super::example::{at, fan, setting, turn, waiting};
    use super::super::{InForce, What};
    use super::*;

    /// Fans who wait from second 0 on and are told of their turns at these seconds.
    fn told_at(seconds: &[u64]) -> Vec<Story> {
        let story = |(number, second): (usize, &u64)| {
            let fan = fan(&format!("fan {number}"), number as u64).connects(0).sees(0, waiting(1));
            fan.sees(*second, turn()).sees(*second, What::Entered).into_story()
        };
        seconds.iter().enumerate().map(story).collect()
    }

    fn steady() -> Vec<u64> {
        (2..60).collect()
    }

    #[test]
    fn the_configured_rate_and_the_burst_keep_it() {
        assert_eq!(rate(&told_at(&steady()), &setting()), []);
        let with_burst: Vec<u64> = [2, 2].into_iter().chain(steady()).collect();
        assert_eq!(rate(&told_at(&with_burst), &setting()), []);
    }

    #[test]
    fn a_crowded_window_breaks_it() {
        let crowd: Vec<u64> = std::iter::repeat_n(30, 6).chain(steady()).collect();
        let found = rate(&told_at(&crowd), &setting());
        assert!(found.len() == 1 && found[0].message.contains("turns were given"), "{found:?}");
        let double: Vec<u64> = steady().into_iter().flat_map(|second| [second, second]).collect();
        assert_eq!(rate(&told_at(&double), &setting()).len(), 1);
    }

    #[test]
    fn a_pause_gathers_nothing() {
        let rule = |since, per_minute| InForce { since: at(since), per_minute, burst: 2, max_active: 100 };
        let paused = Setting { rules: vec![rule(0, 60), rule(10, 0), rule(40, 60)], ..setting() };
        let resumed = |count| (2..10).chain(std::iter::repeat_n(42, count)).collect::<Vec<u64>>();
        assert_eq!(rate(&told_at(&resumed(3)), &paused), []);
        assert_eq!(rate(&told_at(&resumed(4)), &paused).len(), 1);
    }

    #[test]
    fn a_turn_that_lapsed_gives_its_permit_back() {
        let lapsing = |back: bool| {
            let mut stories = told_at(&[2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
            for number in 20..30 {
                let idle = fan("idle", number).connects(0).sees(2, turn());
                let idle = if back {
                    idle.sees(13, waiting(1)).sees(99, waiting(1))
                } else {
                    idle.sees(3, What::Entered)
                };
                stories.push(idle.into_story());
            }
            for number in 40..50 {
                stories.push(
                    fan("late", number).connects(0).sees(13, turn()).sees(13, What::Entered).into_story(),
                );
            }
            let rules = vec![InForce { burst: 12, ..setting().rules[0] }];
            too_many(
                &stories.iter().flat_map(|story| story.turns(&setting())).collect::<Vec<_>>(),
                &Setting { rules, ..setting() },
            )
        };
        assert_eq!(lapsing(true), None);
        assert!(lapsing(false).is_some());
    }

    #[test]
    fn too_few_while_somebody_waits_break_it() {
        let slow: Vec<u64> = (2..90).step_by(2).collect();
        let found = rate(&told_at(&slow), &setting());
        assert!(found.len() == 1 && found[0].message.contains("waited all the time"), "{found:?}");
        let wrong = Setting { troubled: vec![Span::new(at(0), at(100))], ..setting() };
        assert_eq!(rate(&told_at(&slow), &wrong), []);
        let full = Setting { rules: vec![InForce { max_active: 3, ..setting().rules[0] }], ..setting() };
        assert_eq!(rate(&told_at(&slow), &full), []);
    }

    #[test]
    fn nobody_waiting_is_no_reason_to_admit() {
        let mut stories = told_at(&[2, 3, 4]);
        stories.push(fan("late", 90).connects(70).sees(71, turn()).into_story());
        assert_eq!(rate(&stories, &setting()), []);
    }
}
