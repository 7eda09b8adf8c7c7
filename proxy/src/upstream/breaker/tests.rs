use std::collections::VecDeque;

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
    assert_eq!(send(&mut breaker, at(2100), Outcome::Good), None);
    assert_eq!(send(&mut breaker, at(2200), Outcome::Late), None);
    assert_eq!(send(&mut breaker, at(2300), Outcome::Good), Some(Change::Closed));
    assert!(breaker.is_closed());
    let mut breaker = opened(at(0));
    breaker.ask(at(2000)).unwrap();
    assert_eq!(breaker.ask(at(2000)), Err(rules().pause), "one at a time");
}

/// A half-open circuit after its trials, at which somebody was refused meanwhile.
fn half_open(now: Duration) -> Breaker {
    let mut breaker = opened(now);
    let now = now + rules().pause;
    let trial = breaker.ask(now).unwrap();
    assert!(breaker.ask(now).is_err());
    assert_eq!(breaker.tell(now, trial, Outcome::Good), None);
    for _ in 1..rules().trials {
        assert_eq!(send(&mut breaker, now, Outcome::Good), None);
    }
    breaker
}

/// As many as may be under way at once.
fn fill(breaker: &mut Breaker, now: Duration) -> Vec<Permit> {
    std::iter::from_fn(|| breaker.ask(now).ok()).collect()
}

#[test]
fn a_crowd_is_let_through_as_fast_as_the_shop_answers_it() {
    let mut breaker = half_open(at(0));
    let mut now = at(2000);
    for room in [2, 4, 8, 16, 32] {
        now += at(100);
        let permits = fill(&mut breaker, now);
        assert_eq!(permits.len(), room);
        for permit in permits {
            assert_eq!(breaker.tell(now, permit, Outcome::Good), None);
        }
    }
    // It answers, but no faster than this.
    for permit in fill(&mut breaker, now) {
        assert_eq!(breaker.tell(now, permit, Outcome::Late), None);
    }
    let permits = fill(&mut breaker, now);
    assert_eq!(permits.len(), 64);
    // One stumble fails many: it halves the room once.
    for (n, permit) in permits.into_iter().enumerate() {
        let outcome = if n % 8 == 0 { Outcome::Bad } else { Outcome::Late };
        assert_eq!(breaker.tell(now, permit, outcome), None);
    }
    // From now on it grows by one with as many answers as there is room.
    for room in [32, 33, 34] {
        let permits = fill(&mut breaker, now);
        assert_eq!(permits.len(), room);
        for permit in permits {
            assert_eq!(breaker.tell(now, permit, Outcome::Good), None);
        }
    }
    assert!(!breaker.is_closed());
    // All who come have had room for a whole window.
    now += rules().window;
    let last = breaker.ask(now).unwrap();
    assert_eq!(breaker.tell(now, last, Outcome::Bad), None, "a failure never closes it");
    assert_eq!(send(&mut breaker, now, Outcome::Good), Some(Change::Closed));
}

/// A shop that answers ten at once and refuses the eleventh at once, and a crowd that never ends.
#[test]
fn a_shop_that_refuses_what_is_too_much_is_kept_busy_and_not_left_alone() {
    let mut breaker = half_open(at(0));
    let mut under_way: VecDeque<Permit> = VecDeque::new();
    let (mut answered, mut refused) = (0, 0);
    for millis in 2000..12_000 {
        // Each answer takes 20 ms: one every other millisecond.
        if millis % 2 == 0
            && let Some(permit) = under_way.pop_front()
        {
            assert_eq!(breaker.tell(at(millis), permit, Outcome::Good), None);
            answered += 1;
        }
        for _ in 0..20 {
            let Ok(permit) = breaker.ask(at(millis)) else { break };
            if under_way.len() < 10 {
                under_way.push_back(permit);
            } else {
                refused += 1;
                assert_eq!(breaker.tell(at(millis), permit, Outcome::Bad), None, "{answered} {refused}");
            }
        }
    }
    assert!(answered > 4500 && refused < 500, "{answered} answered, {refused} refused");
}

#[test]
fn a_shop_that_fails_the_crowd_again_is_left_alone_for_longer() {
    let mut breaker = half_open(at(0));
    let now = at(3000);
    let mut opened = None;
    for _ in 0..rules().least {
        opened = opened.or(send(&mut breaker, now, Outcome::Bad));
    }
    assert_eq!(opened, Some(Change::Opened(rules().pause * 2)));
    assert!(breaker.ask(now + rules().pause).is_err());
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
    let outcome = prop_oneof![
        3 => Just(Outcome::Good),
        1 => Just(Outcome::Late),
        1 => Just(Outcome::Bad),
        1 => Just(Outcome::Silent),
        1 => Just(Outcome::Unknown),
    ];
    let step = prop_oneof![
        2 => (0_u64..5000).prop_map(Step::Wait),
        5 => Just(Step::Ask),
        5 => (outcome, any::<bool>()).prop_map(|(outcome, oldest)| Step::End(outcome, oldest)),
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    /// Whatever happens: nothing is sent while the circuit is open; one trial at a time; no more at once than twice what was
    /// answered; a refusal names a wait that is not longer than the longest pause; only failures open it, only answers
    /// close it; and a shop that is well is served again.
    #[test]
    fn rules_hold_whatever_happens(steps in steps()) {
        let rules = rules();
        let mut breaker = Breaker::new(rules.clone());
        let mut now = at(0);
        let mut open_until = None;
        // Since it was last open.
        let mut answered = 0;
        let mut under_way: VecDeque<Permit> = VecDeque::new();
        for step in steps {
            match step {
                Step::Wait(millis) => now += at(millis),
                Step::Ask => match breaker.ask(now) {
                    Ok(permit) => {
                        prop_assert!(open_until.is_none_or(|until| now >= until), "sent though it is open");
                        if !breaker.is_closed() {
                            let others =
                                under_way.iter().filter(|other| other.generation == permit.generation).count();
                            let most = if answered < rules.trials { 0 } else { answered };
                            prop_assert!(others <= most as usize, "{others} beside it, {answered} answered");
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
                            answered = 0;
                            prop_assert!(matches!(outcome, Outcome::Bad | Outcome::Silent));
                            prop_assert!(pause >= rules.pause && pause <= rules.pause_max);
                            open_until = Some(now + pause);
                        }
                        Some(Change::Closed) => {
                            prop_assert!(!was_closed && matches!(outcome, Outcome::Good | Outcome::Late));
                            open_until = None;
                        }
                        None => {
                            prop_assert_eq!(was_closed, breaker.is_closed());
                            let is_answered = matches!(outcome, Outcome::Good | Outcome::Late);
                            answered += u32::from(!was_closed && is_answered && permit.generation == breaker.generation);
                        }
                    }
                }
            }
        }
        // A shop that is well from now on.
        now += rules.pause_max.max(rules.window);
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
