//! P8.

use super::setting::Setting;
use super::story::{Line, Seen, Span, Story, Told, What};
use super::{Promise, Violation};

/// **P8 presence.** Turns are spent on fans who are there: a closed tab costs the origin nothing.
///
/// Broken when a fan who had been away, for so long that the line had to know and any turn given before had lapsed,
/// comes back and has a turn in the same moment: sooner than anyone could have told the line that they are back. Once
/// in a run that may be chance, for their edge may tell the line in that very moment.
/// What turns for the absent take from those present, [`rate`](super::rate()) sees.
pub fn presence(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    let found: Vec<Violation> =
        stories.iter().filter_map(|story| spent_on_the_absent(story, setting)).collect();
    if found.len() > 1 { found } else { Vec::new() }
}

fn spent_on_the_absent(story: &Story, setting: &Setting) -> Option<Violation> {
    let mut went = None;
    let mut came = None;
    for Seen { at, what, .. } in &story.seen {
        match what {
            What::Went => went = Some(*at),
            What::Came { .. } => came = went.take().map(|went| Span::new(went, *at)),
            What::Entered | What::Finished | What::Left => return None,
            What::Told(Told { line, .. }) => {
                let Some(away) = came.take() else { continue };
                let known = setting.tolerance.linger + setting.tolerance.stale + setting.claim_window;
                if *line == Line::Turn && *at == away.to && away.length() > known {
                    let message = format!(
                        "{} had been away for {} s and had a turn the moment they were back",
                        story.name,
                        away.length().as_secs_f64()
                    );
                    return Some(Violation::new(Promise::Presence, *at, &[story], message));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::example::{fan, setting, turn, waiting};
    use super::*;

    fn away(from: u64, to: u64, told: u64) -> Story {
        fan("a", 1).connects(0).sees(from, What::Went).connects(to).sees(told, turn()).into_story()
    }

    #[test]
    fn a_turn_for_whoever_is_back_keeps_it() {
        assert_eq!(presence(&[away(10, 40, 41)], &setting()), []);
        let seen_first =
            fan("a", 1).connects(0).sees(10, What::Went).connects(40).sees(40, waiting(1)).sees(40, turn());
        assert_eq!(presence(&[seen_first.into_story()], &setting()), []);
    }

    #[test]
    fn a_turn_that_waited_for_the_absent_breaks_it() {
        assert_eq!(presence(&[away(10, 40, 40), away(20, 60, 60)], &setting()).len(), 2);
        assert_eq!(presence(&[away(10, 40, 40)], &setting()), [], "once may be chance");
    }

    #[test]
    fn a_turn_from_before_they_went_may_still_be_there() {
        assert_eq!(presence(&[away(10, 20, 20)], &setting()), []);
    }
}
