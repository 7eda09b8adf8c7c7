//! P4, for who comes while something fails: they are given a place all the same, by when they came.

use std::fmt;
use std::ops::Range;

use super::order::TOLD_APART_MAX_MS;
use super::{Outcome, Promise, Verdict, seconds};
use crate::story::Story;

/// How far the edges may be apart about what time it is in the store: each reads it at its own tick of 250 ms.
const CLOCKS_APART_MAX_MS: u64 = 250;

/// Judges the ranks by when the fans came: whoever asked after another had the answer stands behind them. Who was ranked
/// only later, because the store was away, stands behind those whose turn had come by then all the same. And while the
/// store was `away` newcomers have to get an answer. `late_ms` is how late this machine was.
pub fn judge(stories: &[Story], away: &[Range<u64>], late_ms: u64) -> Verdict {
    let fronts = Fronts::of(stories);
    let mut came: Vec<Coming> =
        stories.iter().filter_map(|story| Coming::of(story, &fronts, late_ms)).collect();
    came.sort_unstable_by_key(|coming| coming.asked_ms);
    let mut broken = Vec::new();
    let mut answered: Vec<&Coming> = came.iter().collect();
    answered.sort_unstable_by_key(|coming| coming.answered_ms);
    let mut answered = answered.into_iter().peekable();
    // Of those who were ranked at once the one with the highest rank says it all.
    let mut last: Option<&Coming> = None;
    let mut ranked_later = RankedLater::of(&came);
    for coming in &came {
        let surely = coming.asked_ms.saturating_sub(CLOCKS_APART_MAX_MS + late_ms);
        while let Some(before) = answered.next_if(|before| before.answered_ms < surely) {
            if before.is_ranked_later() {
                ranked_later.take(before);
            } else if last.is_none_or(|last| before.rank > last.rank) {
                last = Some(before);
            }
        }
        let wronged = last.filter(|last| last.rank > coming.rank).or_else(|| ranked_later.wronged_by(coming));
        if let Some(before) = wronged {
            broken.push(format!("{coming}, but had the answer before: {before}"));
        }
    }
    let during = |away: &Range<u64>| came.iter().filter(|coming| away.contains(&coming.answered_ms)).count();
    for away in away.iter().filter(|away| during(away) == 0) {
        broken.push(format!(
            "nobody who came was answered from {} to {}, while the store was away",
            seconds(away.start),
            seconds(away.end)
        ));
    }
    let outcome = match (came.len(), broken.is_empty()) {
        (0, true) if stories.iter().any(|story| story.drawn.is_some()) => {
            Outcome::NotAsked("everybody who came was drawn".to_owned())
        }
        (0, true) => Outcome::Unjudged("nobody came".to_owned()),
        (all, _) => {
            let meanwhile: usize = away.iter().map(during).sum();
            Outcome::of(broken, || {
                format!(
                    "{all} fans are ranked by when they came, {meanwhile} of them while the store was away"
                )
            })
        }
    };
    Verdict::new(Promise::Arrival, outcome)
}

/// How a fan came.
struct Coming {
    fan: u32,
    asked_ms: u64,
    answered_ms: u64,
    ranked_ms: u64,
    rank: u64,
    /// The highest rank whose turn had come when this fan was ranked later than answered; otherwise none counts.
    passed_by: u64,
}

impl Coming {
    fn of(story: &Story, fronts: &Fronts, late_ms: u64) -> Option<Self> {
        // Who came for a draw is ordered by it alone.
        let first = story.places.first().filter(|_| story.drawn.is_none())?;
        let mut coming = Self {
            fan: story.fan,
            asked_ms: story.asked_ms?,
            answered_ms: story.answered_ms?,
            ranked_ms: first.at_ms,
            rank: first.place.rank,
            passed_by: 0,
        };
        if coming.is_ranked_later() {
            coming.passed_by = fronts.by(coming.ranked_ms + TOLD_APART_MAX_MS + late_ms);
        }
        Some(coming)
    }

    /// Whether the first answer named no rank yet.
    const fn is_ranked_later(&self) -> bool {
        self.ranked_ms > self.answered_ms
    }
}

/// Those who were ranked later than answered, so that whom they are wronged by is found without asking each of them.
struct RankedLater<'a> {
    ranks: Vec<u64>,
    /// By how many of the highest ranks, in sums as of a Fenwick tree: who of them was passed by the lowest rank.
    least: Vec<Option<&'a Coming>>,
}

impl<'a> RankedLater<'a> {
    fn of(came: &[Coming]) -> Self {
        let later = came.iter().filter(|coming| coming.is_ranked_later());
        let mut ranks: Vec<u64> = later.map(|coming| coming.rank).collect();
        ranks.sort_unstable_by_key(|rank| std::cmp::Reverse(*rank));
        ranks.dedup();
        let least = vec![None; ranks.len() + 1];
        Self { ranks, least }
    }

    fn take(&mut self, coming: &'a Coming) {
        let mut at = self.ranks.partition_point(|rank| *rank > coming.rank) + 1;
        while let Some(least) = self.least.get_mut(at) {
            if least.is_none_or(|least| coming.passed_by < least.passed_by) {
                *least = Some(coming);
            }
            at += at & at.wrapping_neg();
        }
    }

    /// One who stands behind `coming` and was there before, though the line had not moved past `coming`'s rank by then.
    fn wronged_by(&self, coming: &Coming) -> Option<&'a Coming> {
        let mut at = self.ranks.partition_point(|rank| *rank > coming.rank);
        let mut found: Option<&Coming> = None;
        while at > 0 {
            let least = self.least.get(at).copied().flatten();
            found =
                least.filter(|least| found.is_none_or(|found| least.passed_by < found.passed_by)).or(found);
            at &= at - 1;
        }
        found.filter(|before| before.passed_by < coming.rank)
    }
}

/// The highest rank whose turn had come, by when.
struct Fronts(Vec<(u64, u64)>);

impl Fronts {
    fn of(stories: &[Story]) -> Self {
        let turn = |story: &Story| Some((story.told_ms?, story.place()?.rank));
        let mut turns: Vec<(u64, u64)> = stories.iter().filter_map(turn).collect();
        turns.sort_unstable();
        let mut most = 0;
        for (_, rank) in &mut turns {
            most = most.max(*rank);
            *rank = most;
        }
        Self(turns)
    }

    fn by(&self, by_ms: u64) -> u64 {
        let before = self.0.partition_point(|(told_ms, _)| *told_ms < by_ms);
        before.checked_sub(1).and_then(|last| self.0.get(last)).map_or(0, |(_, rank)| *rank)
    }
}

impl fmt::Display for Coming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fan {} asked at {} and got rank {}", self.fan, seconds(self.asked_ms), self.rank)?;
        if self.is_ranked_later() {
            write!(f, " at {}", seconds(self.ranked_ms))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::{Place, SeenPlace};

    fn fan(asked_ms: u64, answered_ms: u64, rank: u64) -> Story {
        let place = Place { lane: "general".to_owned(), rank, id: vec![] };
        Story {
            asked_ms: Some(asked_ms),
            answered_ms: Some(answered_ms),
            places: vec![SeenPlace { at_ms: answered_ms, place }],
            ..Story::default()
        }
    }

    #[test]
    fn who_comes_later_stands_behind() {
        let stories = [fan(0, 100, 5), fan(900, 1000, 7), fan(990, 1010, 6)];
        let verdict = judge(&stories, std::slice::from_ref(&(950..2000)), 0);
        assert!(verdict.to_string().contains("3 fans") && verdict.outcome.is_kept(), "{verdict}");
        assert!(!judge(&[fan(0, 100, 7), fan(400, 500, 6)], &[], 0).outcome.is_kept());
        assert!(judge(&[fan(0, 100, 7), fan(400, 500, 6)], &[], 100).outcome.is_kept(), "a late machine");
    }

    #[test]
    fn who_is_ranked_later_stands_behind_those_whose_turn_has_come_and_before_all_others() {
        let later = |ranked_ms, rank| {
            let mut story = fan(0, 100, rank);
            story.places[0].at_ms = ranked_ms;
            story
        };
        let told = |told_ms, rank| Story { told_ms: Some(told_ms), ..fan(400, 500, rank) };
        assert!(judge(&[later(5000, 7), told(4000, 6)], &[], 0).outcome.is_kept());
        assert!(!judge(&[later(5000, 7), fan(400, 500, 6)], &[], 0).outcome.is_kept(), "waits still");
        assert!(!judge(&[later(5000, 7), told(9000, 6)], &[], 0).outcome.is_kept(), "had no turn yet");
        let verdict = judge(&[later(5000, 9), told(4000, 6), fan(600, 700, 8)], &[], 0).to_string();
        assert!(verdict.contains("asked at 0.600 s") && verdict.contains("at 5.000 s"), "{verdict}");
        assert!(!judge(&[fan(0, 100, 7), told(50, 6)], &[], 0).outcome.is_kept(), "was ranked at once");
    }

    #[test]
    fn who_comes_while_the_store_is_away_has_to_be_answered() {
        let verdict = judge(&[fan(0, 100, 5)], std::slice::from_ref(&(500..2000)), 0).to_string();
        assert!(verdict.contains("nobody who came was answered from 0.500 s"), "{verdict}");
    }

    #[test]
    fn nobody_is_nothing_judged() {
        assert!(!judge(&[], &[], 0).outcome.is_kept());
    }
}
