//! The saga of a reservation: from a state and something that happened to the next state, what is written down with it,
//! and what is done after that. Pure, and the whole of it in one table.
//!
//! What is written down is written in one transaction with the new state. What is done after that may be lost to a
//! crash, and every deed can be done again: whoever finds the reservation in its state knows what is to be done next
//! ([`next`]).

use super::model::{Deed, Happened, Write};
use crate::notifications::News;
use crate::reservations::ReservationState as State;

/// Where a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// Its state.
    pub state: State,
    /// Whether all of its seats are claimed by it, and none has a ticket of another's.
    pub has_its_seats: bool,
    /// Whether it is known what was charged.
    pub is_charged: bool,
}

/// What comes of something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state from then on.
    pub to: State,
    /// What is written down with it, in one transaction.
    pub writes: &'static [Write],
    /// What is done when that is written.
    pub deeds: &'static [Deed],
}

const fn step(to: State, writes: &'static [Write], deeds: &'static [Deed]) -> Option<Step> {
    Some(Step { to, writes, deeds })
}

/// What comes of `happened`; nothing where it is old report.
pub(crate) fn take(situation: Situation, happened: Happened) -> Option<Step> {
    use Deed::{FreeSeats, PutBack, Refund, SellSeats};
    use State::{Confirmed, Expired, Held, Paying, PaymentDelayed, RefundDue, Refunded, Released};
    use Write::{Charge, DropClaims, IssueTickets, PostRefund, PostReturn, PostTickets, Tell, VoidTickets};
    let Situation { state, has_its_seats, is_charged } = situation;
    match (state, happened) {
        // The provider answered.
        (Paying | PaymentDelayed, Happened::Charged) if has_its_seats => {
            step(Confirmed, &[Charge, PostTickets, IssueTickets, Tell(News::Confirmed)], &[SellSeats])
        }
        (Paying | PaymentDelayed | Held | Expired | Released, Happened::Charged) => {
            step(RefundDue, &[Charge, DropClaims, Tell(News::RefundDue)], &[FreeSeats, Refund])
        }
        (RefundDue, Happened::Charged) if !is_charged => {
            step(RefundDue, &[Charge, Tell(News::RefundDue)], &[Refund])
        }
        // Who only holds claims nothing.
        (Paying, Happened::Declined) => step(Held, &[DropClaims], &[PutBack]),
        // Nobody may be looking any more.
        (PaymentDelayed, Happened::Declined) => step(Held, &[DropClaims, Tell(News::Declined)], &[PutBack]),

        // It did not answer. The seats stay, for a while.
        (Paying, Happened::NoAnswer) => step(PaymentDelayed, &[Tell(News::PaymentDelayed)], &[]),
        (PaymentDelayed | RefundDue, Happened::NoAnswer) => step(state, &[], &[]),

        // It is the fan's turn, until the while is over.
        (Paying | PaymentDelayed, Happened::Waiting) => step(state, &[], &[]),

        // The while is over, and the provider was told to end the payment.
        (Paying | PaymentDelayed, Happened::Closed) => {
            step(Expired, &[DropClaims, Tell(News::Lost)], &[FreeSeats])
        }
        (RefundDue, Happened::Closed) if !is_charged => step(Expired, &[Tell(News::Lost)], &[]),
        (Paying | PaymentDelayed, Happened::NotClosed) => step(RefundDue, &[DropClaims], &[FreeSeats]),

        // Tickets go back.
        (Confirmed, Happened::Cancelled) => step(
            RefundDue,
            &[PostReturn, VoidTickets, DropClaims, Tell(News::Cancelled)],
            &[FreeSeats, Refund],
        ),
        (Confirmed, Happened::CalledOff) => step(
            RefundDue,
            &[PostReturn, VoidTickets, DropClaims, Tell(News::CalledOff)],
            &[FreeSeats, Refund],
        ),
        (RefundDue, Happened::Refunded) if is_charged => {
            step(Refunded, &[PostRefund, Tell(News::Refunded)], &[])
        }
        _ => None,
    }
}

/// What is to be done about a reservation that stands so, whoever finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask the provider to charge, with the key and the card that were written down.
    AskForCharge,
    /// Have the provider end the payment: its time is over.
    Close,
    /// Have the provider give the money back.
    Refund,
    /// Nothing, until the fan does something.
    Nothing,
}

/// What is to be done next; `is_late` when a payment's time is over.
pub(crate) const fn next(state: State, is_charged: bool, is_late: bool) -> Next {
    match state {
        State::Paying | State::PaymentDelayed if is_late => Next::Close,
        State::Paying | State::PaymentDelayed => Next::AskForCharge,
        State::RefundDue if is_charged => Next::Refund,
        State::RefundDue => Next::Close,
        State::Held | State::Confirmed | State::Released | State::Expired | State::Refunded => Next::Nothing,
    }
}

#[cfg(test)]
mod tests;
