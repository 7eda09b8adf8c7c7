//! The right to enter a lane: a link or code that the operator mints and gives to somebody.
//!
//! A lane is never entered by a bare parameter. An invitation is sealed like a ticket, with a key of its own
//! purpose, so that neither passes for the other. How often it was used is counted by the store.

use crate::clock::Timestamp;
use crate::keyring::{Keyring, Purpose};
use crate::name::{LaneId, RoomId};
use crate::sealed::{Fields, Opened, SealError, Sealer};
use crate::ticket::TicketId;

/// The right to enter a lane of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The room it is for.
    pub room: RoomId,
    /// The lane that it opens.
    pub lane: LaneId,
    /// Its id: what the store counts its uses by.
    pub id: TicketId,
    /// How many tickets may be had for it, at least 1.
    pub uses: u32,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

/// Why an invitation is not accepted. None of the reasons says anything about the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// Not of the form `v1.<payload>.<tag>`, or a payload that is not one.
    #[error("this is not an invitation")]
    Malformed,
    /// Signed by an unknown key, edited, or made up.
    #[error("the invitation's signature does not match")]
    Forged,
    /// Minted for another room.
    #[error("the invitation is for another room")]
    OtherRoom,
    /// Its time is over.
    #[error("the invitation has expired")]
    Expired,
}

impl From<SealError> for InvitationError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Malformed => Self::Malformed,
            SealError::Forged => Self::Forged,
        }
    }
}

impl Invitation {
    /// The invitation as it is given away.
    pub fn seal(&self, keyring: &Keyring) -> String {
        Sealer::new(keyring, Purpose::Invitation)
            .text(self.room.as_str())
            .text(self.lane.as_str())
            .bytes(&self.id.bytes())
            .bytes(&self.uses.to_be_bytes())
            .number(self.expires_at.as_millis())
            .seal()
    }

    /// Opens an invitation to `room` at the moment `now`. The signature is checked before anything of the payload
    /// is used, but for the key id.
    ///
    /// # Errors
    /// When the text is no invitation, its signature does not match, or it is for another room or expired.
    pub fn open(
        keyring: &Keyring,
        room: &RoomId,
        sealed: &str,
        now: Timestamp,
    ) -> Result<Self, InvitationError> {
        let opened = Opened::check(keyring, Purpose::Invitation, sealed)?;
        let invitation = Self::read(opened.fields()).ok_or(InvitationError::Malformed)?;
        if invitation.room != *room {
            return Err(InvitationError::OtherRoom);
        }
        if invitation.expires_at <= now {
            return Err(InvitationError::Expired);
        }
        Ok(invitation)
    }

    /// The id of the ticket, where there can be only one. Whoever uses such an invitation again gets the same
    /// place, not another.
    pub fn only_ticket(&self) -> Option<TicketId> {
        (self.uses == 1).then_some(self.id)
    }

    fn read(mut fields: Fields<'_>) -> Option<Self> {
        let room = RoomId::parse(fields.text()?).ok()?;
        let lane = LaneId::parse(fields.text()?).ok()?;
        let id = TicketId::from_bytes(fields.bytes()?.try_into().ok()?);
        let uses = u32::from_be_bytes(fields.bytes()?.try_into().ok()?);
        let expires_at = Timestamp::from_millis(fields.number()?);
        fields.end(Self { room, lane, id, uses, expires_at }).filter(|invitation| invitation.uses > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::rank::Rank;
    use crate::ticket::{Order, Ticket, TicketError};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn ring(id: &str, secret: u8) -> Keyring {
        Keyring::parse(&format!("{id}:{}", STANDARD.encode([secret; 32]))).unwrap()
    }

    fn room() -> RoomId {
        RoomId::parse("demo").unwrap()
    }

    fn invitation() -> Invitation {
        Invitation {
            room: room(),
            lane: LaneId::parse("member").unwrap(),
            id: TicketId::from_bytes([7; 12]),
            uses: 3,
            expires_at: NOW + Duration::from_secs(60),
        }
    }

    fn open(sealed: &str) -> Result<Invitation, InvitationError> {
        Invitation::open(&ring("k1", 1), &room(), sealed, NOW)
    }

    #[test]
    fn a_sealed_invitation_opens_to_itself_until_it_expires() {
        let ring = ring("k1", 1);
        let sealed = invitation().seal(&ring);
        let at = |now| Invitation::open(&ring, &room(), &sealed, now);
        assert_eq!(at(NOW), Ok(invitation()));
        assert_eq!(at(invitation().expires_at - Duration::from_millis(1)), Ok(invitation()));
        assert_eq!(at(invitation().expires_at), Err(InvitationError::Expired));
    }

    #[test]
    fn a_foreign_key_or_room_opens_nothing() {
        let sealed = invitation().seal(&ring("k1", 1));
        let with = |ring: Keyring, room: &str| {
            Invitation::open(&ring, &RoomId::parse(room).unwrap(), &sealed, NOW).unwrap_err()
        };
        assert_eq!(with(ring("k1", 2), "demo"), InvitationError::Forged);
        assert_eq!(with(ring("k2", 1), "demo"), InvitationError::Forged);
        assert_eq!(with(ring("k1", 1), "other"), InvitationError::OtherRoom);
    }

    #[test]
    fn a_ticket_is_no_invitation_and_the_other_way_round() {
        let ring = ring("k1", 1);
        let Invitation { room, lane, id, .. } = invitation();
        let ticket =
            Ticket { room: room.clone(), lane, id, order: Order::Ranked(Rank::ZERO), issued_at: NOW };
        assert_eq!(open(&ticket.seal(&ring)), Err(InvitationError::Forged));
        let sealed = invitation().seal(&ring);
        assert_eq!(Ticket::open(&ring, &room, &sealed), Err(TicketError::Forged));
    }

    #[test]
    fn an_invitation_for_nobody_is_none() {
        let sealed = Invitation { uses: 0, ..invitation() }.seal(&ring("k1", 1));
        assert_eq!(open(&sealed), Err(InvitationError::Malformed));
    }

    #[test]
    fn a_signed_list_of_fields_that_is_no_invitation_is_malformed() {
        let ring = ring("k1", 1);
        let head = || Sealer::new(&ring, Purpose::Invitation).text("demo").text("member");
        for (what, sealer) in [
            ("fields missing", head()),
            ("a short id", head().bytes(&[7; 11]).bytes(&[0, 0, 0, 1]).number(u64::MAX)),
            ("uses of another width", head().bytes(&[7; 12]).number(1).number(u64::MAX)),
            ("a field too many", head().bytes(&[7; 12]).bytes(&[0, 0, 0, 1]).number(u64::MAX).text("")),
        ] {
            assert_eq!(open(&sealer.seal()), Err(InvitationError::Malformed), "{what}");
        }
        let good = head().bytes(&[7; 12]).bytes(&[0, 0, 0, 1]).number(u64::MAX).seal();
        assert_eq!(open(&good).map(|invitation| invitation.uses), Ok(1));
    }

    #[test]
    fn what_was_forged_is_not_made_good_by_what_is_done_with_it() {
        // There is no way from a text to a seal but through `open`, and that gives nothing for a forged one.
        let forged = invitation().seal(&ring("k1", 2));
        let sealed_again = open(&forged).map(|invitation| invitation.seal(&ring("k1", 1)));
        assert_eq!(sealed_again, Err(InvitationError::Forged));
    }

    #[test]
    fn only_a_single_use_names_its_ticket() {
        assert_eq!(invitation().only_ticket(), None);
        assert_eq!(Invitation { uses: 1, ..invitation() }.only_ticket(), Some(invitation().id));
    }

    proptest! {
        #[test]
        fn no_edited_character_passes(at in 0_usize..160, with in "[A-Za-z0-9_.=-]") {
            let sealed = invitation().seal(&ring("k1", 1));
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
