//! Answers to be given again, in either database.

use super::rows::{self, Columns};
use crate::idempotency::{Answer, Begun};
use crate::store::StoreError;

/// $1 key, $2 request, $3 now, $4 until. What was cut off, or is to be forgotten, is as good as never asked.
const BEGIN: &str = "INSERT INTO idempotent_answers (key_hash, request_hash, expires_at) VALUES ($1, $2, $4)
     ON CONFLICT (key_hash) DO UPDATE SET request_hash = $2, status = NULL, headers = NULL, body = NULL, expires_at = $4
      WHERE idempotent_answers.expires_at <= $3";

/// $1 key.
const FIND: &str = "SELECT request_hash, COALESCE(status, 0) AS status, headers, body
       FROM idempotent_answers WHERE key_hash = $1";

/// $1 key, $2 request, $3 status, $4 headers, $5 body, $6 until.
const ANSWERED: &str =
    "INSERT INTO idempotent_answers (key_hash, request_hash, status, headers, body, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (key_hash) DO UPDATE
        SET request_hash = $2, status = $3, headers = $4, body = $5, expires_at = $6";

/// $1 key.
const GIVE_UP: &str = "DELETE FROM idempotent_answers WHERE key_hash = $1 AND status IS NULL";

/// $1 now.
const FORGET: &str = "DELETE FROM idempotent_answers WHERE expires_at <= $1";

fn begun(row: &impl Columns, request: &str) -> Result<Begun, StoreError> {
    if row.text("request_hash")? != request {
        return Ok(Begun::Other);
    }
    let status = row.number("status")?;
    if status == 0 {
        return Ok(Begun::UnderWay);
    }
    let headers = row.text_or_null("headers")?.unwrap_or_default();
    Ok(Begun::Answered(Answer {
        status: rows::valid("status", u16::try_from(status).ok())?,
        headers: rows::valid("headers", serde_json::from_str(&headers).ok())?,
        body: row.text_or_null("body")?.unwrap_or_default(),
    }))
}

/// The port on one of the databases.
macro_rules! idempotency_on {
    ($module:ident: $Database:ident) => {
        mod $module {
            use admission::clock::Timestamp;
            use async_trait::async_trait;

            use super::super::rows::at;
            use super::super::$module::$Database;
            use crate::idempotency::{Answer, Begun, IdempotencyStore};
            use crate::store::StoreError;

            #[async_trait]
            impl IdempotencyStore for $Database {
                async fn begin(
                    &self,
                    key: &str,
                    request: &str,
                    now: Timestamp,
                    until: Timestamp,
                ) -> Result<Begun, StoreError> {
                    let taken = sqlx::query(super::BEGIN)
                        .bind(key)
                        .bind(request)
                        .bind(at(now))
                        .bind(at(until))
                        .execute(self.writer())
                        .await?;
                    if taken.rows_affected() == 1 {
                        return Ok(Begun::New);
                    }
                    // Whoever has it may give it up this very moment; then it is the next try's.
                    match sqlx::query(super::FIND).bind(key).fetch_optional(self.writer()).await? {
                        Some(row) => super::begun(&row, request),
                        None => Ok(Begun::UnderWay),
                    }
                }

                async fn answered(
                    &self,
                    keys: &[String],
                    request: &str,
                    answer: &Answer,
                    until: Timestamp,
                ) -> Result<(), StoreError> {
                    let headers = serde_json::json!(answer.headers).to_string();
                    for key in keys {
                        sqlx::query(super::ANSWERED)
                            .bind(key)
                            .bind(request)
                            .bind(i64::from(answer.status))
                            .bind(&headers)
                            .bind(&answer.body)
                            .bind(at(until))
                            .execute(self.writer())
                            .await?;
                    }
                    Ok(())
                }

                async fn give_up(&self, key: &str) -> Result<(), StoreError> {
                    sqlx::query(super::GIVE_UP).bind(key).execute(self.writer()).await?;
                    Ok(())
                }

                async fn forget(&self, now: Timestamp) -> Result<(), StoreError> {
                    sqlx::query(super::FORGET).bind(at(now)).execute(self.writer()).await?;
                    Ok(())
                }
            }
        }
    };
}

idempotency_on!(sqlite: Sqlite);
idempotency_on!(postgres: Postgres);
