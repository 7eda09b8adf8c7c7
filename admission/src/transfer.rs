//! The right to take a place over to another device: what a fan's QR code or link carries.
//!
//! A transfer is the place itself, sealed for this purpose, for some minutes. Whoever takes it over gets a ticket with
//! another id and the same rank, and the old id is ended: so the line, which knows ranks, does not change at all, and
//! of the two tickets only the new one is worth something. That makes it single use, with no verb of the store's own:
//! a transfer of an id that has ended is used up.

use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::keyring::{Keyring, Purpose};
use crate::name::RoomId;
use crate::sealed::{Opened, SealError, Sealer};
use crate::ticket::{Order, TICKET_ID_BYTES, Ticket, TicketId};

/// The right to take a place over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The ticket whose place it is. Its time of issue is not carried: that of the new one is when it is taken over.
    pub ticket: Ticket,
    /// Until when it may be taken over.
    pub expires_at: Timestamp,
}

/// Why a transfer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// Not of the form, or of a ticket without a place.
    #[error("this moves no place")]
    Malformed,
    /// Signed by an unknown key or for another purpose, edited, or made up.
    #[error("the signature does not match")]
    Forged,
    /// For another room.
    #[error("it is for another room")]
    OtherRoom,
    /// Too late.
    #[error("it has expired")]
    Expired,
}

impl From<SealError> for TransferError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Malformed => Self::Malformed,
            SealError::Forged => Self::Forged,
        }
    }
}

impl Transfer {
    /// The transfer as it is carried.
    pub fn seal(&self, keyring: &Keyring) -> String {
        let sealer = Sealer::new(keyring, Purpose::Transfer);
        self.ticket.write(sealer).number(self.expires_at.as_millis()).seal()
    }

    /// Opens a transfer for `room`.
    ///
    /// # Errors
    /// When it is none, not for this room, or not any more.
    pub fn open(
        keyring: &Keyring,
        room: &RoomId,
        sealed: &str,
        now: Timestamp,
    ) -> Result<Self, TransferError> {
        let opened = Opened::check(keyring, Purpose::Transfer, sealed)?;
        // Written like a ticket, with the end in the place of the time of issue.
        let ticket = Ticket::read(opened.fields()).ok_or(TransferError::Malformed)?;
        let expires_at = ticket.issued_at;
        if matches!(ticket.order, Order::Provisional { .. }) {
            return Err(TransferError::Malformed);
        }
        if ticket.room != *room {
            return Err(TransferError::OtherRoom);
        }
        if expires_at <= now {
            return Err(TransferError::Expired);
        }
        Ok(Self { ticket, expires_at })
    }

    /// The ticket that takes the place over: the same each time, with the same rank.
    pub fn taken_over(&self, now: Timestamp) -> Ticket {
        let Ticket { room, lane, id, order, .. } = self.ticket.clone();
        // The rank of a drawn ticket follows from the id that was drawn for, and is told nobody before the opening.
        let order = match order {
            Order::Drawn(draw) => Order::Moved(draw, id),
            order => order,
        };
        Ticket { room, lane, id: derived("moved", id, ""), order, issued_at: now }
    }

    /// An id that belongs to no ticket, and is ended together with the old one: that it has ended says that `taker`
    /// took the place over. So a taker to whom the answer was lost may ask again, and nobody else may.
    pub fn mark_of(&self, taker: &str) -> TicketId {
        derived("taken by", self.ticket.id, taker)
    }
}

fn derived(what: &str, id: TicketId, more: &str) -> TicketId {
    let digest = Sha256::digest(format!("stanchion: {what} {id} {more}"));
    let mut bytes = [0; TICKET_ID_BYTES];
    bytes.iter_mut().zip(digest).for_each(|(byte, value)| *byte = value);
    TicketId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::draw::DrawId;
    use crate::name::LaneId;
    use crate::rank::Rank;
    use crate::ticket::TicketError;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn ring(id: &str, secret: u8) -> Keyring {
        Keyring::parse(&format!("{id}:{}", STANDARD.encode([secret; 32]))).unwrap()
    }

    fn room() -> RoomId {
        RoomId::parse("demo").unwrap()
    }

    fn transfer(order: Order) -> Transfer {
        let expires_at = NOW + Duration::from_secs(600);
        let id = TicketId::from_bytes([7; TICKET_ID_BYTES]);
        let ticket = Ticket { room: room(), lane: LaneId::general(), id, order, issued_at: expires_at };
        Transfer { ticket, expires_at }
    }

    fn ranked() -> Transfer {
        transfer(Order::Ranked(Rank::first_of(NOW)))
    }

    fn open(sealed: &str) -> Result<Transfer, TransferError> {
        Transfer::open(&ring("k1", 1), &room(), sealed, NOW)
    }

    #[test]
    fn a_sealed_transfer_opens_to_itself_until_it_expires() {
        let ring = ring("k1", 1);
        let drawn = TicketId::from_bytes([3; TICKET_ID_BYTES]);
        let orders = [
            Order::Ranked(Rank::first_of(NOW)),
            Order::Drawn(DrawId::new(&ring, NOW)),
            Order::Moved(DrawId::new(&ring, NOW), drawn),
        ];
        for transfer in orders.map(transfer) {
            let sealed = transfer.seal(&ring);
            assert_eq!(open(&sealed), Ok(transfer.clone()));
            let late = Transfer::open(&ring, &room(), &sealed, transfer.expires_at);
            assert_eq!(late, Err(TransferError::Expired));
        }
        let provisional = transfer(Order::Provisional { arrived_at: NOW });
        assert_eq!(open(&provisional.seal(&ring)), Err(TransferError::Malformed));
    }

    #[test]
    fn a_place_keeps_its_rank_however_often_it_moves() {
        let ring = ring("k1", 1);
        for order in [Order::Ranked(Rank::first_of(NOW)), Order::Drawn(DrawId::new(&ring, NOW))] {
            let first = transfer(order);
            let place = first.ticket.place(&ring).unwrap();
            let second = first.taken_over(NOW);
            let third = Transfer { ticket: second.clone(), ..first.clone() }.taken_over(NOW);
            for moved in [&second, &third] {
                let sealed = moved.seal(&ring);
                assert_eq!(Ticket::open(&ring, &room(), &sealed).as_ref(), Ok(moved));
                let now = moved.place(&ring).unwrap();
                assert_eq!((&now.lane, now.rank), (&place.lane, place.rank));
                assert_ne!(now.id, place.id);
            }
            assert_ne!(second.id, third.id);
            assert_eq!(first.taken_over(NOW), second, "taken twice it is one ticket");
        }
    }

    #[test]
    fn a_drawn_ticket_that_moved_does_not_say_its_rank() {
        let payload = |secret: u8| {
            let ring = ring("k1", secret);
            let moved = transfer(Order::Drawn(DrawId::new(&ring, NOW))).taken_over(NOW);
            let sealed = moved.seal(&ring);
            (moved.place(&ring).unwrap().rank, sealed.split('.').nth(1).unwrap().to_owned())
        };
        let ((rank, text), (other_rank, other_text)) = (payload(1), payload(2));
        assert_ne!(rank, other_rank);
        assert_eq!(text, other_text);
    }

    #[test]
    fn the_longest_transfer_is_short_enough_to_be_opened() {
        let ring = ring("0123456789abcdef", 1);
        let longest = "0123456789abcdef0123456789abcdef";
        let drawn = TicketId::from_bytes([3; TICKET_ID_BYTES]);
        let mut transfer = transfer(Order::Moved(DrawId::new(&ring, NOW), drawn));
        (transfer.ticket.room, transfer.ticket.lane) =
            (RoomId::parse(longest).unwrap(), LaneId::parse(longest).unwrap());
        let opened = Transfer::open(&ring, &transfer.ticket.room, &transfer.seal(&ring), NOW);
        assert_eq!(opened.as_ref(), Ok(&transfer));
        let ticket = transfer.taken_over(NOW);
        assert_eq!(Ticket::open(&ring, &ticket.room, &ticket.seal(&ring)).as_ref(), Ok(&ticket));
    }

    #[test]
    fn a_foreign_key_room_or_purpose_opens_nothing() {
        let sealed = ranked().seal(&ring("k1", 1));
        let with = |ring: Keyring, room: &str| {
            Transfer::open(&ring, &RoomId::parse(room).unwrap(), &sealed, NOW).unwrap_err()
        };
        assert_eq!(with(ring("k1", 2), "demo"), TransferError::Forged);
        assert_eq!(with(ring("k2", 1), "demo"), TransferError::Forged);
        assert_eq!(with(ring("k1", 1), "other"), TransferError::OtherRoom);
        assert_eq!(Ticket::open(&ring("k1", 1), &room(), &sealed), Err(TicketError::Forged));
        assert_eq!(open(&ranked().ticket.seal(&ring("k1", 1))), Err(TransferError::Forged));
    }

    #[test]
    fn takers_are_told_apart() {
        let transfer = ranked();
        assert_eq!(transfer.mark_of("a"), transfer.mark_of("a"));
        assert_ne!(transfer.mark_of("a"), transfer.mark_of("b"));
        assert_ne!(transfer.mark_of(""), transfer.taken_over(NOW).id);
    }

    proptest! {
        #[test]
        fn no_edited_character_passes(at in 0_usize..160, with in "[A-Za-z0-9_.=-]") {
            let sealed = ranked().seal(&ring("k1", 1));
            let at = at % sealed.len();
            let edited = format!("{}{with}{}", &sealed[..at], &sealed[at + 1..]);
            prop_assume!(edited != sealed);
            prop_assert!(open(&edited).is_err());
        }

        #[test]
        fn garbage_never_panics(text in ".{0,300}") {
            prop_assert!(open(&text).is_err());
        }
    }
}
