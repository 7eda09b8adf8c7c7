//! The end of a hold in PostgreSQL: given back, or about to be paid. Each first locks the reservation's row.

use admission::clock::Timestamp;
use sqlx::PgConnection;

use super::record::record;
use super::reservations::load;
use super::{Postgres, sql};
use crate::ids::{EventId, FanId, ReservationId};
use crate::inventory::Holding;
use crate::persistence::rows::at;
use crate::reservations::{Begin, Release, Reservation, ReservationState};
use crate::store::StoreError;

impl Postgres {
    pub(super) async fn release_hold(
        &self,
        id: &ReservationId,
        fan: &FanId,
        now: Timestamp,
    ) -> Result<Release, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let Some(reservation) = lock(&mut transaction, id).await?.filter(|found| found.fan == *fan) else {
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
        let mut transaction = self.pool.begin().await?;
        let id = &holding.id;
        record(&mut transaction, event, std::slice::from_ref(holding)).await?;
        let reservation = lock(&mut transaction, id).await?.ok_or(sqlx::Error::RowNotFound)?;
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
}

async fn lock(connection: &mut PgConnection, id: &ReservationId) -> Result<Option<Reservation>, StoreError> {
    let locked = sqlx::query("SELECT id FROM reservations WHERE id = $1 FOR UPDATE")
        .bind(id.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    match locked {
        Some(_) => load(connection, id).await.map(Some),
        None => Ok(None),
    }
}

/// Claims the seats of a reservation that nobody has claimed; gives how many. Always in the same order, or two who
/// want the same seats could wait for each other.
async fn claim(connection: &mut PgConnection, reservation: &Reservation) -> Result<u64, StoreError> {
    let claimed = sqlx::query(
        "INSERT INTO seat_claims (event_id, seat_id, reservation_id)
         SELECT $1, seat.id, $3 FROM unnest($2::text[]) AS seat (id) ORDER BY seat.id
         ON CONFLICT (event_id, seat_id) DO NOTHING",
    )
    .bind(reservation.event.as_str())
    .bind(reservation.seats.iter().map(|seat| seat.id.as_str()).collect::<Vec<_>>())
    .bind(reservation.id.as_str())
    .execute(connection)
    .await?;
    Ok(claimed.rows_affected())
}

async fn drop_claims(connection: &mut PgConnection, id: &ReservationId) -> Result<(), StoreError> {
    sqlx::query(sql::DROP_CLAIMS).bind(id.as_str()).execute(connection).await?;
    Ok(())
}
