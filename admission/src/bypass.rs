//! The right to go past a line for a while: a link that the operator mints for staff, or for somebody who cannot stand
//! in a line. It takes no turn and is not counted against the room's capacity.

use crate::clock::Timestamp;
use crate::keyring::{Keyring, Purpose};
use crate::name::RoomId;
use crate::sealed::{Fields, Opened, SealError, Sealer};
use crate::ticket::TicketId;

/// The right to go past a room's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bypass {
    /// The room.
    pub room: RoomId,
    /// Its id, by which the shop knows who comes: it stands where the ticket of an admitted fan does.
    pub id: TicketId,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

/// Why a bypass is not accepted. None of the reasons says anything about the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BypassError {
    /// Not of the form, signed by an unknown key, edited, or made up.
    #[error("this is not a bypass of this site")]
    Invalid,
    /// Minted for another room.
    #[error("the bypass is for another room")]
    OtherRoom,
    /// Its time is over.
    #[error("the bypass has expired")]
    Expired,
}

impl From<SealError> for BypassError {
    fn from(_: SealError) -> Self {
        Self::Invalid
    }
}

impl Bypass {
    /// The bypass as it is given away.
    pub fn seal(&self, keyring: &Keyring) -> String {
        Sealer::new(keyring, Purpose::Bypass)
            .text(self.room.as_str())
            .bytes(&self.id.bytes())
            .number(self.expires_at.as_millis())
            .seal()
    }

    /// Opens a bypass of `room` at the moment `now`.
    ///
    /// # Errors
    /// When the text is no bypass, its signature does not match, or it is for another room or expired.
    pub fn open(keyring: &Keyring, room: &RoomId, sealed: &str, now: Timestamp) -> Result<Self, BypassError> {
        let opened = Opened::check(keyring, Purpose::Bypass, sealed)?;
        let bypass = Self::read(opened.fields()).ok_or(BypassError::Invalid)?;
        if bypass.room != *room {
            return Err(BypassError::OtherRoom);
        }
        if bypass.expires_at <= now {
            return Err(BypassError::Expired);
        }
        Ok(bypass)
    }

    fn read(mut fields: Fields<'_>) -> Option<Self> {
        let room = RoomId::parse(fields.text()?).ok()?;
        let id = TicketId::from_bytes(fields.bytes()?.try_into().ok()?);
        let expires_at = Timestamp::from_millis(fields.number()?);
        fields.end(Self { room, id, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::invitation::Invitation;
    use crate::name::LaneId;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn ring(secret: char) -> Keyring {
        Keyring::parse(&format!("k1:{}", secret.to_string().repeat(43))).unwrap()
    }

    fn room() -> RoomId {
        RoomId::parse("demo").unwrap()
    }

    #[test]
    fn a_bypass_is_good_for_its_room_and_time_and_nothing_else_passes_for_one() {
        let bypass = Bypass {
            room: room(),
            id: TicketId::from_bytes([7; 12]),
            expires_at: NOW + Duration::from_secs(60),
        };
        let sealed = bypass.seal(&ring('A'));
        let open = |ring, room, at| Bypass::open(&ring, &room, &sealed, at);
        assert_eq!(open(ring('A'), room(), NOW), Ok(bypass.clone()));
        assert_eq!(open(ring('A'), room(), bypass.expires_at), Err(BypassError::Expired));
        assert_eq!(open(ring('A'), RoomId::parse("other").unwrap(), NOW), Err(BypassError::OtherRoom));
        assert_eq!(open(ring('E'), room(), NOW), Err(BypassError::Invalid));
        let invitation = Invitation {
            room: room(),
            lane: LaneId::general(),
            id: bypass.id,
            uses: 1,
            expires_at: bypass.expires_at,
        };
        for other in
            [invitation.seal(&ring('A')), String::new(), "v1..".to_owned(), sealed.replace("v1", "v2")]
        {
            assert_eq!(Bypass::open(&ring('A'), &room(), &other, NOW), Err(BypassError::Invalid), "{other}");
        }
    }
}
