//! P5: the shown position never goes up.

use super::rate::positions_in;
use super::{Outcome, Promise, Verdict, seconds};
use crate::story::{SeenPosition, Story};

/// What lies between the readings of two proxies: each reads the line at its own tick of 250 ms, and this
/// machine may be busy with other things for as long again.
const READ_APART_MAX_MS: u64 = 500;

/// How many positions a line that moves at this rate may seem to step back for who changes the edge: the one
/// proxy may have read it a tick after the other.
/// `late_ms` is how late this machine was.
pub const fn read_apart(drain_per_minute: u64, late_ms: u64) -> u64 {
    positions_in(drain_per_minute, READ_APART_MAX_MS + late_ms)
}

/// Judges every position that each fan was shown, over all their connections. `apart` is what may lie between
/// the readings of two edges ([`read_apart`]); one edge may never go back at all.
pub fn judge(stories: &[Story], apart: u64) -> Verdict {
    let shown: usize = stories.iter().map(|story| story.positions.len()).sum();
    let broken: Vec<String> = stories.iter().flat_map(|story| rises(story, apart)).collect();
    let strictly = stories.iter().flat_map(|story| rises(story, 0)).count();
    let outcome = match (shown, broken.is_empty()) {
        (0, true) => Outcome::Unjudged("no fan was shown a position".to_owned()),
        _ => Outcome::of(broken, || match strictly {
            0 => format!("{shown} positions were shown, and none was above the one before"),
            rises => format!(
                "{shown} positions were shown, and no edge told one above its own before; {rises} were above \
                 what another edge had told, by {apart} at most"
            ),
        }),
    };
    Verdict::new(Promise::Truth, outcome)
}

/// Whether `next` is worse than what was shown before it.
pub fn is_rise(before: &SeenPosition, next: &SeenPosition, apart: u64) -> bool {
    let slack = if before.edge == next.edge { 0 } else { apart };
    next.position > before.position + slack
}

fn rises(story: &Story, apart: u64) -> Vec<String> {
    let pairs = story.positions.iter().zip(story.positions.iter().skip(1));
    pairs
        .filter(|(before, next)| is_rise(before, next, apart))
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
        };
        Story { fan: 9, positions: shown.iter().enumerate().map(seen).collect(), ..Story::default() }
    }

    #[test]
    fn positions_that_fall_or_stay_keep_it() {
        let shown = [(9, 1, 0), (9, 1, 0), (4, 1, 0), (4, 2, 1), (1, 2, 1)];
        assert!(judge(&[fan(&shown)], 0).outcome.is_kept());
    }

    #[test]
    fn a_position_that_rises_breaks_it() {
        let verdict = judge(&[fan(&[(5, 1, 0), (4, 1, 0), (5, 1, 0)])], 5).to_string();
        assert!(verdict.contains("fan 9 was shown 4 at 0.250 s and 5 at 0.500 s, on one"), "{verdict}");
        let verdict = judge(&[fan(&[(5, 1, 0), (6, 2, 0)])], 5).to_string();
        assert!(verdict.contains("after a return"), "{verdict}");
    }

    #[test]
    fn another_edge_may_have_read_the_line_a_tick_before() {
        assert_eq!((read_apart(600, 0), read_apart(600, 250)), (5, 8));
        assert!(judge(&[fan(&[(20, 1, 0), (25, 2, 1)])], 5).outcome.is_kept());
        let verdict = judge(&[fan(&[(20, 1, 0), (26, 2, 1)])], 5).to_string();
        assert!(verdict.contains("at another edge"), "{verdict}");
    }

    #[test]
    fn nothing_shown_is_nothing_judged() {
        assert!(!judge(&[fan(&[])], 0).outcome.is_kept());
    }
}
