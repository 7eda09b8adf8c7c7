//! From what a fan saw to what can be said of their turns and of when they were there.

use std::time::Duration;

use crate::clock::Timestamp;

use super::setting::{Setting, without};
use super::story::{Line, Seen, Span, Story, Told, What};

/// A turn, as far as its fan can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When it was given: at some moment of this.
    pub given: Span,
    /// Whether there was one at all. A fan who went away without a word may have been given one.
    pub sure: bool,
    /// When it lapsed unclaimed, if it did: at some moment of this.
    pub lapsed: Option<Span>,
    /// When its fan had a session by it.
    pub taken: Option<Timestamp>,
}

impl Story {
    /// When the fan was there, wanted to be let in, and the line could know: without the time in which their edge
    /// was cut off. The fan's being there has to be known anew after each gap, which takes
    /// [`settle`](super::Tolerance::settle).
    pub fn present(&self, setting: &Setting) -> Vec<Span> {
        self.there(setting).into_iter().flat_map(|(edge, _, span)| setting.reachable(edge, span)).collect()
    }

    /// When the fan was there and in the line: through which edge, and whether by a live connection.
    fn there(&self, setting: &Setting) -> Vec<(u32, bool, Span)> {
        let mut spans = Vec::new();
        let mut here: Option<bool> = None;
        let mut in_line = true;
        let mut open: Option<(u32, bool, Timestamp)> = None;
        for Seen { at, edge, what } in &self.seen {
            match what {
                What::Came { live } => here = Some(*live),
                What::Went => here = None,
                What::Told(Told { line, .. }) => in_line = matches!(line, Line::Waiting | Line::Standing),
                What::Entered | What::Finished | What::Left => in_line = false,
                What::Ticket { .. } | What::Used { .. } => {}
            }
            let now = here.filter(|_| in_line).map(|live| (*edge, live));
            let same = open.map(|(edge, live, _)| (edge, live)) == now;
            if !same {
                if let Some((edge, live, from)) = open.take() {
                    spans.push((edge, live, Span::new(from, *at)));
                }
                open = now.map(|(edge, live)| (edge, live, *at));
            }
        }
        if let Some((edge, live, from)) = open {
            spans.push((edge, live, Span::new(from, setting.until)));
        }
        spans
    }

    /// The turns that the fan had, or may have had.
    pub fn turns(&self, setting: &Setting) -> Vec<Turn> {
        let live: Vec<Span> = self
            .there(setting)
            .into_iter()
            .filter(|(_, live, _)| *live)
            .flat_map(|(edge, _, span)| setting.linked(edge, span))
            .collect();
        let mut reading = Reading {
            setting,
            live,
            turns: Vec::new(),
            open: false,
            doubted: false,
            waited: self.begins(),
            gone: None,
        };
        for seen in &self.seen {
            reading.read(seen);
        }
        reading.close(setting.until);
        reading.turns
    }

    /// How long each session of the fan surely lived: from its beginning, or from a use after a long pause, to its
    /// last use.
    pub(super) fn sessions(&self, setting: &Setting) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut over = true;
        // Whoever's clock is ahead ends a session that lasts too long; the others hear of it a little later.
        let mut last = setting.until;
        for Seen { at, what, .. } in &self.seen {
            match what {
                What::Entered if over => {
                    over = false;
                    last = *at + setting.session_max - setting.tolerance.stale - setting.tolerance.skew;
                    spans.push(Span::new(*at, *at));
                }
                What::Used { accepted: true } if !over => match spans.last_mut() {
                    // Used often enough for every edge to have told the line in time.
                    Some(span) if at.since(span.to) <= setting.session / 3 => span.to = (*at).min(last),
                    _ if *at < last => spans.push(Span::new(*at, *at)),
                    _ => {}
                },
                What::Finished | What::Left => over = true,
                _ => {}
            }
        }
        spans
    }
}

struct Reading<'a> {
    setting: &'a Setting,
    live: Vec<Span>,
    turns: Vec<Turn>,
    /// The last turn is neither taken nor known to have lapsed.
    open: bool,
    /// The fan was told to wait since, though not by an edge that could know.
    doubted: bool,
    /// When the fan last surely waited.
    waited: Timestamp,
    /// When the fan went away, until they come back.
    gone: Option<Timestamp>,
}

impl Reading<'_> {
    fn read(&mut self, Seen { at, edge, what }: &Seen) {
        match what {
            What::Came { .. } => self.gone = None,
            What::Went => self.gone = Some(*at),
            What::Told(Told { line: Line::Turn, .. }) => self.turn(*at),
            What::Entered => {
                self.turn(*at);
                self.taken(*at);
                self.open = false;
                self.waited = *at;
            }
            What::Told(Told { line: Line::Waiting | Line::Standing, sure: true, .. })
                if self.knew(*edge, *at) =>
            {
                self.waits(*at);
            }
            What::Told(Told { line: Line::Waiting | Line::Standing, .. }) => self.doubted = true,
            What::Told(Told { line: Line::Expired, .. }) | What::Finished | What::Left => self.close(*at),
            _ => {}
        }
    }

    /// Whether an edge could know what it told.
    fn knew(&self, edge: u32, at: Timestamp) -> bool {
        let span = Span::new(at - self.setting.tolerance.stale, at);
        self.setting.linked(edge, span) == [span]
    }

    fn claimed(&self) -> bool {
        self.turns.last().is_some_and(|turn| turn.taken.is_some())
    }

    fn turn(&mut self, at: Timestamp) {
        if self.claimed() || (self.open && !self.is_another(at)) {
            return;
        }
        self.lost_a_turn(at);
        let stale = self.setting.tolerance.stale;
        let mut from = self.waited - stale;
        // Whoever is connected hears at once: silence until then says that they waited.
        if self.live.iter().any(|span| span.covers(Span::new(at - stale, at))) {
            from = from.max(at - stale);
        }
        self.turns.push(Turn { given: Span::new(from, at), sure: true, lapsed: None, taken: None });
        (self.open, self.doubted) = (true, false);
    }

    /// The turn was claimed. A line that had lost its data before knew only turns that it gave since.
    fn taken(&mut self, at: Timestamp) {
        let Some(turn) = self.turns.last_mut().filter(|turn| turn.taken.is_none()) else { return };
        turn.taken = Some(at);
        let lost = self.setting.lost.iter().filter(|lost| **lost + self.setting.tolerance.stale <= at).max();
        if let Some(lost) = lost.filter(|lost| **lost > turn.given.from) {
            let to = if turn.given.to > *lost { turn.given.to } else { at };
            turn.given = Span::new(*lost, to);
        }
    }

    /// Whether a turn heard of at `at` cannot be the one that is open. Then that one is over, unnoticed.
    fn is_another(&mut self, at: Timestamp) -> bool {
        let Setting { claim_window, tolerance, .. } = self.setting;
        let Some(turn) = self.turns.last_mut() else { return true };
        let lapsed = at > turn.given.to + *claim_window + tolerance.stale;
        let lost = self.doubted && self.setting.lost_in(Span::new(turn.given.from, at));
        if lapsed || lost {
            turn.lapsed = Some(Span::new(turn.given.from, at));
            self.waited = self.waited.max(turn.given.to);
        }
        lapsed || lost
    }

    fn waits(&mut self, at: Timestamp) {
        let Setting { claim_window, tolerance, .. } = self.setting;
        if let Some(turn) = self.turns.last_mut().filter(|_| self.open) {
            let gone = Span::new(turn.given.from, at);
            let lost = self.setting.lost_in(gone);
            if !lost && gone.length() < *claim_window {
                // Told by an edge that does not know better yet.
                return;
            }
            let from = if lost { turn.given.from } else { turn.given.from + *claim_window };
            turn.lapsed = Some(Span::new(from, at));
            self.open = false;
        } else if !self.claimed() {
            self.lost_a_turn(at);
            self.perhaps(at, claim_window.saturating_sub(tolerance.stale));
        }
        self.waited = at;
    }

    /// A line that lost its data also lost the turns that nobody had heard of.
    fn lost_a_turn(&mut self, at: Timestamp) {
        let silence = Span::new(self.waited - self.setting.tolerance.stale, at);
        for lost in self.setting.lost.iter().filter(|lost| silence.contains(**lost)) {
            let given = Span::new(silence.from, *lost);
            self.turns.push(Turn { given, sure: false, lapsed: Some(Span::new(*lost, *lost)), taken: None });
        }
    }

    /// Between the last time that the fan surely waited and `at` they may have had a turn without hearing of it,
    /// when nobody could have told them for so long.
    fn perhaps(&mut self, at: Timestamp, least: Duration) {
        let Setting { claim_window, tolerance, .. } = self.setting;
        for silence in without(Span::new(self.waited, at), self.live.clone()) {
            let until = self.gone.map_or(silence.to, |gone| silence.to.min(gone + tolerance.linger));
            let given = Span::new(silence.from - tolerance.stale, until);
            if silence.length() > least && !given.is_empty() {
                let lapsed = Span::new(given.from + *claim_window, given.to + *claim_window);
                self.turns.push(Turn { given, sure: false, lapsed: Some(lapsed), taken: None });
            }
        }
    }

    fn close(&mut self, at: Timestamp) {
        let Setting { claim_window, tolerance, .. } = self.setting;
        match self.turns.last_mut() {
            Some(turn) if turn.taken.is_some() => {}
            Some(turn) if self.open => {
                let late: Duration = *claim_window + tolerance.stale;
                turn.lapsed = Some(Span::new(turn.given.from + *claim_window, turn.given.to + late));
                self.open = false;
            }
            _ => {
                self.lost_a_turn(at);
                self.perhaps(at, Duration::ZERO);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{at, fan, setting, told, turn, waiting};
    use super::*;

    #[test]
    fn a_turn_came_between_the_last_wait_and_the_news() {
        let story =
            fan("a", 1).polls(0).sees(5, waiting(1)).sees(9, turn()).sees(10, What::Entered).into_story();
        let turns = story.turns(&setting());
        assert_eq!(turns.len(), 1);
        assert_eq!((turns[0].given, turns[0].taken), (Span::new(at(4), at(9)), Some(at(10))));
    }

    #[test]
    fn whoever_is_connected_hears_at_once() {
        let story = fan("a", 1).connects(0).sees(1, waiting(1)).sees(9, turn()).into_story();
        let turns = story.turns(&setting());
        assert_eq!(turns[0].given, Span::new(at(8), at(9)));
        assert!(turns[0].lapsed.is_some_and(|lapse| lapse.from == at(18)), "{turns:?}");
        let cut = Setting { cut_off: vec![(0, Span::new(at(7), at(9)))], ..setting() };
        assert_eq!(story.turns(&cut)[0].given, Span::new(at(0), at(9)));
    }

    #[test]
    fn a_turn_not_claimed_lapses_and_another_comes() {
        let story = fan("a", 1)
            .polls(0)
            .sees(1, turn())
            .sees(3, waiting(1))
            .sees(13, waiting(1))
            .sees(14, turn())
            .into_story();
        let turns = story.turns(&setting());
        assert_eq!(turns.len(), 2, "{turns:?}");
        assert!(turns[0].lapsed.is_some_and(|lapse| lapse.to == at(13)));
        assert_eq!(turns[1].given, Span::new(at(12), at(14)));
    }

    #[test]
    fn whoever_went_without_a_word_may_have_had_a_turn() {
        let story = fan("a", 1).connects(0).sees(2, waiting(1)).sees(3, What::Went).into_story();
        let turns = story.turns(&setting());
        assert_eq!(turns.len(), 1);
        assert!(!turns[0].sure && turns[0].given == Span::new(at(2), at(6)), "{turns:?}");
    }

    #[test]
    fn presence_ends_where_the_line_cannot_know() {
        let story = fan("a", 1).connects(0).sees(5, waiting(1)).sees(20, turn()).into_story();
        let cut = Setting { cut_off: vec![(0, Span::new(at(7), at(9)))], lost: vec![at(15)], ..setting() };
        let spans = [(0, 7), (9, 20)].map(|(from, to)| Span::new(at(from), at(to)));
        assert_eq!(story.present(&cut), spans);
        let unsure = What::Told(Told { sure: false, ..told(Line::Waiting) });
        let story =
            fan("a", 1).connects(0).sees(1, waiting(1)).sees(50, unsure).sees(51, turn()).into_story();
        assert_eq!(
            story.turns(&Setting { cut_off: vec![(0, Span::new(at(2), at(51)))], ..setting() })[0].given.from,
            at(0)
        );
    }

    #[test]
    fn a_session_lives_while_it_is_used() {
        let used = What::Used { accepted: true };
        let story = fan("a", 1)
            .sees(1, What::Entered)
            .sees(5, used.clone())
            .sees(9, used.clone())
            .sees(80, used.clone())
            .sees(90, What::Finished)
            .sees(91, used)
            .into_story();
        let long = Setting { session_max: Duration::from_secs(200), ..setting() };
        assert_eq!(story.sessions(&long), [Span::new(at(1), at(9)), Span::new(at(80), at(80))]);
        let short = Setting { session_max: Duration::from_secs(7), ..setting() };
        assert_eq!(story.sessions(&short), [Span::new(at(1), at(7))], "no longer than anyone may");
    }
}
