//! What the operator had set and what went wrong: what stories are judged against.

use std::time::Duration;

use crate::clock::{Timestamp, millis};
use crate::name::LaneId;
use crate::rules::Rules;

use super::story::Span;

/// The rules as far as the promises name them, from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Since when.
    pub since: Timestamp,
    /// Fans a minute; 0 while nobody is admitted.
    pub per_minute: u64,
    /// Most permits that may gather.
    pub burst: u64,
    /// Most fans with a turn or a session.
    pub max_active: u64,
}

impl InForce {
    /// What `rules` say.
    pub fn of(rules: &Rules, since: Timestamp) -> Self {
        let per_minute = if rules.mode.admits() { rules.drain_per_minute } else { 0 };
        Self { since, per_minute, burst: rules.burst, max_active: rules.max_active }
    }
}

/// That the operator voided all admissions up to a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voided {
    /// Up to when.
    pub before: Timestamp,
    /// Since when the line knows.
    pub since: Timestamp,
}

/// How late news may be where nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// How long a fan must have been there before the line can be expected to know: a tick and a report.
    pub settle: Duration,
    /// How old what a fan is told may be, and how late they may hear of their turn.
    pub stale: Duration,
    /// How long a fan who went away without a word may still count as there.
    pub linger: Duration,
    /// How far the clocks of two edges may be apart.
    pub skew: Duration,
}

/// What stories are judged against.
#[derive(Clone, Debug)]
pub struct Setting {
    /// When the stories end.
    pub until: Timestamp,
    /// The rules, each entry from its moment on, in the order of time.
    pub rules: Vec<InForce>,
    /// When an edge could not reach the line, or was dead; from the beginning of time where it was not there yet.
    pub cut_off: Vec<(u32, Span)>,
    /// When the line lost its data.
    pub lost: Vec<Timestamp>,
    /// Admissions that were taken back.
    pub voided: Vec<Voided>,
    /// The weight of each lane; 1 where it is not named.
    pub weights: Vec<(LaneId, u64)>,
    /// Joins whose fans never heard the answer: they may have a rank that nobody uses.
    pub ghosts: u64,
    /// When anything at all was wrong: no edge can be blamed for being slow.
    pub troubled: Vec<Span>,
    /// How late news may be.
    pub tolerance: Tolerance,
    /// Whether what a fan was shown travels with them from edge to edge.
    pub shown_travels: bool,
    /// As in the rules.
    pub claim_window: Duration,
    /// As in the rules.
    pub return_window: Duration,
    /// As in the rules.
    pub session: Duration,
    /// As in the rules.
    pub session_max: Duration,
}

impl Setting {
    /// The rules in force at some time of `span`.
    pub(super) fn in_force(&self, span: Span) -> impl Iterator<Item = &InForce> {
        let until = self.rules.iter().skip(1).map(|next| next.since).chain([self.until.max(span.to)]);
        self.rules
            .iter()
            .zip(until)
            .filter(move |(rule, until)| Span::new(rule.since, *until).meets(span))
            .map(|(rule, _)| rule)
    }

    /// Permits, in thousandths, that the rate gives from the first rule on until `at`.
    pub(super) fn permits(&self, at: Timestamp) -> u64 {
        let mut units: u64 = 0;
        let mut rules = self.rules.iter().peekable();
        while let Some(rule) = rules.next() {
            let until = rules.peek().map_or(at, |next| next.since.min(at));
            units += millis(until.since(rule.since)) * rule.per_minute;
        }
        units / 60
    }

    /// Whether the line lost its data at some time of `span`.
    pub(super) fn lost_in(&self, span: Span) -> bool {
        self.lost.iter().any(|at| span.contains(*at))
    }

    /// When, within `span`, an edge could reach the line: one piece for each stretch.
    pub(super) fn reachable(&self, edge: u32, span: Span) -> Vec<Span> {
        without(span, self.cuts(edge))
    }

    /// When, within `span`, an edge could reach the line, and the line did not lose its data.
    pub(super) fn linked(&self, edge: u32, span: Span) -> Vec<Span> {
        let mut cuts = self.cuts(edge);
        cuts.extend(self.lost.iter().map(|at| Span::new(*at, *at)));
        without(span, cuts)
    }

    fn cuts(&self, edge: u32) -> Vec<Span> {
        self.cut_off.iter().filter(|(cut, _)| *cut == edge).map(|(_, at)| *at).collect()
    }

    /// When, within `span`, nothing was wrong.
    pub(super) fn calm(&self, span: Span) -> Vec<Span> {
        without(span, self.troubled.clone())
    }

    /// Whether an edge was cut off for so long, around `span`, that sessions may have run out in the line.
    pub(super) fn cut_off_long(&self, span: Span) -> bool {
        let long = |cut: &Span| cut.length() >= self.session / 3;
        let begun = |cut: &Span| cut.from > Timestamp::default();
        self.cut_off.iter().any(|(_, cut)| begun(cut) && long(cut) && cut.meets(span))
    }
}

/// What is left of `span` without `cuts`.
pub(super) fn without(span: Span, mut cuts: Vec<Span>) -> Vec<Span> {
    cuts.sort();
    let (mut left, mut from) = (Vec::new(), span.from);
    for cut in cuts.into_iter().filter(|cut| cut.meets(span)) {
        if cut.from > from {
            left.push(Span::new(from, cut.from));
        }
        from = from.max(cut.to);
    }
    if from < span.to {
        left.push(Span::new(from, span.to));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::super::example::{at, setting};
    use super::*;

    #[test]
    fn permits_follow_the_rate_in_force() {
        let rule = |since, per_minute| InForce { since: at(since), per_minute, burst: 1, max_active: 9 };
        let setting = Setting { rules: vec![rule(0, 60), rule(10, 0), rule(20, 600)], ..setting() };
        let given = [0, 5, 10, 15, 20, 21].map(|second| setting.permits(at(second)));
        assert_eq!(given, [0, 5000, 10_000, 10_000, 10_000, 20_000]);
        let rates = |from, to| {
            let span = Span::new(at(from), at(to));
            setting.in_force(span).map(|rule| rule.per_minute).collect::<Vec<_>>()
        };
        assert_eq!((rates(1, 2), rates(9, 21), rates(30, 31)), (vec![60], vec![60, 0, 600], vec![600]));
    }

    #[test]
    fn an_edge_is_linked_but_for_cuts_and_losses() {
        let span = |from, to| Span::new(at(from), at(to));
        let setting =
            Setting { cut_off: vec![(1, span(2, 3)), (2, span(0, 9))], lost: vec![at(5)], ..setting() };
        assert_eq!(setting.linked(1, span(0, 8)), [span(0, 2), span(3, 5), span(5, 8)]);
        assert_eq!(setting.linked(2, span(1, 8)), []);
        assert_eq!(setting.linked(3, span(6, 8)), [span(6, 8)]);
    }
}
