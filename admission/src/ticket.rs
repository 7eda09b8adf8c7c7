//! A fan's signed place in the line, or what their place follows from.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::clock::{Random, RandomError, Timestamp};
use crate::draw::DrawId;
use crate::keyring::{Keyring, Purpose};
use crate::name::{LaneId, RoomId};
use crate::rank::Rank;
use crate::sealed::{Fields, Opened, SealError, Sealer};

/// Length of a ticket id, in bytes.
pub const TICKET_ID_BYTES: usize = 12;

/// The spellings of [`Order`] in a sealed ticket.
const RANKED: &str = "r";
const DRAWN: &str = "d";
const PROVISIONAL: &str = "p";
/// A place of a draw that moved: the draw, and the id that was drawn for, follow.
const MOVED: &str = "m";

/// Names one ticket, without saying anything about its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

    /// Its bytes, which are random.
    pub const fn bytes(&self) -> [u8; TICKET_ID_BYTES] {
        self.0
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The lane it stands in.
    pub lane: LaneId,
    /// Its rank in that lane.
    pub rank: Rank,
    /// Its id.
    pub id: TicketId,
}

/// What a ticket's place in its lane follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// The order of arrival: the store gave this rank.
    Ranked(Rank),
    /// A draw. The ticket does not say its rank, in no byte: it follows from the ticket's id and a seed that is
    /// secret until the room opens.
    Drawn(DrawId),
    /// The same for a place that moved to another device: the rank is the one of the id that was drawn for.
    Moved(DrawId, TicketId),
    /// Nothing yet: the store was away. When it is back, the fan is ranked by when they came.
    Provisional {
        /// When the fan came, by the store's clock as well as the proxy could tell.
        arrived_at: Timestamp,
    },
}

/// A fan's place in the line of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The room it is for.
    pub room: RoomId,
    /// The lane it stands in.
    pub lane: LaneId,
    /// Its id.
    pub id: TicketId,
    /// What its place in the lane follows from.
    pub order: Order,
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

impl From<SealError> for TicketError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Malformed => Self::Malformed,
            SealError::Forged => Self::Forged,
        }
    }
}

impl Ticket {
    /// The ticket as the fan carries it.
    pub fn seal(&self, keyring: &Keyring) -> String {
        self.write(Sealer::new(keyring, Purpose::Ticket)).number(self.issued_at.as_millis()).seal()
    }

    /// Writes down everything but the time of issue.
    pub(crate) fn write<'a>(&self, sealer: Sealer<'a>) -> Sealer<'a> {
        let sealer = sealer.text(self.room.as_str()).text(self.lane.as_str()).bytes(&self.id.bytes());
        match &self.order {
            Order::Ranked(rank) => sealer.text(RANKED).number(rank.get()),
            Order::Drawn(draw) => {
                sealer.text(DRAWN).number(draw.prequeue_at().as_millis()).text(draw.key_id())
            }
            Order::Moved(draw, drawn) => {
                let sealer = sealer.text(MOVED).number(draw.prequeue_at().as_millis());
                sealer.text(draw.key_id()).bytes(&drawn.bytes())
            }
            Order::Provisional { arrived_at } => sealer.text(PROVISIONAL).number(arrived_at.as_millis()),
        }
    }

    /// Opens a sealed ticket for `room`. The signature is checked before anything of the payload is used, but
    /// for the key id.
    ///
    /// # Errors
    /// When the text is no ticket, its signature does not match, or it is for another room.
    pub fn open(keyring: &Keyring, room: &RoomId, sealed: &str) -> Result<Self, TicketError> {
        let opened = Opened::check(keyring, Purpose::Ticket, sealed)?;
        let ticket = Self::read(opened.fields()).ok_or(TicketError::Malformed)?;
        if ticket.room == *room { Ok(ticket) } else { Err(TicketError::OtherRoom) }
    }

    pub(crate) fn read(mut fields: Fields<'_>) -> Option<Self> {
        let room = RoomId::parse(fields.text()?).ok()?;
        let lane = LaneId::parse(fields.text()?).ok()?;
        let id = TicketId::from_bytes(fields.bytes()?.try_into().ok()?);
        let order = match fields.text()? {
            RANKED => Order::Ranked(fields.number().map(Rank::new).filter(|rank| *rank < Rank::MAX)?),
            DRAWN => {
                Order::Drawn(DrawId::with_key(Timestamp::from_millis(fields.number()?), fields.text()?)?)
            }
            MOVED => {
                let draw = DrawId::with_key(Timestamp::from_millis(fields.number()?), fields.text()?)?;
                Order::Moved(draw, TicketId::from_bytes(fields.bytes()?.try_into().ok()?))
            }
            PROVISIONAL => Order::Provisional { arrived_at: Timestamp::from_millis(fields.number()?) },
            _ => return None,
        };
        let issued_at = Timestamp::from_millis(fields.number()?);
        fields.end(Self { room, lane, id, order, issued_at })
    }

    /// Where the ticket stands. A provisional one stands nowhere yet, and neither does one whose draw came from a
    /// key that is not in the ring.
    ///
    /// The place of a drawn ticket is computed before the fan may know it: it is for the store.
    pub fn place(&self, keyring: &Keyring) -> Option<Place> {
        let rank = match &self.order {
            Order::Ranked(rank) => *rank,
            Order::Drawn(draw) => draw.rank(keyring, &self.room, self.id)?,
            Order::Moved(draw, drawn) => draw.rank(keyring, &self.room, *drawn)?,
            Order::Provisional { .. } => return None,
        };
        Some(Place { lane: self.lane.clone(), rank, id: self.id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn ring(id: &str, secret: u8) -> Keyring {
        let secret = base64::engine::general_purpose::STANDARD.encode([secret; 32]);
        Keyring::parse(&format!("{id}:{secret}")).unwrap()
    }

    fn room() -> RoomId {
        RoomId::parse("demo").unwrap()
    }

    fn ticket(order: Order) -> Ticket {
        Ticket {
            room: room(),
            lane: LaneId::general(),
            id: TicketId::from_bytes([7; TICKET_ID_BYTES]),
            order,
            issued_at: Timestamp::from_millis(1_700_000_000_123),
        }
    }

    fn orders(ring: &Keyring) -> [Order; 4] {
        [
            Order::Ranked(Rank::first_of(AT)),
            Order::Drawn(DrawId::new(ring, AT)),
            Order::Provisional { arrived_at: AT },
            Order::Moved(DrawId::new(ring, AT), TicketId::from_bytes([3; TICKET_ID_BYTES])),
        ]
    }

    #[test]
    fn a_sealed_ticket_opens_to_itself() {
        let ring = ring("k1", 1);
        for ticket in orders(&ring).map(ticket) {
            assert_eq!(Ticket::open(&ring, &room(), &ticket.seal(&ring)), Ok(ticket));
        }
    }

    #[test]
    fn the_longest_ticket_is_short_enough_to_be_opened() {
        let ring = ring("0123456789abcdef", 1);
        let longest = "0123456789abcdef0123456789abcdef";
        let (room, lane) = (RoomId::parse(longest).unwrap(), LaneId::parse(longest).unwrap());
        for order in orders(&ring) {
            let ticket = Ticket { room: room.clone(), lane: lane.clone(), ..ticket(order) };
            assert_eq!(Ticket::open(&ring, &room, &ticket.seal(&ring)), Ok(ticket));
        }
    }

    #[test]
    fn a_foreign_key_or_room_opens_nothing() {
        for order in orders(&ring("k1", 1)) {
            let sealed = ticket(order).seal(&ring("k1", 1));
            assert_eq!(Ticket::open(&ring("k1", 2), &room(), &sealed), Err(TicketError::Forged));
            assert_eq!(Ticket::open(&ring("k2", 1), &room(), &sealed), Err(TicketError::Forged));
            let other = RoomId::parse("other").unwrap();
            assert_eq!(Ticket::open(&ring("k1", 1), &other, &sealed), Err(TicketError::OtherRoom));
        }
    }

    #[test]
    fn what_is_no_ticket_is_malformed() {
        let ring = ring("k1", 1);
        let sealed = ticket(Order::Ranked(Rank::first_of(AT))).seal(&ring);
        let cases = [
            String::new(),
            "v1".into(),
            "v1..".into(),
            sealed.replacen("v1", "v2", 1),
            format!("{sealed}="),
            format!("{sealed}.x"),
            format!(" {sealed}"),
            "v1.".to_owned() + &"A".repeat(300),
        ];
        for case in cases {
            assert_eq!(Ticket::open(&ring, &room(), &case), Err(TicketError::Malformed), "{case}");
        }
    }

    #[test]
    fn a_signed_list_of_fields_that_is_no_ticket_is_malformed() {
        let ring = ring("k1", 1);
        let head = || Sealer::new(&ring, Purpose::Ticket).text("demo").text("general").bytes(&[7; 12]);
        for (what, sealer) in [
            ("no order", head()),
            ("no time", head().text(RANKED).number(1)),
            ("an unknown order", head().text("x").number(1).number(2)),
            ("a rank beyond all ranks", head().text(RANKED).number(u64::MAX).number(2)),
            ("a draw of no key", head().text(DRAWN).number(1).text("").number(2)),
            ("a field too many", head().text(RANKED).number(1).number(2).number(3)),
            ("a number that is cut", head().text(RANKED).bytes(&[1]).number(2)),
            ("the order left out", head().number(1).number(2)),
        ] {
            assert_eq!(Ticket::open(&ring, &room(), &sealer.seal()), Err(TicketError::Malformed), "{what}");
        }
        assert!(Ticket::open(&ring, &room(), &head().text(RANKED).number(1).number(2).seal()).is_ok());
    }

    #[test]
    fn a_place_needs_a_rank_or_the_key_of_its_draw() {
        let ring_1 = ring("k1", 1);
        let [ranked, drawn, provisional, moved] = orders(&ring_1).map(ticket);
        assert_eq!(ranked.place(&ring_1).unwrap().rank, Rank::first_of(AT));
        let place = drawn.place(&ring_1).unwrap();
        assert_eq!(Some(place.rank), DrawId::new(&ring_1, AT).rank(&ring_1, &room(), drawn.id));
        assert_eq!((place.lane, place.id), (LaneId::general(), drawn.id));
        let of_the_drawn =
            DrawId::new(&ring_1, AT).rank(&ring_1, &room(), TicketId::from_bytes([3; TICKET_ID_BYTES]));
        assert_eq!(
            moved.place(&ring_1).map(|place| (Some(place.rank), place.id)),
            Some((of_the_drawn, moved.id))
        );
        assert_eq!(drawn.place(&ring("k2", 1)), None);
        assert_eq!(provisional.place(&ring_1), None);
    }

    #[test]
    fn a_drawn_ticket_does_not_say_its_rank() {
        // But for the signature, its bytes follow from what the fan knows anyway: no ring, no seed, no rank.
        let drawn = |secret: u8, id: u8| {
            let ring = ring("k1", secret);
            let ticket = ticket(Order::Drawn(DrawId::new(&ring, AT)));
            let ticket = Ticket { id: TicketId::from_bytes([id; TICKET_ID_BYTES]), ..ticket };
            let rank = ticket.place(&ring).unwrap().rank;
            let sealed = ticket.seal(&ring);
            (rank, URL_SAFE_NO_PAD.decode(sealed.split('.').nth(1).unwrap()).unwrap())
        };
        for id in 0..=u8::MAX {
            let ((rank, payload), (other_rank, other_payload)) = (drawn(1, id), drawn(2, id));
            assert_ne!(rank, other_rank);
            assert_eq!(payload, other_payload);
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
        fn no_edited_character_passes(order in 0_usize..4, at in 0_usize..160, with in "[A-Za-z0-9_.=-]") {
            let ring = ring("k1", 1);
            let sealed = ticket(orders(&ring)[order].clone()).seal(&ring);
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
