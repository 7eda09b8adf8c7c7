//! P5: the shown position never goes up.

use super::{Outcome, Promise, Verdict, seconds};
use crate::story::{SeenPosition, Story};

/// Judges every position that each fan was shown, over all their connections and at whichever edge: what they were
/// shown before goes with them.
pub fn judge(stories: &[Story]) -> Verdict {
    let shown: usize = stories.iter().map(|story| story.positions.len()).sum();
    let broken: Vec<String> = stories.iter().flat_map(rises).collect();
    let outcome = match (shown, broken.is_empty()) {
        (0, true) => Outcome::Unjudged("no fan was shown a position".to_owned()),
        _ => {
            Outcome::of(broken, || format!("{shown} positions were shown, and none was above the one before"))
        }
    };
    Verdict::new(Promise::Truth, outcome)
}

/// Whether `next` is worse than what was shown before it.
pub const fn is_rise(before: &SeenPosition, next: &SeenPosition) -> bool {
    next.position > before.position
}

fn rises(story: &Story) -> Vec<String> {
    let pairs = story.positions.iter().zip(story.positions.iter().skip(1));
    pairs
        .filter(|(before, next)| is_rise(before, next))
        .map(|(before, next)| {
            let way = match (before.connection == next.connection, before.edge == next.edge) {
                (true, _) => "on one connection",
                (false, true) => "after a return",
                (false, false) => "after a return at another edge",
            };
            format!(
                "fan {} was shown {} at {} and {} at {}, {way}",
                story.fan,
                before.position,
                seconds(before.at_ms),
                next.position,
                seconds(next.at_ms)
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fan(shown: &[(u64, u32, usize)]) -> Story {
        let seen = |(at, &(position, connection, edge)): (usize, &(u64, u32, usize))| SeenPosition {
            at_ms: at as u64 * 250,
            position,
            connection,
            edge,
            wait_s: None,
        };
        Story { fan: 9, positions: shown.iter().enumerate().map(seen).collect(), ..Story::default() }
    }

    #[test]
    fn positions_that_fall_or_stay_keep_it() {
        let shown = [(9, 1, 0), (9, 1, 0), (4, 1, 0), (4, 2, 1), (1, 2, 1)];
        assert!(judge(&[fan(&shown)]).outcome.is_kept());
    }

    #[test]
    fn a_position_that_rises_breaks_it() {
        let verdict = judge(&[fan(&[(5, 1, 0), (4, 1, 0), (5, 1, 0)])]).to_string();
        assert!(verdict.contains("fan 9 was shown 4 at 0.250 s and 5 at 0.500 s, on one"), "{verdict}");
        let verdict = judge(&[fan(&[(5, 1, 0), (6, 2, 0)])]).to_string();
        assert!(verdict.contains("after a return"), "{verdict}");
    }

    #[test]
    fn another_edge_is_no_excuse() {
        let verdict = judge(&[fan(&[(20, 1, 0), (21, 2, 1)])]).to_string();
        assert!(verdict.contains("BROKEN") && verdict.contains("at another edge"), "{verdict}");
    }

    #[test]
    fn nothing_shown_is_nothing_judged() {
        assert!(!judge(&[fan(&[])]).outcome.is_kept());
    }
}
