//! What each card of the sandbox does. Pure, so that the whole table can be read and tested.

use super::super::provider::Card;

/// The cards that the sandbox knows.
pub(super) const CARDS: &[Card] = &[
    Card { id: "sandbox-ok", label: "Sandbox card that pays" },
    Card { id: "sandbox-declined", label: "Sandbox card that is declined" },
    Card { id: "sandbox-timeout", label: "Sandbox card whose first answer gets lost" },
    Card { id: "sandbox-slow", label: "Sandbox card that takes a second" },
    Card { id: "sandbox-error", label: "Sandbox card that the provider fails at" },
    Card { id: "sandbox-flaky", label: "Sandbox card that is reached at the second try" },
    Card { id: "sandbox-silent", label: "Sandbox card that never gets an answer" },
    Card { id: "sandbox-unknown", label: "Sandbox card that is charged without an answer" },
    Card { id: "sandbox-refund-fails", label: "Sandbox card that pays, and whose first refund fails" },
];

/// What the provider decides when it is asked to charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Money is taken.
    Charge,
    /// It is not, and will not be for this key.
    Decline,
    /// Nothing is decided: who asks again may hear another answer.
    Nothing,
}

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// With what it decided.
    Given,
    /// The same, after a while.
    Late,
    /// With a failure; nothing was charged, and nothing will be.
    Failure,
    /// The connection breaks at once.
    Broken,
    /// Not at all.
    Lost,
}

/// What the provider decides when `card` is charged, for the first time under its key or again.
pub(super) fn decision(card: &str, first: bool) -> Decision {
    match card {
        "sandbox-declined" | "sandbox-error" => Decision::Decline,
        "sandbox-silent" => Decision::Nothing,
        "sandbox-flaky" if first => Decision::Nothing,
        _ => Decision::Charge,
    }
}

/// How the provider answers then.
pub(super) fn answer(card: &str, first: bool) -> Answer {
    match card {
        "sandbox-slow" => Answer::Late,
        "sandbox-error" => Answer::Failure,
        "sandbox-flaky" if first => Answer::Broken,
        "sandbox-timeout" if first => Answer::Lost,
        "sandbox-silent" | "sandbox-unknown" => Answer::Lost,
        _ => Answer::Given,
    }
}

/// Whether the provider gives the money back when it is asked to, for the first time or again.
pub(super) fn gives_back(card: &str, first: bool) -> bool {
    !(card == "sandbox-refund-fails" && first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_does_what_its_name_says() {
        use Answer::*;
        use Decision::*;
        let table = [
            ("sandbox-ok", (Charge, Given), (Charge, Given)),
            ("sandbox-declined", (Decline, Given), (Decline, Given)),
            ("sandbox-timeout", (Charge, Lost), (Charge, Given)),
            ("sandbox-slow", (Charge, Late), (Charge, Late)),
            ("sandbox-error", (Decline, Failure), (Decline, Failure)),
            ("sandbox-flaky", (Nothing, Broken), (Charge, Given)),
            ("sandbox-silent", (Nothing, Lost), (Nothing, Lost)),
            ("sandbox-unknown", (Charge, Lost), (Charge, Lost)),
            ("sandbox-refund-fails", (Charge, Given), (Charge, Given)),
        ];
        for (card, first, again) in table {
            assert_eq!((decision(card, true), answer(card, true)), first, "{card}, first");
            assert_eq!((decision(card, false), answer(card, false)), again, "{card}, again");
            assert_eq!(gives_back(card, true), card != "sandbox-refund-fails", "{card}");
            assert!(gives_back(card, false), "{card}");
        }
        assert_eq!(table.len(), CARDS.len());
        assert!(table.iter().all(|(name, ..)| CARDS.iter().any(|card| card.id == *name)));
    }
}
