//! P5: a shown position is exact within max(1, 1 %).
//!
//! Nobody sees the whole line at one moment. But all fans together tell who certainly stood before another at that time,
//! and who may have: what was shown has to lie between the two.

use std::collections::BTreeMap;

use super::evidence::{Setting, Strike};
use super::fenwick::Counts;
use super::{Outcome, Promise, Verdict, seconds, steady};
use crate::story::{Ending, SeenPosition, Story};

/// How old what a fan is shown may be: two ticks of 250 ms, and a machine that does other things.
const STALE_MS: u64 = 1500;
/// How long a fan must have been there before every edge can be expected to know.
const SETTLE_MS: u64 = 1500;
/// Who waited so long for the first answer may have joined twice, and one of these places is nobody's.
const SLOW_JOIN_MS: u64 = 1000;

/// Judges the positions that were shown while nothing was wrong.
pub fn judge(stories: &[Story], setting: &Setting, strikes: &[Strike], late_ms: u64) -> Verdict {
    let calm = steady::calm(setting, strikes, late_ms);
    let stale_ms = STALE_MS + late_ms;
    let is_judged = |_: &Story, seen: &SeenPosition| {
        let from_ms = seen.at_ms.saturating_sub(stale_ms);
        let at = calm.partition_point(|calm| calm.start <= from_ms);
        at.checked_sub(1).and_then(|at| calm.get(at)).is_some_and(|calm| calm.end > seen.at_ms)
    };
    let (judged, broken) = compare(stories, is_judged, late_ms);
    let outcome = match (judged, broken.is_empty()) {
        (0, true) => Outcome::Unjudged("no position was shown that could be compared".to_owned()),
        _ => Outcome::of(broken, || format!("{judged} were compared with the line and exact")),
    };
    Verdict::new(Promise::Truth, outcome)
}

/// Compares what `is_judged` with who stood before: how many positions, and what is told of those that are wrong.
pub(super) fn compare(
    stories: &[Story],
    is_judged: impl Fn(&Story, &SeenPosition) -> bool,
    late_ms: u64,
) -> (usize, Vec<String>) {
    let mut lanes: BTreeMap<&str, Lane<'_>> = BTreeMap::new();
    for story in stories {
        let mut known: Vec<u64> = Vec::new();
        for seen in &story.places {
            // Whoever got another place had both.
            if !known.contains(&seen.place.rank) {
                let lane = lanes.entry(seen.place.lane.as_str()).or_default();
                lane.take(story, seen.place.rank, known.is_empty(), &is_judged);
                known.push(seen.place.rank);
            }
        }
    }
    let ghosts = stories.iter().filter(|story| may_have_joined_twice(story)).count() as u64;
    let mut judged = 0;
    let mut broken = Vec::new();
    for lane in lanes.values_mut() {
        judged += lane.shown.len();
        broken.extend(lane.compare(STALE_MS + late_ms, ghosts));
    }
    broken.sort();
    (judged, broken.into_iter().map(|(_, told)| told).collect())
}

fn may_have_joined_twice(story: &Story) -> bool {
    match (story.asked_ms, story.answered_ms) {
        (Some(asked_ms), Some(answered_ms)) => answered_ms - asked_ms > SLOW_JOIN_MS,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// The fans of one lane, and what they were shown.
#[derive(Default)]
struct Lane<'a> {
    /// From when until when a rank may have stood in the line.
    may: Vec<(u64, u64, u64)>,
    /// And when it certainly did.
    must: Vec<(u64, u64, u64)>,
    shown: Vec<(&'a Story, SeenPosition, u64)>,
}

impl<'a> Lane<'a> {
    fn take(
        &mut self,
        story: &'a Story,
        rank: u64,
        is_first: bool,
        is_judged: impl Fn(&Story, &SeenPosition) -> bool,
    ) {
        let since_ms = story.asked_ms.or_else(|| story.places.first().map(|seen| seen.at_ms));
        let last_ms = story.present.last().map(|present| present.to_ms);
        let until_ms = match (story.told_ms, &story.ending) {
            (Some(told_ms), _) => told_ms,
            // Told the line, or closed the tab: at the latest then.
            (None, Ending::LeftLine) => last_ms.map_or(u64::MAX, |last_ms| last_ms + SETTLE_MS),
            (None, _) => u64::MAX,
        };
        // A place that was given besides stays until the line finds that nobody is there.
        self.may.push((rank, since_ms.unwrap_or_default(), if is_first { until_ms } else { u64::MAX }));
        if !is_first {
            return;
        }
        for present in &story.present {
            let heard_ms = STALE_MS + present.deaf_ms;
            // The last that is heard of a fan who is told no more for a while may be that the turn comes.
            let until_ms = story.told_ms.map_or(present.to_ms, |told_ms| told_ms.min(present.to_ms));
            let to_ms = until_ms.saturating_sub(heard_ms);
            self.must.push((rank, present.from_ms + SETTLE_MS, to_ms));
        }
        let mut least = u64::MAX;
        for seen in &story.positions {
            // Where those before grow in number, what was shown stays.
            let is_news = seen.position < least;
            least = least.min(seen.position);
            if is_news && is_judged(story, seen) {
                self.shown.push((story, *seen, rank));
            }
        }
    }

    /// What is wrong of what was shown, and how far: the worst first.
    fn compare(&mut self, stale_ms: u64, ghosts: u64) -> Vec<(i64, String)> {
        // Too short to have stood there all through what an edge may go by.
        self.must.retain(|(_, from_ms, to_ms)| from_ms + stale_ms <= *to_ms);
        self.shown.sort_by_key(|(_, seen, _)| seen.at_ms);
        let ranks = || self.may.iter().map(|(rank, ..)| *rank).collect::<Vec<_>>();
        let (mut may, mut must) = (Counts::of(ranks()), Counts::of(ranks()));
        let steps = |spans: &[(u64, u64, u64)], which: fn(&(u64, u64, u64)) -> u64| {
            let mut steps: Vec<(u64, u64)> = spans.iter().map(|span| (which(span), span.0)).collect();
            steps.sort_unstable();
            steps.into_iter().peekable()
        };
        let (mut may_begin, mut may_end) = (steps(&self.may, |span| span.1), steps(&self.may, |span| span.2));
        let (mut must_begin, mut must_end) =
            (steps(&self.must, |span| span.1), steps(&self.must, |span| span.2));
        let mut broken = Vec::new();
        for (story, seen, rank) in &self.shown {
            let from_ms = seen.at_ms.saturating_sub(stale_ms);
            while let Some((_, rank)) = may_begin.next_if(|(at_ms, _)| *at_ms <= seen.at_ms) {
                may.add(rank, 1);
            }
            while let Some((_, rank)) = may_end.next_if(|(at_ms, _)| *at_ms < from_ms) {
                may.add(rank, -1);
            }
            while let Some((_, rank)) = must_begin.next_if(|(at_ms, _)| *at_ms <= from_ms) {
                must.add(rank, 1);
            }
            while let Some((_, rank)) = must_end.next_if(|(at_ms, _)| *at_ms < seen.at_ms) {
                must.add(rank, -1);
            }
            let count = |counts: &Counts| u64::try_from(counts.below(*rank)).unwrap_or_default();
            let (least, most): (u64, u64) = (1 + count(&must), 1 + count(&may) + ghosts);
            let off = |position: u64| (position / 100).max(1);
            let above = seen.position.saturating_sub(most + off(most));
            let below = least.saturating_sub(seen.position + off(least));
            if above > 0 || below > 0 {
                let told = format!(
                    "fan {} (rank {rank}) was shown {} at {}, and stood at {least} to {most}",
                    story.fan,
                    seen.position,
                    seconds(seen.at_ms)
                );
                broken.push((-i64::try_from(above.max(below)).unwrap_or(i64::MAX), told));
            }
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::{Place, Present, SeenPlace};

    fn setting() -> Setting {
        Setting::of(&crate::stack::Room::demo(60))
    }

    fn fan(number: u32, rank: u64, told_ms: u64, shown: &[(u64, u64)]) -> Story {
        let place = Place { lane: "general".to_owned(), rank, id: vec![] };
        let seen =
            |&(at_ms, position)| SeenPosition { at_ms, position, connection: 1, edge: 0, wait_s: None };
        Story {
            fan: number,
            asked_ms: Some(0),
            answered_ms: Some(10),
            places: vec![SeenPlace { at_ms: 10, place }],
            positions: shown.iter().map(seen).collect(),
            present: vec![Present { from_ms: 10, to_ms: told_ms, edge: 0, deaf_ms: 0 }],
            told_ms: Some(told_ms),
            ..Story::default()
        }
    }

    /// Ten before, of whom one is told every five seconds.
    fn line(shown: &[(u64, u64)]) -> Vec<Story> {
        let mut stories: Vec<Story> =
            (0..10).map(|nth| fan(nth, u64::from(nth), 5000 * (u64::from(nth) + 1), &[])).collect();
        stories.push(fan(10, 10, 55_000, shown));
        stories
    }

    fn verdict(shown: &[(u64, u64)], strikes: &[Strike]) -> Verdict {
        judge(&line(shown), &setting(), strikes, 0)
    }

    #[test]
    fn positions_of_who_stood_there_keep_it() {
        for right in [&[(4000, 11), (9000, 10), (22_000, 7)][..], &[(6000, 11)], &[(6000, 10)], &[(9500, 9)]]
        {
            let verdict = verdict(right, &[]);
            assert!(verdict.outcome.is_kept(), "{right:?} {verdict}");
        }
    }

    #[test]
    fn positions_that_are_off_by_more_than_one_break_it() {
        for wrong in [(8000, 7), (4000, 13), (22_000, 10), (40_000, 1)] {
            let verdict = verdict(&[wrong], &[]);
            assert!(matches!(verdict.outcome, Outcome::Broken(_)), "{wrong:?} {verdict}");
        }
        assert!(
            verdict(&[(22_000, 14)], &[]).to_string().contains("was shown 14 at 22.000 s, and stood at 7 to")
        );
    }

    #[test]
    fn while_something_is_wrong_nothing_is_compared() {
        let strike = Strike { from_ms: 7000, to_ms: 9000, ..Strike::default() };
        assert!(matches!(verdict(&[(8000, 3)], &[strike]).outcome, Outcome::Unjudged(_)));
    }

    #[test]
    fn where_others_come_back_what_was_shown_stays() {
        assert!(verdict(&[(4000, 10), (6000, 10)], &[]).outcome.is_kept());
    }

    #[test]
    fn a_place_that_nobody_heard_of_may_stand_before() {
        let mut stories = line(&[(4000, 13)]);
        assert!(!judge(&stories, &setting(), &[], 0).outcome.is_kept());
        stories[2].answered_ms = Some(3000);
        assert!(judge(&stories, &setting(), &[], 0).outcome.is_kept());
    }
}
