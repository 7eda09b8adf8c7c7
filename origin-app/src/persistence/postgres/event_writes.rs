//! Adding and changing events in PostgreSQL, each in one transaction.

use admission::clock::Timestamp;
use sqlx::PgConnection;

use super::{Postgres, sql};
use crate::events::{Created, EventDetail, NewEvent, NewSeat, Updated};
use crate::ids::RoomName;
use crate::persistence::event_rows::search_text;
use crate::persistence::rows::at;
use crate::store::StoreError;

impl Postgres {
    pub(super) async fn add_event(&self, new: &NewEvent, now: Timestamp) -> Result<Created, StoreError> {
        let event = &new.detail.event;
        let mut transaction = self.pool.begin().await?;
        let inserted = sqlx::query(sql::NEW_EVENT)
            .bind(event.id.as_str())
            .bind(&event.name)
            .bind(&event.venue)
            .bind(&event.city)
            .bind(&event.description)
            .bind(at(event.starts_at))
            .bind(event.waiting_room.as_ref().map(RoomName::as_str))
            .bind(event.seats_total)
            .bind(event.status.as_str())
            .bind(event.version)
            .bind(at(now))
            .bind(search_text(event))
            .bind(&event.currency)
            .execute(&mut *transaction)
            .await?;
        if inserted.rows_affected() == 0 {
            return Ok(Created::Existed);
        }
        insert_house(&mut transaction, &new.detail, &new.seats).await?;
        insert_sales(&mut transaction, &new.detail).await?;
        transaction.commit().await?;
        Ok(Created::Yes)
    }

    pub(super) async fn change_event(
        &self,
        changed: &EventDetail,
        seats: Option<&[NewSeat]>,
        from: i64,
    ) -> Result<Updated, StoreError> {
        let event = &changed.event;
        let mut transaction = self.pool.begin().await?;
        let updated = sqlx::query(sql::UPDATE_EVENT)
            .bind(event.id.as_str())
            .bind(&event.name)
            .bind(&event.venue)
            .bind(&event.city)
            .bind(&event.description)
            .bind(at(event.starts_at))
            .bind(event.waiting_room.as_ref().map(RoomName::as_str))
            .bind(event.seats_total)
            .bind(event.status.as_str())
            .bind(event.version)
            .bind(at(event.updated_at))
            .bind(search_text(event))
            .bind(from)
            .execute(&mut *transaction)
            .await?;
        if updated.rows_affected() == 0 {
            return Ok(Updated::Stale);
        }
        for drop in sql::DROP_SALES {
            sqlx::query(drop).bind(event.id.as_str()).execute(&mut *transaction).await?;
        }
        if let Some(seats) = seats {
            for drop in sql::DROP_HOUSE {
                sqlx::query(drop).bind(event.id.as_str()).execute(&mut *transaction).await?;
            }
            insert_house(&mut transaction, changed, seats).await?;
        }
        insert_sales(&mut transaction, changed).await?;
        transaction.commit().await?;
        Ok(Updated::Yes)
    }
}

async fn insert_house(
    connection: &mut PgConnection,
    detail: &EventDetail,
    seats: &[NewSeat],
) -> Result<(), StoreError> {
    let event = detail.event.id.as_str();
    for (place, class) in (1_i64..).zip(&detail.price_classes) {
        sqlx::query(sql::NEW_PRICE_CLASS)
            .bind(event)
            .bind(class.id.as_str())
            .bind(place)
            .bind(&class.name)
            .bind(class.price_cents)
            .execute(&mut *connection)
            .await?;
    }
    for (place, section) in (1_i64..).zip(&detail.sections) {
        let (x, y) = section.map.unzip();
        sqlx::query(sql::NEW_SECTION)
            .bind(event)
            .bind(section.id.as_str())
            .bind(place)
            .bind(&section.name)
            .bind(section.kind.as_str())
            .bind(section.capacity)
            .bind(x)
            .bind(y)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query(
        "INSERT INTO seats (event_id, seat_id, place, row_name, number, price_cents, section_id, class_id)
         SELECT $1, seat.id, seat.place, seat.row_name, seat.number, seat.price_cents, seat.section, seat.class
           FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
           WITH ORDINALITY AS seat (id, row_name, number, price_cents, section, class, place)",
    )
    .bind(event)
    .bind(seats.iter().map(|seat| seat.id.as_str()).collect::<Vec<_>>())
    .bind(seats.iter().map(|seat| seat.row.as_str()).collect::<Vec<_>>())
    .bind(seats.iter().map(|seat| i64::from(seat.number)).collect::<Vec<_>>())
    .bind(seats.iter().map(|seat| seat.price_cents).collect::<Vec<_>>())
    .bind(seats.iter().map(|seat| seat.section.as_str()).collect::<Vec<_>>())
    .bind(seats.iter().map(|seat| seat.price_class.as_str()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_sales(connection: &mut PgConnection, detail: &EventDetail) -> Result<(), StoreError> {
    let event = detail.event.id.as_str();
    for (place, sale) in (1_i64..).zip(&detail.sales) {
        sqlx::query(sql::NEW_SALE)
            .bind(event)
            .bind(sale.id.as_str())
            .bind(place)
            .bind(&sale.name)
            .bind(at(sale.opens_at))
            .bind(sale.closes_at.map(at))
            .bind(sale.waiting_room.as_ref().map(RoomName::as_str))
            .execute(&mut *connection)
            .await?;
        for section in &sale.sections {
            sqlx::query(sql::NEW_SALE_SECTION)
                .bind(event)
                .bind(sale.id.as_str())
                .bind(section.as_str())
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}
