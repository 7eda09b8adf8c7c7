//! What operators do by hand.

use async_trait::async_trait;
use redis::Value;

use super::{RedisStore, Standing, StoreError, add_places};
use crate::clock::Timestamp;
use crate::name::RoomId;
use crate::rank::Rank;
use crate::store::by_hand::{ByHandStore, INVITATIONS_MAX, InvitationRecord, RANKS_FROM, Relocation, Reset};
use crate::ticket::{Place, TicketId};

#[async_trait]
impl ByHandStore for RedisStore {
    async fn reset(&self, room: &RoomId, since: Timestamp) -> Result<Option<Reset>, StoreError> {
        let mut call = self.call(&self.shared.scripts.reset, room);
        call.arg(since.as_millis());
        let (at, places, sessions): (u64, u64, u64) = self.run(room, &call).await?;
        Ok((at > 0).then_some(Reset { at: Timestamp::from_millis(at), places, sessions }))
    }

    async fn admit(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.standings(&self.shared.scripts.admit, room, places).await
    }

    async fn relocate(&self, room: &RoomId, wanted: &Relocation) -> Result<Option<Place>, StoreError> {
        let Relocation { from, lane, behind, id } = wanted;
        let mut call = self.call(&self.shared.scripts.relocate, room);
        add_places(&mut call, std::slice::from_ref(from));
        call.arg(lane.as_str())
            .arg(behind.map_or_else(String::new, |rank| rank.to_string()))
            .arg(id.to_string());
        let rank: Option<u64> = self.run(room, &call).await?;
        Ok(rank.map(|rank| Place { lane: lane.clone(), rank: Rank::new(rank), id: *id }))
    }

    async fn withdraw(&self, room: &RoomId, invitations: &[(TicketId, Timestamp)]) -> Result<(), StoreError> {
        let mut call = self.call(&self.shared.scripts.invitations, room);
        call.arg("withdraw");
        for (id, until) in invitations {
            call.arg(id.to_string()).arg(until.as_millis());
        }
        self.run::<Value>(room, &call).await.map(|_| ())
    }

    async fn invitations(&self, room: &RoomId, most: usize) -> Result<Vec<InvitationRecord>, StoreError> {
        let mut call = self.call(&self.shared.scripts.invitations, room);
        call.arg("list").arg(most.clamp(1, INVITATIONS_MAX));
        let entries: Vec<(String, u64, u64, bool)> = self.run(room, &call).await?;
        let record = |(id, until, noted, is_withdrawn): (String, u64, u64, bool)| {
            let id = TicketId::parse(&id)?;
            let used = if noted >= RANKS_FROM { 1 } else { noted };
            Some(InvitationRecord { id, used, is_withdrawn, until: Timestamp::from_millis(until) })
        };
        let unreadable = || StoreError::Unreadable("an invitation".to_owned());
        entries.into_iter().map(|entry| record(entry).ok_or_else(unreadable)).collect()
    }
}
