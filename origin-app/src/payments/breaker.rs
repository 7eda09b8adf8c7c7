//! The circuit breaker before the payment provider. Pure: told the time, never asking for it.
//!
//! ```text
//!            half of at least ten calls failed
//!   closed ────────────────────────────────────▶ open ◀─────────────┐
//!     ▲                                           │ the pause       │ it failed,
//!     │ it was answered                           ▼ is over         │ or never ended
//!     └───────────────────────────────── half open: one call ───────┘
//! ```
//!
//! A call asks before it is made and tells how it ended. What was asked before a change of state says nothing about
//! the state after it, and is not counted.

use std::collections::VecDeque;
use std::time::Duration;

use admission::clock::Timestamp;

/// Most calls that are remembered; of more, the newest count.
const CALLS_MAX: usize = 1024;

/// When the circuit opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerRules {
    /// It opens when this share of the calls failed, in percent …
    pub percent: u32,
    /// … but of so many calls at least …
    pub least: u32,
    /// … that ended within so long.
    pub window: Duration,
    /// How long nobody is asked then.
    pub pause: Duration,
}

/// Leave to make one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    generation: u64,
}

/// What a call's end changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// From now on nobody is asked.
    Opened,
    /// From now on everybody is asked again.
    Closed,
}

#[derive(Debug)]
enum State {
    Closed { calls: VecDeque<(Timestamp, bool)> },
    Open { until: Timestamp },
    HalfOpen { since: Timestamp },
}

/// The circuit.
#[derive(Debug)]
pub struct Breaker {
    rules: BreakerRules,
    state: State,
    /// Counts the changes of state.
    generation: u64,
}

impl Breaker {
    /// A circuit that is closed.
    pub fn new(rules: BreakerRules) -> Self {
        Self { rules, state: State::Closed { calls: VecDeque::new() }, generation: 0 }
    }

    /// Asks to make a call now; nothing where none is to be made.
    pub fn ask(&mut self, now: Timestamp) -> Option<Permit> {
        match self.state {
            State::Closed { .. } => {}
            State::Open { until } if now < until => return None,
            // A trial that never told its end must not keep the circuit half open for ever.
            State::HalfOpen { since } if now.since(since) < self.rules.pause => return None,
            State::Open { .. } | State::HalfOpen { .. } => self.change(State::HalfOpen { since: now }),
        }
        Some(Permit { generation: self.generation })
    }

    /// Tells how the call ended that was made with `permit`, and gives what that changed.
    pub fn tell(&mut self, permit: Permit, answered: bool, now: Timestamp) -> Option<Change> {
        if permit.generation != self.generation {
            return None;
        }
        let open = match &mut self.state {
            State::Closed { calls } => {
                calls.push_back((now, answered));
                let window = self.rules.window;
                while calls.len() > CALLS_MAX || calls.front().is_some_and(|(at, _)| now.since(*at) > window)
                {
                    calls.pop_front();
                }
                let failed = calls.iter().filter(|(_, answered)| !answered).count();
                let enough = calls.len() >= self.rules.least as usize;
                if !enough || failed * 100 < calls.len() * self.rules.percent as usize {
                    return None;
                }
                true
            }
            State::HalfOpen { .. } => !answered,
            State::Open { .. } => return None,
        };
        if open {
            self.change(State::Open { until: now + self.rules.pause });
            Some(Change::Opened)
        } else {
            self.change(State::Closed { calls: VecDeque::new() });
            Some(Change::Closed)
        }
    }

    /// `closed`, `open` or `half_open`.
    pub fn state(&self) -> &'static str {
        match self.state {
            State::Closed { .. } => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half_open",
        }
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BreakerRules = BreakerRules {
        percent: 50,
        least: 10,
        window: Duration::from_secs(30),
        pause: Duration::from_secs(30),
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + seconds * 1000)
    }

    fn call(breaker: &mut Breaker, answered: bool, now: Timestamp) -> Option<Change> {
        let permit = breaker.ask(now).unwrap();
        breaker.tell(permit, answered, now)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(RULES);
        for turn in 0..10 {
            let change = call(&mut breaker, false, at(0));
            assert_eq!(change, (turn == 9).then_some(Change::Opened), "{turn}");
        }
        breaker
    }

    #[test]
    fn half_of_ten_calls_open_it_and_fewer_do_not() {
        let mut breaker = Breaker::new(RULES);
        for turn in 0..9 {
            assert_eq!(call(&mut breaker, false, at(0)), None, "{turn}: nine are too few to judge");
        }
        let mut breaker = Breaker::new(RULES);
        for turn in 0..100 {
            // Three of five are answered.
            assert_eq!(call(&mut breaker, turn % 5 < 3, at(0)), None, "{turn}");
        }
        let mut breaker = Breaker::new(RULES);
        for turn in 0..9 {
            assert_eq!(call(&mut breaker, turn % 2 == 0, at(0)), None, "{turn}");
        }
        assert_eq!(call(&mut breaker, false, at(0)), Some(Change::Opened), "five of ten");
    }

    #[test]
    fn old_calls_do_not_count() {
        let mut breaker = Breaker::new(RULES);
        for _ in 0..9 {
            call(&mut breaker, false, at(0));
        }
        assert_eq!(call(&mut breaker, false, at(31)), None);
        assert_eq!(breaker.state(), "closed");
    }

    #[test]
    fn open_it_asks_nobody_for_thirty_seconds_and_then_one() {
        let mut breaker = opened();
        assert_eq!((breaker.ask(at(29)), breaker.state()), (None, "open"));
        let trial = breaker.ask(at(30)).unwrap();
        assert_eq!((breaker.ask(at(30)), breaker.state()), (None, "half_open"));
        assert_eq!(breaker.tell(trial, true, at(31)), Some(Change::Closed));
        assert!(breaker.ask(at(31)).is_some() && breaker.ask(at(31)).is_some());
    }

    #[test]
    fn a_trial_that_fails_opens_it_again() {
        let mut breaker = opened();
        let trial = breaker.ask(at(30)).unwrap();
        assert_eq!(breaker.tell(trial, false, at(33)), Some(Change::Opened));
        assert_eq!(breaker.ask(at(62)), None);
        assert!(breaker.ask(at(63)).is_some());
    }

    #[test]
    fn a_trial_that_never_ends_is_followed_by_another() {
        let mut breaker = opened();
        let lost = breaker.ask(at(30)).unwrap();
        assert_eq!(breaker.ask(at(59)), None);
        let second = breaker.ask(at(60)).unwrap();
        assert_eq!(breaker.tell(lost, true, at(61)), None, "another generation");
        assert_eq!(breaker.tell(second, true, at(61)), Some(Change::Closed));
    }

    #[test]
    fn what_was_asked_before_it_opened_says_nothing_after() {
        let mut breaker = Breaker::new(RULES);
        let early = breaker.ask(at(0)).unwrap();
        for _ in 0..10 {
            call(&mut breaker, false, at(0));
        }
        assert_eq!(breaker.tell(early, true, at(1)), None);
        assert_eq!(breaker.state(), "open");
    }
}
