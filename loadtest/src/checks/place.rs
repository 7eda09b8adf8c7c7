//! P4: a fan who refreshes, closes the tab and comes back, or meets a crash keeps their rank; and nobody else
//! ever gets it.

use std::collections::BTreeMap;

use super::{Outcome, Promise, Verdict, seconds, shut_out};
use crate::story::{Ending, Story};

/// Judges every ticket that each fan was given, and what they were told of it.
pub fn judge(stories: &[Story]) -> Verdict {
    let mut broken: Vec<String> = stories.iter().filter_map(lost_place).collect();
    broken.extend(given_twice(stories));
    let waited = stories.iter().filter(|story| story.place().is_some()).count();
    let returns: u32 = stories.iter().map(|story| story.returns).sum();
    let outcome = match (waited, broken.is_empty()) {
        (0, true) => Outcome::Unjudged("no fan had a place".to_owned()),
        _ => Outcome::of(broken, || format!("{waited} fans kept their rank through {returns} returns")),
    };
    Verdict::new(Promise::Place, outcome)
}

/// The ranks that more than one fan has.
fn given_twice(stories: &[Story]) -> Vec<String> {
    let mut owners: BTreeMap<(&str, u64), &Story> = BTreeMap::new();
    let mut broken = Vec::new();
    for story in stories {
        for seen in &story.places {
            let owner = owners.entry((&seen.place.lane, seen.place.rank)).or_insert(story);
            if owner.fan != story.fan {
                let rank = seen.place.rank;
                broken.push(format!("fan {} and fan {} both have rank {rank}", owner.fan, story.fan));
                break;
            }
        }
    }
    broken
}

fn lost_place(story: &Story) -> Option<String> {
    let fan = story.fan;
    let first = story.places.first()?;
    if let Some(other) = story.places.iter().find(|seen| seen.place != first.place) {
        return Some(format!(
            "fan {fan} had rank {} of lane {} and got rank {} of lane {} at {}",
            first.place.rank,
            first.place.lane,
            other.place.rank,
            other.place.lane,
            seconds(other.at_ms)
        ));
    }
    if let Some(at) = story.expired_ms.first().filter(|_| story.admitted_ms.is_none()) {
        return Some(format!(
            "fan {fan} (rank {}) was told at {} that the place is gone",
            first.place.rank,
            seconds(*at)
        ));
    }
    match &story.ending {
        Ending::ShutOut(why) => {
            Some(format!("fan {fan} (rank {}) {}", first.place.rank, shut_out(why, story)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::{Place, SeenPlace};

    fn fan(ranks: &[u64]) -> Story {
        let seen = |(at, rank): (usize, &u64)| SeenPlace {
            at_ms: at as u64 * 1000,
            place: Place { lane: "general".to_owned(), rank: *rank, id: vec![1] },
        };
        Story { fan: 4, places: ranks.iter().enumerate().map(seen).collect(), returns: 1, ..Story::default() }
    }

    #[test]
    fn a_rank_given_twice_breaks_it() {
        let verdict = judge(&[fan(&[10]), Story { fan: 5, ..fan(&[10]) }]);
        assert!(verdict.to_string().contains("fan 4 and fan 5 both have rank 10"), "{verdict}");
    }

    #[test]
    fn the_same_rank_again_keeps_it() {
        assert!(judge(&[fan(&[10, 10, 10]), Story { fan: 5, ..fan(&[20]) }]).outcome.is_kept());
    }

    #[test]
    fn another_rank_breaks_it() {
        let verdict = judge(&[fan(&[10, 10, 99])]);
        assert!(verdict.to_string().contains("fan 4 had rank 10") && verdict.to_string().contains("2.000 s"));
    }

    #[test]
    fn another_ticket_of_the_same_rank_breaks_it() {
        let mut story = fan(&[10, 10]);
        story.places[1].place.id = vec![2];
        assert!(!judge(&[story]).outcome.is_kept());
    }

    #[test]
    fn a_place_told_to_be_gone_breaks_it() {
        let told = Story { expired_ms: vec![7000], ..fan(&[10]) };
        assert!(judge(std::slice::from_ref(&told)).to_string().contains("7.000 s"));
        assert!(
            judge(&[Story { admitted_ms: Some(5000), ..told }]).outcome.is_kept(),
            "the session was over"
        );
    }

    #[test]
    fn a_fan_shut_out_breaks_it() {
        let verdict = judge(&[Story { ending: Ending::ShutOut("no answer".to_owned()), ..fan(&[10]) }]);
        assert!(verdict.to_string().contains("no answer"), "{verdict}");
    }

    #[test]
    fn nobody_waiting_is_nothing_judged() {
        assert!(!judge(&[]).outcome.is_kept());
    }
}
