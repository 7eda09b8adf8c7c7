//! The words of the saga.

use crate::notifications::News;

/// Something that happened to a reservation. That a payment begins is not among it: that needs the inventory's word for
/// the seats (see `reservations`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happened {
    /// The provider has charged.
    Charged,
    /// The provider did not charge and will not, for this attempt.
    Declined,
    /// Nobody knows.
    NoAnswer,
    /// The fan's browser has not confirmed the payment yet.
    Waiting,
    /// The provider has ended the payment: it did not charge and never will.
    Closed,
    /// The payment's time is over, and the provider does not say how it ended.
    NotClosed,
    /// The fan gave the tickets back in time, or the organiser took them back.
    Cancelled,
    /// The event does not take place.
    CalledOff,
    /// The provider has given the money back.
    Refunded,
}

impl Happened {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Charged,
        Self::Declined,
        Self::NoAnswer,
        Self::Waiting,
        Self::Closed,
        Self::NotClosed,
        Self::Cancelled,
        Self::CalledOff,
        Self::Refunded,
    ];
}

/// Something that is written down in the same transaction as the new state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// The charge, here and in the ledger.
    Charge,
    /// In the ledger: there are tickets for the money.
    PostTickets,
    /// In the ledger: there are none any more.
    PostReturn,
    /// In the ledger: the money is back.
    PostRefund,
    /// A ticket for each seat.
    IssueTickets,
    /// The tickets are void. Their codes stay on record.
    VoidTickets,
    /// The seats are not this reservation's any more.
    DropClaims,
    /// A message to the fan, in the outbox.
    Tell(News),
}

/// Something that is done after the new state is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// The inventory learns that the seats are sold.
    SellSeats,
    /// The inventory learns that the hold goes on.
    PutBack,
    /// The inventory learns that the seats are free.
    FreeSeats,
    /// The provider is asked to give the money back.
    Refund,
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundReason {
    /// The seats could not be given.
    NoSeats,
    /// The payment was settled too late.
    TooLate,
    /// The fan gave the tickets back.
    Cancelled,
    /// The organiser took the tickets back.
    Organiser,
    /// The event does not take place.
    CalledOff,
}

impl RefundReason {
    const ALL: [Self; 5] = [Self::NoSeats, Self::TooLate, Self::Cancelled, Self::Organiser, Self::CalledOff];

    /// The reason as the database and the interface spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSeats => "no_seats",
            Self::TooLate => "too_late",
            Self::Cancelled => "cancelled",
            Self::Organiser => "organiser",
            Self::CalledOff => "called_off",
        }
    }

    /// The reason that the database spells `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}
