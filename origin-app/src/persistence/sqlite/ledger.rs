//! The ledger in SQLite.

use admission::clock::Timestamp;
use async_trait::async_trait;
use sqlx::{Row as _, SqliteConnection};

use super::Sqlite;
use crate::ids::EventId;
use crate::payments::{LedgerAudit, LedgerStore, Posting};
use crate::persistence::money::{self, NewPosting};
use crate::persistence::rows::at;
use crate::reservations::Reservation;
use crate::store::StoreError;

#[async_trait]
impl LedgerStore for Sqlite {
    async fn audit(&self, event: Option<&EventId>) -> Result<LedgerAudit, StoreError> {
        let event = event.map(EventId::as_str);
        // One look at everything: money that moves meanwhile is seen nowhere or everywhere.
        let mut transaction = self.look().await?;
        let balances = sqlx::query(money::BALANCES).bind(event).fetch_all(&mut *transaction).await?;
        let unbalanced = sqlx::query(money::UNBALANCED).fetch_one(&mut *transaction).await?;
        let contradictions =
            sqlx::query(money::CONTRADICTIONS).bind(event).fetch_one(&mut *transaction).await?;
        money::audit(&balances, unbalanced.try_get("postings")?, contradictions.try_get("reservations")?)
    }

    async fn wrong_since(&self, since: Timestamp) -> Result<u64, StoreError> {
        let mut transaction = self.look().await?;
        let mut wrong = 0;
        for question in [money::UNBALANCED_SINCE, money::CONTRADICTIONS_SINCE] {
            let found: i64 =
                sqlx::query_scalar(question).bind(at(since)).fetch_one(&mut *transaction).await?;
            wrong += u64::try_from(found).unwrap_or_default();
        }
        Ok(wrong)
    }
}

/// Moves what `reservation` costs, as a part of the caller's transaction.
pub(in crate::persistence) async fn post(
    connection: &mut SqliteConnection,
    posting: Posting,
    reservation: &Reservation,
    now: Timestamp,
) -> Result<(), StoreError> {
    let new = NewPosting::of(posting, reservation);
    sqlx::query(money::NEW_POSTING)
        .bind(&new.id)
        .bind(new.kind)
        .bind(&new.payment)
        .bind(reservation.id.as_str())
        .bind(reservation.event.as_str())
        .bind(&reservation.currency)
        .bind(at(now))
        .execute(&mut *connection)
        .await?;
    sqlx::query(money::NEW_ENTRIES)
        .bind(&new.id)
        .bind(new.from)
        .bind(new.to)
        .bind(reservation.amount_cents)
        .execute(connection)
        .await?;
    Ok(())
}
