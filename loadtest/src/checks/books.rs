//! P9, by what the stores hold at the end: the shop's database, the payment provider's books, and the seats in Redis.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What the stores hold. What is kept elsewhere, or nowhere, is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Every reservation in the database.
    pub reservations: Option<Vec<Reservation>>,
    /// Every charge in the payment provider's books.
    pub charges: Option<Vec<Charged>>,
    /// The seats that cannot be had, by the shop's inventory.
    pub taken: Option<Vec<String>>,
}

/// A reservation, as the database has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its id.
    pub id: String,
    /// What became of it.
    pub state: String,
    /// What its seats cost.
    pub amount_cents: u64,
    /// Its seats.
    pub seats: Vec<String>,
    /// The seats that it has tickets for.
    pub tickets: Vec<String>,
}

/// A charge, as the payment provider has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charged {
    /// For which reservation.
    pub reservation: String,
    /// How much.
    pub amount_cents: u64,
    /// How often it was taken.
    pub taken: u32,
    /// Whether it was given back.
    pub refunded: bool,
}

impl Books {
    /// What the provider has and did not give back.
    pub fn kept_cents(&self) -> Option<u64> {
        let kept = |charge: &&Charged| charge.taken > 0 && !charge.refunded;
        let charges = self.charges.as_ref()?;
        Some(charges.iter().filter(kept).map(|charge| charge.amount_cents * u64::from(charge.taken)).sum())
    }

    /// How much of it there is, in words.
    pub fn size(&self) -> String {
        let count = |number: Option<usize>, what: &str| number.map(|number| format!("{number} {what}"));
        let parts = [
            count(self.reservations.as_ref().map(Vec::len), "reservations in the database"),
            count(self.charges.as_ref().map(Vec::len), "charges in the provider's books"),
            count(self.taken.as_ref().map(Vec::len), "seats taken in the inventory"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Every contradiction, and every charge that ended neither in tickets nor in a refund.
    pub fn contradictions(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let Some(reservations) = &self.reservations else { return wrong };
        let mut sold: BTreeMap<&str, &str> = BTreeMap::new();
        for reservation in reservations {
            let Reservation { id, state, seats, tickets, .. } = reservation;
            if matches!(state.as_str(), "paying" | "refund_due") {
                wrong.push(format!("reservation {id} is still {state}"));
            }
            let (all, have): (BTreeSet<_>, BTreeSet<_>) = (seats.iter().collect(), tickets.iter().collect());
            if (state == "confirmed" && have != all) || (state != "confirmed" && !have.is_empty()) {
                wrong.push(format!(
                    "reservation {id} is {state} with seats {all:?} and has tickets for {have:?}"
                ));
            }
            for seat in tickets {
                if let Some(other) = sold.insert(seat, id) {
                    wrong.push(format!("seat {seat} is sold twice, by reservations {other} and {id}"));
                }
            }
        }
        if let Some(charges) = &self.charges {
            wrong.extend(charged_wrongly(reservations, charges));
        }
        if let Some(taken) = &self.taken {
            let taken: BTreeSet<&str> = taken.iter().map(String::as_str).collect();
            let free = sold.iter().filter(|(seat, _)| !taken.contains(*seat));
            wrong.extend(free.map(|(seat, id)| {
                format!("seat {seat} is sold by reservation {id}, and the inventory would hand it out again")
            }));
        }
        wrong
    }
}

fn charged_wrongly(reservations: &[Reservation], charges: &[Charged]) -> Vec<String> {
    let mut wrong = Vec::new();
    let known: BTreeMap<&str, &Reservation> =
        reservations.iter().map(|reservation| (reservation.id.as_str(), reservation)).collect();
    let mut kept: BTreeMap<&str, u32> = BTreeMap::new();
    for charge in charges.iter().filter(|charge| charge.taken > 0) {
        let (id, amount) = (charge.reservation.as_str(), charge.amount_cents);
        let Some(reservation) = known.get(id) else {
            wrong.push(format!("{amount} cents were charged for reservation {id}, which nobody knows"));
            continue;
        };
        if charge.taken > 1 || amount != reservation.amount_cents {
            wrong.push(format!(
                "{amount} cents were charged {} times for reservation {id}, which costs {}",
                charge.taken, reservation.amount_cents
            ));
        }
        *kept.entry(id).or_default() += u32::from(!charge.refunded);
    }
    for Reservation { id, state, .. } in reservations {
        match (state.as_str(), kept.get(id.as_str()).copied().unwrap_or_default()) {
            ("confirmed", 1) => {}
            ("confirmed", times) => {
                wrong.push(format!("reservation {id} has tickets and was charged {times} times"));
            }
            (_, 0) => {}
            (state, _) => {
                wrong.push(format!("reservation {id} is {state}, and its charge was never given back"));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books() -> Books {
        let reservation = |id: &str, state: &str, tickets: &[&str]| Reservation {
            id: id.to_owned(),
            state: state.to_owned(),
            amount_cents: 4500,
            seats: vec![format!("{id}-1")],
            tickets: tickets.iter().map(|&seat| seat.to_owned()).collect(),
        };
        let charge = |id: &str, refunded| Charged {
            reservation: id.to_owned(),
            amount_cents: 4500,
            taken: 1,
            refunded,
        };
        Books {
            reservations: Some(vec![
                reservation("A", "confirmed", &["A-1"]),
                reservation("B", "refunded", &[]),
                reservation("C", "released", &[]),
            ]),
            charges: Some(vec![charge("A", false), charge("B", true)]),
            taken: Some(vec!["A-1".to_owned(), "D-1".to_owned()]),
        }
    }

    #[test]
    fn books_that_agree_contradict_nothing() {
        assert_eq!(books().contradictions(), Vec::<String>::new());
        assert_eq!(books().kept_cents(), Some(4500));
        assert!(books().size().starts_with("3 reservations in the database, 2 charges"));
        assert_eq!(Books::default().contradictions(), Vec::<String>::new());
    }

    #[test]
    fn every_contradiction_is_found() {
        type Change = fn(&mut Vec<Reservation>, &mut Vec<Charged>, &mut Vec<String>);
        let changes: [(Change, &str); 11] = [
            (|all, _, _| all[0].tickets.clear(), "has tickets for {}"),
            (|all, _, _| all[2].tickets.push("C-1".to_owned()), "is released with seats"),
            (|all, _, _| all[2].state = "paying".to_owned(), "still paying"),
            (|all, _, _| all[1].state = "refund_due".to_owned(), "still refund_due"),
            (|_, charges, _| charges.retain(|charge| charge.refunded), "was charged 0 times"),
            (
                |all, _, _| {
                    all[2].state = "confirmed".to_owned();
                    all[2].seats = vec!["A-1".to_owned()];
                    all[2].tickets = all[2].seats.clone();
                },
                "seat A-1 is sold twice, by reservations A and C",
            ),
            (|_, charges, _| charges[0].taken = 2, "charged 2 times"),
            (|_, charges, _| charges[0].amount_cents = 1, "1 cents were charged"),
            (|_, charges, _| charges[1].refunded = false, "was never given back"),
            (|_, charges, _| charges[1].reservation = "Z".to_owned(), "which nobody knows"),
            (|_, _, taken| taken.clear(), "hand it out again"),
        ];
        for (change, told) in changes {
            let Books { reservations, charges, taken } = books();
            let (mut all, mut charges, mut taken) = (reservations.unwrap(), charges.unwrap(), taken.unwrap());
            change(&mut all, &mut charges, &mut taken);
            let changed = Books { reservations: Some(all), charges: Some(charges), taken: Some(taken) };
            let wrong = changed.contradictions().join("\n");
            assert!(wrong.contains(told), "{told}: {wrong}");
        }
    }
}
