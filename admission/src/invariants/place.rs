//! P4.

use std::collections::HashMap;

use crate::clock::Timestamp;

use super::setting::Setting;
use super::story::{Line, Seen, Span, Story, Told, What};
use super::{Promise, Violation};

/// **P4 place.** A fan who refreshes, closes the tab and comes back within the return window, changes network, or
/// meets a proxy crash, a store restart or a store that lost all its data keeps their rank.
///
/// Broken when a ticket changes its rank, when two fans have one rank, or when a fan who neither left nor had a
/// session, and was away for less than the return window, is told that the ticket is worth nothing.
pub fn place(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    let mut found = twice(stories);
    for story in stories {
        found.extend(changed(story));
        found.extend(expired(story, setting));
    }
    found
}

fn twice(stories: &[Story]) -> Vec<Violation> {
    let mut holders = HashMap::new();
    let mut found = Vec::new();
    for story in stories {
        let Some(rank) = story.rank else { continue };
        if let Some(other) = holders.insert((&story.lane, rank), story) {
            let message =
                format!("{} and {} both have rank {rank} in lane {}", other.name, story.name, story.lane);
            found.push(Violation::new(Promise::Place, story.begins(), &[other, story], message));
        }
    }
    found
}

fn changed(story: &Story) -> Option<Violation> {
    story.seen.iter().find_map(|Seen { at, what, .. }| match what {
        What::Ticket { lane, rank } if *lane != story.lane || Some(*rank) != story.rank => {
            let message = format!("the ticket of {} became one of rank {rank} in lane {lane}", story.name);
            Some(Violation::new(Promise::Place, *at, &[story], message))
        }
        _ => None,
    })
}

fn expired(story: &Story, setting: &Setting) -> Option<Violation> {
    let present = story.present(setting);
    // A claim whose answer was lost is a session all the same, and runs out unused.
    let mut allowed = setting.return_window;
    for Seen { at, what, .. } in &story.seen {
        match what {
            What::Entered | What::Finished | What::Left => return None,
            What::Told(Told { line: Line::Turn, .. }) => allowed = allowed.min(setting.session),
            What::Told(Told { line: Line::Expired, .. }) => {
                let away = longest_absence(story, &present, *at);
                if away.length() >= allowed {
                    return None;
                }
                let message = format!(
                    "the ticket of {} was told to be worth nothing; they were away for no longer than {} s, and {} s \
                     are allowed",
                    story.name,
                    away.length().as_secs_f64(),
                    allowed.as_secs_f64(),
                );
                return Some(Violation::new(Promise::Place, *at, &[story], message));
            }
            _ => {}
        }
    }
    None
}

fn longest_absence(story: &Story, present: &[Span], until: Timestamp) -> Span {
    let mut longest = Span::new(until, until);
    let mut from = story.begins();
    for span in present.iter().filter(|span| span.from < until).chain([&Span::new(until, until)]) {
        let gap = Span::new(from, span.from);
        if gap.length() > longest.length() {
            longest = gap;
        }
        from = from.max(span.to);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::super::example::{at, fan, setting, told, waiting};
    use super::*;
    use crate::name::LaneId;
    use crate::rank::Rank;

    fn ticket(rank: u64) -> What {
        What::Ticket { lane: LaneId::general(), rank: Rank::new(rank) }
    }

    fn worthless() -> What {
        What::Told(told(Line::Expired))
    }

    #[test]
    fn a_fan_who_comes_back_with_the_same_rank_keeps_it() {
        let story =
            fan("a", 1).connects(0).sees(5, What::Went).sees(20, ticket(1)).connects(20).sees(21, waiting(1));
        assert_eq!(place(&[story.into_story(), fan("b", 2).into_story()], &setting()), []);
    }

    #[test]
    fn another_rank_breaks_it() {
        let story = fan("a", 1).sees(20, ticket(3)).into_story();
        assert_eq!(place(&[story], &setting()).len(), 1);
    }

    #[test]
    fn one_rank_for_two_breaks_it() {
        let found = place(&[fan("a", 1).into_story(), fan("b", 1).into_story()], &setting());
        assert!(found.len() == 1 && found[0].fans == ["a", "b"], "{found:?}");
        let member = Story { lane: LaneId::parse("member").unwrap(), ..fan("c", 1).into_story() };
        let mut member = Story { seen: vec![], ..member };
        member.name = "c".to_owned();
        assert_eq!(place(&[fan("a", 1).into_story(), member], &setting()), []);
    }

    #[test]
    fn a_ticket_that_is_worth_nothing_too_early_breaks_it() {
        let story =
            fan("a", 1).connects(0).sees(5, What::Went).connects(20).sees(20, worthless()).into_story();
        assert_eq!(place(std::slice::from_ref(&story), &setting()).len(), 1);
        let lost = Setting { lost: vec![at(10)], ..setting() };
        assert_eq!(place(&[story], &lost).len(), 1, "whatever was lost");
    }

    #[test]
    fn whoever_was_away_too_long_or_left_or_had_a_session_has_no_place() {
        let long = fan("a", 1).connects(0).sees(5, What::Went).connects(25).sees(25, worthless());
        let left = fan("a", 1).connects(0).sees(5, What::Left).sees(6, worthless());
        let entered = fan("a", 1).connects(0).sees(5, What::Entered).sees(6, worthless());
        for story in [long, left, entered] {
            assert_eq!(place(&[story.into_story()], &setting()), []);
        }
        let cut = Setting { cut_off: vec![(0, Span::new(at(2), at(30)))], ..setting() };
        let unheard = fan("a", 1).connects(0).sees(31, worthless()).into_story();
        assert_eq!(place(&[unheard], &cut), [], "the line could not hear of them");
    }
}
