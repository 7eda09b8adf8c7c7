//! SQLite: one shop, nothing to install.
//!
//! Lists go into a statement as one JSON text, which `json_each` takes apart.

mod charges;
mod event_writes;
mod events;
pub(super) mod ledger;
mod record;
mod reservations;
mod settle;

use std::str::FromStr as _;
use std::time::Duration;

use admission::clock::Timestamp;
use async_trait::async_trait;
use sqlx::Transaction;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};

use super::rows::{at, columns};
use super::{migrations, sql};
use crate::config::{DatabaseUrl, Limits};
use crate::store::{Pool, StoreError, StoreLifecycle};

/// How long a request waits for a free connection, and so for its turn to write.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection waits while another process writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(8);

columns!(SqliteRow);

/// The shop's tables in SQLite.
pub(super) struct Sqlite {
    /// One connection: whoever writes waits here, in order, and not inside the database.
    writer: SqlitePool,
    /// What only reads sees the last committed state, and waits for nobody.
    readers: SqlitePool,
}

impl Sqlite {
    pub(super) async fn connect(url: &DatabaseUrl, limits: &Limits) -> Result<Self, StoreError> {
        let in_memory = url.expose().contains(":memory:");
        let options = SqliteConnectOptions::from_str(url.expose())?
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let options = if in_memory {
            options
        } else {
            // A commit is on disk before the fan hears of it: money hangs on it.
            options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
        };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.clone())
            .await?;
        migrations::sqlite().run(&writer).await?;
        let readers = if in_memory {
            // The database in memory is its one connection.
            writer.clone()
        } else {
            SqlitePoolOptions::new()
                .max_connections(limits.database_connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .connect_with(options.read_only(true).create_if_missing(false))
                .await?
        };
        Ok(Self { writer, readers })
    }

    /// A transaction that may write. It takes the lock at its beginning: one that reads first and then wants
    /// to write could only fail if somebody wrote in between.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, sqlx::Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A connection that only reads.
    pub(super) async fn reader(&self) -> Result<PoolConnection<sqlx::Sqlite>, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// A transaction that only reads, and sees one moment.
    pub(super) async fn look(&self) -> Result<Transaction<'static, sqlx::Sqlite>, StoreError> {
        Ok(self.readers.begin().await?)
    }

    /// Where single statements that write go.
    pub(super) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Where what only reads goes.
    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }
}

#[async_trait]
impl StoreLifecycle for Sqlite {
    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    fn pool(&self) -> Pool {
        let mut all = Pool::default();
        for pool in [&self.readers, &self.writer] {
            all.open += pool.size();
            all.idle += u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            all.limit += pool.options().get_max_connections();
        }
        all
    }

    async fn sold_without_ticket(&self, since: Timestamp) -> Result<u64, StoreError> {
        let found = sqlx::query_scalar(sql::SOLD_WITHOUT_TICKET).bind(at(since));
        let seats: i64 = found.fetch_one(self.readers()).await?;
        Ok(u64::try_from(seats).unwrap_or_default())
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A list as one parameter.
fn json_list<T: serde::Serialize>(list: &[T]) -> String {
    serde_json::json!(list).to_string()
}
