//! P4, for who comes while something fails: they are given a place all the same, by when they came.

use std::ops::Range;

use super::{Outcome, Promise, Verdict, seconds};
use crate::story::Story;

/// How far the edges may be apart about what time it is in the store: each reads it at its own tick of 250 ms.
const CLOCKS_APART_MAX_MS: u64 = 250;

/// Judges the ranks by when the fans came: whoever asked after another had the answer stands behind them. And while the
/// store was `away` newcomers have to get that answer. `late_ms` is how late this machine was.
pub fn judge(stories: &[Story], away: &[Range<u64>], late_ms: u64) -> Verdict {
    let mut came: Vec<(u64, u64, u64, &Story)> = stories.iter().filter_map(coming).collect();
    came.sort_unstable_by_key(|&(asked_ms, ..)| asked_ms);
    let mut broken = Vec::new();
    let mut answered: Vec<(u64, u64, &Story)> =
        came.iter().map(|&(_, at, rank, fan)| (at, rank, fan)).collect();
    answered.sort_unstable_by_key(|&(at, ..)| at);
    let mut before = answered.into_iter().peekable();
    let mut last: Option<(u64, &Story)> = None;
    for &(asked_ms, _, rank, story) in &came {
        let surely = asked_ms.saturating_sub(CLOCKS_APART_MAX_MS + late_ms);
        while let Some((_, rank, story)) = before.next_if(|&(at, ..)| at < surely) {
            if last.is_none_or(|(highest, _)| rank > highest) {
                last = Some((rank, story));
            }
        }
        if let Some((highest, other)) = last.filter(|(highest, _)| *highest > rank) {
            broken.push(format!(
                "fan {} asked at {} and got rank {rank}, but fan {} had the answer before and has rank {highest}",
                story.fan,
                seconds(asked_ms),
                other.fan
            ));
        }
    }
    let during = |away: &Range<u64>| came.iter().filter(|(_, at, ..)| away.contains(at)).count();
    for away in away.iter().filter(|away| during(away) == 0) {
        broken.push(format!(
            "nobody who came was answered from {} to {}, while the store was away",
            seconds(away.start),
            seconds(away.end)
        ));
    }
    let outcome = match (came.len(), broken.is_empty()) {
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

/// When a fan asked, was answered, and the rank that came of it.
fn coming(story: &Story) -> Option<(u64, u64, u64, &Story)> {
    Some((story.asked_ms?, story.answered_ms?, story.place()?.rank, story))
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
    fn who_comes_while_the_store_is_away_has_to_be_answered() {
        let verdict = judge(&[fan(0, 100, 5)], std::slice::from_ref(&(500..2000)), 0).to_string();
        assert!(verdict.contains("nobody who came was answered from 0.500 s"), "{verdict}");
    }

    #[test]
    fn nobody_is_nothing_judged() {
        assert!(!judge(&[], &[], 0).outcome.is_kept());
    }
}
