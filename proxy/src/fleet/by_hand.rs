//! What operators do to a line by hand, in the store that all proxies share.

use admission::clock::Timestamp;
use admission::store::{InvitationRecord, Relocated, Relocation, Reset, Standing, StoreError};
use admission::ticket::{Place, TicketId};

use super::{Fleet, bounded};
use crate::room::Room;

impl Fleet {
    /// Takes back everybody's place in a room, at every proxy within a tick. Nothing before a draw.
    ///
    /// # Errors
    /// When the store cannot be reached: asked again, it takes nobody's place who came since.
    pub async fn reset(&self, room: &Room) -> Result<Option<Reset>, StoreError> {
        let since = room.store_now().ok_or_else(|| StoreError::UnknownRoom(room.id.clone()))?;
        match bounded(self.store.reset(&room.id, since)).await {
            // It may have happened.
            Err(StoreError::Unavailable(_)) => bounded(self.store.reset(&room.id, since)).await,
            answer => answer,
        }
    }

    /// The invitations to a room that were used or withdrawn.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn invitations(&self, room: &Room, most: usize) -> Result<Vec<InvitationRecord>, StoreError> {
        bounded(self.store.invitations(&room.id, most)).await
    }

    /// Withdraws an invitation, which would be good until then.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn withdraw(&self, room: &Room, id: TicketId, until: Timestamp) -> Result<(), StoreError> {
        bounded(self.store.withdraw(&room.id, &[(id, until)])).await
    }

    /// Gives a ticket its turn before the others, if there is room inside. Where it stands then.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn admit(&self, room: &Room, place: &Place) -> Result<Option<Standing>, StoreError> {
        let standings = bounded(self.store.admit(&room.id, std::slice::from_ref(place))).await?;
        let standing = standings.first().copied();
        if let Some(standing) = standing {
            room.heard(place, standing);
        }
        Ok(standing)
    }

    /// Moves a place. Where it stands then, or why it cannot be moved: because it stands as it does, or in a pre-queue.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn relocate(&self, room: &Room, wanted: &Relocation) -> Result<Option<Place>, StoreError> {
        let to = match bounded(self.store.relocate(&room.id, wanted)).await {
            // It may have happened: the same ids get the same answer.
            Err(StoreError::Unavailable(_)) => bounded(self.store.relocate(&room.id, wanted)).await,
            answer => answer,
        }?;
        // The other proxies hear of it at their next tick.
        if let Some(to) = &to {
            room.hear_of_relocations(&[Relocated { from: wanted.from.clone(), to: to.clone() }]);
        }
        Ok(to)
    }
}
