//! Reservations in SQLite.

use admission::clock::Timestamp;
use async_trait::async_trait;
use sqlx::{Row as _, SqliteConnection};

use super::ledger::post;
use super::{Sqlite, json_list, sql};
use crate::ids::{EventId, FanId, ReservationId};
use crate::payments::Posting;
use crate::persistence::rows::{self, at};
use crate::reservations::{Begin, Confirm, Hold, NewHold, Release, Reservation, ReservationStore};
use crate::store::StoreError;

#[async_trait]
impl ReservationStore for Sqlite {
    async fn hold(&self, new: &NewHold, now: Timestamp) -> Result<Hold, StoreError> {
        self.hold_seats(new, now).await
    }

    async fn find(&self, id: &ReservationId, fan: &FanId) -> Result<Option<Reservation>, StoreError> {
        let found = sqlx::query(sql::RESERVATION_OF_FAN)
            .bind(id.as_str())
            .bind(fan.as_str())
            .fetch_all(&self.readers)
            .await?;
        Ok(rows::reservations(&found)?.pop())
    }

    async fn of_fan(&self, fan: &FanId, limit: u32) -> Result<Vec<Reservation>, StoreError> {
        let found = sqlx::query(sql::RESERVATIONS_OF_FAN)
            .bind(fan.as_str())
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows::reservations(&found)
    }

    async fn paid_seats(&self, event: &EventId, fan: &FanId) -> Result<u32, StoreError> {
        let row = sqlx::query(sql::PAID_SEATS)
            .bind(event.as_str())
            .bind(fan.as_str())
            .fetch_one(&self.readers)
            .await?;
        Ok(u32::try_from(row.try_get::<i64, _>("seats")?).unwrap_or(u32::MAX))
    }

    async fn release(&self, id: &ReservationId, fan: &FanId, now: Timestamp) -> Result<Release, StoreError> {
        self.release_hold(id, fan, now).await
    }

    async fn begin_payment(
        &self,
        id: &ReservationId,
        fan: &FanId,
        card: &str,
        now: Timestamp,
    ) -> Result<Begin, StoreError> {
        self.intend_payment(id, fan, card, now).await
    }

    async fn confirm(
        &self,
        paying: &Reservation,
        charge_id: &str,
        codes: &[String],
        now: Timestamp,
    ) -> Result<Confirm, StoreError> {
        self.settle_charge(paying, charge_id, codes, now).await
    }

    async fn decline(&self, paying: &Reservation, now: Timestamp) -> Result<Reservation, StoreError> {
        let mut connection = self.writer.acquire().await?;
        sqlx::query(sql::DECLINE)
            .bind(paying.id.as_str())
            .bind(paying.attempt)
            .bind(at(now))
            .execute(&mut *connection)
            .await?;
        load(&mut connection, &paying.id).await
    }

    async fn postpone(&self, id: &ReservationId, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(sql::POSTPONE).bind(id.as_str()).bind(at(now)).execute(&self.writer).await?;
        Ok(())
    }

    async fn unsettled(&self, since: Timestamp, limit: u32) -> Result<Vec<Reservation>, StoreError> {
        let found = sqlx::query(sql::UNSETTLED)
            .bind(at(since))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows::reservations(&found)
    }

    async fn refunded(&self, id: &ReservationId, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let done =
            sqlx::query(sql::REFUNDED).bind(id.as_str()).bind(at(now)).execute(&mut *transaction).await?;
        if done.rows_affected() == 1 {
            let refunded = load(&mut transaction, id).await?;
            post(&mut transaction, Posting::Refund, &refunded, now).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn expire_due(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let due: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM reservations WHERE state = 'held' AND expires_at <= $1
              ORDER BY expires_at LIMIT $2",
        )
        .bind(at(now))
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        if !due.is_empty() {
            expire(&mut transaction, &due, now).await?;
        }
        transaction.commit().await?;
        Ok(due.len() as u64)
    }
}

/// Ends the holds `ids`.
pub(super) async fn expire(
    connection: &mut SqliteConnection,
    ids: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    let ids = json_list(ids);
    sqlx::query(
        "UPDATE reservations SET state = 'expired', updated_at = $2 WHERE id IN (SELECT value FROM json_each($1))",
    )
    .bind(&ids)
    .bind(at(now))
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM seat_claims WHERE reservation_id IN (SELECT value FROM json_each($1))")
        .bind(&ids)
        .execute(connection)
        .await?;
    Ok(())
}

/// The reservation `id`, which is there.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    id: &ReservationId,
) -> Result<Reservation, StoreError> {
    let found = sqlx::query(sql::RESERVATION).bind(id.as_str()).fetch_all(connection).await?;
    rows::reservations(&found)?.pop().ok_or_else(|| sqlx::Error::RowNotFound.into())
}
