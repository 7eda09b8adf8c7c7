//! P2 from above, where fans may hear of their turns late: over any window no more turns than rate and burst give.
//!
//! After a fault many fans come back and hear only then of a turn that came while they were away. When it came
//! nobody saw, only that it was between the last they heard and the news. The bound is kept if there is any way
//! for the turns to have come within these times.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::rate::Expected;
use super::{Outcome, Promise, Verdict, seconds};
use crate::story::Story;

/// How long ago a turn may have come when its fan hears of it at once: ticks of 250 ms, and a machine that does
/// other things.
const HEARD_LATE_MAX_MS: u64 = 1000;
/// What a permit is made of: a rate of one a minute gives one each millisecond.
const UNITS: u64 = 60_000;
/// Two signs of a fan that are no further apart are one.
const MOMENT_MS: u64 = 50;

/// When a turn came: not before the one, not after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    from_ms: u64,
    to_ms: u64,
}

/// Judges when the fans were told that their turn had come, by what the line had to do from which moment on.
pub fn judge(stories: &[Story], rates: &[(u64, Expected)]) -> Verdict {
    let turns: Vec<Turn> = stories.iter().filter_map(turn).collect();
    let outcome = if turns.is_empty() {
        Outcome::Unjudged("no fan was told of a turn".to_owned())
    } else {
        Outcome::of(beyond(&turns, rates), || {
            format!(
                "{} turns are no more than {} give, over any window; the longest pause was {}",
                turns.len(),
                words(rates),
                seconds(longest_pause(&turns))
            )
        })
    };
    Verdict::new(Promise::Rate, outcome)
}

/// From when until when the fan's turn may have come; nothing where they never heard of it.
pub(super) fn given(story: &Story) -> Option<(u64, u64)> {
    turn(story).map(|turn| (turn.from_ms, turn.to_ms))
}

fn words(rates: &[(u64, Expected)]) -> String {
    match rates {
        [(_, expected)] => format!("{} a minute and {} at once", expected.drain_per_minute, expected.burst),
        rates => format!("the {} rates that were set", rates.len()),
    }
}

/// When the fan's turn came, as well as they can tell.
fn turn(story: &Story) -> Option<Turn> {
    let to_ms = story.told_ms?;
    let last_heard = if story.told_live {
        to_ms
    } else {
        let before = story.present.iter().filter(|present| present.from_ms + MOMENT_MS < to_ms);
        let heard = before.map(|present| present.to_ms.min(to_ms).saturating_sub(present.deaf_ms)).max();
        heard.or_else(|| story.places.first().map(|seen| seen.at_ms)).unwrap_or_default()
    };
    Some(Turn { from_ms: last_heard.saturating_sub(HEARD_LATE_MAX_MS), to_ms })
}

/// The turns that no way of giving them explains. Each is given as early as it can be, of those that can the one
/// that cannot wait longest first: if there is any way, this is one.
fn beyond(turns: &[Turn], rates: &[(u64, Expected)]) -> Vec<String> {
    let mut coming: Vec<Turn> = turns.to_vec();
    coming.sort_by_key(|turn| Reverse(turn.from_ms));
    let mut due: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
    let mut now = coming.last().map_or(0, |turn| turn.from_ms);
    let mut rates = rates.iter().peekable();
    let mut rate = Expected { drain_per_minute: 0, burst: 1 };
    let mut units = u64::MAX;
    let mut late: Vec<u64> = Vec::new();
    while !(coming.is_empty() && due.is_empty()) {
        while let Some((_, next)) = rates.next_if(|(from_ms, _)| *from_ms <= now) {
            rate = *next;
        }
        units = units.min(rate.burst.max(1) * UNITS);
        while let Some(turn) = coming.pop_if(|turn| turn.from_ms <= now) {
            due.push(Reverse(turn.to_ms));
        }
        while units >= UNITS {
            let Some(Reverse(to_ms)) = due.pop() else { break };
            units -= UNITS;
            if to_ms < now {
                late.push(to_ms);
            }
        }
        // No rate gives nothing, ever: what is left is beyond it.
        if rate.drain_per_minute == 0 && coming.is_empty() && rates.peek().is_none() {
            late.extend(due.drain().map(|Reverse(to_ms)| to_ms));
        }
        units += rate.drain_per_minute;
        now += 1;
    }
    let Some(first) = late.iter().min() else { return Vec::new() };
    vec![format!(
        "{} of {} turns are more than {} a minute and {} at once give; the first too many was told at {}",
        late.len(),
        turns.len(),
        rate.drain_per_minute,
        rate.burst,
        seconds(*first)
    )]
}

/// The longest time between two turns that were told.
fn longest_pause(turns: &[Turn]) -> u64 {
    let mut told: Vec<u64> = turns.iter().map(|turn| turn.to_ms).collect();
    told.sort_unstable();
    told.iter().zip(told.iter().skip(1)).map(|(before, next)| next - before).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Present;

    const EXPECTED: Expected = Expected { drain_per_minute: 600, burst: 10 };

    fn live(told_ms: u64) -> Story {
        Story { told_ms: Some(told_ms), told_live: true, ..Story::default() }
    }

    fn back(there_until_ms: u64, told_ms: u64) -> Story {
        let present = Present { from_ms: 0, to_ms: there_until_ms, edge: 0, deaf_ms: 0 };
        let again = Present { from_ms: told_ms, to_ms: told_ms, ..present };
        Story { told_ms: Some(told_ms), present: vec![present, again], ..Story::default() }
    }

    #[test]
    fn rate_and_burst_keep_it() {
        let stories: Vec<Story> =
            (0..10).map(|_| live(5000)).chain((1..100).map(|n| live(5000 + n * 100))).collect();
        let verdict = judge(&stories, &[(0, EXPECTED)]);
        assert!(verdict.to_string().contains("kept") && verdict.to_string().contains("0.100 s"), "{verdict}");
    }

    #[test]
    fn a_burst_too_many_breaks_it() {
        let steady = (0..100).map(|n| live(5000 + n * 100));
        // The line was lost twice, and each time it began with all permits that may gather.
        let bursts = (0..10).map(|_| live(8000)).chain((0..10).map(|_| live(9000)));
        let stories: Vec<Story> = steady.chain(bursts).collect();
        let verdict = judge(&stories, &[(0, EXPECTED)]);
        assert!(matches!(verdict.outcome, Outcome::Broken(_)), "{verdict}");
    }

    #[test]
    fn a_rate_counts_from_when_it_was_set() {
        let faster = Expected { drain_per_minute: 1200, burst: 20 };
        let rates = [(0, EXPECTED), (20_000, faster)];
        let slow_then_fast = |until: u64, apart: u64| -> Vec<Story> {
            (50..until)
                .map(|n| live(n * 100))
                .chain((0..200).map(|n| live(until * 100 + n * apart)))
                .collect()
        };
        assert!(judge(&slow_then_fast(200, 50), &rates).outcome.is_kept());
        assert!(!judge(&slow_then_fast(100, 50), &rates).outcome.is_kept(), "too early");
        assert!(!judge(&slow_then_fast(200, 40), &rates).outcome.is_kept(), "too fast");
    }

    #[test]
    fn who_was_away_may_have_had_the_turn_before() {
        let away: Vec<Story> = (0..40).map(|_| back(4000, 8000)).collect();
        assert!(judge(&away, &[(0, EXPECTED)]).outcome.is_kept());
        let too_short: Vec<Story> = (0..40).map(|_| back(6500, 8000)).collect();
        assert!(!judge(&too_short, &[(0, EXPECTED)]).outcome.is_kept());
    }

    #[test]
    fn nothing_at_all_is_told_apart_from_nothing_allowed() {
        assert!(!judge(&[], &[(0, EXPECTED)]).outcome.is_kept());
        let none = &[(0, Expected { drain_per_minute: 0, burst: 1 })];
        assert!(judge(&[live(5)], none).outcome.is_kept());
        assert!(!judge(&[live(5), live(6)], none).outcome.is_kept());
    }
}
