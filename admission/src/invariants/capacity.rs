//! P3.

use super::setting::Setting;
use super::story::{Span, Story};
use super::{Promise, Violation};

/// **P3 capacity.** Active fans never exceed `max_active`.
///
/// Broken when a fan got a session while so many others surely had one that, together, they are more than
/// `max_active` ever was from the fan's turn on. A session surely lives from its beginning to its last use, where
/// no edge was cut off for so long that the line had to count the fan as gone.
pub fn capacity(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    let sessions: Vec<Span> = stories
        .iter()
        .flat_map(|story| story.sessions(setting))
        .filter(|span| {
            let around = Span::new(span.from - setting.session, span.to + setting.tolerance.settle);
            !setting.cut_off_long(around)
        })
        .collect();
    let mut found = Vec::new();
    for story in stories {
        for turn in story.turns(setting) {
            let Some(at) = turn.taken else { continue };
            let active = sessions.iter().filter(|span| span.contains(at)).count() as u64;
            let since_turn = Span::new(turn.given.from, at);
            let most = setting.in_force(since_turn).map(|rule| rule.max_active).max().unwrap_or(u64::MAX);
            if active > most {
                let message = format!(
                    "with {} there were {active} fans with a session; at most {most} may be",
                    story.name
                );
                found.push(Violation::new(Promise::Capacity, at, &[story], message));
            }
        }
    }
    found.truncate(1);
    found
}

#[cfg(test)]
mod tests {
    use super::super::example::{at, fan, setting};
    use super::super::{InForce, What};
    use super::*;

    fn stays(from: u64, uses: &[u64]) -> Story {
        let mut fan = fan("fan", from).sees(from, What::Entered);
        for second in uses {
            fan = fan.sees(*second, What::Used { accepted: true });
        }
        fan.into_story()
    }

    fn two_places() -> Setting {
        Setting { rules: vec![InForce { max_active: 2, ..setting().rules[0] }], ..setting() }
    }

    #[test]
    fn as_many_as_there_is_room_for_keep_it() {
        let stories = [stays(1, &[10]), stays(2, &[12]), stays(11, &[20])];
        assert_eq!(capacity(&stories, &two_places()), []);
    }

    #[test]
    fn one_too_many_breaks_it() {
        let stories = [stays(1, &[10]), stays(2, &[12]), stays(9, &[20])];
        let found = capacity(&stories, &two_places());
        assert!(found.len() == 1 && found[0].message.contains("3 fans"), "{found:?}");
    }

    #[test]
    fn a_lower_limit_sends_nobody_away() {
        let stories = [stays(1, &[10]), stays(2, &[12]), stays(5, &[20])];
        let rule = |since, max_active| InForce { since: at(since), max_active, ..setting().rules[0] };
        let lowered = |second| Setting { rules: vec![rule(0, 3), rule(second, 2)], ..setting() };
        assert_eq!(capacity(&stories, &lowered(4)), [], "the turn was given before");
        assert_eq!(
            capacity(&stories, &Setting { rules: vec![rule(0, 2), rule(7, 3)], ..setting() }).len(),
            1
        );
    }

    #[test]
    fn a_session_that_the_line_could_not_hear_of_does_not_count() {
        let stories = [stays(1, &[10]), stays(2, &[12]), stays(9, &[20])];
        let cut = Setting { cut_off: vec![(7, Span::new(at(0), at(15)))], ..two_places() };
        assert_eq!(capacity(&stories, &cut), []);
    }
}
