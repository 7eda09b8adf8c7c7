//! P1.

use super::setting::Setting;
use super::story::{Span, Story};
use super::turns::Turn;
use super::{Promise, Violation, seconds};

/// **P1 order.** Within a lane nobody is admitted before a fan with a lower rank who is present and willing.
///
/// Broken when a fan certainly stood in the line, known to it, all the while in which another fan of the lane
/// with a higher rank was given a turn, and had none themselves then. A fan whose edge was cut off at the time,
/// who had come only just before, or who went away before they could have heard, proves nothing.
pub fn order(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    let fans: Vec<Fan<'_>> = stories.iter().map(|story| Fan::of(story, setting)).collect();
    let mut found = Vec::new();
    for fan in &fans {
        // The first who passed them tells the story; a fan who is passed once may be passed by hundreds.
        let passed_by = fans
            .iter()
            .filter(|other| other.story.lane == fan.story.lane && other.story.order() > fan.story.order())
            .flat_map(|other| other.turns.iter().map(move |turn| (other, turn)))
            .filter(|(_, turn)| turn.sure && fan.waited_throughout(turn.given, setting))
            .min_by_key(|(_, turn)| turn.given.to);
        if let Some((other, turn)) = passed_by {
            let message = format!(
                "{} (rank {}) was there and waited while {} (rank {}) was admitted between {} and {}, {} apart",
                fan.story.name,
                fan.story.order(),
                other.story.name,
                other.story.order(),
                turn.given.from,
                turn.given.to,
                seconds(turn.given.from, turn.given.to),
            );
            found.push(Violation::new(Promise::Order, turn.given.to, &[fan.story, other.story], message));
        }
    }
    found
}

struct Fan<'a> {
    story: &'a Story,
    present: Vec<Span>,
    turns: Vec<Turn>,
}

impl<'a> Fan<'a> {
    fn of(story: &'a Story, setting: &Setting) -> Self {
        Self { story, present: story.present(setting), turns: story.turns(setting) }
    }

    /// Whether the fan was there, known to the line, before the other's turn and until they would have heard of
    /// one of their own, and had none.
    fn waited_throughout(&self, other: Span, setting: &Setting) -> bool {
        let needed = Span::new(other.from - setting.tolerance.settle, other.to + setting.tolerance.stale);
        self.present.iter().any(|span| span.covers(needed))
            && !self.turns.iter().any(|turn| {
                turn.given.from <= other.to && turn.lapsed.is_none_or(|lapsed| lapsed.to >= other.from)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{at, fan, setting, turn, waiting};
    use super::super::{What, judge};
    use super::*;
    use crate::name::LaneId;

    fn first() -> Story {
        fan("first", 10).connects(0).sees(1, waiting(1)).sees(20, turn()).into_story()
    }

    fn second(told: u64) -> Story {
        fan("second", 20).connects(0).sees(1, waiting(2)).sees(told, turn()).into_story()
    }

    #[test]
    fn turns_by_rank_keep_it() {
        for told in [19, 20, 21, 30] {
            assert_eq!(order(&[first(), second(told)], &setting()), [], "{told}");
        }
    }

    #[test]
    fn a_fan_overtaken_breaks_it() {
        let found = order(&[first(), second(10)], &setting());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].fans, ["first", "second"]);
        assert!(
            judge(&[second(10), first()], &setting()).iter().any(|found| found.promise == Promise::Order)
        );
    }

    #[test]
    fn a_fan_forgotten_breaks_it() {
        let forgotten = fan("first", 10).connects(0).sees(1, waiting(1)).sees(90, waiting(1)).into_story();
        assert_eq!(order(&[forgotten, second(10)], &setting()).len(), 1);
    }

    #[test]
    fn whoever_is_let_in_without_a_ticket_passes_those_who_wait() {
        let mut entered = fan("new", 0).sees(10, What::Entered).into_story();
        entered.rank = None;
        entered.seen.remove(0);
        assert_eq!(order(&[first(), entered], &setting()).len(), 1);
    }

    #[test]
    fn whoever_was_away_or_cut_off_or_stands_in_another_lane_was_not_overtaken() {
        let away = fan("first", 10).connects(0).sees(1, waiting(1)).sees(5, What::Went);
        let back = fan("first", 10).connects(0).sees(5, What::Went).connects(9).sees(20, turn());
        assert_eq!(order(&[away.into_story(), second(10)], &setting()), []);
        assert_eq!(order(&[back.into_story(), second(10)], &setting()), []);
        let other_lane = Story { lane: LaneId::parse("member").unwrap(), ..first() };
        assert_eq!(order(&[other_lane, second(10)], &setting()), []);
        let cut = |edge| Setting { cut_off: vec![(edge, Span::new(at(8), at(9)))], ..setting() };
        assert_eq!(order(&[first(), second(10)], &cut(0)), []);
        assert_eq!(order(&[first(), second(10)], &cut(1)).len(), 1);
        let lost = |second| Setting { lost: vec![at(second)], ..setting() };
        assert_eq!(order(&[first(), second(10)], &lost(10)), [], "their turn may have been lost");
        assert_eq!(order(&[first(), second(10)], &lost(6)).len(), 1, "the line had time to be put together");
    }

    #[test]
    fn a_turn_that_lapsed_excuses_nobody_later() {
        let lapsed = fan("first", 10).connects(0).sees(1, turn()).sees(13, waiting(1)).sees(40, turn());
        assert_eq!(order(&[lapsed.into_story(), second(30)], &setting()).len(), 1);
    }
}
