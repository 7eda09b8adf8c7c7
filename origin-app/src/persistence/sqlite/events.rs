//! Events in SQLite.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::{Sqlite, json_list, sql};
use crate::events::{
    Created, EventDetail, EventOnSale, EventQuery, EventStore, NewEvent, NewSeat, Place, Sales, Seat,
    SectionCount, Updated,
};
use crate::ids::{EventId, FanId};
use crate::persistence::{event_rows, rows, rows::at};
use crate::store::StoreError;

const PUBLISHED: &str = sql::events_page!(
    "AND e.status = 'published'",
    " AND NOT EXISTS (SELECT 1 FROM json_each($7) WHERE e.search_text NOT LIKE value ESCAPE '\\')"
);
const ALL: &str = sql::events_page!(
    "",
    " AND NOT EXISTS (SELECT 1 FROM json_each($7) WHERE e.search_text NOT LIKE value ESCAPE '\\')"
);

#[async_trait]
impl EventStore for Sqlite {
    async fn create(&self, new: &NewEvent, now: Timestamp) -> Result<Created, StoreError> {
        self.add_event(new, now).await
    }

    async fn update(
        &self,
        changed: &EventDetail,
        seats: Option<&[NewSeat]>,
        from: i64,
    ) -> Result<Updated, StoreError> {
        self.change_event(changed, seats, from).await
    }

    async fn find(&self, id: &EventId, now: Timestamp) -> Result<Option<EventOnSale>, StoreError> {
        let row =
            sqlx::query(sql::EVENT).bind(at(now)).bind(id.as_str()).fetch_optional(&self.readers).await?;
        row.as_ref().map(event_rows::on_sale).transpose()
    }

    async fn detail(&self, id: &EventId) -> Result<Option<EventDetail>, StoreError> {
        // One snapshot for all of it.
        let mut transaction = self.readers.begin().await?;
        let event = sqlx::query(sql::EVENT_ALONE).bind(id.as_str()).fetch_optional(&mut *transaction).await?;
        let Some(event) = event else {
            return Ok(None);
        };
        let mut parts = Vec::with_capacity(4);
        for part in [sql::PRICE_CLASSES, sql::SECTIONS, sql::SALES_OF_EVENT, sql::SALE_SECTIONS] {
            parts.push(sqlx::query(part).bind(id.as_str()).fetch_all(&mut *transaction).await?);
        }
        match parts.as_slice() {
            [classes, sections, sales, covered] => {
                event_rows::detail(&event, classes, sections, sales, covered).map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn page(&self, query: &EventQuery, now: Timestamp) -> Result<Vec<EventOnSale>, StoreError> {
        let page = sqlx::query(if query.with_drafts { ALL } else { PUBLISHED })
            .bind(at(now))
            .bind(query.after.as_ref().map_or("", EventId::as_str))
            .bind(i64::from(query.limit))
            .bind(query.venue.as_deref().unwrap_or_default())
            .bind(query.from.map_or(0, at))
            .bind(query.until.map_or(i64::MAX, at))
            .bind(json_list(&query.patterns()))
            .fetch_all(&self.readers)
            .await?;
        page.iter().map(event_rows::on_sale).collect()
    }

    async fn venues(&self, limit: u32) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(sql::VENUES).bind(i64::from(limit)).fetch_all(&self.readers).await?)
    }

    async fn seats(
        &self,
        id: &EventId,
        fan: Option<&FanId>,
        now: Timestamp,
    ) -> Result<Vec<Seat>, StoreError> {
        let seats = sqlx::query(sql::SEATS).bind(at(now)).bind(id.as_str()).fetch_all(&self.readers).await?;
        seats.iter().map(|row| event_rows::seat(row, fan)).collect()
    }

    async fn places(&self, id: &EventId) -> Result<Vec<Place>, StoreError> {
        let places = sqlx::query(sql::PLACES).bind(id.as_str()).fetch_all(&self.readers).await?;
        places.iter().map(event_rows::place).collect()
    }

    async fn claimed(&self, id: &EventId, now: Timestamp) -> Result<Vec<SectionCount>, StoreError> {
        let counts =
            sqlx::query(sql::SECTION_CLAIMS).bind(at(now)).bind(id.as_str()).fetch_all(&self.readers).await?;
        counts.iter().map(event_rows::section_count).collect()
    }

    async fn sales(&self, id: &EventId, now: Timestamp) -> Result<Option<Sales>, StoreError> {
        let row =
            sqlx::query(sql::SALES).bind(at(now)).bind(id.as_str()).fetch_optional(&self.readers).await?;
        row.as_ref().map(rows::sales).transpose()
    }
}
