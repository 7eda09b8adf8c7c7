//! P8: turns are spent on fans who are there.

use std::collections::BTreeMap;

use super::evidence::{LineTotals, Setting};
use super::{Outcome, Promise, Verdict, seconds};
use crate::story::{Ending, Story};

/// How much later than at the end of its window a fan may still count as there: ticks, reports, a machine that does other
/// things.
const LINGERS_MS: u64 = 2000;
/// Who is told within this of coming back was told with the first word.
const FIRST_WORD_MS: u64 = 60;

/// Judges what became of the turns that the line gave: fans heard of them, or had left only just before. Where the line's
/// own totals are not known, by who had a turn waiting when they came back.
pub fn judge(stories: &[Story], setting: &Setting, line: Option<LineTotals>, late_ms: u64) -> Verdict {
    let known_ms = setting.presence_window_ms + LINGERS_MS + late_ms;
    let passed = passed(stories);
    let mut gone: Vec<Gone> = Vec::new();
    let mut perhaps = 0_u64;
    for story in stories {
        let Some(front_ms) = passed.get(&story.fan) else { continue };
        match absence(story, *front_ms) {
            // There, or not long enough away for the line to know.
            Some(away) if away.to_ms <= away.from_ms + known_ms + away.deaf_ms => {
                perhaps += u64::from(story.told_ms.is_none());
            }
            Some(away) => gone.push(away),
            None if story.told_ms.is_none() => perhaps += 1,
            None => {}
        }
    }
    // Whose first answer was lost may have a second place, which nobody waits at.
    perhaps += stories.iter().map(|story| u64::from(story.joins_unanswered)).sum::<u64>();
    // Sent home at the end of the run, with news on its way: the line counts them as there for a while.
    let stopped =
        |story: &&Story| story.told_ms.is_none() && matches!(story.ending, Ending::Stopped | Ending::None);
    let last = setting
        .rates
        .iter()
        .map(|(_, rate)| rate.burst + (rate.drain_per_minute * known_ms).div_ceil(60_000));
    let stopped =
        stories.iter().filter(stopped).filter(|story| !passed.contains_key(&story.fan)).count() as u64;
    perhaps += stopped.min(last.max().unwrap_or_default());
    let heard = stories.iter().filter(|story| story.told_ms.is_some()).count() as u64;
    let mut broken = Vec::new();
    if let Some(LineTotals { admitted, lapsed }) = line
        && admitted > heard + perhaps + lapsed
    {
        broken.push(format!(
            "the line gave {admitted} turns; {heard} fans heard of theirs and {perhaps} more may have left just before: \
             {} turns went to nobody",
            admitted - heard - perhaps - lapsed
        ));
        broken.extend(gone.iter().filter(|gone| gone.back_ms.is_none()).map(Gone::told));
    }
    // Once that may be chance: the edge told the line of them in that very moment.
    let at_once: Vec<&Gone> = gone.iter().filter(|gone| gone.is_told_at_once).collect();
    if at_once.len() > 1 {
        broken.extend(at_once.into_iter().map(Gone::told));
    }
    let outcome = match (line, gone.len(), broken.is_empty()) {
        (None, 0, true) => Outcome::NotAsked("nobody was away when their turn would have come".to_owned()),
        (None, away, _) => Outcome::of(broken, || {
            format!("none of {away} fans who were away had a turn when they came back")
        }),
        (Some(LineTotals { admitted, .. }), away, _) => Outcome::of(broken, || {
            format!("of {admitted} turns {heard} were heard of; {away} fans were passed over who were away")
        }),
    };
    Verdict::new(Promise::Presence, outcome)
}

/// When the line came past each fan: somebody behind them was told at once.
pub(super) fn passed(stories: &[Story]) -> BTreeMap<u32, u64> {
    let mut lanes: BTreeMap<&str, Vec<(u64, &Story)>> = BTreeMap::new();
    for story in stories {
        if let Some(place) = story.place() {
            lanes.entry(&place.lane).or_default().push((place.rank, story));
        }
    }
    let mut passed = BTreeMap::new();
    for fans in lanes.values_mut() {
        fans.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        let mut front_ms = u64::MAX;
        for (_, story) in fans {
            if front_ms < u64::MAX {
                passed.insert(story.fan, front_ms);
            }
            if let Some(told_ms) = story.told_ms.filter(|_| story.told_live) {
                front_ms = front_ms.min(told_ms);
            }
        }
    }
    passed
}

/// A fan who was not there when the line came past.
struct Gone {
    fan: u32,
    rank: u64,
    /// When they were seen last.
    from_ms: u64,
    /// When the line came past.
    to_ms: u64,
    deaf_ms: u64,
    back_ms: Option<u64>,
    is_told_at_once: bool,
}

impl Gone {
    fn told(&self) -> String {
        let Self { fan, rank, from_ms, to_ms, .. } = self;
        let (from, to) = (seconds(*from_ms), seconds(*to_ms));
        match self.back_ms {
            None => format!("fan {fan} (rank {rank}) was gone since {from} when the line came past at {to}"),
            Some(back_ms) => format!(
                "fan {fan} (rank {rank}) was gone since {from}, the line came past by {to}, and the turn was there when they \
                 came back at {}",
                seconds(back_ms)
            ),
        }
    }
}

/// The fan's absence at `front_ms`; nothing if they were there, or had their turn by then.
fn absence(story: &Story, front_ms: u64) -> Option<Gone> {
    if story.told_ms.is_some_and(|told_ms| told_ms <= front_ms) {
        return None;
    }
    let mut before = None;
    let mut after = None;
    for present in &story.present {
        if present.from_ms <= front_ms {
            before =
                before.filter(|last: &&crate::story::Present| last.to_ms > present.to_ms).or(Some(present));
        } else {
            after = after.or(Some(present));
        }
    }
    let last = before?;
    if last.to_ms >= front_ms {
        return None;
    }
    let back_ms = after.map(|present| present.from_ms);
    let is_told_at_once = back_ms
        .zip(story.told_ms)
        .is_some_and(|(back_ms, told_ms)| told_ms >= back_ms && told_ms <= back_ms + FIRST_WORD_MS);
    let rank = story.place().map_or(0, |place| place.rank);
    let (from_ms, to_ms, deaf_ms) = (last.to_ms, front_ms, last.deaf_ms);
    Some(Gone { fan: story.fan, rank, from_ms, to_ms, deaf_ms, back_ms, is_told_at_once })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::{Place, Present, SeenPlace};

    fn setting() -> Setting {
        Setting::of(&crate::stack::Room { presence_window_seconds: 4, ..crate::stack::Room::demo(60) })
    }

    fn fan(number: u32, there: &[(u64, u64)], told_ms: Option<u64>) -> Story {
        let place = Place { lane: "general".to_owned(), rank: u64::from(number), id: vec![] };
        let present = |&(from_ms, to_ms)| Present { from_ms, to_ms, edge: 0, deaf_ms: 0 };
        Story {
            fan: number,
            places: vec![SeenPlace { at_ms: 0, place }],
            present: there.iter().map(present).collect(),
            told_ms,
            told_live: true,
            ..Story::default()
        }
    }

    fn totals(admitted: u64) -> Option<LineTotals> {
        Some(LineTotals { admitted, lapsed: 0 })
    }

    #[test]
    fn turns_that_fans_heard_of_keep_it() {
        let stories = [
            fan(1, &[(0, 2000)], None),
            fan(2, &[(0, 18_000)], None),
            fan(3, &[(0, 20_000)], Some(20_000)),
            fan(4, &[(0, 21_000)], Some(21_000)),
        ];
        // Of the second it may not have been known that they had left.
        for given in [2, 3] {
            let verdict = judge(&stories, &setting(), totals(given), 0);
            assert!(verdict.outcome.is_kept(), "{verdict}");
        }
    }

    #[test]
    fn a_turn_for_who_left_long_ago_breaks_it() {
        let stories = [fan(1, &[(0, 2000)], None), fan(3, &[(0, 20_000)], Some(20_000))];
        let verdict = judge(&stories, &setting(), totals(2), 0).to_string();
        assert!(
            verdict.contains("1 turns went to nobody")
                && verdict.contains("fan 1 (rank 1) was gone since 2.000 s"),
            "{verdict}"
        );
    }

    #[test]
    fn who_has_a_turn_with_the_first_word_had_it_while_away() {
        let back = |number| fan(number, &[(0, 2000), (30_000, 30_000)], Some(30_010));
        let front = fan(9, &[(0, 20_000)], Some(20_000));
        let verdict = judge(&[back(1), back(2), front.clone()], &setting(), None, 0);
        assert!(
            verdict.to_string().contains("the turn was there when they came back at 30.000 s"),
            "{verdict}"
        );
        let once = judge(&[back(1), front.clone()], &setting(), None, 0);
        assert!(once.outcome.is_kept(), "{once}");
        let later = |number| fan(number, &[(0, 2000), (30_000, 30_400)], Some(30_400));
        assert!(judge(&[later(1), later(2), front], &setting(), None, 0).outcome.is_kept());
    }

    #[test]
    fn nobody_away_is_nothing_asked() {
        let stories = [fan(1, &[(0, 19_000)], Some(19_000)), fan(3, &[(0, 20_000)], Some(20_000))];
        assert!(matches!(judge(&stories, &setting(), None, 0).outcome, Outcome::NotAsked(_)));
    }
}
