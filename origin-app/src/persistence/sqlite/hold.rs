//! Holding seats in SQLite, in one transaction.

use admission::clock::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::{Sqlite, json_list, sql};
use crate::ids::SeatId;
use crate::persistence::rows::{self, at};
use crate::reservations::{Hold, NewHold};
use crate::store::StoreError;

/// A seat as the event has it: id, place, price.
type Found = (String, i64, i64);

impl Sqlite {
    pub(super) async fn hold_seats(&self, new: &NewHold, now: Timestamp) -> Result<Hold, StoreError> {
        let mut transaction = self.begin().await?;
        let connection = &mut *transaction;
        let found = find_seats(connection, new).await?;
        if found.len() < new.seats.len() {
            let found: Vec<_> = found.into_iter().map(|(id, _, _)| id).collect();
            return Ok(Hold::Unknown(missing(&new.seats, &found)));
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

async fn find_seats(connection: &mut SqliteConnection, new: &NewHold) -> Result<Vec<Found>, StoreError> {
    let seats = sqlx::query(
        "SELECT seat_id, place, price_cents FROM seats WHERE event_id = $1 AND seat_id IN (SELECT value FROM json_each($2))",
    )
    .bind(new.event.as_str())
    .bind(json_list(&new.seats))
    .fetch_all(connection)
    .await?;
    seats
        .iter()
        .map(|seat| Ok((seat.try_get("seat_id")?, seat.try_get("place")?, seat.try_get("price_cents")?)))
        .collect()
}

/// Ends the expired holds that stand in the way, each as a whole.
async fn end_expired(
    connection: &mut SqliteConnection,
    new: &NewHold,
    now: Timestamp,
) -> Result<(), StoreError> {
    let expired: Vec<String> = sqlx::query_scalar(
        "SELECT r.id FROM reservations r
          WHERE r.id IN (SELECT reservation_id FROM seat_claims
                          WHERE event_id = $1 AND seat_id IN (SELECT value FROM json_each($2)))
            AND r.state = 'held' AND r.expires_at <= $3",
    )
    .bind(new.event.as_str())
    .bind(json_list(&new.seats))
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
    connection: &mut SqliteConnection,
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
    connection: &mut SqliteConnection,
    new: &NewHold,
    found: &[Found],
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    sqlx::query(sql::NEW_RESERVATION)
        .bind(new.id.as_str())
        .bind(new.event.as_str())
        .bind(new.fan.as_str())
        .bind(found.iter().map(|(_, _, price)| price).sum::<i64>())
        .bind(at(now))
        .bind(at(new.expires_at))
        .bind(&new.ticket)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO reservation_seats (reservation_id, seat_id, place, price_cents)
         SELECT $1, value ->> 0, value ->> 1, value ->> 2 FROM json_each($2)",
    )
    .bind(new.id.as_str())
    .bind(json_list(found))
    .execute(&mut *connection)
    .await?;
    let claimed = sqlx::query_scalar(
        "INSERT INTO seat_claims (event_id, seat_id, reservation_id)
         SELECT $1, value ->> 0, $3 FROM json_each($2) WHERE true
         ON CONFLICT (event_id, seat_id) DO NOTHING RETURNING seat_id",
    )
    .bind(new.event.as_str())
    .bind(json_list(found))
    .bind(new.id.as_str())
    .fetch_all(connection)
    .await?;
    Ok(claimed)
}

fn missing(asked: &[SeatId], there: &[String]) -> Vec<SeatId> {
    asked.iter().filter(|seat| !there.iter().any(|id| id == seat.as_str())).cloned().collect()
}
