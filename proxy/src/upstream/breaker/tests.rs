use proptest::prelude::*;

use super::*;

fn rules() -> BreakerRules {
    BreakerRules {
        failures: 5,
        percent: 50,
        least: 20,
        window: Duration::from_secs(10),
        slow: Duration::from_secs(5),
        pause: Duration::from_secs(2),
        pause_max: Duration::from_secs(30),
        trials: 3,
    }
}

const fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sends one request that ends at once.
fn send(breaker: &mut Breaker, now: Duration, outcome: Outcome) -> Option<Change> {
    let permit = breaker.ask(now).unwrap();
    breaker.tell(now, permit, outcome)
}

/// A circuit that opened at `now`.
fn opened(now: Duration) -> Breaker {
    let mut breaker = Breaker::new(rules());
    for _ in 0..4 {
        assert_eq!(send(&mut breaker, now, Outcome::Silent), None);
    }
    assert_eq!(send(&mut breaker, now, Outcome::Silent), Some(Change::Opened(rules().pause)));
    breaker
}

#[test]
fn silence_opens_at_once_and_an_answer_ends_the_count() {
    opened(at(0));
    let mut breaker = Breaker::new(rules());
    for n in 0..40 {
        let outcome = if n % 5 == 4 { Outcome::Good } else { Outcome::Silent };
        // Far enough apart that the share says nothing.
        assert_eq!(send(&mut breaker, at(n * 1000), outcome), None);
    }
}

#[test]
fn half_of_many_opens_and_half_of_few_does_not() {
    let mut breaker = Breaker::new(rules());
    for n in 0..19 {
        let outcome = if n % 2 == 0 { Outcome::Bad } else { Outcome::Good };
        assert_eq!(send(&mut breaker, at(n), outcome), None);
    }
    assert_eq!(send(&mut breaker, at(19), Outcome::Good), None, "a good one never opens it");
    assert!(matches!(send(&mut breaker, at(20), Outcome::Bad), Some(Change::Opened(_))));
    // What is longer ago than the window does not count.
    let mut breaker = Breaker::new(rules());
    for n in 0..19 {
        assert_eq!(send(&mut breaker, at(n), Outcome::Bad), None);
    }
    assert_eq!(send(&mut breaker, at(11_500), Outcome::Bad), None);
}

#[test]
fn one_trial_at_a_time_and_three_good_ones_close() {
    let mut breaker = opened(at(0));
    assert_eq!(breaker.ask(at(1999)), Err(at(1)));
    let trial = breaker.ask(at(2000)).unwrap();
    assert!(trial.is_trial && breaker.ask(at(2000)).is_err());
    assert_eq!(breaker.tell(at(2100), trial, Outcome::Good), None);
    assert_eq!(send(&mut breaker, at(2200), Outcome::Good), None);
    assert_eq!(send(&mut breaker, at(2300), Outcome::Good), Some(Change::Closed));
    assert!(breaker.is_closed());
}

#[test]
fn a_trial_that_fails_doubles_the_pause_and_one_without_an_end_frees_the_next() {
    let mut breaker = opened(at(0));
    let mut now = at(0);
    for pause in [2, 4, 8, 16, 30, 30] {
        now += at(pause * 1000);
        assert_eq!(send(&mut breaker, now, Outcome::Unknown), None);
        let next = rules().pause_max.min(at(pause * 2000));
        assert_eq!(send(&mut breaker, now, Outcome::Bad), Some(Change::Opened(next)));
        assert_eq!(breaker.ask(now), Err(next));
    }
}

#[test]
fn what_was_sent_before_says_nothing_afterwards() {
    let mut breaker = Breaker::new(rules());
    let old = breaker.ask(at(0)).unwrap();
    for _ in 0..5 {
        send(&mut breaker, at(0), Outcome::Silent);
    }
    let trial = breaker.ask(at(2000)).unwrap();
    assert_eq!(breaker.tell(at(2000), old, Outcome::Silent), None);
    assert!(breaker.ask(at(2000)).is_err(), "the trial is still on");
    assert_eq!(breaker.tell(at(2000), trial, Outcome::Good), None);
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Ask,
    /// Ends the request that has been under way for the longest, or the latest one.
    End(Outcome, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome =
        prop_oneof![Just(Outcome::Good), Just(Outcome::Bad), Just(Outcome::Silent), Just(Outcome::Unknown)];
    let step = prop_oneof![
        2 => (0_u64..5000).prop_map(Step::Wait),
        5 => Just(Step::Ask),
        5 => (outcome, any::<bool>()).prop_map(|(outcome, oldest)| Step::End(outcome, oldest)),
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    /// Whatever happens: nothing is sent while the circuit is open; one trial at a time; a refusal names a wait that is
    /// not longer than the longest pause; only failures open it; and a shop that is well is served again.
    #[test]
    fn rules_hold_whatever_happens(steps in steps()) {
        let rules = rules();
        let mut breaker = Breaker::new(rules.clone());
        let mut now = at(0);
        let mut open_until = None;
        let mut under_way: VecDeque<Permit> = VecDeque::new();
        for step in steps {
            match step {
                Step::Wait(millis) => now += at(millis),
                Step::Ask => match breaker.ask(now) {
                    Ok(permit) => {
                        prop_assert!(open_until.is_none_or(|until| now >= until), "sent though it is open");
                        if permit.is_trial {
                            let others = under_way.iter().filter(|other| {
                                other.is_trial && other.generation == permit.generation
                            });
                            prop_assert_eq!(others.count(), 0, "two trials at once");
                        }
                        under_way.push_back(permit);
                    }
                    Err(wait) => {
                        prop_assert!(!breaker.is_closed(), "refused though it is closed");
                        prop_assert!(wait <= rules.pause_max && wait > at(0));
                    }
                },
                Step::End(outcome, oldest) => {
                    let permit = if oldest { under_way.pop_front() } else { under_way.pop_back() };
                    let Some(permit) = permit else { continue };
                    let was_closed = breaker.is_closed();
                    match breaker.tell(now, permit, outcome) {
                        Some(Change::Opened(pause)) => {
                            prop_assert!(matches!(outcome, Outcome::Bad | Outcome::Silent));
                            prop_assert!(pause >= rules.pause && pause <= rules.pause_max);
                            open_until = Some(now + pause);
                        }
                        Some(Change::Closed) => {
                            prop_assert!(!was_closed && outcome == Outcome::Good && permit.is_trial);
                            open_until = None;
                        }
                        None => prop_assert_eq!(was_closed, breaker.is_closed()),
                    }
                }
            }
        }
        // A shop that is well from now on.
        now += rules.pause_max;
        for permit in under_way {
            breaker.tell(now, permit, Outcome::Unknown);
        }
        for _ in 0..rules.trials {
            let permit = breaker.ask(now);
            prop_assert!(permit.is_ok());
            breaker.tell(now, permit.unwrap(), Outcome::Good);
        }
        // What was closed all along may still remember failures; it opens by failures only.
        prop_assert!(breaker.is_closed());
    }
}
