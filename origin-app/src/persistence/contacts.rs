//! Where guests are reached, in either database.

use super::rows::{self, Columns};
use crate::language::Language;
use crate::notifications::{Contact, EmailAddress};
use crate::store::StoreError;

/// $1 reservation, $2 address, $3 language, $4 now.
const KEEP: &str = "INSERT INTO reservation_contacts (reservation_id, email, language, given_at)
     VALUES ($1, $2, $3, $4)
     ON CONFLICT (reservation_id) DO UPDATE SET email = $2, language = $3, given_at = $4";

/// $1 reservation.
const FIND: &str = "SELECT email, language FROM reservation_contacts WHERE reservation_id = $1";

/// $1 before when.
const FORGET: &str = "DELETE FROM reservation_contacts WHERE given_at < $1 AND NOT EXISTS
       (SELECT 1 FROM reservations r JOIN events e ON e.id = r.event_id
         WHERE r.id = reservation_contacts.reservation_id AND (r.state = 'refund_due'
            OR (r.state IN ('held', 'paying', 'confirmed') AND e.starts_at >= $1)))";

fn contact(row: &impl Columns) -> Result<Contact, StoreError> {
    Ok(Contact {
        email: rows::valid("email", EmailAddress::parse(&row.text("email")?).ok())?,
        language: Language::parse(&row.text("language")?).unwrap_or_default(),
    })
}

/// The port on one of the databases.
macro_rules! contacts_on {
    ($module:ident: $Database:ident) => {
        mod $module {
            use admission::clock::Timestamp;
            use async_trait::async_trait;

            use super::super::rows::at;
            use super::super::$module::$Database;
            use crate::ids::ReservationId;
            use crate::notifications::{Contact, ContactStore};
            use crate::store::StoreError;

            #[async_trait]
            impl ContactStore for $Database {
                async fn keep(
                    &self,
                    id: &ReservationId,
                    contact: &Contact,
                    now: Timestamp,
                ) -> Result<(), StoreError> {
                    sqlx::query(super::KEEP)
                        .bind(id.as_str())
                        .bind(contact.email.expose())
                        .bind(contact.language.tag())
                        .bind(at(now))
                        .execute(self.writer())
                        .await?;
                    Ok(())
                }

                async fn find(&self, id: &ReservationId) -> Result<Option<Contact>, StoreError> {
                    let query = sqlx::query(super::FIND).bind(id.as_str());
                    query.fetch_optional(self.readers()).await?.as_ref().map(super::contact).transpose()
                }

                async fn forget(&self, before: Timestamp) -> Result<(), StoreError> {
                    sqlx::query(super::FORGET).bind(at(before)).execute(self.writer()).await?;
                    Ok(())
                }
            }
        }
    };
}

contacts_on!(sqlite: Sqlite);
contacts_on!(postgres: Postgres);
