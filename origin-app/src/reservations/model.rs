//! What a reservation is.

use admission::clock::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::checkout::RefundReason;
use crate::events::SeatState;
use crate::ids::{EventId, FanId, ReservationId, SeatId};

/// Seats of one event that one fan asked for together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// The event.
    pub event: EventId,
    /// Whose it is.
    pub fan: FanId,
    /// How far it got.
    pub state: ReservationState,
    /// What all its seats cost together.
    pub amount_cents: i64,
    /// In which currency.
    pub currency: String,
    /// When the hold ends, if it is not paid.
    pub expires_at: Timestamp,
    /// How often payment was begun.
    pub attempt: i64,
    /// The card of the last attempt.
    pub card: Option<String>,
    /// What is known of its payment.
    pub payment: Box<PaymentFacts>,
    /// Its seats, in the order of the seat map.
    pub seats: Vec<ReservedSeat>,
}

/// A seat of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedSeat {
    /// Which seat.
    pub id: SeatId,
    /// What it costs.
    pub price_cents: i64,
    /// The code of its ticket, once paid.
    pub ticket: Option<String>,
}

/// What is known of the payment under way, or of the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentFacts {
    /// What the provider charged, once that is known.
    pub charge_id: Option<String>,
    /// When it began.
    pub begun_at: Option<Timestamp>,
    /// Until when the seats are kept, once it is delayed.
    pub keep_until: Option<Timestamp>,
    /// Why money goes back, if it does.
    pub refund_reason: Option<RefundReason>,
}

/// How far a reservation got: `held → paying → confirmed`, or out by one of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// The seats wait for the fan's payment until the hold ends.
    Held,
    /// The provider was asked; the seats stay until its answer is known, however long that takes.
    Paying,
    /// The provider did not answer in time. The seats stay for a while, and the shop goes on asking.
    PaymentDelayed,
    /// Paid; there is a ticket for each seat.
    Confirmed,
    /// The fan gave the seats back.
    Released,
    /// The hold ended unpaid.
    Expired,
    /// There are no tickets, or none any more: what was charged is on its way back.
    RefundDue,
    /// The money is back.
    Refunded,
}

impl ReservationState {
    const ALL: [Self; 8] = [
        Self::Held,
        Self::Paying,
        Self::PaymentDelayed,
        Self::Confirmed,
        Self::Released,
        Self::Expired,
        Self::RefundDue,
        Self::Refunded,
    ];

    /// The state as the database spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Paying => "paying",
            Self::PaymentDelayed => "payment_delayed",
            Self::Confirmed => "confirmed",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
        }
    }

    /// What the seats of such a reservation are; nothing where they are not its own any more.
    pub const fn of_seats(self) -> Option<SeatState> {
        match self {
            Self::Held | Self::Paying | Self::PaymentDelayed => Some(SeatState::Held),
            Self::Confirmed => Some(SeatState::Sold),
            Self::Released | Self::Expired | Self::RefundDue | Self::Refunded => None,
        }
    }

    /// The state that the database spells `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl Reservation {
    /// How far it got as seen at `now`: a hold whose time is over has expired, whether swept or not.
    pub fn state_at(&self, now: Timestamp) -> ReservationState {
        match self.state {
            ReservationState::Held if self.expires_at <= now => ReservationState::Expired,
            state => state,
        }
    }

    /// Until when its seats stay, as far as that is up to the clock.
    pub fn kept_until(&self) -> Timestamp {
        match self.state {
            ReservationState::PaymentDelayed => self.payment.keep_until.unwrap_or(self.expires_at),
            _ => self.expires_at,
        }
    }

    /// The key under which the provider knows the current attempt to pay. A new attempt begins only when the
    /// one before was declined for certain, so at most one of a reservation's keys is ever charged.
    pub fn payment_key(&self) -> String {
        format!("{}.{}", self.id, self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::ReservationState;

    #[test]
    fn states_read_as_they_are_written() {
        for state in ReservationState::ALL {
            assert_eq!(ReservationState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!(ReservationState::parse("sold"), None);
    }
}
