//! What a room does for the fans who wait in it now, under rules that it might have. Pure.
//!
//! Turns are given at the rate while there are places; once they are taken, as fast as sessions end. That is a curve that
//! can be written down, and the last fan is in when it has given as many turns as fans wait.

mod words;

use std::time::Duration;

use admission::rules::Phase;

pub(super) use words::{number, words};

/// Fewer sessions that ended say nothing about how long fans stay.
const ENDED_MIN: f64 = 3.0;
/// Fewer turns say nothing about how many are not taken.
const GIVEN_MIN: f64 = 10.0;
/// The share of fans who leave before their turn, where it is not known and at most.
const GONE_UNKNOWN: f64 = 0.3;
const GONE_MAX: f64 = 0.7;
/// How much faster and slower than its rate a drain may be.
const FASTER: f64 = 1.03;
const SLOWER: f64 = 0.97;

/// How a line moved lately.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Observed {
    /// For so long.
    pub(super) seconds: f64,
    /// Turns given.
    pub(super) given: f64,
    /// Turns that nobody claimed.
    pub(super) lapsed: f64,
    /// Fans who left the line without a turn.
    pub(super) gone: f64,
    /// Sessions that ended.
    pub(super) ended: f64,
    /// Fans inside, on average.
    pub(super) inside: f64,
}

/// A room now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Now {
    /// Fans who wait.
    pub(super) waiting: u64,
    /// Fans with a session or a turn.
    pub(super) inside: u64,
    /// How it moved lately, if that can be told.
    pub(super) lately: Option<Observed>,
}

/// Rules that it has, or might have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// What mode and times come to.
    pub(super) phase: Phase,
    /// How long it is until it opens.
    pub(super) opens_in: Duration,
    /// Fans a minute.
    pub(super) rate: u64,
    /// Most fans inside.
    pub(super) places: u64,
    /// How long a fan may stay without a request.
    pub(super) session: Duration,
}

/// What holds the line back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// The rate.
    Rate,
    /// The places inside: turns are given as sessions end.
    Places,
    /// Nobody is admitted, by the mode, by the times, or by a rate or a number of places of zero.
    Nobody,
    /// Nobody has to wait.
    Nothing,
}

/// What comes of terms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effect {
    /// What holds the line back in the end.
    pub(super) limit: Limit,
    /// Fans a minute who are let in, in the end.
    pub(super) per_minute: f64,
    /// Seconds until the last of those who wait now is in: hardly less, hardly more. Nothing where nobody is let in.
    pub(super) last: Option<(f64, f64)>,
    /// Fans inside, when the last of those who wait now comes in.
    pub(super) inside: f64,
}

impl Observed {
    /// How long fans stay, in seconds; by Little's law, as many are inside as come in that time.
    fn stay(&self) -> Option<f64> {
        (self.ended >= ENDED_MIN && self.seconds > 0.0).then(|| self.inside * self.seconds / self.ended)
    }

    /// The share of those in the line who do not come in when it is their turn.
    fn absent(&self) -> Option<f64> {
        let left = self.given + self.gone;
        (left >= GIVEN_MIN).then(|| ((self.gone + self.lapsed) / left).clamp(0.0, GONE_MAX))
    }
}

/// What comes of `terms` for those who wait now.
pub(super) fn forecast(now: &Now, terms: &Terms) -> Effect {
    let inside = now.inside as f64;
    let nobody = Effect { limit: Limit::Nobody, per_minute: 0.0, last: None, inside };
    match terms.phase {
        Phase::Paused | Phase::Closed => return nobody,
        Phase::Off => return Effect { limit: Limit::Nothing, last: Some((0.0, 0.0)), ..nobody },
        _ => {}
    }
    if terms.rate == 0 || terms.places == 0 {
        return nobody;
    }
    let rate = terms.rate as f64 / 60.0;
    let lately = now.lately.unwrap_or_default();
    let stay = lately.stay();
    let waiting = now.waiting as f64;
    let absent = lately.absent();
    let curve = |rate: f64, stay: Option<f64>| Curve { rate, inside, places: terms.places as f64, stay };
    let high = curve(rate * SLOWER, Some(stay.unwrap_or(terms.session.as_secs_f64())));
    let low = curve(rate * FASTER, stay);
    let few = waiting * (1.0 - absent.unwrap_or(GONE_UNKNOWN));
    let opens_in = terms.opens_in.as_secs_f64();
    let last = (waiting > 0.0).then(|| (low.until(few) + opens_in, high.until(waiting) + opens_in));
    let likely = curve(rate, Some(stay.unwrap_or(terms.session.as_secs_f64())));
    let (limit, per_second) = likely.in_the_end(waiting);
    Effect {
        limit,
        per_minute: per_second * 60.0,
        last: last.or(Some((opens_in, opens_in))),
        inside: likely.inside_after(likely.until(waiting)),
    }
}

/// Turns over time, a second.
struct Curve {
    rate: f64,
    inside: f64,
    places: f64,
    /// How long fans stay; nothing where places are no limit.
    stay: Option<f64>,
}

impl Curve {
    /// As many as end their sessions in a second while all places are taken.
    fn freed(&self) -> f64 {
        self.stay.map_or(f64::INFINITY, |stay| self.places / stay.max(0.001))
    }

    /// When all places are taken, and how many were let in until then; never, where they never are. And before that,
    /// when the first one is free, where there are more inside than places.
    fn full(&self) -> (f64, Option<(f64, f64)>) {
        let Some(stay) = self.stay.filter(|_| self.freed() < self.rate) else {
            return (self.free_at(), None);
        };
        if self.inside >= self.places {
            return (self.free_at(), Some((self.free_at(), 0.0)));
        }
        let all = self.rate * stay;
        let at = stay * ((all - self.inside) / (all - self.places)).ln();
        (0.0, Some((at, self.rate * at)))
    }

    fn free_at(&self) -> f64 {
        match self.stay {
            Some(stay) if self.inside > self.places => stay * (self.inside / self.places).ln(),
            _ => 0.0,
        }
    }

    /// Seconds until so many are let in.
    fn until(&self, fans: f64) -> f64 {
        match self.full() {
            (_, Some((at, let_in))) if fans > let_in => at + (fans - let_in) / self.freed(),
            (from, _) => from + fans / self.rate,
        }
    }

    /// What holds them back when the last of so many comes, and how many a second come then.
    fn in_the_end(&self, fans: f64) -> (Limit, f64) {
        match self.full() {
            (_, Some((_, let_in))) if fans > let_in => (Limit::Places, self.freed()),
            _ => (Limit::Rate, self.rate),
        }
    }

    /// How many are inside after so many seconds in which there was always somebody to let in.
    fn inside_after(&self, seconds: f64) -> f64 {
        let Some(stay) = self.stay else { return self.inside + self.rate * seconds };
        let all = self.rate * stay;
        (all + (self.inside - all) * (-seconds / stay).exp()).min(self.places.max(self.inside))
    }
}

#[cfg(test)]
mod tests;
