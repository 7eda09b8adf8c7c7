//! The whole table, and what holds on every way through it.

use std::collections::BTreeSet;

use super::*;

const STATES: [State; 8] = [
    State::Held,
    State::Paying,
    State::PaymentDelayed,
    State::Confirmed,
    State::Released,
    State::Expired,
    State::RefundDue,
    State::Refunded,
];

fn at(state: State) -> Situation {
    Situation { state, has_its_seats: true, is_charged: false }
}

fn charged(state: State) -> Situation {
    Situation { is_charged: true, ..at(state) }
}

fn without_seats(state: State) -> Situation {
    Situation { has_its_seats: false, ..at(state) }
}

#[test]
fn every_step_is_the_one_that_the_table_says() {
    use Happened::{CalledOff, Cancelled, Charged, Closed, Declined, NoAnswer, NotClosed, Refunded, Waiting};
    type Row = (Situation, Happened, State, Option<News>, &'static [Deed]);
    let table: &[Row] = &[
        (at(State::Paying), Charged, State::Confirmed, Some(News::Confirmed), &[Deed::SellSeats]),
        (at(State::PaymentDelayed), Charged, State::Confirmed, Some(News::Confirmed), &[Deed::SellSeats]),
        (
            without_seats(State::Paying),
            Charged,
            State::RefundDue,
            Some(News::RefundDue),
            &[Deed::FreeSeats, Deed::Refund],
        ),
        (
            at(State::Expired),
            Charged,
            State::RefundDue,
            Some(News::RefundDue),
            &[Deed::FreeSeats, Deed::Refund],
        ),
        (at(State::RefundDue), Charged, State::RefundDue, Some(News::RefundDue), &[Deed::Refund]),
        (at(State::Paying), Declined, State::Held, None, &[Deed::PutBack]),
        (at(State::PaymentDelayed), Declined, State::Held, Some(News::Declined), &[Deed::PutBack]),
        (at(State::Paying), NoAnswer, State::PaymentDelayed, Some(News::PaymentDelayed), &[]),
        (at(State::PaymentDelayed), NoAnswer, State::PaymentDelayed, None, &[]),
        (at(State::Paying), Waiting, State::Paying, None, &[]),
        (at(State::PaymentDelayed), Waiting, State::PaymentDelayed, None, &[]),
        (charged(State::RefundDue), NoAnswer, State::RefundDue, None, &[]),
        (at(State::PaymentDelayed), Closed, State::Expired, Some(News::Lost), &[Deed::FreeSeats]),
        (at(State::RefundDue), Closed, State::Expired, Some(News::Lost), &[]),
        (at(State::PaymentDelayed), NotClosed, State::RefundDue, None, &[Deed::FreeSeats]),
        (
            charged(State::Confirmed),
            Cancelled,
            State::RefundDue,
            Some(News::Cancelled),
            &[Deed::FreeSeats, Deed::Refund],
        ),
        (
            charged(State::Confirmed),
            CalledOff,
            State::RefundDue,
            Some(News::CalledOff),
            &[Deed::FreeSeats, Deed::Refund],
        ),
        (charged(State::RefundDue), Refunded, State::Refunded, Some(News::Refunded), &[]),
    ];
    for (situation, happened, to, told, deeds) in table {
        let step = take(*situation, *happened).unwrap_or_else(|| panic!("{situation:?} {happened:?}"));
        let tells = step.writes.iter().find_map(|write| match write {
            Write::Tell(told) => Some(*told),
            _ => None,
        });
        assert_eq!((step.to, tells, step.deeds), (*to, *told, *deeds), "{situation:?} {happened:?}");
    }
}

#[test]
fn old_news_changes_nothing() {
    for (situation, happened) in [
        (charged(State::Confirmed), Happened::Charged),
        (charged(State::Confirmed), Happened::Declined),
        (charged(State::Confirmed), Happened::Closed),
        (charged(State::RefundDue), Happened::Charged),
        (charged(State::RefundDue), Happened::Closed),
        (charged(State::RefundDue), Happened::Cancelled),
        (at(State::RefundDue), Happened::Refunded),
        (at(State::Held), Happened::Declined),
        (at(State::Held), Happened::Cancelled),
        (at(State::Expired), Happened::NoAnswer),
    ] {
        assert_eq!(take(situation, happened), None, "{situation:?} {happened:?}");
    }
    for happened in Happened::ALL {
        assert_eq!(take(charged(State::Refunded), happened), None, "{happened:?}: over is over");
    }
}

/// Where the money of a reservation is, by the steps that it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Money {
    provider: i32,
    sales: i32,
    unsettled: i32,
    tickets: bool,
    claims: bool,
    charged: bool,
}

impl Money {
    fn after(mut self, writes: &[Write]) -> Self {
        for write in writes {
            match write {
                Write::Charge => {
                    assert!(!self.charged, "charged twice");
                    (self.charged, self.provider, self.unsettled) =
                        (true, self.provider + 1, self.unsettled - 1);
                }
                Write::PostTickets => (self.sales, self.unsettled) = (self.sales - 1, self.unsettled + 1),
                Write::PostReturn => (self.sales, self.unsettled) = (self.sales + 1, self.unsettled - 1),
                Write::PostRefund => {
                    (self.provider, self.unsettled) = (self.provider - 1, self.unsettled + 1);
                }
                Write::IssueTickets => self.tickets = true,
                Write::VoidTickets => self.tickets = false,
                Write::DropClaims => self.claims = false,
                Write::Tell(_) => {}
            }
        }
        self
    }
}

#[test]
fn on_every_way_the_money_is_where_it_should_be_and_the_end_can_be_reached() {
    let begun = Money { provider: 0, sales: 0, unsettled: 0, tickets: false, claims: true, charged: false };
    let mut seen = BTreeSet::new();
    let mut ways = vec![(State::Paying, begun)];
    while let Some((state, money)) = ways.pop() {
        if !seen.insert((state.as_str(), money)) {
            continue;
        }
        assert_eq!(money.provider + money.sales + money.unsettled, 0, "{state:?} {money:?}");
        let (tickets, owed) = (state == State::Confirmed, state == State::RefundDue && money.charged);
        assert_eq!((money.tickets, money.sales), (tickets, -i32::from(tickets)), "{state:?} {money:?}");
        assert_eq!(money.unsettled, -i32::from(owed), "{state:?} {money:?}");
        let claims = matches!(state, State::Paying | State::PaymentDelayed | State::Confirmed);
        assert_eq!(money.claims, claims, "{state:?} {money:?}");
        for happened in Happened::ALL {
            for has_its_seats in [money.claims, false] {
                // What the provider has charged it does not say to be uncharged.
                let contradicts = money.charged && matches!(happened, Happened::Closed | Happened::Declined);
                let situation = Situation { state, has_its_seats, is_charged: money.charged };
                if let (false, Some(step)) = (contradicts, take(situation, happened)) {
                    ways.push((step.to, money.after(step.writes)));
                }
            }
        }
        // Somebody always knows what to do, or there is nothing left to do.
        for is_late in [false, true] {
            let waits = matches!(state, State::Paying | State::PaymentDelayed | State::RefundDue);
            assert_eq!(next(state, money.charged, is_late) != Next::Nothing, waits, "{state:?}");
        }
    }
    let states: BTreeSet<_> = seen.iter().map(|(state, _)| *state).collect();
    let all: BTreeSet<_> = STATES.iter().map(|state| state.as_str()).collect();
    let never: Vec<_> = all.difference(&states).collect();
    assert_eq!(never, [&"released"], "a payment ends everywhere but there");
}
