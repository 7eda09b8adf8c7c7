//! P6 and P7, as far as the line is concerned.

use std::time::Duration;

use crate::clock::Timestamp;

use super::setting::{Setting, Voided};
use super::story::{Seen, Span, Story, What};
use super::{Promise, Violation, seconds};

/// Longest time that an answer of the line takes until an edge no longer waits for it.
const ANSWER_MAX: Duration = Duration::from_secs(4);

/// **P6 no turn, no entry**, of the line's part: a ticket is good for one session. Broken when a fan who finished
/// or left is let through, or has another session by the same ticket, once every edge could know; is let through
/// without ever having had a session; or stays longer than anyone may.
pub fn entry(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    stories.iter().filter_map(|story| out_of_turn(story, setting)).collect()
}

fn out_of_turn(story: &Story, setting: &Setting) -> Option<Violation> {
    let over = story.over();
    let entered = story.first(|what| *what == What::Entered).map(|seen| seen.at);
    for seen in &story.seen {
        let Seen { at, edge, what } = seen;
        let opened = match what {
            What::Entered => "had another session",
            What::Used { accepted: true } => "was let through",
            _ => continue,
        };
        if entered.is_none_or(|entered| *at < entered) {
            let message = format!("{} {opened} without a session", story.name);
            return Some(Violation::new(Promise::NoTurnNoEntry, *at, &[story], message));
        }
        let came = entered.unwrap_or(*at);
        if let Some(voided) =
            setting.voided.iter().find(|voided| knew_of_the_void(voided, came, seen, setting))
        {
            let message = format!(
                "{} {opened} {} after all admissions were voided",
                story.name,
                seconds(voided.since, *at)
            );
            return Some(Violation::new(Promise::NoTurnNoEntry, *at, &[story], message));
        }
        let stay = entered.map_or(Span::new(*at, *at), |entered| Span::new(entered, *at));
        if *what != What::Entered && stay.length() > setting.session_max + slack(setting) {
            let message = format!("{} {opened} {} after they came in", story.name, seconds(stay.from, *at));
            return Some(Violation::new(Promise::NoTurnNoEntry, *at, &[story], message));
        }
        let Some((over, where_over)) = over.filter(|(over, _)| over < at) else { continue };
        // The edge that saw it tells the line, every other hears of it at its tick: where they can.
        let telling = Span::new(over, over + setting.tolerance.settle);
        if setting.linked(where_over, telling) != [telling] {
            continue;
        }
        let told = setting
            .linked(*edge, Span::new(over, *at))
            .iter()
            .any(|span| span.length() > setting.tolerance.settle);
        if told {
            let message =
                format!("{} {opened} {} after their session was over", story.name, seconds(over, *at));
            return Some(Violation::new(Promise::NoTurnNoEntry, *at, &[story], message));
        }
    }
    None
}

/// Whether an edge had to know that the admission of a fan who came in at `came` is void: the line was told, did not
/// forget it at once, and the edge could hear of it.
fn knew_of_the_void(voided: &Voided, came: Timestamp, seen: &Seen, setting: &Setting) -> bool {
    let Voided { before, since } = *voided;
    let settle = setting.tolerance.settle;
    came < before
        && !setting.lost_in(Span::new(since, since + settle))
        && setting.linked(seen.edge, Span::new(since, seen.at)).iter().any(|span| span.length() > settle)
}

/// Whether the admission of a fan who came in at `came` may have been voided. They hear of it some time after the line
/// let them in.
fn may_be_void(came: Timestamp, at: Timestamp, setting: &Setting) -> bool {
    let heard_within = ANSWER_MAX + setting.tolerance.stale;
    setting.voided.iter().any(|voided| came <= voided.before + heard_within && voided.since <= at)
}

/// **P7 free passage.** With the store down, admitted fans go on. Broken when a fan who has a session, used it
/// lately and did not stay longer than anyone may, is not let through. Edges whose clocks differ may differ about
/// that by as much; and a line that could not hear of a fan for the length of a session may have given their place
/// to another.
pub fn passage(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    stories.iter().filter_map(|story| refused(story, setting)).collect()
}

/// How far two edges may differ about when a session ends. Tokens tell whole seconds.
fn slack(setting: &Setting) -> Duration {
    setting.tolerance.skew + setting.tolerance.stale + Duration::from_secs(1)
}

fn refused(story: &Story, setting: &Setting) -> Option<Violation> {
    // Tokens are renewed when a quarter of the session is over.
    let slack = slack(setting);
    let mut entered = None;
    let mut last = None;
    for Seen { at, what, .. } in &story.seen {
        match what {
            What::Entered => {
                entered = entered.or(Some(*at));
                last = Some(*at);
            }
            What::Finished | What::Left => return None,
            What::Used { accepted: true } => last = Some(*at),
            What::Used { accepted: false } => {
                let (Some(entered), Some(last)) = (entered, last) else { continue };
                let stay = Span::new(entered, *at);
                if may_be_void(entered, *at, setting) {
                    return None;
                }
                let lives = at.since(last) + slack < setting.session * 3 / 4
                    && stay.length() + slack < setting.session_max
                    && !setting.cut_off_long(stay);
                if lives {
                    let idle = seconds(last, *at);
                    let message =
                        format!("{} has a session, used it {idle} ago, and was refused", story.name);
                    return Some(Violation::new(Promise::FreePassage, *at, &[story], message));
                }
                return None;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::example::{at, fan, setting};
    use super::*;

    const THROUGH: What = What::Used { accepted: true };
    const REFUSED: What = What::Used { accepted: false };

    #[test]
    fn a_session_that_is_used_and_ended_keeps_both() {
        let story = fan("a", 1)
            .sees(5, What::Entered)
            .sees(9, THROUGH)
            .sees(12, What::Finished)
            .through(1, 12, THROUGH)
            .through(1, 14, REFUSED)
            .into_story();
        assert_eq!(entry(std::slice::from_ref(&story), &setting()), []);
        assert_eq!(passage(&[story], &setting()), []);
    }

    #[test]
    fn a_session_after_its_end_breaks_p6() {
        for what in [THROUGH, What::Entered] {
            let story =
                fan("a", 1).sees(5, What::Entered).sees(12, What::Finished).through(1, 15, what).into_story();
            assert_eq!(entry(std::slice::from_ref(&story), &setting()).len(), 1);
            let cut = Setting { cut_off: vec![(1, Span::new(at(12), at(20)))], ..setting() };
            assert_eq!(entry(&[story], &cut), [], "an edge that could not hear of it");
        }
        assert_eq!(entry(&[fan("a", 1).sees(5, THROUGH).into_story()], &setting()).len(), 1);
    }

    #[test]
    fn a_session_that_was_voided_and_goes_on_breaks_p6() {
        let void = Setting { voided: vec![Voided { before: at(10), since: at(10) }], ..setting() };
        let used = |second| fan("a", 1).sees(5, What::Entered).through(1, second, THROUGH).into_story();
        assert_eq!(entry(&[used(13)], &void).len(), 1);
        assert_eq!(entry(&[used(10)], &void), [], "the edge has some time to hear of it");
        let cut = Setting { cut_off: vec![(1, Span::new(at(9), at(20)))], ..void.clone() };
        assert_eq!(entry(&[used(13)], &cut), [], "an edge that could not hear of it");
        let lost = Setting { lost: vec![at(10)], ..void.clone() };
        assert_eq!(entry(&[used(13)], &lost), [], "the line forgot it at once");
        let later = fan("a", 1).sees(11, What::Entered).through(1, 15, THROUGH).into_story();
        assert_eq!(entry(&[later], &void), []);
    }

    #[test]
    fn who_came_after_the_void_and_is_refused_breaks_p7() {
        let void = Setting { voided: vec![Voided { before: at(10), since: at(10) }], ..setting() };
        let refused = |came| fan("a", 1).sees(came, What::Entered).sees(came + 8, REFUSED).into_story();
        assert_eq!(passage(&[refused(5)], &void), []);
        assert_eq!(passage(&[refused(11)], &void), [], "let in before, and told of it after");
        assert_eq!(passage(&[refused(30)], &void).len(), 1);
    }

    #[test]
    fn a_stay_without_end_breaks_p6() {
        let stays = |until: u64| {
            let uses = (10..=until).step_by(10);
            uses.fold(fan("a", 1).sees(5, What::Entered), |fan, second| fan.sees(second, THROUGH))
                .into_story()
        };
        assert_eq!(entry(&[stays(85)], &setting()), []);
        assert_eq!(entry(&[stays(90)], &setting()).len(), 1);
    }

    #[test]
    fn a_refusal_of_who_is_admitted_breaks_p7() {
        let story = fan("a", 1).sees(5, What::Entered).sees(20, THROUGH).sees(30, REFUSED).into_story();
        assert_eq!(passage(std::slice::from_ref(&story), &setting()).len(), 1);
        let down = Setting { lost: vec![at(22)], cut_off: vec![(0, Span::new(at(20), at(29)))], ..setting() };
        assert_eq!(passage(&[story], &down).len(), 1, "with the store down too");
    }

    #[test]
    fn who_was_idle_or_stayed_too_long_may_be_refused() {
        let idle = fan("a", 1).sees(5, What::Entered).sees(20, THROUGH).sees(52, REFUSED).into_story();
        let mut long = fan("a", 1).sees(5, What::Entered);
        for second in (10..90).step_by(10) {
            long = long.sees(second, THROUGH);
        }
        let long = long.sees(91, REFUSED).into_story();
        assert_eq!(passage(&[idle, long], &setting()), []);
    }
}
