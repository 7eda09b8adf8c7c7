//! P6: without a turn there is no entry.

use serde::{Deserialize, Serialize};

use super::{Outcome, Promise, Verdict};

/// One attempt to get in without a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was tried, such as `an edited token`.
    pub what: String,
    /// The answer that is due.
    pub due: Due,
    /// The status of the answer; nothing when there was none.
    pub status: Option<u16>,
}

/// Which answer an attempt deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Due {
    /// The edge's own: wait your turn.
    Wait,
    /// The shop's own: only the edge may ask.
    EdgeOnly,
    /// Any refusal, for spellings that not even the edge has to understand.
    Refusal,
    /// Anything but entry; something may be down.
    NoEntry,
    /// An answer of the shop, which may know no such page: the attempt is no cheat, and shows that the others
    /// were refused for a reason.
    Entry,
}

impl Attempt {
    fn as_due(&self) -> bool {
        match (self.due, self.status) {
            (Due::Wait, Some(status)) => status == 429,
            (Due::EdgeOnly, Some(status)) => status == 403,
            (Due::Refusal, Some(status)) => (400..500).contains(&status),
            // A connection that is closed without a word has opened nothing.
            (Due::Refusal | Due::NoEntry, None) => true,
            (Due::NoEntry, Some(status)) => !(200..300).contains(&status),
            (Due::Entry, Some(status)) => matches!(status, 200 | 404),
            (_, None) => false,
        }
    }
}

/// Judges the answers to attempts at getting in.
pub fn judge(attempts: &[Attempt]) -> Verdict {
    let cheats = attempts.iter().filter(|attempt| attempt.due != Due::Entry).count();
    let broken: Vec<String> = attempts
        .iter()
        .filter(|attempt| !attempt.as_due())
        .map(|Attempt { what, due, status }| {
            let answer = status.map_or("no answer".to_owned(), |status| status.to_string());
            let due = match due {
                Due::Wait => "429",
                Due::EdgeOnly => "403",
                Due::Refusal => "4xx",
                Due::NoEntry => "no entry",
                Due::Entry => "200 or 404",
            };
            format!("{what}: {answer} instead of {due}")
        })
        .collect();
    let outcome = match (cheats, broken.is_empty()) {
        (0, true) => Outcome::Unjudged("nothing was tried".to_owned()),
        _ => Outcome::of(broken, || format!("{cheats} attempts without a turn opened nothing")),
    };
    Verdict::new(Promise::NoEntry, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(due: Due, status: Option<u16>) -> Attempt {
        Attempt { what: "a forged token".to_owned(), due, status }
    }

    #[test]
    fn refusals_keep_it() {
        let attempts = [
            attempt(Due::Wait, Some(429)),
            attempt(Due::EdgeOnly, Some(403)),
            attempt(Due::Refusal, Some(400)),
            attempt(Due::Refusal, None),
            attempt(Due::NoEntry, Some(503)),
            attempt(Due::NoEntry, None),
            attempt(Due::Entry, Some(200)),
        ];
        assert!(judge(&attempts).outcome.is_kept());
    }

    #[test]
    fn anything_else_breaks_it() {
        for (due, status) in [
            (Due::Wait, Some(200)),
            (Due::Wait, Some(403)),
            (Due::Wait, None),
            (Due::EdgeOnly, Some(404)),
            (Due::Refusal, Some(200)),
            (Due::Refusal, Some(303)),
            (Due::NoEntry, Some(200)),
            (Due::Entry, Some(429)),
        ] {
            let verdict = judge(&[attempt(Due::Wait, Some(429)), attempt(due, status)]);
            assert!(matches!(verdict.outcome, Outcome::Broken(_)), "{due:?} {status:?}");
        }
    }

    #[test]
    fn nothing_tried_is_nothing_judged() {
        assert!(!judge(&[attempt(Due::Entry, Some(200))]).outcome.is_kept());
    }
}
