//! Holding seats in PostgreSQL, in one transaction.

use admission::clock::Timestamp;
use sqlx::{PgConnection, Row as _};

use super::{Postgres, sql};
use crate::ids::SeatId;
use crate::persistence::rows::{self, at};
use crate::reservations::{Hold, NewHold};
use crate::store::StoreError;

/// The asked seats as the event has them.
struct Found {
    ids: Vec<String>,
    places: Vec<i64>,
    prices: Vec<i64>,
}

impl Postgres {
    pub(super) async fn hold_seats(&self, new: &NewHold, now: Timestamp) -> Result<Hold, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let connection = &mut *transaction;
        lock_buyer(connection, new).await?;
        let found = lock_seats(connection, new).await?;
        if found.ids.len() < new.seats.len() {
            return Ok(Hold::Unknown(missing(&new.seats, &found.ids)));
        }
        end_expired(connection, new, now).await?;
        let has = count_claimed(connection, new, now).await?;
        let asked = u32::try_from(new.seats.len()).unwrap_or(u32::MAX);
        if has.saturating_add(asked) > new.seats_per_fan_max {
            return Ok(Hold::OverLimit { has });
        }
        let claimed = claim(connection, new, &found, now).await?;
        if claimed.len() < new.seats.len() {
            // Dropped, not committed: none of them is held.
            return Ok(Hold::Taken(missing(&new.seats, &claimed)));
        }
        let held = sqlx::query(sql::RESERVATION).bind(new.id.as_str()).fetch_all(&mut *connection).await?;
        transaction.commit().await?;
        match rows::reservations(&held)?.pop() {
            Some(reservation) => Ok(Hold::Held(reservation)),
            None => Err(sqlx::Error::RowNotFound.into()),
        }
    }
}

/// One hold of a fan after the other, and one hold with a ticket after the other, or two at once would both stay
/// below the limit and together exceed it. Always the fan first: whoever waits for a fan has no ticket locked.
async fn lock_buyer(connection: &mut PgConnection, new: &NewHold) -> Result<(), StoreError> {
    let fan = format!("{} {}", new.event, new.fan);
    let ticket = new.ticket.as_ref().map(|ticket| format!("{} ticket {ticket}", new.event));
    for key in std::iter::once(fan).chain(ticket) {
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(key)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Buyers of the same seat stand in line here, in the order of the seats' ids.
async fn lock_seats(connection: &mut PgConnection, new: &NewHold) -> Result<Found, StoreError> {
    let seats = sqlx::query(
        "SELECT seat_id, place, price_cents FROM seats WHERE event_id = $1 AND seat_id = ANY($2)
          ORDER BY seat_id FOR NO KEY UPDATE",
    )
    .bind(new.event.as_str())
    .bind(ids(&new.seats))
    .fetch_all(connection)
    .await?;
    let mut found = Found { ids: Vec::new(), places: Vec::new(), prices: Vec::new() };
    for seat in &seats {
        found.ids.push(seat.try_get("seat_id")?);
        found.places.push(seat.try_get("place")?);
        found.prices.push(seat.try_get("price_cents")?);
    }
    Ok(found)
}

/// Ends the expired holds that stand in the way, each as a whole.
async fn end_expired(connection: &mut PgConnection, new: &NewHold, now: Timestamp) -> Result<(), StoreError> {
    let expired: Vec<String> = sqlx::query_scalar(
        "SELECT r.id FROM reservations r
          WHERE r.id IN (SELECT reservation_id FROM seat_claims WHERE event_id = $1 AND seat_id = ANY($2))
            AND r.state = 'held' AND r.expires_at <= $3
          ORDER BY r.id FOR UPDATE",
    )
    .bind(new.event.as_str())
    .bind(ids(&new.seats))
    .bind(at(now))
    .fetch_all(&mut *connection)
    .await?;
    if !expired.is_empty() {
        super::reservations::expire(connection, &expired, now).await?;
    }
    Ok(())
}

/// Seats of the event that the fan has already, by cookie or by ticket, whichever counts more.
async fn count_claimed(
    connection: &mut PgConnection,
    new: &NewHold,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let row = sqlx::query(sql::CLAIMED)
        .bind(new.event.as_str())
        .bind(new.fan.as_str())
        .bind(&new.ticket)
        .bind(at(now))
        .fetch_one(connection)
        .await?;
    let has = row.try_get::<i64, _>("by_fan")?.max(row.try_get("by_ticket")?);
    Ok(u32::try_from(has).unwrap_or(u32::MAX))
}

/// Writes the reservation and claims its seats; gives the seats that could be claimed.
async fn claim(
    connection: &mut PgConnection,
    new: &NewHold,
    found: &Found,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    sqlx::query(sql::NEW_RESERVATION)
        .bind(new.id.as_str())
        .bind(new.event.as_str())
        .bind(new.fan.as_str())
        .bind(found.prices.iter().sum::<i64>())
        .bind(at(now))
        .bind(at(new.expires_at))
        .bind(&new.ticket)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO reservation_seats (reservation_id, seat_id, place, price_cents)
         SELECT $1, seat.* FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS seat",
    )
    .bind(new.id.as_str())
    .bind(&found.ids)
    .bind(&found.places)
    .bind(&found.prices)
    .execute(&mut *connection)
    .await?;
    let claimed = sqlx::query_scalar(
        "INSERT INTO seat_claims (event_id, seat_id, reservation_id)
         SELECT $1, seat.id, $3 FROM unnest($2::text[]) AS seat (id)
         ON CONFLICT (event_id, seat_id) DO NOTHING RETURNING seat_id",
    )
    .bind(new.event.as_str())
    .bind(&found.ids)
    .bind(new.id.as_str())
    .fetch_all(connection)
    .await?;
    Ok(claimed)
}

fn ids(seats: &[SeatId]) -> Vec<&str> {
    seats.iter().map(SeatId::as_str).collect()
}

fn missing(asked: &[SeatId], there: &[String]) -> Vec<SeatId> {
    asked.iter().filter(|seat| !there.iter().any(|id| id == seat.as_str())).cloned().collect()
}
