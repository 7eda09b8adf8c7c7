//! The outbox in either database: statements, and rows.

use super::rows::{self, Columns};
use crate::language::Language;
use crate::notifications::{EmailAddress, Notice};
use crate::outbox::{Backlog, DeadLetter, Letter};
use crate::store::StoreError;

/// $1 key, $2 address, $3 language, $4 notice, $5 now.
const TO_ADDRESS: &str = "INSERT INTO outbox
       (message_key, state, recipient, language, notice, next_at, created_at)
     VALUES ($1, 'waiting', $2, $3, $4, $5, $5) ON CONFLICT (message_key) DO NOTHING";

/// $1 key, $2 fan, $3 reservation or '', $4 notice, $5 now. Nothing, where the fan left no address.
const TO_FAN: &str = "INSERT INTO outbox
       (message_key, state, recipient, language, notice, next_at, created_at)
     SELECT $1, 'waiting', c.email, c.language, $4, $5, $5
       FROM (SELECT email, language, 1 AS choice FROM reservation_contacts WHERE reservation_id = $3
             UNION ALL
             SELECT email, language, 2 AS choice FROM contacts WHERE fan_id = $2 ORDER BY choice LIMIT 1) c
      WHERE true
     ON CONFLICT (message_key) DO NOTHING";

macro_rules! take {
    ($lock:literal) => {
        concat!(
            "UPDATE outbox SET attempts = attempts + 1, next_at = $2
              WHERE message_key IN (SELECT message_key FROM outbox WHERE state = 'waiting' AND next_at <= $1
                                     ORDER BY next_at LIMIT $3",
            $lock,
            ") RETURNING message_key, recipient, language, notice, attempts"
        )
    };
}
use take;

/// $1 now. Whether anything is due; asked first, so that an idle sender writes nothing.
const IS_DUE: &str = "SELECT 1 AS due FROM outbox WHERE state = 'waiting' AND next_at <= $1 LIMIT 1";

/// $1 key, $2 now.
const SENT: &str = "UPDATE outbox
        SET state = 'sent', recipient = NULL, notice = NULL, failure = NULL, settled_at = $2
      WHERE message_key = $1 AND state = 'waiting'";

/// $1 key, $2 failure, $3 when next.
const RETRY: &str =
    "UPDATE outbox SET failure = $2, next_at = $3 WHERE message_key = $1 AND state = 'waiting'";

/// $1 key, $2 failure, $3 now.
const BURY: &str = "UPDATE outbox SET state = 'dead', failure = $2, settled_at = $3
      WHERE message_key = $1 AND state = 'waiting'";

const BACKLOG: &str = "SELECT
       (SELECT count(*) FROM outbox WHERE state = 'waiting') AS waiting,
       (SELECT CAST(COALESCE(MIN(created_at), 0) AS BIGINT) FROM outbox WHERE state = 'waiting') AS oldest,
       (SELECT count(*) FROM outbox WHERE state = 'dead') AS dead";

/// $1 how many.
const DEAD: &str = "SELECT message_key, attempts, failure, created_at, settled_at
       FROM outbox WHERE state = 'dead' ORDER BY settled_at DESC, message_key LIMIT $1";

/// $1 key or null, $2 now.
const REVIVE: &str = "UPDATE outbox SET state = 'waiting', attempts = 0, next_at = $2, settled_at = NULL
      WHERE state = 'dead' AND (CAST($1 AS TEXT) IS NULL OR message_key = $1)";

/// $1 key or null, $2 now.
const DROP_DEAD: &str = "UPDATE outbox
        SET state = 'sent', recipient = NULL, notice = NULL, settled_at = $2
      WHERE state = 'dead' AND (CAST($1 AS TEXT) IS NULL OR message_key = $1)";

/// $1 before when, $2 how many.
const FORGET: &str = "DELETE FROM outbox WHERE message_key IN
       (SELECT message_key FROM outbox WHERE state = 'sent' AND settled_at < $1 ORDER BY settled_at LIMIT $2)";

/// A notice as the database keeps it.
fn written(notice: &Notice) -> Result<String, StoreError> {
    serde_json::to_string(notice).map_err(|error| StoreError::Failed(error.into()))
}

fn letter(row: &impl Columns) -> Result<Letter, StoreError> {
    Ok(Letter {
        key: row.text("message_key")?,
        to: rows::valid("recipient", EmailAddress::parse(&row.text("recipient")?).ok())?,
        language: Language::parse(&row.text("language")?).unwrap_or_default(),
        notice: rows::valid("notice", serde_json::from_str(&row.text("notice")?).ok())?,
        attempts: u32::try_from(row.number("attempts")?).unwrap_or(u32::MAX),
    })
}

fn dead(row: &impl Columns) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        key: row.text("message_key")?,
        attempts: u32::try_from(row.number("attempts")?).unwrap_or(u32::MAX),
        failure: row.text_or_null("failure")?.unwrap_or_default(),
        created_at: rows::moment(row, "created_at")?,
        died_at: rows::moment(row, "settled_at")?,
    })
}

fn backlog(row: &impl Columns) -> Result<Backlog, StoreError> {
    let count = |column| row.number(column).map(|count| u64::try_from(count).unwrap_or_default());
    let waiting = count("waiting")?;
    let oldest = rows::moment(row, "oldest")?;
    Ok(Backlog { waiting, oldest: (waiting > 0).then_some(oldest), dead: count("dead")? })
}

/// The port on one of the databases; they differ in how messages are kept for who takes them.
macro_rules! outbox_on {
    ($module:ident: $Database:ident, $Connection:ident, $take:expr) => {
        /// On this database.
        pub(super) mod $module {
            use admission::clock::Timestamp;
            use async_trait::async_trait;
            use sqlx::$Connection;

            use super::super::rows::at;
            use super::super::$module::$Database;
            use crate::outbox::{Backlog, DeadLetter, Letter, Message, OutboxStore, Recipient};
            use crate::store::StoreError;

            /// Writes `message` unless there is or was one of its key. It belongs to the transaction of `connection`,
            /// and so to the change that it tells of.
            pub(in crate::persistence) async fn enqueue(
                connection: &mut $Connection,
                message: &Message,
                now: Timestamp,
            ) -> Result<(), StoreError> {
                let notice = super::written(&message.notice)?;
                let query = match &message.to {
                    Recipient::Fan(fan) => {
                        sqlx::query(super::TO_FAN).bind(&message.key).bind(fan.as_str()).bind("")
                    }
                    Recipient::Holder(reservation, fan) => sqlx::query(super::TO_FAN)
                        .bind(&message.key)
                        .bind(fan.as_str())
                        .bind(reservation.as_str()),
                    Recipient::Address(address, language) => sqlx::query(super::TO_ADDRESS)
                        .bind(&message.key)
                        .bind(address.expose())
                        .bind(language.tag()),
                };
                query.bind(notice).bind(at(now)).execute(connection).await?;
                Ok(())
            }

            #[async_trait]
            impl OutboxStore for $Database {
                async fn enqueue(&self, message: &Message, now: Timestamp) -> Result<(), StoreError> {
                    let mut connection = self.writer().acquire().await?;
                    enqueue(&mut connection, message, now).await
                }

                async fn take(
                    &self,
                    now: Timestamp,
                    until: Timestamp,
                    limit: u32,
                ) -> Result<Vec<Letter>, StoreError> {
                    let due = sqlx::query(super::IS_DUE).bind(at(now)).fetch_optional(self.readers()).await?;
                    if due.is_none() {
                        return Ok(Vec::new());
                    }
                    let taken = sqlx::query($take)
                        .bind(at(now))
                        .bind(at(until))
                        .bind(i64::from(limit))
                        .fetch_all(self.writer())
                        .await?;
                    taken.iter().map(super::letter).collect()
                }

                async fn sent(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
                    sqlx::query(super::SENT).bind(key).bind(at(now)).execute(self.writer()).await?;
                    Ok(())
                }

                async fn retry(
                    &self,
                    key: &str,
                    failure: &str,
                    next_at: Timestamp,
                ) -> Result<(), StoreError> {
                    let query = sqlx::query(super::RETRY).bind(key).bind(failure).bind(at(next_at));
                    query.execute(self.writer()).await?;
                    Ok(())
                }

                async fn bury(&self, key: &str, failure: &str, now: Timestamp) -> Result<(), StoreError> {
                    let query = sqlx::query(super::BURY).bind(key).bind(failure).bind(at(now));
                    query.execute(self.writer()).await?;
                    Ok(())
                }

                async fn backlog(&self) -> Result<Backlog, StoreError> {
                    super::backlog(&sqlx::query(super::BACKLOG).fetch_one(self.readers()).await?)
                }

                async fn dead(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
                    let query = sqlx::query(super::DEAD).bind(i64::from(limit));
                    query.fetch_all(self.readers()).await?.iter().map(super::dead).collect()
                }

                async fn revive(&self, key: Option<&str>, now: Timestamp) -> Result<u64, StoreError> {
                    let query = sqlx::query(super::REVIVE).bind(key).bind(at(now));
                    Ok(query.execute(self.writer()).await?.rows_affected())
                }

                async fn drop_dead(&self, key: Option<&str>, now: Timestamp) -> Result<u64, StoreError> {
                    let query = sqlx::query(super::DROP_DEAD).bind(key).bind(at(now));
                    Ok(query.execute(self.writer()).await?.rows_affected())
                }

                async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
                    let query = sqlx::query(super::FORGET).bind(at(before)).bind(i64::from(limit));
                    Ok(query.execute(self.writer()).await?.rows_affected())
                }
            }
        }
    };
}

outbox_on!(sqlite: Sqlite, SqliteConnection, super::take!(""));
// Several shops may take at once: each passes over what another is taking.
outbox_on!(postgres: Postgres, PgConnection, super::take!(" FOR UPDATE SKIP LOCKED"));
