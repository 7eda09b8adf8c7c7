//! All promises, judged from all that is known of a run.

use super::evidence::{Evidence, Setting};
use super::{
    Outcome, Promise, Verdict, arrival, bound, capacity, draw, entry, estimate, exact, order, passage, place,
    position, presence, rate, recovery, seats, steady,
};
use crate::story::Story;

/// A verdict on every promise, in order. What the run was not about, or nothing is known of, is said to be so.
pub fn judge_all(evidence: &Evidence) -> Vec<Verdict> {
    let mut stories = evidence.stories_judged();
    if let Some(draw) = &evidence.draw {
        draw::tell_ranks(&mut stories, draw);
    }
    let stories = stories.as_slice();
    Promise::ALL.iter().map(|promise| judge(*promise, stories, evidence)).collect()
}

fn judge(promise: Promise, stories: &[Story], evidence: &Evidence) -> Verdict {
    let Evidence { setting, strikes, late_ms, .. } = evidence;
    let not_asked = |why: &str| Verdict::new(promise, Outcome::NotAsked(why.to_owned()));
    let set = |judge: &dyn Fn(&Setting) -> Verdict| match setting {
        Some(setting) => judge(setting),
        None => not_asked("what was set is unknown, or others stood in the line too"),
    };
    match promise {
        Promise::Order => order::judge(stories),
        Promise::Rate => set(&|setting| rates(stories, setting, evidence)),
        Promise::Capacity => set(&|setting| capacity::judge(stories, setting.max_active)),
        Promise::Place => place::judge(stories),
        Promise::Arrival => set(&|_| {
            let away: Vec<_> =
                strikes.iter().filter(|s| s.effects.line_away).map(super::Strike::during).collect();
            arrival::judge(stories, &away, *late_ms)
        }),
        Promise::Recovery if strikes.is_empty() => not_asked("nothing failed"),
        Promise::Recovery => recovery::judge(stories),
        Promise::Truth => truth(stories, evidence),
        Promise::Estimate => set(&|setting| estimate::judge(stories, setting, strikes, *late_ms)),
        Promise::NoEntry if evidence.attempts.is_empty() => not_asked("nothing was tried without a turn"),
        Promise::NoEntry => entry::judge(&evidence.attempts),
        Promise::Passage => passage::judge(stories, strikes),
        Promise::Presence => set(&|setting| presence::judge(stories, setting, evidence.line, *late_ms)),
        Promise::OneSeat if evidence.sales.is_none() => not_asked("the shop's figures are unknown"),
        Promise::OneSeat => seats::judge(stories, evidence.sales, evidence.books.as_ref()),
        Promise::FairDraw => match &evidence.draw {
            Some(draw) => draw::judge(stories, draw, *late_ms),
            None => not_asked("there was no pre-queue"),
        },
    }
}

/// P2 by every fan's turn where nothing went wrong and the rate never changed; otherwise from above over the whole run, and
/// from below where it can be told.
fn rates(stories: &[Story], setting: &Setting, evidence: &Evidence) -> Verdict {
    let late_ms = evidence.late_ms;
    match setting.only_rate() {
        Some(expected) if evidence.strikes.is_empty() => rate::judge(stories, expected, late_ms),
        _ => {
            let seen = setting.rates.iter().map(|(from_ms, rate)| (*from_ms, rate.seen_late(late_ms)));
            let above = bound::judge(stories, &seen.collect::<Vec<_>>());
            let stretches = steady::stretches(stories, setting, &evidence.strikes, late_ms);
            both(above, rate::judge_stretches(stories, &stretches, setting.presence_window_ms, late_ms))
        }
    }
}

/// P5 of positions: that they never go up, and that they are right.
fn truth(stories: &[Story], evidence: &Evidence) -> Verdict {
    let never_up = position::judge(stories);
    match &evidence.setting {
        Some(setting) => {
            both(never_up, Some(exact::judge(stories, setting, &evidence.strikes, evidence.late_ms)))
        }
        None => never_up,
    }
}

/// One verdict of two parts of a promise: broken if either is.
fn both(one: Verdict, other: Option<Verdict>) -> Verdict {
    let Some(other) = other else { return one };
    let outcome = match (one.outcome, other.outcome) {
        (Outcome::Broken(mut stories), Outcome::Broken(more)) => {
            stories.extend(more);
            Outcome::Broken(stories)
        }
        (Outcome::Broken(stories), _) | (_, Outcome::Broken(stories)) => Outcome::Broken(stories),
        (Outcome::Kept(one), Outcome::Kept(other)) => Outcome::Kept(format!("{one}; {other}")),
        (kept @ Outcome::Kept(_), _) | (_, kept @ Outcome::Kept(_)) => kept,
        (one, _) => one,
    };
    Verdict::new(one.promise, outcome)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::checks::{Effects, Strike};
    use crate::stack::Room;
    use crate::story::{Asked, Ending, Place, Present, SeenPlace, SeenPosition};

    /// The crowd of a large on-sale.
    const FANS: u64 = 50_000;
    /// Built without optimisation, on a machine that does other things. A check that took the square of the fans would take
    /// hours.
    const AT_MOST: Duration = Duration::from_secs(60);

    /// Fans who come within a minute and are let in by a hundred a second, each shown forty positions on the way.
    fn crowd() -> Vec<Story> {
        let fan = |nth: u64| {
            let (came_ms, told_ms) = (nth * 60_000 / FANS, 2000 + nth * 10);
            // Every tenth was ranked only when the store was back.
            let ranked_ms = if nth.is_multiple_of(10) { (came_ms + 20).max(9000) } else { came_ms + 20 };
            let place = Place { lane: "general".to_owned(), rank: nth, id: nth.to_be_bytes().to_vec() };
            let seen = |look: u64| {
                let at_ms = came_ms + 20 + (told_ms.saturating_sub(came_ms + 20)) * look / 40;
                let position = 1 + nth - (at_ms.saturating_sub(2000) / 10).min(nth);
                let seconds = told_ms.saturating_sub(at_ms) / 1000;
                let wait_s = Some((seconds.saturating_sub(2), seconds + 3));
                SeenPosition { at_ms, position, connection: 1, edge: 0, wait_s }
            };
            let asked = |nth: u64| Asked {
                from_ms: told_ms + nth * 100,
                to_ms: told_ms + nth * 100 + 5,
                edge: 0,
                status: Some(200),
                code: None,
                page: nth == 0,
            };
            Story {
                fan: u32::try_from(nth).unwrap(),
                asked_ms: Some(came_ms),
                answered_ms: Some(came_ms + 20),
                places: vec![SeenPlace { at_ms: ranked_ms, place }],
                positions: if came_ms + 20 < told_ms { (0..40).map(seen).collect() } else { Vec::new() },
                present: vec![Present {
                    from_ms: came_ms + 20,
                    to_ms: told_ms.max(came_ms + 20),
                    edge: 0,
                    deaf_ms: 0,
                }],
                told_ms: Some(told_ms.max(came_ms + 20)),
                told_live: true,
                admitted_ms: Some(told_ms + 10),
                inside: (0..6).map(asked).collect(),
                over_ms: Some(told_ms + 700),
                ending: Ending::LeftEarly,
                ..Story::default()
            }
        };
        (0..FANS).map(fan).collect()
    }

    #[test]
    fn a_large_on_sale_is_judged_in_seconds() {
        let room = Room { burst: 100, ..Room::demo(6000) };
        let effects = Effects { line_away: true, line_failed: true, line_lost: true, ..Effects::default() };
        let strike = Strike { from_ms: 5000, to_ms: 9000, effects, ..Strike::default() };
        let evidence = Evidence {
            stories: crowd(),
            setting: Some(Setting::of(&room)),
            strikes: vec![strike],
            line: Some(crate::checks::LineTotals { admitted: FANS, lapsed: 0 }),
            ..Evidence::default()
        };
        let began = Instant::now();
        let verdicts = judge_all(&evidence);
        let took = began.elapsed();
        for verdict in &verdicts {
            println!("{verdict}");
            assert!(!verdict.outcome.is_bad(), "{verdict}");
        }
        println!("{took:?}");
        assert!(took < AT_MOST, "{took:?}");
    }

    #[test]
    fn nothing_known_is_nothing_asked_but_what_fans_would_have_seen() {
        let verdicts = judge_all(&Evidence::default());
        assert_eq!(verdicts.iter().map(|verdict| verdict.promise).collect::<Vec<_>>(), Promise::ALL);
        let unjudged =
            verdicts.iter().filter(|verdict| verdict.outcome.is_bad()).map(|verdict| verdict.promise);
        assert_eq!(unjudged.collect::<Vec<_>>(), [Promise::Order, Promise::Place, Promise::Truth]);
    }
}
