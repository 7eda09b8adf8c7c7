//! How a payment or a cancellation ends, as far as the fan is concerned.

use super::carry::Cause;
use crate::inventory::OfficeError;
use crate::reservations::{Reservation, ReservationState};
use crate::store::StoreError;

/// How a payment ended, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// Paid, now or before.
    Confirmed(Reservation),
    /// The provider has not answered. The seats stay for a while, the shop goes on asking, and the fan may try again.
    Delayed(Reservation),
}

/// Why a payment ended without tickets.
#[derive(Debug, thiserror::Error)]
pub enum PaymentRefused {
    /// The fan has no such reservation.
    #[error("no such reservation")]
    Missing,
    /// The shop lost the hold; nothing was charged.
    #[error("lost")]
    Lost,
    /// The provider does not know such a card.
    #[error("unknown card")]
    UnknownCard,
    /// The provider declined the card. The hold goes on.
    #[error("declined")]
    Declined(Box<Reservation>),
    /// The provider failed, and did not charge. The hold goes on.
    #[error("the provider failed")]
    Failed(Box<Reservation>),
    /// The event does not take place.
    #[error("called off")]
    CalledOff,
    /// There is nothing to pay for any more; the state says why.
    #[error("over")]
    Over(ReservationState),
    /// The inventory or the database failed.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that has no name for the fan.
    #[error("the payment could not be carried through")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why tickets cannot go back.
#[derive(Debug, thiserror::Error)]
pub enum CancelRefused {
    /// There is no such reservation, or not of this fan.
    #[error("no such reservation")]
    Missing,
    /// It is not paid.
    #[error("not paid")]
    NotPaid(ReservationState),
    /// The event begins too soon.
    #[error("too late")]
    TooLate,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that has no name for the fan.
    #[error("the cancellation could not be carried through")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Cause> for PaymentRefused {
    /// A step that was not written down: a database that is away is told as such.
    fn from(cause: Cause) -> Self {
        match cause.downcast() {
            Ok(error) => Self::Store(*error),
            Err(cause) => Self::Internal(cause),
        }
    }
}

impl From<Cause> for CancelRefused {
    fn from(cause: Cause) -> Self {
        match cause.downcast() {
            Ok(error) => Self::Store(*error),
            Err(cause) => Self::Internal(cause),
        }
    }
}
