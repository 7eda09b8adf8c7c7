//! What the proxies share, in Redis: one hash and one list.

use async_trait::async_trait;
use redis::FromRedisValue;

use super::connection::Call;
use super::{RedisStore, StoreError};
use crate::store::fleet::{
    AUDIT_MAX, AuditEntry, Basis, Configuration, FleetStore, Proposed, RoomsFile, check_length,
};

/// In the place of a room's name, for no room can have it.
const FLEET: &str = "@fleet";

impl RedisStore {
    fn ask(&self, verb: &str) -> Call<'_> {
        let mut call = self.shared.scripts.fleet.call(FLEET);
        call.arg(self.time()).arg(verb);
        call
    }

    async fn answer<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, StoreError> {
        let answer =
            self.connection.run(call).await.map_err(|fault| StoreError::Unavailable(fault.to_string()))?;
        T::from_redis_value(answer).map_err(|error| StoreError::Unreadable(error.to_string()))
    }
}

#[async_trait]
impl FleetStore for RedisStore {
    async fn configuration(&self, knows: u64) -> Result<(u64, Option<Configuration>), StoreError> {
        let mut call = self.ask("configuration");
        call.arg(knows);
        let (revision, text, file, written): (u64, String, String, u64) = self.answer(&call).await?;
        let is_other = revision != 0 && revision != knows;
        let file = (written > 0).then_some(RoomsFile { text: file, written });
        Ok((revision, is_other.then_some(Configuration { revision, text, file })))
    }

    async fn propose(
        &self,
        basis: Basis,
        text: &str,
        file: Option<&RoomsFile>,
        entry: AuditEntry,
    ) -> Result<Proposed, StoreError> {
        [Some(text), file.map(|file| file.text.as_str())].into_iter().flatten().try_for_each(check_length)?;
        let (name, revision) = match basis {
            Basis::Newer(revision) => ("newer", revision),
            Basis::Latest(revision) => ("latest", revision),
            Basis::From(revision) => ("from", revision),
        };
        let mut call = self.ask("propose");
        call.arg(name).arg(revision).arg(text).arg(json(entry)?);
        if let Some(RoomsFile { text, written }) = file {
            call.arg(text.as_str()).arg((*written).max(1));
        }
        let (is_kept, revision): (bool, u64) = self.answer(&call).await?;
        Ok(if is_kept { Proposed::Kept(revision) } else { Proposed::Refused(revision) })
    }

    async fn note(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let mut call = self.ask("note");
        call.arg(json(entry)?);
        self.answer(&call).await
    }

    async fn audit(&self, most: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let mut call = self.ask("audit");
        call.arg(most.clamp(1, AUDIT_MAX));
        let entries: Vec<String> = self.answer(&call).await?;
        let entries = entries.iter().map(|entry| serde_json::from_str(entry));
        entries
            .collect::<Result<_, _>>()
            .map_err(|error| StoreError::Unreadable(format!("an entry of the audit log: {error}")))
    }
}

fn json(entry: AuditEntry) -> Result<String, StoreError> {
    serde_json::to_string(&entry.bounded()).map_err(|error| StoreError::Unreadable(error.to_string()))
}
