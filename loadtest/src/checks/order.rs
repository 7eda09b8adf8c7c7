//! P1: within a lane nobody is admitted before a fan with a lower rank who is present and willing.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Outcome, Promise, Verdict, seconds};
use crate::story::{Present, Story};

/// How much later a fan may hear of an earlier turn than another of a later one. Turns are given in order, but
/// each proxy reads them at its own tick of 250 ms: of two turns given at the same moment one may be told a
/// whole tick later. Another tick is granted to the proxy's own work and one to this machine's.
pub const TOLD_APART_MAX_MS: u64 = 750;

/// How long a fan must have been there before the line can be expected to know: the proxy reports whom it
/// holds once a tick.
const SETTLE_MS: u64 = 1000;

/// Judges the order in which the fans were told that their turn had come.
pub fn judge(stories: &[Story]) -> Verdict {
    let mut lanes: BTreeMap<&str, Vec<(u64, &Story)>> = BTreeMap::new();
    for story in stories {
        if let Some(place) = story.place() {
            lanes.entry(&place.lane).or_default().push((place.rank, story));
        }
    }
    let mut broken = Vec::new();
    for fans in lanes.values_mut() {
        fans.sort_by_key(|&(rank, _)| rank);
        broken.extend(overtaken(fans));
    }
    let told = stories.iter().filter(|story| story.told_ms.is_some()).count();
    let outcome = match (told, broken.is_empty()) {
        (0, true) => Outcome::Unjudged("no fan was told of a turn".to_owned()),
        _ => {
            Outcome::of(broken, || format!("{told} fans were told of their turn in the order of their ranks"))
        }
    };
    Verdict::new(Promise::Order, outcome)
}

/// The stories of the fans that one of a higher rank overtook; `fans` are in the order of their ranks.
fn overtaken(fans: &[(u64, &Story)]) -> Vec<String> {
    let mut broken = Vec::new();
    // Who stands behind and was told, by when.
    let mut behind: BTreeMap<(u64, u64), &Story> = BTreeMap::new();
    for &(rank, story) in fans.iter().rev() {
        let overtaking = story.present.iter().find_map(|present| {
            let during = waited_in_vain(present, story.told_ms)?;
            behind.range((during.start, 0)..(during.end, 0)).next().map(|found| (present, found))
        });
        if let Some((present, (&(told_behind, rank_behind), later))) = overtaking {
            let heard =
                story.told_ms.map_or("never was".to_owned(), |told| format!("was at {}", seconds(told)));
            let asks = match present.deaf_ms {
                0 => String::new(),
                deaf_ms => format!(", asking every {}", seconds(deaf_ms)),
            };
            broken.push(format!(
                "fan {} (rank {rank}, there since {}{asks}) {heard}, but fan {} (rank {rank_behind}) was admitted at {}",
                story.fan,
                seconds(present.from_ms),
                later.fan,
                seconds(told_behind),
            ));
        }
        if let Some(told) = story.told_ms {
            behind.insert((told, rank), story);
        }
    }
    broken.reverse();
    broken
}

/// When, of the time that a fan was there and was told at `told_ms` if ever, nobody behind may have been told.
fn waited_in_vain(present: &Present, told_ms: Option<u64>) -> Option<Range<u64>> {
    let waited_until = told_ms.map_or(present.to_ms, |told| told.min(present.to_ms));
    let end = waited_until.checked_sub(TOLD_APART_MAX_MS + present.deaf_ms)?;
    let start = present.from_ms + SETTLE_MS;
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::{Place, SeenPlace};

    fn fan(number: u32, rank: u64, lane: &str, from_ms: u64, to_ms: u64, told_ms: Option<u64>) -> Story {
        let place = Place { lane: lane.to_owned(), rank, id: vec![] };
        Story {
            fan: number,
            places: vec![SeenPlace { at_ms: from_ms, place }],
            present: vec![Present { from_ms, to_ms, edge: 0, deaf_ms: 0 }],
            told_ms,
            ..Story::default()
        }
    }

    fn waiting(number: u32, rank: u64, told_ms: u64) -> Story {
        fan(number, rank, "general", 0, told_ms, Some(told_ms))
    }

    #[test]
    fn admissions_by_rank_keep_it() {
        let stories = [waiting(3, 30, 5200), waiting(1, 10, 5000), waiting(2, 20, 5100)];
        assert!(judge(&stories).outcome.is_kept());
    }

    #[test]
    fn news_a_tick_late_are_no_breach() {
        assert!(judge(&[waiting(1, 10, 5500), waiting(2, 20, 5000)]).outcome.is_kept());
    }

    #[test]
    fn a_fan_overtaken_breaks_it() {
        let verdict = judge(&[waiting(1, 10, 9000), waiting(2, 20, 5000), waiting(3, 30, 9100)]);
        let Outcome::Broken(stories) = verdict.outcome else { panic!("{verdict}") };
        assert_eq!(stories.len(), 1);
        assert!(stories[0].starts_with("fan 1 (rank 10") && stories[0].contains("fan 2"), "{}", stories[0]);
    }

    #[test]
    fn a_fan_forgotten_breaks_it() {
        let verdict = judge(&[fan(1, 10, "general", 0, 9000, None), waiting(2, 20, 5000)]);
        assert!(matches!(verdict.outcome, Outcome::Broken(ref s) if s[0].contains("never was")), "{verdict}");
    }

    #[test]
    fn who_was_away_or_just_came_or_stands_in_another_lane_is_not_overtaken() {
        let behind = waiting(2, 20, 5000);
        for other in [
            fan(1, 10, "general", 0, 4000, None),
            fan(1, 10, "general", 4500, 9000, Some(9000)),
            fan(1, 10, "member", 0, 9000, Some(9000)),
        ] {
            assert!(judge(&[other.clone(), behind.clone()]).outcome.is_kept(), "{other:?}");
        }
    }

    #[test]
    fn one_overtaking_is_seen_among_admissions_that_are_none() {
        // Away when the first one behind was told, back when the second was.
        let mut story = fan(1, 10, "general", 0, 2000, None);
        story.present.push(Present { from_ms: 6000, to_ms: 20_000, edge: 0, deaf_ms: 0 });
        let verdict = judge(&[story, waiting(2, 20, 5000), waiting(3, 30, 9000)]);
        assert!(matches!(verdict.outcome, Outcome::Broken(ref s) if s[0].contains("fan 3")), "{verdict}");
    }

    #[test]
    fn who_polls_hears_late() {
        let mut polling = waiting(1, 10, 8000);
        polling.present[0].deaf_ms = 3000;
        assert!(judge(&[polling, waiting(2, 20, 5000)]).outcome.is_kept());
    }

    #[test]
    fn news_that_an_edge_took_with_it_are_lost_but_what_comes_after_counts() {
        let mut polling = waiting(1, 10, 12_000);
        polling.present[0].deaf_ms = 3000;
        let behind = waiting(2, 20, 5000);
        assert!(!judge(&[polling.clone(), behind.clone()]).outcome.is_kept());
        polling.edge_was_killed(1, 5100);
        assert!(!judge(&[polling.clone(), behind.clone()]).outcome.is_kept(), "another edge");
        polling.edge_was_killed(0, 5100);
        assert!(judge(&[polling.clone(), behind]).outcome.is_kept());
        assert!(!judge(&[polling, waiting(2, 20, 7000)]).outcome.is_kept(), "told after the crash");
    }

    #[test]
    fn nothing_seen_is_nothing_judged() {
        assert!(!judge(&[]).outcome.is_kept());
    }
}
