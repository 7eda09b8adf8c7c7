//! The log of an event as a stream, read by one consumer group.

use admission::clock::{Timestamp, millis};
use async_trait::async_trait;
use redis::Value;

use super::{Call, RedisInventory, decode};
use crate::ids::{EventId, ReservationId};
use crate::inventory::{Backlog, DeadLetter, InventoryError, InventoryLog, LogEntry, READ_TURN};

#[async_trait]
impl InventoryLog for RedisInventory {
    async fn read(
        &self,
        event: &EventId,
        reader: &str,
        limit: u32,
    ) -> Result<Option<Vec<LogEntry>>, InventoryError> {
        let mut call = Call::default();
        call.arg(reader).arg(millis(READ_TURN)).arg(limit);
        let Some(entries) = self.run::<Option<Vec<Value>>>(&self.scripts.read, event, call).await? else {
            return Ok(None);
        };
        let entries = entries.into_iter().map(|value| decode::entry(value).map(|(entry, _)| entry));
        entries.collect::<Result<_, _>>().map(Some)
    }

    async fn acknowledge(&self, event: &EventId, entries: &[LogEntry]) -> Result<(), InventoryError> {
        let mut call = Call::default();
        for entry in entries {
            call.arg(&entry.mark).arg(entry.ended().map_or("", ReservationId::as_str));
        }
        self.run::<Value>(&self.scripts.acknowledge, event, call).await.map(drop)
    }

    async fn bury(&self, event: &EventId, entry: &LogEntry, reason: &str) -> Result<(), InventoryError> {
        let mut call = Call::default();
        call.arg(&entry.mark).arg(reason);
        self.run::<Value>(&self.scripts.bury, event, call).await.map(drop)
    }

    async fn dead(&self, event: &EventId, limit: u32) -> Result<Vec<DeadLetter>, InventoryError> {
        let mut call = Call::default();
        call.arg(limit);
        let letters: Vec<Value> = self.run(&self.scripts.dead, event, call).await?;
        letters
            .into_iter()
            .map(|value| {
                let (entry, reason) = decode::entry(value)?;
                Ok(DeadLetter { mark: entry.mark.clone(), entry, reason })
            })
            .collect()
    }

    async fn unbury(&self, event: &EventId, mark: &str, replay: bool) -> Result<bool, InventoryError> {
        let mut call = Call::default();
        call.arg(mark).arg(u8::from(replay));
        self.run(&self.scripts.unbury, event, call).await
    }

    async fn backlog(&self, event: &EventId) -> Result<Backlog, InventoryError> {
        let (now, entries, oldest, dead): (u64, u64, u64, u64) =
            self.run(&self.scripts.backlog, event, Call::default()).await?;
        let moment = Timestamp::from_millis;
        let oldest = (entries > 0).then(|| moment(oldest));
        Ok(Backlog { entries, oldest, dead, now: moment(now) })
    }
}
