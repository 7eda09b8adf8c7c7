//! The end of a hold in SQLite: given back, or paid. Each is the only writer while it runs.

use admission::clock::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::ledger::post;
use super::record::record;
use super::reservations::load;
use super::{Sqlite, json_list, sql};
use crate::ids::{EventId, FanId, ReservationId};
use crate::inventory::Holding;
use crate::payments::Posting;
use crate::persistence::rows::{self, at};
use crate::reservations::{Begin, Confirm, Release, Reservation, ReservationState};
use crate::store::StoreError;

impl Sqlite {
    pub(super) async fn release_hold(
        &self,
        id: &ReservationId,
        fan: &FanId,
        now: Timestamp,
    ) -> Result<Release, StoreError> {
        let mut transaction = self.begin().await?;
        let Some(reservation) = find(&mut transaction, id).await?.filter(|found| found.fan == *fan) else {
            return Ok(Release::Missing);
        };
        match reservation.state {
            ReservationState::Confirmed => return Ok(Release::Confirmed),
            ReservationState::Paying | ReservationState::PaymentDelayed => return Ok(Release::Paying),
            ReservationState::Held => {
                sqlx::query(sql::RELEASE).bind(id.as_str()).bind(at(now)).execute(&mut *transaction).await?;
                drop_claims(&mut transaction, id).await?;
            }
            ReservationState::RefundDue | ReservationState::Refunded => return Ok(Release::Returned),
            ReservationState::Released | ReservationState::Expired => {}
        }
        transaction.commit().await?;
        Ok(Release::Released)
    }

    pub(super) async fn intend_payment(
        &self,
        event: &EventId,
        holding: &Holding,
        card: &str,
        now: Timestamp,
    ) -> Result<Begin, StoreError> {
        let mut transaction = self.begin().await?;
        let id = &holding.id;
        record(&mut transaction, event, std::slice::from_ref(holding)).await?;
        let reservation = find(&mut transaction, id).await?.ok_or(sqlx::Error::RowNotFound)?;
        match reservation.state {
            // The inventory keeps its seats, so it has not expired, whatever a sweep that knew less wrote down.
            ReservationState::Held | ReservationState::Expired => {}
            ReservationState::Paying | ReservationState::PaymentDelayed => {
                return Ok(Begin::Unsettled(reservation));
            }
            ReservationState::Confirmed => return Ok(Begin::Confirmed(reservation)),
            _ => return Ok(Begin::Over(reservation)),
        }
        let claimed = claim(&mut transaction, &reservation).await?;
        if claimed == reservation.seats.len() as u64 {
            sqlx::query(sql::BEGIN_PAYMENT)
                .bind(id.as_str())
                .bind(card)
                .bind(at(now))
                .execute(&mut *transaction)
                .await?;
        } else {
            drop_claims(&mut transaction, id).await?;
            sqlx::query(sql::TOO_LATE).bind(id.as_str()).bind(at(now)).execute(&mut *transaction).await?;
        }
        let begun = load(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(if begun.state == ReservationState::Paying { Begin::Started(begun) } else { Begin::Over(begun) })
    }

    pub(super) async fn end_attempt(
        &self,
        paying: &Reservation,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let mut transaction = self.begin().await?;
        let ended = sqlx::query(sql::DECLINE)
            .bind(paying.id.as_str())
            .bind(paying.attempt)
            .bind(at(now))
            .execute(&mut *transaction)
            .await?;
        if ended.rows_affected() == 1 {
            drop_claims(&mut transaction, &paying.id).await?;
        }
        let held = load(&mut transaction, &paying.id).await?;
        transaction.commit().await?;
        Ok(held)
    }

    pub(super) async fn settle_charge(
        &self,
        paying: &Reservation,
        charge_id: &str,
        codes: &[String],
        now: Timestamp,
    ) -> Result<Confirm, StoreError> {
        let mut transaction = self.begin().await?;
        let current = find(&mut transaction, &paying.id).await?.ok_or(sqlx::Error::RowNotFound)?;
        match current.state {
            ReservationState::Confirmed => return Ok(Confirm::Confirmed(current)),
            ReservationState::RefundDue => return Ok(Confirm::RefundDue(current)),
            ReservationState::Refunded => return Ok(Confirm::Refunded(current)),
            _ => {}
        }
        let entitled = current.state == ReservationState::Paying
            && current.attempt == paying.attempt
            && owns_its_seats(&mut transaction, &current).await?;
        let charged = Reservation { attempt: paying.attempt, ..current.clone() };
        post(&mut transaction, Posting::Charge, &charged, now).await?;
        let state = if entitled {
            post(&mut transaction, Posting::Tickets, &charged, now).await?;
            issue_tickets(&mut transaction, &current, codes, now).await?;
            ReservationState::Confirmed
        } else {
            drop_claims(&mut transaction, &paying.id).await?;
            ReservationState::RefundDue
        };
        sqlx::query(sql::CHARGED)
            .bind(paying.id.as_str())
            .bind(state.as_str())
            .bind(paying.attempt)
            .bind(charge_id)
            .bind(at(now))
            .execute(&mut *transaction)
            .await?;
        let settled = load(&mut transaction, &paying.id).await?;
        transaction.commit().await?;
        Ok(if entitled { Confirm::Confirmed(settled) } else { Confirm::RefundDue(settled) })
    }
}

async fn find(
    connection: &mut SqliteConnection,
    id: &ReservationId,
) -> Result<Option<Reservation>, StoreError> {
    let found = sqlx::query(sql::RESERVATION).bind(id.as_str()).fetch_all(connection).await?;
    Ok(rows::reservations(&found)?.pop())
}

/// Claims the seats of a reservation that nobody has claimed; gives how many.
async fn claim(connection: &mut SqliteConnection, reservation: &Reservation) -> Result<u64, StoreError> {
    let seats: Vec<_> = reservation.seats.iter().map(|seat| &seat.id).collect();
    let claimed = sqlx::query(
        "INSERT INTO seat_claims (event_id, seat_id, reservation_id)
         SELECT $1, value, $3 FROM json_each($2) WHERE true
         ON CONFLICT (event_id, seat_id) DO NOTHING",
    )
    .bind(reservation.event.as_str())
    .bind(json_list(&seats))
    .bind(reservation.id.as_str())
    .execute(connection)
    .await?;
    Ok(claimed.rows_affected())
}

/// Whether every seat of the reservation is still claimed by it, and none has a ticket.
async fn owns_its_seats(
    connection: &mut SqliteConnection,
    reservation: &Reservation,
) -> Result<bool, StoreError> {
    let seats: Vec<_> = reservation.seats.iter().map(|seat| seat.id.as_str()).collect();
    let claims: i64 = sqlx::query(sql::CLAIMS)
        .bind(reservation.id.as_str())
        .fetch_one(&mut *connection)
        .await?
        .try_get("seats")?;
    let ticketed: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM tickets
              WHERE event_id = $1 AND seat_id IN (SELECT value FROM json_each($2))",
    )
    .bind(reservation.event.as_str())
    .bind(json_list(&seats))
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(claims) == Ok(seats.len()) && ticketed == 0)
}

async fn issue_tickets(
    connection: &mut SqliteConnection,
    reservation: &Reservation,
    codes: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    let tickets: Vec<_> = codes.iter().zip(&reservation.seats).map(|(code, seat)| (code, &seat.id)).collect();
    sqlx::query(
        "INSERT INTO tickets (code, reservation_id, event_id, seat_id, issued_at)
         SELECT value ->> 0, $1, $2, value ->> 1, $4 FROM json_each($3)",
    )
    .bind(reservation.id.as_str())
    .bind(reservation.event.as_str())
    .bind(json_list(&tickets))
    .bind(at(now))
    .execute(connection)
    .await?;
    Ok(())
}

async fn drop_claims(connection: &mut SqliteConnection, id: &ReservationId) -> Result<(), StoreError> {
    sqlx::query(sql::DROP_CLAIMS).bind(id.as_str()).execute(connection).await?;
    Ok(())
}
