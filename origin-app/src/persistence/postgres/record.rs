//! What happened to seats comes into PostgreSQL: from the log, and before a payment.

use admission::clock::Timestamp;
use sqlx::{PgConnection, Row as _};

use super::reservations::load;
use super::{Postgres, sql};
use crate::ids::EventId;
use crate::inventory::Holding;
use crate::notifications::News;
use crate::outbox::Message;
use crate::persistence::outbox::postgres::enqueue;
use crate::persistence::rows::{self, Batch, at};
use crate::store::StoreError;

impl Postgres {
    pub(super) async fn record_holdings(
        &self,
        event: &EventId,
        happened: &[Holding],
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        record(&mut transaction, event, happened).await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn live_holdings(
        &self,
        event: &EventId,
        now: Timestamp,
    ) -> Result<Vec<Holding>, StoreError> {
        let found = sqlx::query(sql::LIVE).bind(event.as_str()).bind(at(now)).fetch_all(&self.pool).await?;
        rows::holdings(&found)
    }

    pub(super) async fn write_load(&self, event: &EventId, now: Timestamp) -> Result<bool, StoreError> {
        let row =
            sqlx::query(sql::NOTE_LOAD).bind(event.as_str()).bind(at(now)).fetch_one(&self.pool).await?;
        Ok(row.try_get::<Option<i64>, _>("lost_at")?.is_some())
    }

    pub(super) async fn events_loaded(&self, now: Timestamp) -> Result<Vec<EventId>, StoreError> {
        let found = sqlx::query(sql::LOADED_EVENTS).bind(at(now)).fetch_all(&self.pool).await?;
        rows::event_ids(&found)
    }

    pub(super) async fn events_opening(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventId>, StoreError> {
        let found =
            sqlx::query(sql::OPENING_EVENTS).bind(at(from)).bind(at(until)).fetch_all(&self.pool).await?;
        rows::event_ids(&found)
    }

    pub(super) async fn last_loss(&self, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query(sql::LOST_AFTER).bind(at(since)).fetch_one(&self.pool).await?;
        Ok(rows::moment_or_null(row.try_get("lost_at")?))
    }
}

/// Writes down what is not known yet. What was a guest's who has logged in since is the account's. Whose hold has lapsed is told so,
/// where it is known how they are reached.
pub(super) async fn record(
    connection: &mut PgConnection,
    event: &EventId,
    happened: &[Holding],
) -> Result<(), StoreError> {
    let batch = Batch::of(happened);
    sqlx::query(
        "INSERT INTO reservations
                (id, event_id, fan_id, state, amount_cents, currency, created_at, expires_at, updated_at, ticket)
         SELECT r.id, $1, COALESCE(g.fan_id, r.fan), 'held', r.amount, r.currency, r.created, r.expires, r.created, r.ticket
           FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::text[])
                AS r (id, fan, amount, currency, created, expires, ticket)
           LEFT JOIN guests g ON g.guest_id = r.fan
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(event.as_str())
    .bind(&batch.ids)
    .bind(&batch.fans)
    .bind(&batch.amounts)
    .bind(&batch.currencies)
    .bind(&batch.created)
    .bind(&batch.expires)
    .bind(&batch.tickets)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO reservation_seats (reservation_id, seat_id, place, price_cents)
         SELECT seat.* FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS seat
         ON CONFLICT DO NOTHING",
    )
    .bind(batch.seats.iter().map(|seat| seat.0).collect::<Vec<_>>())
    .bind(batch.seats.iter().map(|seat| seat.1).collect::<Vec<_>>())
    .bind(batch.seats.iter().map(|seat| seat.2).collect::<Vec<_>>())
    .bind(batch.seats.iter().map(|seat| seat.3).collect::<Vec<_>>())
    .execute(&mut *connection)
    .await?;
    if batch.ended.is_empty() {
        return Ok(());
    }
    let over = sqlx::query(concat!(
        "UPDATE reservations SET state = ended.state, updated_at = ended.at
           FROM unnest($1::text[], $2::text[], $3::bigint[]) AS ended (id, state, at)
          WHERE reservations.id = ended.id AND reservations.state = 'held' ",
        sql::told_of_the_end!()
    ))
    .bind(batch.ended.iter().map(|ended| ended.0).collect::<Vec<_>>())
    .bind(batch.ended.iter().map(|ended| ended.1).collect::<Vec<_>>())
    .bind(batch.ended.iter().map(|ended| ended.2).collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await?;
    for row in &over {
        if let Some((id, ended_at)) = rows::told_of_the_end(row)? {
            let reservation = load(connection, &id).await?;
            enqueue(connection, &Message::about(News::Lost, &reservation), ended_at).await?;
        }
    }
    Ok(())
}
