//! Events in SQLite.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::{Sqlite, json_list, sql};
use crate::events::{Created, EventOnSale, EventStore, NewEvent, Sales, Seat};
use crate::ids::{EventId, FanId, RoomName};
use crate::persistence::rows::{self, at};
use crate::store::StoreError;

#[async_trait]
impl EventStore for Sqlite {
    async fn create(&self, new: &NewEvent, now: Timestamp) -> Result<Created, StoreError> {
        let NewEvent { event, seats } = new;
        let seats: Vec<_> =
            seats.iter().map(|seat| (&seat.id, &seat.row, seat.number, seat.price_cents)).collect();
        let mut transaction = self.begin().await?;
        let inserted = sqlx::query(sql::NEW_EVENT)
            .bind(event.id.as_str())
            .bind(&event.name)
            .bind(&event.venue)
            .bind(at(event.starts_at))
            .bind(&event.currency)
            .bind(event.waiting_room.as_ref().map(RoomName::as_str))
            .bind(event.seats_total)
            .bind(at(now))
            .execute(&mut *transaction)
            .await?;
        if inserted.rows_affected() == 0 {
            return Ok(Created::Existed);
        }
        sqlx::query(
            "INSERT INTO seats (event_id, seat_id, place, row_name, number, price_cents)
             SELECT $1, value ->> 0, key + 1, value ->> 1, value ->> 2, value ->> 3 FROM json_each($2)",
        )
        .bind(event.id.as_str())
        .bind(json_list(&seats))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Created::Yes)
    }

    async fn find(&self, id: &EventId, now: Timestamp) -> Result<Option<EventOnSale>, StoreError> {
        let row =
            sqlx::query(sql::EVENT).bind(at(now)).bind(id.as_str()).fetch_optional(&self.readers).await?;
        row.as_ref().map(rows::event).transpose()
    }

    async fn page(
        &self,
        after: Option<&EventId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<EventOnSale>, StoreError> {
        let page = sqlx::query(sql::EVENTS)
            .bind(at(now))
            .bind(after.map(EventId::as_str))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        page.iter().map(rows::event).collect()
    }

    async fn seats(
        &self,
        id: &EventId,
        fan: Option<&FanId>,
        now: Timestamp,
    ) -> Result<Vec<Seat>, StoreError> {
        let seats = sqlx::query(sql::SEATS).bind(at(now)).bind(id.as_str()).fetch_all(&self.readers).await?;
        seats.iter().map(|row| rows::seat(row, fan)).collect()
    }

    async fn sales(&self, id: &EventId, now: Timestamp) -> Result<Option<Sales>, StoreError> {
        let row =
            sqlx::query(sql::SALES).bind(at(now)).bind(id.as_str()).fetch_optional(&self.readers).await?;
        row.as_ref().map(rows::sales).transpose()
    }
}
