//! The steps of the saga in either database: each reads a reservation under a lock, asks the saga, and writes what it says.

use super::rows::{self, Columns};
use crate::checkout::RefundReason;
use crate::reservations::{PaymentFacts, ReservationState};
use crate::store::StoreError;

/// $1 reservation, $2 event. Whether it has its seats, and nobody else a ticket for one of them.
const SEATS: &str = "SELECT
       (SELECT count(*) FROM reservation_seats WHERE reservation_id = $1) AS seats,
       (SELECT count(*) FROM seat_claims WHERE reservation_id = $1) AS claims,
       (SELECT count(*) FROM tickets t JOIN reservation_seats s ON s.seat_id = t.seat_id
         WHERE s.reservation_id = $1 AND t.event_id = $2) AS tickets";

/// $1 reservation, $2 state, $3 charge, $4 reason, $5 until when its seats are kept, $6 now.
const STEP: &str = "UPDATE reservations
        SET state = $2, charge_id = COALESCE($3, charge_id), refund_reason = COALESCE(refund_reason, $4),
            keep_until = COALESCE(keep_until, $5), updated_at = $6
      WHERE id = $1";

/// $1 code, $2 reservation, $3 event, $4 seat, $5 now.
const NEW_TICKET: &str = "INSERT INTO tickets (code, reservation_id, event_id, seat_id, issued_at)
     VALUES ($1, $2, $3, $4, $5)";

/// $1 reservation, $2 now.
const KEEP_VOID: &str =
    "INSERT INTO void_tickets (code, reservation_id, event_id, seat_id, issued_at, voided_at)
     SELECT code, reservation_id, event_id, seat_id, issued_at, $2 FROM tickets WHERE reservation_id = $1";

/// $1 reservation.
const DROP_TICKETS: &str = "DELETE FROM tickets WHERE reservation_id = $1";

/// $1 event, $2 now.
const CALL_OFF: &str = "UPDATE events SET status = 'called_off', version = version + 1, updated_at = $2
      WHERE id = $1 AND status <> 'called_off'";

/// What a row says about a payment.
pub(super) fn facts(row: &impl Columns) -> Result<Box<PaymentFacts>, StoreError> {
    let reason = row.text_or_null("refund_reason")?;
    Ok(Box::new(PaymentFacts {
        charge_id: row.text_or_null("charge_id")?,
        begun_at: row.moment_or_null("begun_at")?,
        keep_until: row.moment_or_null("keep_until")?,
        refund_reason: reason
            .map(|reason| rows::valid("refund_reason", RefundReason::parse(&reason)))
            .transpose()?,
    }))
}

/// A state as the database spells it: a payment that is delayed is one under way whose seats are kept for a while.
const fn spelled(state: ReservationState) -> &'static str {
    match state {
        ReservationState::PaymentDelayed => ReservationState::Paying.as_str(),
        other => other.as_str(),
    }
}

/// The port on one of the databases; they differ in how they keep others from a reservation meanwhile.
macro_rules! checkout_on {
    ($module:ident: $Database:ident, $Connection:ident, $lock:expr) => {
        /// On this database.
        mod $module {
            use admission::clock::Timestamp;
            use async_trait::async_trait;
            use sqlx::{Row as _, $Connection};

            use super::super::outbox::$module::enqueue;
            use super::super::rows::{self, at};
            use super::super::sql;
            use super::super::$module::ledger::post;
            use super::super::$module::$Database;
            use crate::checkout::{
                CheckoutStore, Happened, RefundReason, Report, Situation, Taken, Write, saga,
            };
            use crate::ids::{EventId, ReservationId, SeatId};
            use crate::outbox::Message;
            use crate::payments::Posting;
            use crate::reservations::{Reservation, ReservationState};
            use crate::store::StoreError;

            #[async_trait]
            impl CheckoutStore for $Database {
                async fn find(&self, id: &ReservationId) -> Result<Option<Reservation>, StoreError> {
                    let mut connection = self.reader().await?;
                    let found = sqlx::query(sql::RESERVATION).bind(id.as_str());
                    Ok(rows::reservations(&found.fetch_all(&mut *connection).await?)?.pop())
                }

                async fn of_seat(
                    &self,
                    event: &EventId,
                    seat: &SeatId,
                ) -> Result<Option<Reservation>, StoreError> {
                    let mut connection = self.reader().await?;
                    let found = sqlx::query(sql::WITH_TICKET).bind(event.as_str()).bind(seat.as_str());
                    Ok(rows::reservations(&found.fetch_all(&mut *connection).await?)?.pop())
                }

                async fn of_ticket(&self, code: &str) -> Result<Option<Reservation>, StoreError> {
                    let mut connection = self.reader().await?;
                    let found = sqlx::query(sql::WITH_CODE).bind(code);
                    Ok(rows::reservations(&found.fetch_all(&mut *connection).await?)?.pop())
                }

                async fn take(
                    &self,
                    id: &ReservationId,
                    report: &Report,
                    now: Timestamp,
                ) -> Result<Taken, StoreError> {
                    let mut transaction = self.begin().await?;
                    let connection = &mut *transaction;
                    let lock: Option<&'static str> = $lock;
                    if let Some(lock) = lock {
                        sqlx::query(lock).bind(id.as_str()).execute(&mut *connection).await?;
                    }
                    let before = load(connection, id).await?;
                    let situation = situation(connection, &before).await?;
                    let step =
                        saga::take(situation, report.happened).filter(|_| before.attempt == report.attempt);
                    let Some(step) = step else {
                        return Ok(Taken { reservation: before, deeds: &[], changed: false });
                    };
                    for what in step.writes {
                        write(connection, *what, &before, report, now).await?;
                    }
                    sqlx::query(super::STEP)
                        .bind(id.as_str())
                        .bind(super::spelled(step.to))
                        .bind(&report.charge_id)
                        .bind(
                            report
                                .reason
                                .filter(|_| step.to == ReservationState::RefundDue)
                                .map(RefundReason::as_str),
                        )
                        .bind(report.keep_until.filter(|_| report.happened == Happened::NoAnswer).map(at))
                        .bind(at(now))
                        .execute(&mut *connection)
                        .await?;
                    let reservation = load(connection, id).await?;
                    transaction.commit().await?;
                    Ok(Taken { changed: step.to != before.state, reservation, deeds: step.deeds })
                }

                async fn unsettled(
                    &self,
                    since: Timestamp,
                    limit: u32,
                ) -> Result<Vec<Reservation>, StoreError> {
                    let mut connection = self.reader().await?;
                    let found = sqlx::query(sql::UNSETTLED).bind(at(since)).bind(i64::from(limit));
                    rows::reservations(&found.fetch_all(&mut *connection).await?)
                }

                async fn called_off(&self, limit: u32) -> Result<Vec<Reservation>, StoreError> {
                    let mut connection = self.reader().await?;
                    let found = sqlx::query(sql::PAID_FOR_CALLED_OFF).bind(i64::from(limit));
                    rows::reservations(&found.fetch_all(&mut *connection).await?)
                }

                async fn call_off(&self, event: &EventId, now: Timestamp) -> Result<(), StoreError> {
                    let mut transaction = self.begin().await?;
                    let query = sqlx::query(super::CALL_OFF).bind(event.as_str()).bind(at(now));
                    query.execute(&mut *transaction).await?;
                    transaction.commit().await?;
                    Ok(())
                }
            }

            async fn load(
                connection: &mut $Connection,
                id: &ReservationId,
            ) -> Result<Reservation, StoreError> {
                let found = sqlx::query(sql::RESERVATION).bind(id.as_str()).fetch_all(connection).await?;
                rows::reservations(&found)?.pop().ok_or_else(|| sqlx::Error::RowNotFound.into())
            }

            async fn situation(
                connection: &mut $Connection,
                reservation: &Reservation,
            ) -> Result<Situation, StoreError> {
                let row = sqlx::query(super::SEATS)
                    .bind(reservation.id.as_str())
                    .bind(reservation.event.as_str())
                    .fetch_one(connection)
                    .await?;
                let seats: i64 = row.try_get("seats")?;
                let has_its_seats =
                    seats == row.try_get::<i64, _>("claims")? && row.try_get::<i64, _>("tickets")? == 0;
                Ok(Situation {
                    state: reservation.state,
                    has_its_seats,
                    is_charged: reservation.payment.charge_id.is_some(),
                })
            }

            async fn write(
                connection: &mut $Connection,
                what: Write,
                reservation: &Reservation,
                report: &Report,
                now: Timestamp,
            ) -> Result<(), StoreError> {
                let id = reservation.id.as_str();
                match what {
                    Write::Charge => post(connection, Posting::Charge, reservation, now).await?,
                    Write::PostTickets => post(connection, Posting::Tickets, reservation, now).await?,
                    Write::PostReturn => post(connection, Posting::Return, reservation, now).await?,
                    Write::PostRefund => post(connection, Posting::Refund, reservation, now).await?,
                    Write::IssueTickets => {
                        for (seat, code) in reservation.seats.iter().zip(&report.codes) {
                            sqlx::query(super::NEW_TICKET)
                                .bind(code)
                                .bind(id)
                                .bind(reservation.event.as_str())
                                .bind(seat.id.as_str())
                                .bind(at(now))
                                .execute(&mut *connection)
                                .await?;
                        }
                    }
                    Write::VoidTickets => {
                        sqlx::query(super::KEEP_VOID)
                            .bind(id)
                            .bind(at(now))
                            .execute(&mut *connection)
                            .await?;
                        sqlx::query(super::DROP_TICKETS).bind(id).execute(&mut *connection).await?;
                    }
                    Write::DropClaims => {
                        sqlx::query(sql::DROP_CLAIMS).bind(id).execute(&mut *connection).await?;
                    }
                    Write::Tell(told) => {
                        enqueue(connection, &Message::about(told, reservation), now).await?;
                    }
                }
                Ok(())
            }
        }
    };
}

checkout_on!(sqlite: Sqlite, SqliteConnection, None);
checkout_on!(postgres: Postgres, PgConnection, Some("SELECT id FROM reservations WHERE id = $1 FOR UPDATE"));
