//! The names of things: each a type of its own, checked when it comes in from outside.

use std::fmt;

use admission::clock::{Random, RandomError, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

/// Longest id of an event or a room, in characters.
pub const SLUG_LENGTH_MAX: usize = 32;
/// Longest name of a row of seats or of a section, in characters.
pub const ROW_LENGTH_MAX: usize = 8;
/// The section of an event that was put on sale as rows alone.
const ONLY_SECTION: &str = "main";
/// Most digits of a seat's number.
const SEAT_DIGITS_MAX: usize = 5;
/// Random bytes in the id of a fan or a reservation: too many to guess.
const RANDOM_ID_BYTES: usize = 16;
/// Random bytes in the code of a ticket.
const TICKET_CODE_BYTES: usize = 10;

/// A text is not the id it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not {expected}")]
pub struct IdError {
    expected: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $type:ident, $check:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $type(String);

        impl $type {
            /// Checks `text` and takes it as an id.
            ///
            /// # Errors
            /// When it is too long, empty, or has a character that does not belong.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(IdError { expected: $expected }) }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> Self {
                id.0
            }
        }
    };
}

id!(
    /// An event's id, as it stands in its address.
    EventId,
    is_slug,
    "an id of 1 to 32 characters out of `a-z`, `0-9` and `-`, the first a letter or digit"
);
id!(
    /// A waiting room's id, as the edge signs it.
    RoomName,
    is_slug,
    "a room of 1 to 32 characters out of `a-z`, `0-9` and `-`, the first a letter or digit"
);
id!(
    /// A section of a house, within its event: `ST`.
    SectionId,
    is_row,
    "a section of 1 to 8 letters or digits, such as `ST`"
);
id!(
    /// A price class, within its event.
    PriceClassId,
    is_slug,
    "a price class of 1 to 32 characters out of `a-z`, `0-9` and `-`, the first a letter or digit"
);
id!(
    /// A sale, within its event.
    SaleId,
    is_slug,
    "a sale of 1 to 32 characters out of `a-z`, `0-9` and `-`, the first a letter or digit"
);
id!(
    /// A seat's id within its event: row and number, `A-12`; in a house of several sections with the section before it,
    /// `ST.A-12`. A place where nobody sits is the section and a number, `GA-12`.
    SeatId,
    is_seat,
    "a seat such as `A-12` or `ST.A-12`"
);
id!(
    /// A reservation's id: when and for which event it was made, and random, so that nobody finds another fan's.
    ReservationId,
    is_random_id,
    "a reservation's id"
);
id!(
    /// Who buys: a guest, known by a random cookie of their browser, or the fan of an account.
    FanId,
    is_random_id,
    "a fan's id"
);

id!(
    /// An account's id.
    AccountId,
    is_random_id,
    "an account's id"
);

impl AccountId {
    /// A new id that nobody can foresee.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        random_id(random).map(Self)
    }
}

/// A payment's id: its reservation, and which attempt to pay it was. It is the key under which the provider knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentId {
    /// The reservation.
    pub reservation: ReservationId,
    /// Which attempt, from 1.
    pub attempt: i64,
}

impl PaymentId {
    /// Checks `text` and takes it as an id.
    pub fn parse(text: &str) -> Option<Self> {
        let (reservation, attempt) = text.split_once('.')?;
        let reservation = ReservationId::parse(reservation).ok()?;
        let attempt = attempt.parse().ok().filter(|attempt| *attempt > 0)?;
        let id = Self { reservation, attempt };
        // Spelled in one way only.
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.reservation, self.attempt)
    }
}

impl SeatId {
    /// The id of seat `number` in `row`.
    ///
    /// # Errors
    /// When the row's name or the number is not allowed.
    pub fn of(row: &str, number: u32) -> Result<Self, IdError> {
        Self::parse(&format!("{row}-{number}"))
    }

    /// The id of seat `number` in `row` of `section`, in a house of several.
    ///
    /// # Errors
    /// When the row's name or the number is not allowed.
    pub fn in_section(section: &SectionId, row: &str, number: u32) -> Result<Self, IdError> {
        Self::parse(&format!("{section}.{row}-{number}"))
    }

    /// The id of place `number` of a section where nobody sits.
    ///
    /// # Errors
    /// When the number is not allowed.
    pub fn standing(section: &SectionId, number: u32) -> Result<Self, IdError> {
        Self::parse(&format!("{section}-{number}"))
    }

    /// The section before the dot, if there is one; what stands before the number, which is a row or a section where
    /// nobody sits; and the number.
    pub fn parts(&self) -> (Option<&str>, &str, &str) {
        let (place, number) = self.0.rsplit_once('-').unwrap_or((&self.0, ""));
        match place.split_once('.') {
            Some((section, row)) => (Some(section), row, number),
            None => (None, place, number),
        }
    }
}

impl SectionId {
    /// The section of an event that was put on sale as rows alone.
    pub fn only() -> Self {
        Self(ONLY_SECTION.to_owned())
    }
}

impl ReservationId {
    /// A new id that nobody can foresee, for seats of `event` that are asked for at `now`: six bytes of
    /// milliseconds, two of the event, eight random ones.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new(event: &EventId, now: Timestamp, random: &dyn Random) -> Result<Self, RandomError> {
        let mut bytes = [0; 8];
        random.fill(&mut bytes)?;
        let millis = now.as_millis() & 0xffff_ffff_ffff;
        Ok(Self(format!("{millis:012x}{:04x}{:016x}", event.tag(), u64::from_be_bytes(bytes))))
    }

    /// When the seats were asked for, if the shop made this id.
    pub fn asked_at(&self) -> Timestamp {
        let millis = self.0.get(..12).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        Timestamp::from_millis(millis.unwrap_or_default())
    }

    /// The [`EventId::tag`] of its event.
    pub fn event_tag(&self) -> u16 {
        self.0.get(12..16).and_then(|digits| u16::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }
}

impl EventId {
    /// What the ids of its reservations say of it; other events may share it.
    pub fn tag(&self) -> u16 {
        let [first, second, ..] = <[u8; 32]>::from(Sha256::digest(&self.0));
        u16::from_be_bytes([first, second])
    }
}

impl FanId {
    /// A new id that nobody can foresee.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        random_id(random).map(Self)
    }
}

/// The code on a ticket, in groups that a person can read aloud: `7KQ2-M9XD-0HTB-PW4E`.
///
/// # Errors
/// When there is no randomness.
pub fn ticket_code(random: &dyn Random) -> Result<String, RandomError> {
    let mut bytes = [0; TICKET_CODE_BYTES];
    random.fill(&mut bytes)?;
    Ok(spelled(&bytes))
}

/// Crockford's base 32, which has no letters that look like digits, in groups of four.
fn spelled(bytes: &[u8; TICKET_CODE_BYTES]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let value = bytes.iter().fold(0_u128, |value, byte| (value << 8) | u128::from(*byte));
    let mut code = String::with_capacity(19);
    for position in (0..16).rev() {
        if position % 4 == 3 && position != 15 {
            code.push('-');
        }
        let digit = ((value >> (5 * position)) & 31) as usize;
        code.push(ALPHABET.get(digit).copied().map_or('0', char::from));
    }
    code
}

/// What tells this process from others.
///
/// # Errors
/// When there is no randomness.
pub(crate) fn process_id(random: &dyn Random) -> Result<String, RandomError> {
    random_id(random)
}

fn random_id(random: &dyn Random) -> Result<String, RandomError> {
    let mut bytes = [0; RANDOM_ID_BYTES];
    random.fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_slug(text: &str) -> bool {
    text.len() <= SLUG_LENGTH_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_seat(text: &str) -> bool {
    text.split_once('-').is_some_and(|(place, number)| {
        place.split('.').count() <= 2
            && place.split('.').all(is_row)
            && (1..=SEAT_DIGITS_MAX).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && !number.starts_with('0')
    })
}

fn is_row(text: &str) -> bool {
    (1..=ROW_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_random_id(text: &str) -> bool {
    text.len() == 2 * RANDOM_ID_BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use admission::clock::SystemRandom;

    #[test]
    fn ids_are_checked() {
        for good in ["demo", "a", "2026-tour"] {
            assert!(EventId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "Demo", "a b", "a/b", "ü", &"a".repeat(33)] {
            assert!(EventId::parse(bad).is_err(), "{bad}");
        }
        for good in ["A-1", "BB12-99999", "ST.A-1"] {
            assert!(SeatId::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "A",
            "A-",
            "-1",
            "A-01",
            "A-0",
            "A-1-2",
            "A_-1",
            "A-100000",
            "TOOLONGROW-1",
            ".A-1",
            "A.-1",
            "A.B.C-1",
        ] {
            assert!(SeatId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_seat_says_where_it_is() {
        let section = SectionId::parse("ST").unwrap();
        let row = SeatId::in_section(&section, "A", 12).unwrap();
        assert_eq!((row.as_str(), row.parts()), ("ST.A-12", (Some("ST"), "A", "12")));
        assert_eq!(SeatId::of("A", 3).unwrap().parts(), (None, "A", "3"));
        assert_eq!(SeatId::standing(&section, 50_000).unwrap().parts(), (None, "ST", "50000"));
    }

    #[test]
    fn a_payment_is_an_attempt_of_a_reservation() {
        let id = format!("{}.2", "ab".repeat(16));
        assert_eq!(PaymentId::parse(&id).unwrap().to_string(), id);
        for bad in
            ["", ".1", "ab.1", &id.replace(".2", ""), &id.replace(".2", ".0"), &id.replace(".2", ".02")]
        {
            assert_eq!(PaymentId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn random_ids_pass_their_own_check_and_differ() {
        let one = FanId::random(&SystemRandom).unwrap();
        let other = FanId::random(&SystemRandom).unwrap();
        assert_ne!(one, other);
        assert_eq!(FanId::parse(one.as_str()), Ok(one));
    }

    #[test]
    fn a_reservation_tells_when_and_for_what() {
        let (event, now) = (EventId::parse("demo").unwrap(), Timestamp::from_millis(1_800_000_000_123));
        let one = ReservationId::new(&event, now, &SystemRandom).unwrap();
        let other = ReservationId::new(&event, now, &SystemRandom).unwrap();
        assert_ne!(one, other);
        assert_eq!((one.asked_at(), one.event_tag()), (now, event.tag()));
        assert_eq!(ReservationId::parse(one.as_str()), Ok(one));
        assert_ne!(event.tag(), EventId::parse("demo2").unwrap().tag());
    }

    #[test]
    fn a_ticket_code_spells_every_bit() {
        assert_eq!(spelled(&[0; 10]), "0000-0000-0000-0000");
        assert_eq!(spelled(&[0xff; 10]), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert_eq!(spelled(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 33]), "0000-0000-0000-0011");
    }
}
