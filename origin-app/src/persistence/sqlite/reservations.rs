//! Reservations in SQLite.

use admission::clock::Timestamp;
use async_trait::async_trait;
use sqlx::{Row as _, SqliteConnection};

use super::{Sqlite, sql};
use crate::ids::{EventId, FanId, ReservationId};
use crate::inventory::Holding;
use crate::persistence::rows::{self, at};
use crate::reservations::{Begin, Release, Reservation, ReservationStore};
use crate::store::StoreError;

#[async_trait]
impl ReservationStore for Sqlite {
    async fn record(&self, event: &EventId, happened: &[Holding]) -> Result<(), StoreError> {
        self.record_holdings(event, happened).await
    }

    async fn live(&self, event: &EventId, now: Timestamp) -> Result<Vec<Holding>, StoreError> {
        self.live_holdings(event, now).await
    }

    async fn note_load(&self, event: &EventId, now: Timestamp) -> Result<bool, StoreError> {
        self.write_load(event, now).await
    }

    async fn loaded_events(&self, now: Timestamp) -> Result<Vec<EventId>, StoreError> {
        self.events_loaded(now).await
    }

    async fn opening_events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<EventId>, StoreError> {
        self.events_opening(from, until).await
    }

    async fn lost_after(&self, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.last_loss(since).await
    }

    async fn find(&self, id: &ReservationId, fan: &FanId) -> Result<Option<Reservation>, StoreError> {
        let found = sqlx::query(sql::RESERVATION_OF_FAN)
            .bind(id.as_str())
            .bind(fan.as_str())
            .fetch_all(&self.readers)
            .await?;
        Ok(rows::reservations(&found)?.pop())
    }

    async fn of_fan(
        &self,
        fan: &FanId,
        after: Option<&ReservationId>,
        limit: u32,
    ) -> Result<Vec<Reservation>, StoreError> {
        let found = sqlx::query(sql::RESERVATIONS_OF_FAN)
            .bind(fan.as_str())
            .bind(i64::from(limit))
            .bind(after.map_or(sql::ABOVE_ALL, ReservationId::as_str))
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
        event: &EventId,
        holding: &Holding,
        card: &str,
        now: Timestamp,
    ) -> Result<Begin, StoreError> {
        self.intend_payment(event, holding, card, now).await
    }

    async fn expire_due(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let ended = sqlx::query(
            "UPDATE reservations SET state = 'expired', updated_at = $1
              WHERE id IN (SELECT id FROM reservations WHERE state = 'held' AND expires_at <= $1
                            ORDER BY expires_at LIMIT $2)",
        )
        .bind(at(before))
        .bind(i64::from(limit))
        .execute(&self.writer)
        .await?;
        Ok(ended.rows_affected())
    }
}

/// The reservation `id`, which is there.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    id: &ReservationId,
) -> Result<Reservation, StoreError> {
    let found = sqlx::query(sql::RESERVATION).bind(id.as_str()).fetch_all(connection).await?;
    rows::reservations(&found)?.pop().ok_or_else(|| sqlx::Error::RowNotFound.into())
}
