//! A fan's signed place in the line.
//!
//! `v1.<base64url payload>.<base64url tag>`. The payload is a fixed list of fields, each preceded by its
//! length, beginning with the id of the key that signed; the tag is HMAC-SHA-256 over version, key id and
//! payload. The base64 is canonical: no padding, no stray bits. So a ticket has exactly one spelling.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::{Random, RandomError, Timestamp};
use crate::keyring::{Keyring, Purpose};
use crate::name::{LaneId, RoomId};
use crate::rank::Rank;

/// Length of a ticket id, in bytes.
pub const TICKET_ID_BYTES: usize = 12;

/// Longest sealed ticket that is looked at, in characters.
pub const SEALED_LENGTH_MAX: usize = 256;

const VERSION: &str = "v1";

/// Names one ticket, without saying anything about its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketId([u8; TICKET_ID_BYTES]);

impl TicketId {
    /// An id that nobody can foresee.
    ///
    /// # Errors
    /// When `random` has no bytes to give.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        let mut bytes = [0; TICKET_ID_BYTES];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; TICKET_ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads the 16 characters that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketId({self})")
    }
}

/// Where a ticket stands: what a store needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The lane it stands in.
    pub lane: LaneId,
    /// Its rank in that lane.
    pub rank: Rank,
    /// Its id.
    pub id: TicketId,
}

/// A fan's place in the line of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The room it is for.
    pub room: RoomId,
    /// Where it stands.
    pub place: Place,
    /// When it was issued, by the clock of the proxy that issued it.
    pub issued_at: Timestamp,
}

/// Why a ticket is not accepted. None of the reasons says anything about the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Not of the form `v1.<payload>.<tag>`, or a payload that is not one.
    #[error("this is not a ticket")]
    Malformed,
    /// Signed by an unknown key, edited, or made up.
    #[error("the ticket's signature does not match")]
    Forged,
    /// Issued for another room.
    #[error("the ticket is for another room")]
    OtherRoom,
}

impl Ticket {
    /// The ticket as the fan carries it.
    pub fn seal(&self, keyring: &Keyring) -> String {
        let (key_id, _) = keyring.signing_key(Purpose::Ticket);
        let mut payload = Vec::with_capacity(96);
        put(&mut payload, key_id.as_bytes());
        put(&mut payload, self.room.as_str().as_bytes());
        put(&mut payload, self.place.lane.as_str().as_bytes());
        put(&mut payload, &self.place.id.0);
        put(&mut payload, &self.place.rank.get().to_be_bytes());
        put(&mut payload, &self.issued_at.as_millis().to_be_bytes());
        let tag = keyring.sign(Purpose::Ticket, &[VERSION.as_bytes(), &payload]).tag;
        format!("{VERSION}.{}.{}", URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(tag))
    }

    /// Opens a sealed ticket for `room`. The signature is checked before anything of the payload is used, but
    /// for the key id.
    ///
    /// # Errors
    /// When the text is no ticket, its signature does not match, or it is for another room.
    pub fn open(keyring: &Keyring, room: &RoomId, sealed: &str) -> Result<Self, TicketError> {
        if sealed.len() > SEALED_LENGTH_MAX {
            return Err(TicketError::Malformed);
        }
        let mut fields = sealed.split('.');
        let (Some(VERSION), Some(payload), Some(tag), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(TicketError::Malformed);
        };
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TicketError::Malformed)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| TicketError::Malformed)?;
        let mut rest = payload.as_slice();
        let key_id = take_text(&mut rest).ok_or(TicketError::Malformed)?;
        if !keyring.verify(Purpose::Ticket, key_id, &[VERSION.as_bytes(), &payload], &tag) {
            return Err(TicketError::Forged);
        }
        let ticket = Self::read(rest).ok_or(TicketError::Malformed)?;
        if ticket.room == *room { Ok(ticket) } else { Err(TicketError::OtherRoom) }
    }

    fn read(mut rest: &[u8]) -> Option<Self> {
        let room = RoomId::parse(take_text(&mut rest)?).ok()?;
        let lane = LaneId::parse(take_text(&mut rest)?).ok()?;
        let id = TicketId(take(&mut rest)?.try_into().ok()?);
        let rank = Rank::new(take_number(&mut rest)?);
        let issued_at = Timestamp::from_millis(take_number(&mut rest)?);
        let whole = rest.is_empty() && rank < Rank::MAX;
        whole.then_some(Self { room, place: Place { lane, rank, id }, issued_at })
    }
}

/// Appends a field: one byte of length, then the bytes. Every field of a ticket is short by its type.
fn put(payload: &mut Vec<u8>, field: &[u8]) {
    debug_assert!(field.len() <= usize::from(u8::MAX), "a ticket's fields are short");
    payload.push(field.len() as u8);
    payload.extend_from_slice(field);
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first()?;
    let (field, after) = after.split_at_checked(usize::from(*length))?;
    *rest = after;
    Some(field)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(take(rest)?).ok()
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    take(rest)?.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(id: &str, secret: u8) -> Keyring {
        let secret = base64::engine::general_purpose::STANDARD.encode([secret; 32]);
        Keyring::parse(&format!("{id}:{secret}")).unwrap()
    }

    fn room() -> RoomId {
        RoomId::parse("demo").unwrap()
    }

    fn ticket() -> Ticket {
        Ticket {
            room: room(),
            place: Place {
                lane: LaneId::general(),
                rank: Rank::new(1_700_000_000_000 << 10),
                id: TicketId::from_bytes([7; TICKET_ID_BYTES]),
            },
            issued_at: Timestamp::from_millis(1_700_000_000_123),
        }
    }

    #[test]
    fn a_sealed_ticket_opens_to_itself() {
        let ring = ring("k1", 1);
        assert_eq!(Ticket::open(&ring, &room(), &ticket().seal(&ring)), Ok(ticket()));
    }

    #[test]
    fn a_foreign_key_or_room_opens_nothing() {
        let sealed = ticket().seal(&ring("k1", 1));
        assert_eq!(Ticket::open(&ring("k1", 2), &room(), &sealed), Err(TicketError::Forged));
        assert_eq!(Ticket::open(&ring("k2", 1), &room(), &sealed), Err(TicketError::Forged));
        let other = RoomId::parse("other").unwrap();
        assert_eq!(Ticket::open(&ring("k1", 1), &other, &sealed), Err(TicketError::OtherRoom));
    }

    #[test]
    fn what_is_no_ticket_is_malformed() {
        let ring = ring("k1", 1);
        let sealed = ticket().seal(&ring);
        let cases = [
            String::new(),
            "v1".into(),
            "v1..".into(),
            sealed.replacen("v1", "v2", 1),
            format!("{sealed}="),
            format!("{sealed}.x"),
            format!(" {sealed}"),
            "v1.".to_owned() + &"A".repeat(SEALED_LENGTH_MAX),
        ];
        for case in cases {
            assert_eq!(Ticket::open(&ring, &room(), &case), Err(TicketError::Malformed), "{case}");
        }
    }

    #[test]
    fn ticket_ids_are_read_as_they_are_written() {
        let id = TicketId::from_bytes([255; TICKET_ID_BYTES]);
        assert_eq!(TicketId::parse(&id.to_string()), Some(id));
        assert_eq!(TicketId::parse("short"), None);
    }

    proptest! {
        #[test]
        fn no_edited_character_passes(at in 0_usize..120, with in "[A-Za-z0-9_.=-]") {
            let ring = ring("k1", 1);
            let sealed = ticket().seal(&ring);
            let at = at % sealed.len();
            let edited = format!("{}{with}{}", &sealed[..at], &sealed[at + 1..]);
            prop_assume!(edited != sealed);
            prop_assert!(Ticket::open(&ring, &room(), &edited).is_err());
        }

        #[test]
        fn garbage_never_panics(text in ".{0,300}") {
            prop_assert!(Ticket::open(&ring("k1", 1), &room(), &text).is_err());
        }
    }
}
