//! P9: a seat is sold at most once, and every charge ends in a ticket.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::books::Books;
use super::{Outcome, Promise, Verdict};
use crate::story::Story;

/// The shop's own figures of a sale, from its database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Sales {
    /// Seats there are.
    pub seats_total: u64,
    /// Seats that are held for now.
    pub held: u64,
    /// Seats that are sold.
    pub sold: u64,
    /// What was charged.
    pub charges_cents: u64,
    /// Tickets there are.
    pub tickets: u64,
    /// Seats with more than one ticket.
    pub double_sold: u64,
}

/// Judges the fans' tickets and payments against the shop's figures, where only these fans bought, and against what the
/// stores held in the end.
pub fn judge(stories: &[Story], sales: Option<Sales>, books: Option<&Books>) -> Verdict {
    let Some(mut sales) = sales else {
        return Verdict::new(
            Promise::OneSeat,
            Outcome::Unjudged("the shop's figures are unknown".to_owned()),
        );
    };
    if let Some(kept_cents) = books.and_then(Books::kept_cents) {
        // The shop's own figure is that of its sandbox.
        sales.charges_cents = kept_cents;
    }
    let mut broken = sold_twice(stories);
    broken.extend(figures_apart(stories, sales));
    broken.extend(books.into_iter().flat_map(Books::contradictions));
    let outcome = if sales.sold == 0 && broken.is_empty() {
        Outcome::Unjudged("no seat was sold".to_owned())
    } else {
        Outcome::of(broken, || {
            let stores = books.map(Books::size).filter(|size| !size.is_empty());
            let stores = stores.map_or_else(String::new, |size| format!("; {size} agree"));
            format!("{} seats were sold, each to one fan, for what the fans paid{stores}", sales.sold)
        })
    };
    Verdict::new(Promise::OneSeat, outcome)
}

fn sold_twice(stories: &[Story]) -> Vec<String> {
    let mut owners: BTreeMap<&str, u32> = BTreeMap::new();
    let mut broken = Vec::new();
    for story in stories {
        for seat in &story.seats {
            if let Some(other) = owners.insert(seat, story.fan) {
                broken.push(format!("seat {seat} is on tickets of fan {other} and fan {}", story.fan));
            }
        }
    }
    broken
}

fn figures_apart(stories: &[Story], sales: Sales) -> Vec<String> {
    let seats: u64 = stories.iter().map(|story| story.seats.len() as u64).sum();
    let paid: u64 = stories.iter().map(|story| story.paid_cents).sum();
    let answers_lost = stories.iter().any(|story| story.payments_unknown > 0);
    let mut broken = Vec::new();
    if sales.double_sold > 0 {
        broken.push(format!("the shop sold {} seats more than once", sales.double_sold));
    }
    if sales.sold > sales.seats_total {
        broken.push(format!("the shop sold {} of {} seats", sales.sold, sales.seats_total));
    }
    if sales.tickets != sales.sold {
        broken.push(format!("the shop has {} tickets for {} sold seats", sales.tickets, sales.sold));
    }
    // A fan who lost the answer may have bought without knowing; nobody has a ticket the shop knows nothing of.
    if seats > sales.sold || (seats < sales.sold && !answers_lost) {
        broken.push(format!("the fans have tickets for {seats} seats, the shop sold {}", sales.sold));
    }
    if paid > sales.charges_cents || (paid < sales.charges_cents && !answers_lost) {
        broken.push(format!("the fans paid {paid} cents, the shop charged {}", sales.charges_cents));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALES: Sales =
        Sales { seats_total: 100, held: 0, sold: 3, charges_cents: 13_500, tickets: 3, double_sold: 0 };

    fn fan(number: u32, seats: &[&str]) -> Story {
        Story {
            fan: number,
            seats: seats.iter().map(|&seat| seat.to_owned()).collect(),
            paid_cents: seats.len() as u64 * 4500,
            ..Story::default()
        }
    }

    fn broken(stories: &[Story], sales: Sales) -> String {
        let verdict = judge(stories, Some(sales), None);
        assert!(matches!(verdict.outcome, Outcome::Broken(_)), "{verdict}");
        verdict.to_string()
    }

    #[test]
    fn figures_that_agree_keep_it() {
        assert!(judge(&[fan(1, &["A-1", "A-2"]), fan(2, &["A-3"])], Some(SALES), None).outcome.is_kept());
    }

    #[test]
    fn a_seat_on_two_tickets_breaks_it() {
        let story = broken(&[fan(1, &["A-1", "A-2"]), fan(2, &["A-2"])], SALES);
        assert!(story.contains("seat A-2 is on tickets of fan 1 and fan 2"), "{story}");
    }

    #[test]
    fn figures_that_disagree_break_it() {
        let fans = [fan(1, &["A-1", "A-2"]), fan(2, &["A-3"])];
        for sales in [
            Sales { double_sold: 1, ..SALES },
            Sales { seats_total: 2, ..SALES },
            Sales { tickets: 2, ..SALES },
            Sales { sold: 4, tickets: 4, ..SALES },
            Sales { sold: 2, tickets: 2, ..SALES },
            Sales { charges_cents: 18_000, ..SALES },
            Sales { charges_cents: 9_000, ..SALES },
        ] {
            broken(&fans, sales);
        }
    }

    #[test]
    fn a_lost_answer_explains_a_sale_but_not_a_missing_one() {
        let lost = Story { payments_unknown: 1, ..fan(2, &[]) };
        let fans = [fan(1, &["A-1", "A-2"]), lost];
        assert!(judge(&fans, Some(SALES), None).outcome.is_kept());
        broken(&fans, Sales { sold: 1, tickets: 1, charges_cents: 4500, ..SALES });
    }

    #[test]
    fn nothing_sold_or_known_is_nothing_judged() {
        assert!(!judge(&[], Some(Sales::default()), None).outcome.is_kept());
        assert!(!judge(&[], None, None).outcome.is_kept());
    }
}
