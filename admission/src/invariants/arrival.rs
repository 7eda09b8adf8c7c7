//! P1, of how ranks are given.

use super::setting::Setting;
use super::story::{Span, Story};
use super::turns::Turn;
use super::{Promise, Violation};

/// **P1 order**, of arrival. Whoever came before another stands before them, whether they were ranked at once or
/// afterwards, because the line could not be asked when they came.
///
/// Broken when a fan was ranked behind another of their lane who surely came later. Who is ranked afterwards stands
/// behind everybody whose turn had come by then, and behind ranks that a line gave which was lost meanwhile. Who came
/// for the draw is ordered by it alone, and tells nothing here.
pub fn arrival(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    let all: Vec<Fan<'_>> = stories.iter().map(|story| Fan::of(story, setting)).collect();
    let fans = || all.iter().filter(|fan| fan.is_ranked);
    let mut found = Vec::new();
    for late in fans() {
        let earlier = |fan: &&Fan<'_>| {
            fan.story.lane == late.story.lane
                && fan.came.to + setting.tolerance.settle < late.came.from
                && fan.story.order() > late.story.order()
                && !fan.is_excused(late, &all, setting)
        };
        if let Some(fan) = fans().find(earlier) {
            let message = format!(
                "{} came by {} and has rank {}; {} came after {} and has rank {}",
                fan.story.name,
                fan.came.to,
                fan.story.order(),
                late.story.name,
                late.came.from,
                late.story.order(),
            );
            let fans = [fan.story, late.story];
            found.push(Violation::new(Promise::Order, late.story.begins(), &fans, message));
        }
    }
    found
}

struct Fan<'a> {
    story: &'a Story,
    /// Whether they were given a rank by when they came.
    is_ranked: bool,
    came: Span,
    turns: Vec<Turn>,
}

impl<'a> Fan<'a> {
    fn of(story: &'a Story, setting: &Setting) -> Self {
        let is_ranked = story.came.is_some() && story.rank.is_some();
        let came = story.came.unwrap_or(Span::new(story.begins(), story.begins()));
        Self { story, is_ranked, came, turns: story.turns(setting) }
    }

    /// Whether the fan could not have been ranked before `late`: the line was another one by then, or had moved past.
    /// Two who were both ranked afterwards, when it had moved past the first, stand close behind it in any order.
    fn is_excused(&self, late: &Fan<'_>, all: &[Fan<'_>], setting: &Setting) -> bool {
        let ranked = self.story.begins();
        let both_afterwards = late.story.order().is_afterwards();
        let is_past = |fan: &Fan<'_>| {
            fan.story.order() >= late.story.order() || (both_afterwards && fan.came.to > self.came.from)
        };
        let moved_past = |fan: &Fan<'_>| {
            fan.story.lane == self.story.lane
                && is_past(fan)
                && fan.turns.iter().any(|turn| turn.given.from <= ranked)
        };
        // Somebody who never heard that they were let in is past as well.
        let unheard = both_afterwards && setting.ghosts > 0;
        unheard || setting.lost_in(Span::new(self.came.from, ranked)) || all.iter().any(moved_past)
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{at, fan, setting, turn, waiting};
    use super::super::story::Story;
    use super::*;

    fn came(name: &str, rank: u64, from: u64, to: u64) -> Story {
        let mut story = fan(name, rank).connects(to).sees(95, waiting(1)).into_story();
        story.seen[0].at = at(to);
        Story { came: Some(Span::new(at(from), at(to))), ..story }
    }

    #[test]
    fn ranks_follow_arrivals() {
        let line = [came("a", 1, 0, 1), came("b", 2, 5, 6), came("c", 3, 6, 7)];
        assert_eq!(arrival(&line, &setting()), []);
    }

    #[test]
    fn a_rank_behind_who_came_later_breaks_it() {
        let line = [came("a", 9, 0, 1), came("b", 2, 5, 6)];
        let found = arrival(&line, &setting());
        assert!(found.len() == 1 && found[0].fans == ["a", "b"], "{found:?}");
        assert_eq!(
            arrival(&[came("a", 9, 0, 5), came("b", 2, 5, 6)], &setting()),
            [],
            "nobody knows who was first"
        );
    }

    #[test]
    fn who_was_ranked_when_the_line_had_moved_on_stands_behind_it() {
        let mut late = came("late", 9, 0, 1);
        late.seen[0].at = at(30);
        let b = Story { seen: fan("b", 2).sees(20, turn()).into_story().seen, ..came("b", 2, 5, 6) };
        assert_eq!(arrival(&[late.clone(), b], &setting()), []);
        let lost = Setting { lost: vec![at(20)], ..setting() };
        assert_eq!(arrival(&[late, came("b", 2, 5, 6)], &lost), []);
    }
}
