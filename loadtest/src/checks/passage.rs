//! P7: with the store down, admitted fans go on.

use super::evidence::Strike;
use super::{Outcome, Promise, Verdict, seconds};
use crate::story::{Asked, Story};

/// What the edge calls a request that has to wait its turn.
const WAIT_YOUR_TURN: &str = "waiting_room";

/// Judges what fans inside were answered while the line could not be asked.
pub fn judge(stories: &[Story], strikes: &[Strike]) -> Verdict {
    if strikes.iter().all(|strike| !strike.effects.line_failed) {
        return Verdict::new(Promise::Passage, Outcome::NotAsked("the store never failed".to_owned()));
    }
    let mut answered = 0_usize;
    let mut broken = Vec::new();
    for story in stories {
        for asked in &story.inside {
            let Some(strike) = strikes.iter().find(|strike| is_during(strike, asked)) else { continue };
            if strikes.iter().any(|strike| is_excused(strike, asked)) {
                continue;
            }
            match wrong(asked, strikes) {
                None => answered += 1,
                Some(wrong) => broken.push(format!(
                    "fan {}, let in at {}, asked proxy-{} at {}: {wrong}, while {}",
                    story.fan,
                    story.admitted_ms.map_or_else(|| "no time".to_owned(), seconds),
                    asked.edge + 1,
                    seconds(asked.from_ms),
                    strike.told,
                )),
            }
        }
    }
    let outcome = match (answered, broken.is_empty()) {
        (0, true) => {
            Outcome::NotAsked("nobody inside asked for anything while the store was away".to_owned())
        }
        _ => Outcome::of(broken, || {
            format!("{answered} requests of fans inside were answered while the store was away")
        }),
    };
    Verdict::new(Promise::Passage, outcome)
}

/// Whether all of it happened while the line failed.
fn is_during(strike: &Strike, asked: &Asked) -> bool {
    strike.effects.line_failed && strike.during().contains(&asked.from_ms)
}

/// Whether that edge did not run at some time of it.
fn is_excused(strike: &Strike, asked: &Asked) -> bool {
    strike.effects.edges_down.contains(&asked.edge) && meets(strike, asked)
}

const fn meets(strike: &Strike, asked: &Asked) -> bool {
    strike.from_ms <= asked.to_ms && asked.from_ms <= strike.to_ms
}

/// What is wrong with an answer, if anything is.
fn wrong(asked: &Asked, strikes: &[Strike]) -> Option<String> {
    let shop_failed = || strikes.iter().any(|strike| strike.effects.shop_failed && meets(strike, asked));
    match asked.status {
        None if shop_failed() => None,
        None => Some(format!("no answer until {}", seconds(asked.to_ms))),
        // A page that is answered so is the waiting page; a payment may take longer.
        Some(202) if asked.page => Some("back in line".to_owned()),
        Some(429) if asked.code.as_deref() == Some(WAIT_YOUR_TURN) => Some("back in line".to_owned()),
        Some(status) if status >= 500 && !shop_failed() => {
            Some(asked.code.as_ref().map_or_else(|| status.to_string(), |code| format!("{status} {code}")))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Effects;

    fn fan(asked: Asked) -> Story {
        Story { fan: 3, admitted_ms: Some(500), inside: vec![asked], ..Story::default() }
    }

    fn asked(from_ms: u64, status: Option<u16>) -> Asked {
        Asked { from_ms, to_ms: from_ms + 20, edge: 1, status, page: true, code: None }
    }

    fn away() -> Strike {
        let effects = Effects { line_failed: true, ..Effects::default() };
        Strike { told: "Redis was dead".to_owned(), from_ms: 1000, to_ms: 5000, effects, ..Strike::default() }
    }

    #[test]
    fn answers_as_always_keep_it() {
        let stories = [200, 409, 402, 404].map(|status| fan(asked(2000, Some(status))));
        assert!(judge(&stories, &[away()]).outcome.is_kept());
        let delayed = Asked { page: false, ..asked(2000, Some(202)) };
        assert!(judge(&[fan(delayed)], &[away()]).outcome.is_kept());
    }

    #[test]
    fn an_error_and_a_place_in_line_break_it() {
        let call = Asked { page: false, code: Some(WAIT_YOUR_TURN.to_owned()), ..asked(2000, Some(429)) };
        for wrong in [asked(2000, Some(503)), asked(2000, None), asked(2000, Some(202)), call] {
            let verdict = judge(&[fan(wrong), fan(asked(2000, Some(200)))], &[away()]);
            assert!(
                verdict.to_string().contains("fan 3, let in at 0.500 s, asked proxy-2 at 2.000 s"),
                "{verdict}"
            );
        }
    }

    #[test]
    fn what_the_shop_or_a_dead_edge_does_is_not_the_stores() {
        let strike = |effects| Strike { from_ms: 1900, to_ms: 2100, effects, ..Strike::default() };
        let shop = strike(Effects { shop_failed: true, ..Effects::default() });
        let dead = strike(Effects { edges_down: vec![1], ..Effects::default() });
        for other in [shop.clone(), dead] {
            let stories = [fan(asked(2000, Some(502))), fan(asked(3000, Some(200)))];
            assert!(judge(&stories, &[away(), other]).outcome.is_kept());
        }
        let queued = judge(&[fan(asked(2000, Some(202)))], &[away(), shop]);
        assert!(matches!(queued.outcome, Outcome::Broken(_)), "the shop sends nobody into the line");
    }

    #[test]
    fn nothing_failed_is_nothing_asked() {
        assert!(matches!(judge(&[fan(asked(9, Some(500)))], &[]).outcome, Outcome::NotAsked(_)));
        assert!(matches!(judge(&[fan(asked(9, Some(500)))], &[away()]).outcome, Outcome::NotAsked(_)));
    }
}
