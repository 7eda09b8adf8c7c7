//! PostgreSQL: several shops may work on one database.

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
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};

use super::rows::{at, columns};
use super::{migrations, sql};
use crate::config::{DatabaseUrl, Limits};
use crate::store::{Pool, StoreError, StoreLifecycle};

/// How long a request waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

columns!(PgRow);

/// The shop's tables in PostgreSQL.
pub(super) struct Postgres {
    pool: PgPool,
}

impl Postgres {
    pub(super) async fn connect(url: &DatabaseUrl, limits: &Limits) -> Result<Self, StoreError> {
        // No statement waits for ever: not for a lock, not for itself.
        let options = PgConnectOptions::from_str(url.expose())?
            .application_name("stanchion-shop")
            .options([("lock_timeout", "8s"), ("statement_timeout", "15s")]);
        let pool = PgPoolOptions::new()
            .max_connections(limits.database_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(in_words)?;
        migrations::postgres().run(&pool).await?;
        Ok(Self { pool })
    }

    /// A transaction that may write.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, sqlx::Postgres>, StoreError> {
        Ok(self.pool.begin().await?)
    }

    /// A connection that only reads.
    pub(super) async fn reader(&self) -> Result<PoolConnection<sqlx::Postgres>, StoreError> {
        Ok(self.pool.acquire().await?)
    }

    /// A transaction that only reads, and sees one moment.
    pub(super) async fn look(&self) -> Result<Transaction<'static, sqlx::Postgres>, StoreError> {
        Ok(self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
    }

    /// Where single statements that write go.
    pub(super) fn writer(&self) -> &PgPool {
        &self.pool
    }

    /// Where what only reads goes.
    pub(super) fn readers(&self) -> &PgPool {
        &self.pool
    }
}

/// Why there is no connection, for people, where TLS is why.
fn in_words(error: sqlx::Error) -> StoreError {
    let text = error.to_string();
    let reasons = [
        (
            ["UnknownIssuer", "BadSignature"],
            "nobody who is trusted vouches for the database's certificate; `sslrootcert=` in its \
          URL names the file with who does",
        ),
        (
            ["NotValidForName", "not valid for name"],
            "the database's certificate is for another name than the host in its URL",
        ),
    ];
    match reasons.into_iter().find(|(words, _)| words.iter().any(|word| text.contains(word))) {
        Some((_, said)) => StoreError::Failed(said.into()),
        None => error.into(),
    }
}

#[async_trait]
impl StoreLifecycle for Postgres {
    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    fn pool(&self) -> Pool {
        Pool {
            open: self.pool.size(),
            idle: u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX),
            limit: self.pool.options().get_max_connections(),
        }
    }

    async fn sold_without_ticket(&self, since: Timestamp) -> Result<u64, StoreError> {
        let found = sqlx::query_scalar(sql::SOLD_WITHOUT_TICKET).bind(at(since));
        let seats: i64 = found.fetch_one(self.readers()).await?;
        Ok(u64::try_from(seats).unwrap_or_default())
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
