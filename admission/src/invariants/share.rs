//! P1, between lanes.

use std::collections::BTreeMap;

use crate::name::LaneId;

use super::rate::somebody_waits;
use super::setting::Setting;
use super::story::{Span, Story};
use super::turns::Turn;
use super::{Promise, Violation};

/// How many turns a lane may be ahead of its share: one for its weight, and one that it saved up.
const AHEAD: u64 = 2;

/// **P1 order**, between lanes. While fans of two lanes wait, the lanes are drained by their weights, and none starves.
///
/// Broken when, over a stretch all through which somebody of both lanes was there and waited, the turns that surely
/// went to one are more, for its weight, than those that may have gone to the other.
pub fn share(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    let mut lanes: BTreeMap<&LaneId, Vec<Story>> = BTreeMap::new();
    for story in stories {
        lanes.entry(&story.lane).or_default().push(story.clone());
    }
    let lanes: Vec<Lane<'_>> = lanes.into_iter().map(|(name, fans)| Lane::of(name, &fans, setting)).collect();
    let pairs = lanes.iter().flat_map(|one| lanes.iter().map(move |other| (one, other)));
    pairs
        .filter(|(one, other)| one.name != other.name)
        .filter_map(|(one, other)| one.outran(other, setting))
        .collect()
}

struct Lane<'a> {
    name: &'a LaneId,
    weight: u64,
    turns: Vec<Turn>,
    /// When somebody waited.
    waits: Vec<Span>,
}

impl<'a> Lane<'a> {
    fn of(name: &'a LaneId, fans: &[Story], setting: &Setting) -> Self {
        let weight = setting.weights.iter().find(|(lane, _)| lane == name).map_or(1, |(_, weight)| *weight);
        let turns = fans.iter().flat_map(|fan| fan.turns(setting)).collect();
        Self { name, weight, turns, waits: somebody_waits(fans, setting) }
    }

    /// Whether this lane had more than its share while both had fans who waited.
    fn outran(&self, other: &Self, setting: &Setting) -> Option<Violation> {
        let both = self.waits.iter().flat_map(|one| {
            other.waits.iter().map(|two| Span::new(one.from.max(two.from), one.to.min(two.to)))
        });
        for within in both.flat_map(|span| setting.calm(span)) {
            for Turn { given: Span { to, .. }, .. } in self.turns.iter().filter(|turn| turn.sure) {
                let window = Span::new(within.from + setting.tolerance.settle, *to);
                if !within.covers(window) || window.is_empty() {
                    continue;
                }
                let sure =
                    self.turns.iter().filter(|turn| turn.sure && window.covers(turn.given)).count() as u64;
                let perhaps = other.turns.iter().filter(|turn| turn.given.meets(window)).count() as u64;
                if sure.saturating_sub(AHEAD) * other.weight > (perhaps + AHEAD) * self.weight {
                    let message = format!(
                        "lane {} of weight {} had {sure} turns between {} and {}, in which lane {} of weight {} had \
                         {perhaps} at most",
                        self.name, self.weight, window.from, window.to, other.name, other.weight,
                    );
                    return Some(Violation::new(Promise::Order, window.to, &[], message));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{fan, setting, turn, waiting};
    use super::*;

    /// Fans of a lane with turns at these seconds, and one more who waits to the end.
    fn lane(name: &str, seconds: &[u64]) -> Vec<Story> {
        let lane = LaneId::parse(name).unwrap();
        let turns = seconds
            .iter()
            .map(|second| fan("fan", *second).connects(0).sees(1, waiting(1)).sees(*second, turn()));
        let last = fan("last", 99).connects(0).sees(1, waiting(1)).sees(98, waiting(1));
        turns.chain([last]).map(|fan| Story { lane: lane.clone(), ..fan.into_story() }).collect()
    }

    fn both(general: &[u64], member: &[u64]) -> Vec<Violation> {
        let weights = vec![(LaneId::general(), 1), (LaneId::parse("member").unwrap(), 3)];
        let stories: Vec<Story> =
            lane("general", general).into_iter().chain(lane("member", member)).collect();
        share(&stories, &Setting { weights, ..setting() })
    }

    #[test]
    fn turns_by_weight_keep_it() {
        let member: Vec<u64> = (10..60).filter(|second| second % 4 != 0).collect();
        let general: Vec<u64> = (10..60).filter(|second| second % 4 == 0).collect();
        assert_eq!(both(&general, &member), []);
        assert_eq!(both(&[], &[20, 30]), [], "too few to tell");
    }

    #[test]
    fn a_lane_that_starves_breaks_it() {
        let found = both(&[], &(10..40).collect::<Vec<_>>());
        assert!(found.len() == 1 && found[0].message.contains("lane member of weight 3"), "{found:?}");
        let even: Vec<u64> = (5..45).map(|turn| turn * 2).collect();
        let odd: Vec<u64> = even.iter().map(|turn| turn + 1).collect();
        assert_eq!(both(&even, &odd).len(), 1, "weights are kept as well");
    }
}
