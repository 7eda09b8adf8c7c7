//! What the inventory knows of a reservation, and how it is written down in one line.

use std::fmt::Write as _;

use admission::clock::Timestamp;

use crate::events::SeatState;
use crate::ids::{FanId, ReservationId, SeatId};
use crate::reservations::{Reservation, ReservationState, ReservedSeat};

/// Seats of one event that a fan holds, pays for, or has bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The reservation.
    pub id: ReservationId,
    /// How it stands.
    pub state: HoldingState,
    /// When the hold ends, if it is not paid.
    pub expires_at: Timestamp,
    /// Since when it stands so.
    pub since: Timestamp,
    /// Whose it is.
    pub fan: FanId,
    /// The waiting room's ticket that the fan came with, when there is one to count by.
    pub ticket: Option<String>,
    /// When the seats were held.
    pub created_at: Timestamp,
    /// The currency of the prices.
    pub currency: String,
    /// Its seats, in the order of the seat map.
    pub seats: Vec<HeldSeat>,
}

/// A seat of a holding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSeat {
    /// Which seat.
    pub id: SeatId,
    /// What it cost when it was held.
    pub price_cents: i64,
    /// Its place in the seat map.
    pub place: i64,
    /// Whether it is one of many alike, of which fans ask for a number.
    pub general: bool,
}

/// How a holding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldingState {
    /// The seats wait for the fan's payment until the hold ends.
    Held,
    /// A payment is under way: the hold does not lapse.
    Kept,
    /// Paid.
    Sold,
    /// The fan gave the seats back. The inventory forgets it once the database knows.
    Released,
    /// The hold ended unpaid. The inventory forgets it once the database knows.
    Expired,
    /// The seats of a sale or of a payment came back. Only the log says so.
    Freed,
}

impl HoldingState {
    const ALL: [Self; 6] = [Self::Held, Self::Kept, Self::Sold, Self::Released, Self::Expired, Self::Freed];

    /// The state as scripts and log spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Kept => "kept",
            Self::Sold => "sold",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Freed => "freed",
        }
    }

    /// The state that `text` spells.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether seats belong to a holding of this state.
    pub const fn has_seats(self) -> bool {
        matches!(self, Self::Held | Self::Kept | Self::Sold)
    }
}

impl Holding {
    /// How it stands at `now`: a hold whose time is over has expired, whether swept or not.
    pub fn state_at(&self, now: Timestamp) -> HoldingState {
        match self.state {
            HoldingState::Held if self.expires_at <= now => HoldingState::Expired,
            state => state,
        }
    }

    /// What its seats cost together.
    pub fn amount_cents(&self) -> i64 {
        self.seats.iter().map(|seat| seat.price_cents).sum()
    }

    /// The same as a reservation of which the database knows nothing yet.
    pub fn to_reservation(&self, event: &crate::ids::EventId) -> Reservation {
        Reservation {
            id: self.id.clone(),
            event: event.clone(),
            fan: self.fan.clone(),
            state: match self.state {
                HoldingState::Held | HoldingState::Kept => ReservationState::Held,
                HoldingState::Sold => ReservationState::Paying,
                HoldingState::Released | HoldingState::Freed => ReservationState::Released,
                HoldingState::Expired => ReservationState::Expired,
            },
            amount_cents: self.amount_cents(),
            currency: self.currency.clone(),
            expires_at: self.expires_at,
            attempt: 0,
            card: None,
            payment: Box::default(),
            seats: self
                .seats
                .iter()
                .map(|seat| ReservedSeat { id: seat.id.clone(), price_cents: seat.price_cents, ticket: None })
                .collect(),
        }
    }

    /// What its seats are at `now`; nothing when it has none any more.
    pub fn of_seats(&self, now: Timestamp) -> Option<SeatState> {
        match self.state {
            HoldingState::Held => (self.expires_at > now).then_some(SeatState::Held),
            HoldingState::Kept => Some(SeatState::Held),
            HoldingState::Sold => Some(SeatState::Sold),
            HoldingState::Released | HoldingState::Expired | HoldingState::Freed => None,
        }
    }

    /// The line that keeps it, without the id: state, end, since when, fan, ticket or `-`, when it was held,
    /// currency, seats.
    pub fn to_line(&self) -> String {
        let Self { id: _, state, expires_at, since, fan, ticket, created_at, currency, seats } = self;
        let ticket = ticket.as_deref().unwrap_or("-");
        let mut line =
            format!("{} {expires_at} {since} {fan} {ticket} {created_at} {currency} ", state.as_str());
        join_words(&mut line, seats);
        line
    }

    /// The holding of this id that `line` keeps.
    pub fn parse(id: &str, line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let moment = |text: &str| text.parse().ok().map(Timestamp::from_millis);
        let holding = Self {
            id: ReservationId::parse(id).ok()?,
            state: HoldingState::parse(words.next()?)?,
            expires_at: moment(words.next()?)?,
            since: moment(words.next()?)?,
            fan: FanId::parse(words.next()?).ok()?,
            ticket: words.next().filter(|ticket| *ticket != "-").map(ToOwned::to_owned),
            created_at: moment(words.next()?)?,
            currency: words.next()?.to_owned(),
            seats: words.next()?.split(',').map(HeldSeat::parse).collect::<Option<_>>()?,
        };
        words.next().is_none().then_some(holding)
    }
}

impl HeldSeat {
    fn parse(word: &str) -> Option<Self> {
        let mut parts = word.split(':');
        let id = SeatId::parse(parts.next()?).ok()?;
        let price_cents = parts.next()?.parse().ok()?;
        let place = parts.next()?;
        let (place, general) = place.strip_suffix('g').map_or((place, false), |place| (place, true));
        let seat = Self { id, price_cents, place: place.parse().ok()?, general };
        parts.next().is_none().then_some(seat)
    }
}

/// Adds the seats to a line, `A-1:4500:1,…`: id, price, place, and a `g` where it is one of many alike.
pub(super) fn join_words(line: &mut String, seats: &[HeldSeat]) {
    for (number, HeldSeat { id, price_cents, place, general }) in seats.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        let general = if *general { "g" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(line, "{comma}{id}:{price_cents}:{place}{general}");
    }
}

/// A ticket's id as one word of a line: what the edge signed, less what would end the word.
pub(crate) fn ticket_word(ticket: &str) -> String {
    let word: String = ticket.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect();
    if word == "-" { "_".to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holding_reads_as_it_was_written() {
        let seat = |id: &str, general| HeldSeat {
            id: SeatId::parse(id).unwrap(),
            price_cents: 4500,
            place: 7,
            general,
        };
        let id = "0123456789abcdef0123456789abcdef";
        let mut holding = Holding {
            id: ReservationId::parse(id).unwrap(),
            state: HoldingState::Held,
            expires_at: Timestamp::from_millis(1_800_000_180_000),
            since: Timestamp::from_millis(1_800_000_000_000),
            fan: FanId::parse(id).unwrap(),
            ticket: None,
            created_at: Timestamp::from_millis(1_800_000_000_000),
            currency: "EUR".to_owned(),
            seats: vec![seat("A-1", false), seat("GA-12", true)],
        };
        let line = holding.to_line();
        assert_eq!(
            line,
            format!("held 1800000180000 1800000000000 {id} - 1800000000000 EUR A-1:4500:7,GA-12:4500:7g")
        );
        assert_eq!(Holding::parse(id, &line), Some(holding.clone()));
        holding.ticket = Some("t1".to_owned());
        for state in HoldingState::ALL {
            holding.state = state;
            assert_eq!(Holding::parse(id, &holding.to_line()), Some(holding.clone()));
        }
        for broken in
            ["", "held", &line[..line.len() - 20], &format!("{line} x"), &line.replace("held", "lost")]
        {
            assert_eq!(Holding::parse(id, broken), None, "{broken}");
        }
    }

    #[test]
    fn a_ticket_is_one_word() {
        for (ticket, word) in [("t1", "t1"), ("a b\n", "a_b_"), ("-", "_")] {
            assert_eq!(ticket_word(ticket), word);
        }
    }
}
