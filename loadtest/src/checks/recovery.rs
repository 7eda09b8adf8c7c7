//! P4, after a fault: the line goes on by itself, and everybody who stayed gets in.

use super::{Outcome, Promise, Verdict, shut_out};
use crate::story::{Ending, Story};

/// Judges how it ended for the fans, where all of them had the time to get in.
pub fn judge(stories: &[Story]) -> Verdict {
    let broken: Vec<String> = stories.iter().filter_map(left_behind).collect();
    let admitted = stories.iter().filter(|story| story.admitted_ms.is_some()).count();
    let outcome = match (admitted, broken.is_empty()) {
        (0, true) => Outcome::Unjudged("nobody was let in".to_owned()),
        _ => Outcome::of(broken, || format!("all {admitted} fans who stayed got in")),
    };
    Verdict::new(Promise::Recovery, outcome)
}

fn left_behind(story: &Story) -> Option<String> {
    let ending = match &story.ending {
        Ending::LeftLine => return None,
        Ending::ShutOut(why) => shut_out(why, story),
        Ending::None | Ending::Stopped if story.admitted_ms.is_none() => "never got in".to_owned(),
        Ending::None | Ending::Stopped => "did not come to an end".to_owned(),
        _ if story.admitted_ms.is_none() => "left without having been let in".to_owned(),
        _ => return None,
    };
    let rank = story.place().map_or("no rank".to_owned(), |place| format!("rank {}", place.rank));
    Some(format!("fan {} ({rank}) {ending}", story.fan))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fan(ending: Ending, admitted_ms: Option<u64>) -> Story {
        Story { ending, admitted_ms, ..Story::default() }
    }

    #[test]
    fn all_in_keep_it() {
        let left = fan(Ending::LeftLine, None);
        assert!(
            judge(&[fan(Ending::Bought, Some(5)), fan(Ending::NoSeats, Some(6)), left]).outcome.is_kept()
        );
    }

    #[test]
    fn one_left_behind_breaks_it() {
        let inside = fan(Ending::Bought, Some(5));
        for (other, told) in [
            (fan(Ending::Stopped, None), "fan 0 (no rank) never got in"),
            (fan(Ending::Stopped, Some(4)), "did not come to an end"),
            (fan(Ending::ShutOut("no answer".to_owned()), None), "no answer"),
            (fan(Ending::LeftEarly, None), "left without having been let in"),
        ] {
            let verdict = judge(&[inside.clone(), other]).to_string();
            assert!(verdict.contains("BROKEN") && verdict.contains(told), "{verdict}");
        }
    }

    #[test]
    fn nobody_in_is_nothing_judged() {
        assert!(!judge(&[]).outcome.is_kept());
    }
}
