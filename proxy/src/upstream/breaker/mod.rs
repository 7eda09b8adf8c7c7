//! The circuit breaker of one instance of the shop. Pure: told the time, never asking for it.
//!
//! ```text
//!            too many failures, or too much of them slow
//!   closed ─────────────────────────────────────────────▶ open ◀──────────┐
//!     ▲                                                    │ the pause    │ one trial fails, or too much
//!     │ enough trials were good,                           ▼ is over      │ later on: twice the pause
//!     │ and nobody had to be refused for a window     half open ──────────┘
//!     └────────────────────────────────────────────────────┘
//! ```
//!
//! While it is half open, one request at a time is a trial. After enough good ones so many are let through at once as the
//! shop answers briskly: brisk answers make room for more, one that failed halves the room. For whoever was inside
//! while the shop was away asks again and again; all of them at once would bring down what has just come back.
//!
//! A request asks before it is sent, and tells how it ended. What was sent before a change of state says nothing about
//! the state after it, and is not counted.

mod ramp;
mod recent;

use std::time::Duration;

use ramp::{Ramp, Verdict};
use recent::Recent;

/// When the circuit opens, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerRules {
    /// So many requests one after the other without any answer.
    pub failures: u32,
    /// This share of the requests of the last `window`, in percent, failed or slow.
    pub percent: u32,
    /// But of so many requests at least.
    pub least: u32,
    /// How far back that share looks.
    pub window: Duration,
    /// An answer that begins later than this is slow.
    pub slow: Duration,
    /// How long nothing is sent, the first time.
    pub pause: Duration,
    /// How long nothing is sent at most: each trial that fails doubles the pause.
    pub pause_max: Duration,
    /// How many trials have to be good, one at a time, before more is sent.
    pub trials: u32,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer, at once.
    Good,
    /// With an answer in time, but so late that more requests at once would be too many.
    Late,
    /// With an answer that says that the shop has failed, or with one that came late.
    Bad,
    /// With no answer: no connection, a connection that broke, a timeout.
    Silent,
    /// With nothing that says anything about the shop: the client went away.
    Unknown,
}

/// Leave to send one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    generation: u64,
    /// Of the ramp, while the circuit is half open.
    epoch: u32,
}

#[derive(Clone, Debug)]
enum State {
    Closed(Recent),
    Open { until: Duration },
    HalfOpen(Ramp),
}

/// The circuit of one instance.
#[derive(Clone, Debug)]
pub struct Breaker {
    rules: BreakerRules,
    state: State,
    /// Counts the changes of state.
    generation: u64,
    /// The pause in force, or the next one.
    pause: Duration,
}

impl Breaker {
    /// A circuit that is closed.
    pub fn new(rules: BreakerRules) -> Self {
        let pause = rules.pause;
        Self { rules, state: State::Closed(Recent::default()), generation: 0, pause }
    }

    /// Asks to send a request now. All times are counted from one moment, whichever it is.
    ///
    /// # Errors
    /// How long to wait before it makes sense to ask again.
    pub fn ask(&mut self, now: Duration) -> Result<Permit, Duration> {
        if let State::Open { until } = self.state {
            if now < until {
                return Err(until - now);
            }
            self.change(State::HalfOpen(Ramp::default()));
        }
        let epoch = match &mut self.state {
            // Whoever asks meanwhile may be luckier elsewhere, or in a moment.
            State::HalfOpen(ramp) => ramp.send(now).ok_or(self.rules.pause)?,
            State::Closed(_) | State::Open { .. } => 0,
        };
        Ok(Permit { generation: self.generation, epoch })
    }

    /// Tells how the request ended that was sent with `permit`. Whether the circuit opened or closed by it.
    pub fn tell(&mut self, now: Duration, permit: Permit, outcome: Outcome) -> Option<Change> {
        if permit.generation != self.generation {
            return None;
        }
        match &mut self.state {
            State::Open { .. } => None,
            State::HalfOpen(ramp) => match ramp.tell(&self.rules, now, permit.epoch, outcome) {
                Verdict::Fails => {
                    self.pause = (self.pause * 2).min(self.rules.pause_max);
                    Some(self.open(now))
                }
                Verdict::IsWell => {
                    self.pause = self.rules.pause;
                    self.change(State::Closed(Recent::default()));
                    Some(Change::Closed)
                }
                Verdict::GoesOn => None,
            },
            State::Closed(recent) => recent.tell(&self.rules, now, outcome).then(|| self.open(now)),
        }
    }

    /// Whether requests are sent as if nothing had ever happened.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed(_))
    }

    /// The state in a word.
    pub const fn state(&self) -> &'static str {
        match self.state {
            State::Closed(_) => "closed",
            State::Open { .. } => "open",
            State::HalfOpen(_) => "half_open",
        }
    }

    fn open(&mut self, now: Duration) -> Change {
        self.change(State::Open { until: now + self.pause });
        Change::Opened(self.pause)
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

/// A change of state that operators hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing is sent for so long.
    Opened(Duration),
    /// Everything is sent again.
    Closed,
}

#[cfg(test)]
mod tests;
