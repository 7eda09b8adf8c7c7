//! The circuit breaker of one instance of the shop. Pure: told the time, never asking for it.
//!
//! ```text
//!            too many failures, or too much of them slow
//!   closed ─────────────────────────────────────────────▶ open ◀──────────┐
//!     ▲                                                    │ the pause    │ one trial fails:
//!     │ enough trials were good                            ▼ is over      │ twice the pause
//!     └──────────────────────────────────────────── half open ───────────┘
//! ```
//!
//! A request asks before it is sent, and tells how it ended. What was sent before a change of state says nothing about
//! the state after it, and is not counted.

use std::collections::VecDeque;
use std::time::Duration;

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
    /// How many trials have to be good, one at a time, before everything is sent again.
    pub trials: u32,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer, in time.
    Good,
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
    /// Whether much hangs on it.
    pub is_trial: bool,
}

/// Requests of one stretch of time.
#[derive(Clone, Copy, Debug)]
struct Slice {
    from: Duration,
    all: u32,
    bad: u32,
}

/// Into how many stretches the window is divided.
const SLICES: u32 = 10;

#[derive(Clone, Debug)]
enum State {
    Closed { silent_in_a_row: u32, slices: VecDeque<Slice> },
    Open { until: Duration },
    HalfOpen { on_trial: bool, good: u32 },
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
        Self { rules, state: closed(), generation: 0, pause }
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
            self.change(State::HalfOpen { on_trial: false, good: 0 });
        }
        let is_trial = match &mut self.state {
            // Whoever asks meanwhile may be luckier elsewhere, or in a moment.
            State::HalfOpen { on_trial: true, .. } => return Err(self.rules.pause),
            State::HalfOpen { on_trial, .. } => {
                *on_trial = true;
                true
            }
            State::Closed { .. } | State::Open { .. } => false,
        };
        Ok(Permit { generation: self.generation, is_trial })
    }

    /// Tells how the request ended that was sent with `permit`. Whether the circuit opened or closed by it.
    pub fn tell(&mut self, now: Duration, permit: Permit, outcome: Outcome) -> Option<Change> {
        if permit.generation != self.generation {
            return None;
        }
        let rules = self.rules.clone();
        match &mut self.state {
            State::Open { .. } => None,
            State::HalfOpen { on_trial, good } => {
                *on_trial = false;
                match outcome {
                    Outcome::Unknown => None,
                    Outcome::Bad | Outcome::Silent => {
                        self.pause = (self.pause * 2).min(rules.pause_max);
                        Some(self.open(now))
                    }
                    Outcome::Good => {
                        *good += 1;
                        if *good < rules.trials {
                            return None;
                        }
                        self.pause = rules.pause;
                        self.change(closed());
                        Some(Change::Closed)
                    }
                }
            }
            State::Closed { silent_in_a_row, slices } => {
                match outcome {
                    Outcome::Unknown => return None,
                    Outcome::Silent => *silent_in_a_row += 1,
                    Outcome::Good | Outcome::Bad => *silent_in_a_row = 0,
                }
                count(slices, now, rules.window, outcome != Outcome::Good);
                if outcome == Outcome::Good {
                    return None;
                }
                let (all, bad) =
                    slices.iter().fold((0, 0), |(all, bad), slice| (all + slice.all, bad + slice.bad));
                let too_many =
                    all >= rules.least && u64::from(bad) * 100 >= u64::from(all) * u64::from(rules.percent);
                (*silent_in_a_row >= rules.failures || too_many).then(|| self.open(now))
            }
        }
    }

    /// Whether requests are sent as if nothing had ever happened.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// The state in a word.
    pub const fn state(&self) -> &'static str {
        match self.state {
            State::Closed { .. } => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half_open",
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

fn closed() -> State {
    State::Closed { silent_in_a_row: 0, slices: VecDeque::new() }
}

fn count(slices: &mut VecDeque<Slice>, now: Duration, window: Duration, is_bad: bool) {
    while slices.front().is_some_and(|slice| slice.from + window <= now) {
        slices.pop_front();
    }
    let is_new = slices.back().is_none_or(|slice| slice.from + window / SLICES <= now);
    if is_new {
        slices.push_back(Slice { from: now, all: 0, bad: 0 });
    }
    if let Some(slice) = slices.back_mut() {
        slice.all += 1;
        slice.bad += u32::from(is_bad);
    }
}

#[cfg(test)]
mod tests;
