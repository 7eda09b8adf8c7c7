//! What operators do by hand.

use async_trait::async_trait;

use super::{RedisStore, Standing, StoreError};
use crate::clock::Timestamp;
use crate::name::RoomId;
use crate::store::by_hand::{ByHandStore, Reset};
use crate::ticket::Place;

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
}
