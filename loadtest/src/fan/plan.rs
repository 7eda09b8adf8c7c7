//! What a fan means to do.

use std::time::Duration;

use crate::random::Dice;
use crate::run::scenario::{Errand, Kind, Waits};

/// The time a fan takes between two steps in the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// At least.
    pub low: Duration,
    /// At most.
    pub high: Duration,
}

/// A fan goes away while waiting, and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// After so long in line.
    pub after: Duration,
    /// For so long; a reload of the page is the shortest.
    pub away: Duration,
    /// Whether to come back at another edge.
    pub elsewhere: bool,
}

/// What a fan means to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What the fan comes for.
    pub errand: Errand,
    /// How the fan waits.
    pub waits: Waits,
    /// Going away and coming back, in order.
    pub absences: Vec<Absence>,
    /// Leaves the line after so long.
    pub patience: Option<Duration>,
    /// How likely the fan buys where all seats are free.
    pub appetite: f64,
    /// The share of free seats below which the fan leaves them to others.
    pub leave_free: f64,
    /// How many seats to buy.
    pub seats: usize,
    /// Wants one of the first seats, as everybody does; otherwise any.
    pub front_row: bool,
    /// Tries a card that is declined first.
    pub declined_first: bool,
    /// The time between steps.
    pub pace: Pace,
    /// How long the fan looks at the seats before anything else.
    pub lingers: Duration,
}

impl Plan {
    /// One of a crowd that tries the promises: quick, restless, and after the same seats.
    pub fn restless(dice: &mut Dice) -> Self {
        let mut absences = Vec::new();
        let mut after = Duration::ZERO;
        while absences.len() < 3 && dice.chance(0.25) {
            after += dice.between(Duration::from_millis(500), Duration::from_secs(6));
            let away = if dice.chance(0.5) {
                Duration::ZERO
            } else {
                dice.between(Duration::ZERO, Duration::from_secs(2))
            };
            absences.push(Absence { after, away, elsewhere: dice.chance(0.5) });
        }
        Self {
            errand: Errand::Buy,
            waits: if dice.chance(0.05) { Waits::Poll } else { Waits::Live },
            absences,
            patience: dice.chance(0.05).then(|| dice.between(Duration::from_secs(1), Duration::from_secs(8))),
            appetite: 0.8,
            leave_free: 0.0,
            seats: 1 + dice.below(2),
            front_row: dice.chance(0.5),
            declined_first: dice.chance(0.15),
            pace: Pace { low: Duration::from_millis(20), high: Duration::from_millis(200) },
            lingers: Duration::ZERO,
        }
    }

    /// One of a kind that a scenario names.
    pub fn of(kind: &Kind, dice: &mut Dice) -> Self {
        let mut absences = Vec::new();
        let mut after = Duration::ZERO;
        if dice.chance(kind.returns) {
            while absences.len() < 3 && (absences.is_empty() || dice.chance(0.3)) {
                after += dice.between(Duration::from_millis(500), Duration::from_secs(20));
                // A reload, or a while away: shorter than a fan who is away counts as present, or longer.
                let most = if dice.chance(0.5) { Duration::ZERO } else { Duration::from_secs(15) };
                let away = dice.between(Duration::ZERO, most);
                absences.push(Absence { after, away, elsewhere: dice.chance(0.5) });
                after += away;
            }
        }
        let patience = dice
            .chance(kind.impatient)
            .then(|| dice.between(Duration::from_secs(1), Duration::from_secs(60)));
        Self {
            errand: kind.errand,
            waits: kind.waits,
            absences,
            patience,
            appetite: 1.0,
            leave_free: 0.0,
            seats: 1 + dice.below(kind.seats),
            front_row: dice.chance(kind.front_row),
            declined_first: dice.chance(kind.declined),
            pace: Pace { low: kind.thinks / 2, high: kind.thinks + kind.thinks / 2 },
            lingers: Duration::ZERO,
        }
    }

    /// One of a crowd that a person stands in line with: patient, with the pace of people, and leaving seats.
    pub fn neighbour(dice: &mut Dice) -> Self {
        Self {
            errand: Errand::Buy,
            waits: if dice.chance(0.05) { Waits::Poll } else { Waits::Live },
            absences: Vec::new(),
            patience: None,
            appetite: 0.5,
            leave_free: 0.3,
            seats: 1 + dice.below(2),
            front_row: false,
            declined_first: dice.chance(0.1),
            pace: Pace { low: Duration::from_secs(1), high: Duration::from_secs(6) },
            lingers: Duration::ZERO,
        }
    }
}
