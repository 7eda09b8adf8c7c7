//! Who waits, in either database.

use super::rows::{self, Columns};
use crate::ids::{FanId, ReservationId};
use crate::language::Language;
use crate::notifications::{Contact, EmailAddress};
use crate::store::StoreError;
use crate::waitlist::{Place, PlaceState, Waiter};

/// $1 event, $2 fan, $3 quantity, $4 now. Whoever is done waits anew, at the end.
const JOIN: &str = "INSERT INTO waitlist (event_id, fan_id, quantity, state, joined_at)
     VALUES ($1, $2, $3, 'waiting', $4)
     ON CONFLICT (event_id, fan_id) DO UPDATE
        SET quantity = $3, state = 'waiting', joined_at = $4, reservation_id = NULL, offered_until = NULL
      WHERE waitlist.state = 'done' OR waitlist.offered_until <= $4
         OR EXISTS (SELECT 1 FROM reservations r
                     WHERE r.id = waitlist.reservation_id AND r.state NOT IN ('held', 'paying'))";

/// $1 event, $2 fan, $3 address, $4 language.
const TELL_AT: &str =
    "UPDATE waitlist SET email = $3, language = $4 WHERE event_id = $1 AND fan_id = $2 AND state <> 'done'";

/// $1 event, $2 fan.
const LEAVE: &str = "DELETE FROM waitlist WHERE event_id = $1 AND fan_id = $2";

/// $1 event, $2 fan.
const PLACE: &str =
    "SELECT w.state, w.quantity, w.reservation_id, COALESCE(w.offered_until, 0) AS offered_until,
       (SELECT count(*) FROM waitlist o WHERE o.event_id = w.event_id AND o.state = 'waiting'
           AND w.state = 'waiting' AND (o.joined_at, o.fan_id) < (w.joined_at, w.fan_id)) AS ahead
  FROM waitlist w WHERE w.event_id = $1 AND w.fan_id = $2";

const EVENTS: &str =
    "SELECT DISTINCT event_id FROM waitlist WHERE state = 'waiting' ORDER BY event_id LIMIT 1000";

/// $1 event.
const FIRST: &str =
    "SELECT fan_id, quantity, email, language FROM waitlist WHERE event_id = $1 AND state = 'waiting'
      ORDER BY joined_at, fan_id LIMIT 1";

/// $1 event, $2 fan, $3 reservation, $4 until.
const OFFERED: &str = "UPDATE waitlist SET state = 'offered', reservation_id = $3, offered_until = $4
      WHERE event_id = $1 AND fan_id = $2 AND state = 'waiting'";

/// $1 event, $2 fan, $3 reservation, $4 now. What becomes of the offer is told where a guest is told of it.
const TELL_OF_OFFER: &str = "INSERT INTO reservation_contacts (reservation_id, email, language, given_at)
     SELECT $3, email, language, $4 FROM waitlist WHERE event_id = $1 AND fan_id = $2 AND email IS NOT NULL
     ON CONFLICT (reservation_id) DO NOTHING";

/// $1 event, $2 fan.
const PASSED: &str = "UPDATE waitlist SET state = 'done', email = NULL, language = NULL
      WHERE event_id = $1 AND fan_id = $2 AND state = 'waiting'";

/// $1 event.
const END: &str = "UPDATE waitlist SET state = 'done', email = NULL, language = NULL
      WHERE event_id = $1 AND state = 'waiting'";

/// $1 now. Whether any offer is over; asked first, so that silence writes nothing.
const IS_OVER: &str =
    "SELECT 1 AS over FROM waitlist WHERE state = 'offered' AND offered_until <= $1 LIMIT 1";

/// $1 now.
const LAPSE: &str = "UPDATE waitlist SET state = 'done', email = NULL, language = NULL
      WHERE state = 'offered' AND offered_until <= $1";

fn place(row: &impl Columns) -> Result<Place, StoreError> {
    let state = match row.text("state")?.as_str() {
        "waiting" => Some(PlaceState::Waiting),
        "offered" => Some(PlaceState::Offered),
        "done" => Some(PlaceState::Done),
        _ => None,
    };
    let reservation = row.text_or_null("reservation_id")?;
    let reservation =
        reservation.map(|id| rows::valid("reservation_id", ReservationId::parse(&id).ok())).transpose()?;
    let until = rows::moment(row, "offered_until")?;
    Ok(Place {
        state: rows::valid("state", state)?,
        quantity: u32::try_from(row.number("quantity")?).unwrap_or(1),
        ahead: u32::try_from(row.number("ahead")?).unwrap_or(u32::MAX),
        until: reservation.is_some().then_some(until),
        reservation,
    })
}

fn waiter(row: &impl Columns) -> Result<Waiter, StoreError> {
    Ok(Waiter {
        fan: rows::valid("fan_id", FanId::parse(&row.text("fan_id")?).ok())?,
        quantity: u32::try_from(row.number("quantity")?).unwrap_or(1),
        contact: match row.text_or_null("email")? {
            Some(email) => Some(Contact {
                email: rows::valid("email", EmailAddress::parse(&email).ok())?,
                language: row
                    .text_or_null("language")?
                    .as_deref()
                    .and_then(Language::parse)
                    .unwrap_or_default(),
            }),
            None => None,
        },
    })
}

/// The port on one of the databases.
macro_rules! waitlist_on {
    ($module:ident: $Database:ident) => {
        mod $module {
            use admission::clock::Timestamp;
            use async_trait::async_trait;

            use super::super::outbox::$module::enqueue;
            use super::super::rows::{self, Columns as _, at};
            use super::super::$module::$Database;
            use crate::ids::{EventId, FanId, ReservationId};
            use crate::notifications::Contact;
            use crate::outbox::Message;
            use crate::store::StoreError;
            use crate::waitlist::{Place, Waiter, WaitlistStore};

            #[async_trait]
            impl WaitlistStore for $Database {
                async fn join(
                    &self,
                    event: &EventId,
                    fan: &FanId,
                    quantity: u32,
                    contact: Option<&Contact>,
                    now: Timestamp,
                ) -> Result<(), StoreError> {
                    let mut transaction = self.begin().await?;
                    sqlx::query(super::JOIN)
                        .bind(event.as_str())
                        .bind(fan.as_str())
                        .bind(i64::from(quantity))
                        .bind(at(now))
                        .execute(&mut *transaction)
                        .await?;
                    if let Some(contact) = contact {
                        sqlx::query(super::TELL_AT)
                            .bind(event.as_str())
                            .bind(fan.as_str())
                            .bind(contact.email.expose())
                            .bind(contact.language.tag())
                            .execute(&mut *transaction)
                            .await?;
                    }
                    transaction.commit().await?;
                    Ok(())
                }

                async fn leave(&self, event: &EventId, fan: &FanId) -> Result<bool, StoreError> {
                    let query = sqlx::query(super::LEAVE).bind(event.as_str()).bind(fan.as_str());
                    Ok(query.execute(self.writer()).await?.rows_affected() == 1)
                }

                async fn place(&self, event: &EventId, fan: &FanId) -> Result<Option<Place>, StoreError> {
                    let query = sqlx::query(super::PLACE).bind(event.as_str()).bind(fan.as_str());
                    query.fetch_optional(self.readers()).await?.as_ref().map(super::place).transpose()
                }

                async fn events(&self) -> Result<Vec<EventId>, StoreError> {
                    let found = sqlx::query(super::EVENTS).fetch_all(self.readers()).await?;
                    let id = |text: String| rows::valid("event_id", EventId::parse(&text).ok());
                    found.iter().map(|row| id(row.text("event_id")?)).collect()
                }

                async fn first(&self, event: &EventId) -> Result<Option<Waiter>, StoreError> {
                    let query = sqlx::query(super::FIRST).bind(event.as_str());
                    query.fetch_optional(self.readers()).await?.as_ref().map(super::waiter).transpose()
                }

                async fn offered(
                    &self,
                    event: &EventId,
                    fan: &FanId,
                    (reservation, until): (&ReservationId, Timestamp),
                    told: &Message,
                    now: Timestamp,
                ) -> Result<bool, StoreError> {
                    let mut transaction = self.begin().await?;
                    let offered = sqlx::query(super::OFFERED)
                        .bind(event.as_str())
                        .bind(fan.as_str())
                        .bind(reservation.as_str())
                        .bind(at(until))
                        .execute(&mut *transaction)
                        .await?;
                    if offered.rows_affected() == 0 {
                        return Ok(false);
                    }
                    sqlx::query(super::TELL_OF_OFFER)
                        .bind(event.as_str())
                        .bind(fan.as_str())
                        .bind(reservation.as_str())
                        .bind(at(now))
                        .execute(&mut *transaction)
                        .await?;
                    enqueue(&mut transaction, told, now).await?;
                    transaction.commit().await?;
                    Ok(true)
                }

                async fn passed(&self, event: &EventId, fan: &FanId) -> Result<(), StoreError> {
                    let query = sqlx::query(super::PASSED).bind(event.as_str()).bind(fan.as_str());
                    query.execute(self.writer()).await?;
                    Ok(())
                }

                async fn end(&self, event: &EventId) -> Result<(), StoreError> {
                    sqlx::query(super::END).bind(event.as_str()).execute(self.writer()).await?;
                    Ok(())
                }

                async fn lapse(&self, now: Timestamp) -> Result<(), StoreError> {
                    let over =
                        sqlx::query(super::IS_OVER).bind(at(now)).fetch_optional(self.readers()).await?;
                    if over.is_some() {
                        sqlx::query(super::LAPSE).bind(at(now)).execute(self.writer()).await?;
                    }
                    Ok(())
                }
            }
        }
    };
}

waitlist_on!(sqlite: Sqlite);
waitlist_on!(postgres: Postgres);
