//! What waits to be sent.

use admission::clock::Timestamp;

use crate::ids::{FanId, ReservationId};
use crate::language::Language;
use crate::notifications::{EmailAddress, News, Notice, ReservationNotice};
use crate::reservations::Reservation;

/// Something to tell, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it tells of, in a form that the same news always has: whatever was told under a key is not told again.
    pub key: String,
    /// Whom.
    pub to: Recipient,
    /// What.
    pub notice: Notice,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A fan, where they are reached; one who left no address is told by the pages alone.
    Fan(FanId),
    /// The fan of a reservation: where they wanted to be told of it, or else where they are reached.
    Holder(ReservationId, FanId),
    /// Whoever reads mail at this address.
    Address(EmailAddress, Language),
}

impl Message {
    /// `news` of `reservation`, for its fan. Each news is told once, and what belongs to one attempt to pay once for each.
    pub fn about(news: News, reservation: &Reservation) -> Self {
        let attempt = match news {
            News::PaymentDelayed | News::Declined => format!(".{}", reservation.attempt),
            _ => String::new(),
        };
        Self {
            key: format!("reservation.{}.{}{attempt}", reservation.id, news.as_str()),
            to: Recipient::Holder(reservation.id.clone(), reservation.fan.clone()),
            notice: Notice::Reservation(ReservationNotice::of(news, reservation)),
        }
    }
}

/// A message that somebody has taken to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The message's key.
    pub key: String,
    /// Where it goes.
    pub to: EmailAddress,
    /// In which language.
    pub language: Language,
    /// What it tells.
    pub notice: Notice,
    /// How often it was taken, this time included.
    pub attempts: u32,
}

/// A message that could not be sent, as an operator sees it: without the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message's key.
    pub key: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed last.
    pub failure: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was given up.
    pub died_at: Timestamp,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Messages that wait, for their first attempt or another one.
    pub waiting: u64,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
    /// Messages that were given up.
    pub dead: u64,
}
