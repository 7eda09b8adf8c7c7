//! What happened to seats comes into SQLite: from the log, and before a payment.

use admission::clock::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::reservations::load;
use super::{Sqlite, json_list, sql};
use crate::ids::EventId;
use crate::inventory::Holding;
use crate::notifications::News;
use crate::outbox::Message;
use crate::persistence::outbox::sqlite::enqueue;
use crate::persistence::rows::{self, Batch, at};
use crate::store::StoreError;

impl Sqlite {
    pub(super) async fn record_holdings(
        &self,
        event: &EventId,
        happened: &[Holding],
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        record(&mut transaction, event, happened).await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn live_holdings(
        &self,
        event: &EventId,
        now: Timestamp,
    ) -> Result<Vec<Holding>, StoreError> {
        let found =
            sqlx::query(sql::LIVE).bind(event.as_str()).bind(at(now)).fetch_all(&self.readers).await?;
        rows::holdings(&found)
    }

    pub(super) async fn write_load(&self, event: &EventId, now: Timestamp) -> Result<bool, StoreError> {
        let row =
            sqlx::query(sql::NOTE_LOAD).bind(event.as_str()).bind(at(now)).fetch_one(&self.writer).await?;
        Ok(row.try_get::<Option<i64>, _>("lost_at")?.is_some())
    }

    pub(super) async fn events_loaded(&self, now: Timestamp) -> Result<Vec<EventId>, StoreError> {
        let found = sqlx::query(sql::LOADED_EVENTS).bind(at(now)).fetch_all(&self.readers).await?;
        rows::event_ids(&found)
    }

    pub(super) async fn events_opening(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventId>, StoreError> {
        let found =
            sqlx::query(sql::OPENING_EVENTS).bind(at(from)).bind(at(until)).fetch_all(&self.readers).await?;
        rows::event_ids(&found)
    }

    pub(super) async fn last_loss(&self, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query(sql::LOST_AFTER).bind(at(since)).fetch_one(&self.readers).await?;
        Ok(rows::moment_or_null(row.try_get("lost_at")?))
    }
}

/// Writes down what is not known yet. What was a guest's who has logged in since is the account's. Whose hold has lapsed is told so,
/// where it is known how they are reached.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    event: &EventId,
    happened: &[Holding],
) -> Result<(), StoreError> {
    let batch = Batch::of(happened);
    let reservations: Vec<_> = (0..batch.ids.len())
        .filter_map(|place| {
            Some((
                batch.ids.get(place)?,
                batch.fans.get(place)?,
                batch.amounts.get(place)?,
                batch.currencies.get(place)?,
                batch.created.get(place)?,
                batch.expires.get(place)?,
                batch.tickets.get(place)?,
            ))
        })
        .collect();
    sqlx::query(
        "INSERT INTO reservations
                (id, event_id, fan_id, state, amount_cents, currency, created_at, expires_at, updated_at, ticket)
         SELECT value ->> 0, $1, COALESCE(g.fan_id, value ->> 1), 'held', value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                value ->> 4, value ->> 6
           FROM json_each($2) LEFT JOIN guests g ON g.guest_id = value ->> 1
          WHERE true ON CONFLICT (id) DO NOTHING",
    )
    .bind(event.as_str())
    .bind(json_list(&reservations))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO reservation_seats (reservation_id, seat_id, place, price_cents)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($1) WHERE true
         ON CONFLICT DO NOTHING",
    )
    .bind(json_list(&batch.seats))
    .execute(&mut *connection)
    .await?;
    if batch.ended.is_empty() {
        return Ok(());
    }
    let over = sqlx::query(concat!(
        "UPDATE reservations SET state = ended.value ->> 1, updated_at = ended.value ->> 2
           FROM json_each($1) AS ended
          WHERE reservations.id = ended.value ->> 0 AND reservations.state = 'held' ",
        sql::told_of_the_end!()
    ))
    .bind(json_list(&batch.ended))
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
