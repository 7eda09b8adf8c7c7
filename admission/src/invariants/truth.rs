//! P5.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::name::LaneId;
use crate::rank::Rank;

use super::rate::{is_roomy, somebody_waits};
use super::setting::Setting;
use super::story::{Line, Seen, Span, Story, Told, What};
use super::turns::Turn;
use super::{Promise, Violation};

/// Fewest estimates from which their coverage can be told from chance.
const ESTIMATES_MIN: usize = 50;

/// **P5 truth**, of positions. The shown position never goes up, and is exact within max(1, 1 %).
///
/// Broken when a fan is shown a higher position than before, by the same edge without having been gone, or by any
/// edge where what was shown travels with the fan. And when a position is further from the number of fans who
/// could, or must, have waited before them at that time than the promise allows. Where those before a fan grow in
/// number, because some came back, the position stays: then it may be too good.
pub fn position(stories: &[Story], setting: &Setting) -> Vec<Violation> {
    let others: Vec<Other<'_>> = stories.iter().map(|story| Other::of(story, setting)).collect();
    let mut found = Vec::new();
    for story in stories {
        found.extend(went_up(story, setting));
        found.extend(inexact(story, &others, setting));
    }
    found
}

fn went_up(story: &Story, setting: &Setting) -> Option<Violation> {
    let mut shown: Option<(u32, u64)> = None;
    for Seen { at, edge, what } in &story.seen {
        match what {
            What::Came { .. } if !setting.shown_travels => shown = None,
            What::Told(Told { position: Some(position), .. }) => {
                let before = shown.filter(|(other, _)| setting.shown_travels || other == edge);
                match before {
                    Some((_, before)) if *position > before => {
                        let message =
                            format!("{} was shown position {position} after position {before}", story.name);
                        return Some(Violation::new(Promise::Truth, *at, &[story], message));
                    }
                    _ => shown = Some((*edge, *position)),
                }
            }
            _ => {}
        }
    }
    None
}

/// What can be said of a fan who may stand before another.
struct Other<'a> {
    lane: &'a LaneId,
    rank: Rank,
    begins: Timestamp,
    over: Option<Timestamp>,
    present: Vec<Span>,
    turns: Vec<Turn>,
    /// When they were last told that they wait.
    waits: Vec<Timestamp>,
}

impl<'a> Other<'a> {
    fn of(story: &'a Story, setting: &Setting) -> Self {
        let waits =
            |seen: &Seen| matches!(seen.what, What::Told(Told { line: Line::Waiting | Line::Standing, .. }));
        Self {
            lane: &story.lane,
            rank: story.order(),
            begins: story.begins(),
            over: story.over().map(|(at, _)| at),
            present: story.present(setting),
            turns: story.turns(setting),
            waits: story.seen.iter().filter(|seen| waits(seen)).map(|seen| seen.at).collect(),
        }
    }

    /// They may have stood in the line at some time of `span`.
    fn may_wait(&self, span: Span) -> bool {
        let came_back = |out: Timestamp| self.waits.iter().any(|at| *at > out && *at <= span.to);
        let out = self.turns.iter().filter(|turn| turn.sure && turn.given.to < span.from).map(|turn| {
            // A turn that lapsed brings its fan back.
            turn.taken.is_some()
                || (turn.lapsed.is_none_or(|lapsed| lapsed.from > span.to) && !came_back(turn.given.to))
        });
        self.begins - span.length() <= span.to
            && self.over.is_none_or(|over| over >= span.from)
            && !out.into_iter().any(|out| out)
    }

    /// They stood in the line all through `span`.
    fn must_wait(&self, span: Span, setting: &Setting) -> bool {
        let known = Span::new(span.from - setting.tolerance.settle, span.to);
        self.present.iter().any(|present| present.covers(known))
            && !self.turns.iter().any(|turn| turn.given.meets(span))
    }
}

fn inexact(story: &Story, others: &[Other<'_>], setting: &Setting) -> Option<Violation> {
    let before: Vec<&Other<'_>> =
        others.iter().filter(|other| *other.lane == story.lane && other.rank < story.order()).collect();
    let mut least_shown = u64::MAX;
    for Seen { at, edge, what } in &story.seen {
        let What::Told(Told { position: Some(position), sure, .. }) = what else { continue };
        // Whoever was shown it, even by an edge that did not vouch for it, is not shown a higher one.
        let before_it = least_shown;
        least_shown = least_shown.min(*position);
        let span = Span::new(*at - setting.tolerance.stale, *at);
        // An edge that was cut off shows what it knew last.
        // Nor is it known yet who was given a turn just before the end.
        let is_over = *at + setting.tolerance.stale > setting.until;
        if !sure || is_over || *position == before_it || setting.linked(*edge, span) != [span] {
            continue;
        }
        let most = 1 + setting.ghosts + before.iter().filter(|other| other.may_wait(span)).count() as u64;
        let least = 1 + before.iter().filter(|other| other.must_wait(span, setting)).count() as u64;
        let off = |position: u64| (position / 100).max(1);
        if *position > most + off(most) || (*position + off(least) < least && *position < before_it) {
            let message = format!(
                "{} was shown position {position}; it was {least} at least and {most} at most",
                story.name
            );
            return Some(Violation::new(Promise::Truth, *at, &[story], message));
        }
    }
    None
}

/// How many of the estimates of the wait came true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Estimates that were told under a steady drain and whose truth is known.
    pub estimates: usize,
    /// Those that were right.
    pub right: usize,
}

impl std::ops::AddAssign for Coverage {
    fn add_assign(&mut self, other: Self) {
        self.estimates += other.estimates;
        self.right += other.right;
    }
}

/// How long the drain has to have been steady before an estimate is judged: what gathered before is gone by then.
const STEADY: Duration = Duration::from_secs(10);

/// Counts the estimates told to these fans while the drain was steady, and stayed so until their turn came: the
/// rate did not change, nothing was wrong, there was room for everybody, and somebody waited all the time.
pub fn coverage(stories: &[Story], setting: &Setting) -> Coverage {
    let mut coverage = Coverage::default();
    if !is_roomy(stories, setting) {
        return coverage;
    }
    let busy = somebody_waits(stories, setting);
    for story in stories {
        let Some(turn) = story.turns(setting).into_iter().next().filter(|turn| turn.sure) else { continue };
        for Seen { at, what, .. } in story.seen.iter().filter(|seen| seen.at < turn.given.from) {
            let What::Told(Told { wait: Some(wait), sure: true, .. }) = what else { continue };
            let (waited, judged) = (Span::new(*at, turn.given.from), Span::new(*at - STEADY, turn.given.to));
            let steady = setting.in_force(judged).count() == 1
                && setting.calm(judged) == [judged]
                && busy.iter().any(|span| span.covers(Span::new(judged.from, waited.to)));
            if steady {
                let (least, most) = (waited.length(), turn.given.to.since(*at));
                coverage.estimates += 1;
                coverage.right += usize::from(wait.low <= most && least <= wait.high);
            }
        }
    }
    coverage
}

/// **P5 truth**, of estimates. The wait estimate is a range, and the true wait falls inside it at least 90 % of the
/// time under a steady drain. Says nothing of fewer than fifty estimates.
pub fn estimate(coverage: Coverage, at: Timestamp) -> Option<Violation> {
    let Coverage { estimates, right } = coverage;
    (estimates >= ESTIMATES_MIN && right * 10 < estimates * 9).then(|| {
        Violation::new(
            Promise::Truth,
            at,
            &[],
            format!("{right} of {estimates} estimates of the wait came true"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::example::{at, fan, setting, told, turn, waiting};
    use super::*;
    use crate::wait::Wait;

    fn line() -> Vec<Story> {
        (1..=5)
            .map(|rank| {
                let fan = fan(&format!("fan {rank}"), rank).connects(0).sees(2, waiting(rank));
                fan.sees(10 + rank, turn()).sees(10 + rank, What::Entered).into_story()
            })
            .collect()
    }

    fn shown(second: u64, position: u64) -> Vec<Story> {
        let mut stories = line();
        let last = fan("last", 6).connects(0).sees(second, waiting(position)).sees(30, turn());
        stories.push(last.into_story());
        stories
    }

    #[test]
    fn positions_within_one_keep_it() {
        for (second, truth) in [(5, 6), (25, 1)] {
            for position in [truth.max(2) - 1, truth, truth + 1] {
                assert_eq!(position_of(&shown(second, position)), [], "{position} at {second}");
            }
        }
    }

    fn position_of(stories: &[Story]) -> Vec<Violation> {
        position(stories, &setting())
    }

    #[test]
    fn a_position_that_is_off_breaks_it() {
        for (second, position) in [(5, 4), (5, 8), (25, 3), (5, 1)] {
            let found = position_of(&shown(second, position));
            assert!(found.len() == 1 && found[0].fans == ["last"], "{position} at {second}: {found:?}");
        }
    }

    #[test]
    fn a_position_that_goes_up_breaks_it() {
        let up = |edge| {
            let story = fan("a", 1).connects(0).sees(1, waiting(1)).through(edge, 2, waiting(2));
            vec![story.into_story()]
        };
        assert_eq!(position_of(&up(0)).len(), 1);
        assert_eq!(position_of(&up(1)), []);
        assert_eq!(position(&up(1), &Setting { shown_travels: true, ..setting() }).len(), 1);
    }

    #[test]
    fn a_position_stays_when_someone_before_comes_back() {
        let back =
            fan("back", 1).connects(0).sees(2, What::Went).connects(40).sees(41, waiting(1)).sees(60, turn());
        let third = fan("third", 3).connects(0).sees(30, waiting(2)).sees(50, waiting(2)).into_story();
        let second = fan("second", 2).connects(0).sees(3, waiting(2)).sees(70, turn()).into_story();
        let third = Story { seen: third.seen, ..third };
        assert_eq!(position_of(&[back.into_story(), second, third]), []);
    }

    #[test]
    fn a_position_that_was_shown_without_being_vouched_for_stays() {
        let others = || {
            let back =
                |rank| fan("back", rank).connects(40).sees(41, waiting(rank)).sees(90, turn()).into_story();
            [back(1), back(2)]
        };
        let third = |story: Story| others().into_iter().chain([story]).collect::<Vec<_>>();
        let unsure = What::Told(Told { position: Some(1), sure: false, ..told(Line::Waiting) });
        let stays = fan("third", 3).connects(0).sees(30, unsure).sees(60, waiting(1)).into_story();
        assert_eq!(position_of(&third(stays)), []);
        let falls = fan("third", 3).connects(0).sees(30, waiting(3)).sees(60, waiting(1)).into_story();
        assert_eq!(position_of(&third(falls)).len(), 1);
    }

    fn estimated(low: u64, high: u64) -> Coverage {
        let wait = Wait { low: Duration::from_secs(low), high: Duration::from_secs(high) };
        let told = What::Told(Told { wait: Some(wait), ..told(Line::Waiting) });
        let story = fan("a", 1).connects(0).sees(15, told).sees(30, turn()).into_story();
        coverage(&[story], &setting())
    }

    #[test]
    fn an_estimate_is_right_or_wrong() {
        for (low, high, right) in [(10, 20, 1), (15, 15, 1), (1, 5, 0), (16, 20, 0)] {
            assert_eq!(estimated(low, high), Coverage { estimates: 1, right }, "{low} to {high}");
        }
    }

    #[test]
    fn nine_of_ten_have_to_come_true() {
        let coverage = |right| Coverage { estimates: 100, right };
        assert_eq!(estimate(coverage(90), at(0)), None);
        assert!(estimate(coverage(89), at(0)).is_some());
        assert_eq!(estimate(Coverage { estimates: 49, right: 0 }, at(0)), None);
    }
}
