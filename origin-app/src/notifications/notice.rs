//! What a fan is told.

use std::fmt;

use admission::clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{EventId, ReservationId, SeatId};
use crate::reservations::Reservation;

/// Something to tell one fan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// Somebody wants an account with this address; the token shows that it is theirs.
    SignUp {
        /// What opens the account.
        token: SecretText,
    },
    /// Somebody wanted an account with this address, and it has one.
    SignUpAgain,
    /// Somebody wants a new password for the account of this address.
    Reset {
        /// What sets the password.
        token: SecretText,
    },
    /// The password of the account was changed.
    PasswordChanged {
        /// When.
        at: Timestamp,
    },
    /// News of a reservation.
    Reservation(ReservationNotice),
    /// A seat came back, and is kept for this fan for a while.
    Offer {
        /// Of which event.
        event: EventId,
        /// The seats that are kept.
        reservation: ReservationId,
        /// Which seats.
        seats: Vec<SeatId>,
        /// Until when they are kept.
        until: Timestamp,
    },
}

impl Notice {
    /// Its word, in templates and logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SignUp { .. } => "sign_up",
            Self::SignUpAgain => "sign_up_again",
            Self::Reset { .. } => "reset",
            Self::PasswordChanged { .. } => "password_changed",
            Self::Reservation(_) => "reservation",
            Self::Offer { .. } => "offer",
        }
    }
}

/// News of a reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationNotice {
    /// What happened.
    pub news: News,
    /// The event.
    pub event: EventId,
    /// Which reservation.
    pub reservation: ReservationId,
    /// Its seats.
    pub seats: Vec<SeatId>,
    /// What all of them cost.
    pub amount_cents: i64,
    /// In which currency.
    pub currency: String,
}

/// What happened to a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// It is paid, and there are tickets.
    Confirmed,
    /// The provider does not answer; the seats are kept meanwhile.
    PaymentDelayed,
    /// The payment was declined after all, when nobody was looking.
    Declined,
    /// The fan cancelled it; the money goes back.
    Cancelled,
    /// The event does not take place; the money goes back.
    CalledOff,
    /// It was charged and the seats could not be given; the money goes back.
    RefundDue,
    /// The money is back.
    Refunded,
    /// The hold was lost, or ended while the payment was not settled; nothing was charged.
    Lost,
}

impl News {
    /// Its word, in keys and templates.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::PaymentDelayed => "payment_delayed",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::CalledOff => "called_off",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
            Self::Lost => "lost",
        }
    }
}

impl ReservationNotice {
    /// `news` of `reservation`.
    pub fn of(news: News, reservation: &Reservation) -> Self {
        Self {
            news,
            event: reservation.event.clone(),
            reservation: reservation.id.clone(),
            seats: reservation.seats.iter().map(|seat| seat.id.clone()).collect(),
            amount_cents: reservation.amount_cents,
            currency: reservation.currency.clone(),
        }
    }
}

/// A text that opens something. It does not show itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Takes `text` for a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}
