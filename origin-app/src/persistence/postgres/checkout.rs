//! The saga's steps in PostgreSQL.

use async_trait::async_trait;

use super::{Postgres, sql};
use crate::checkout::CheckoutStore;
use crate::ids::ReservationId;
use crate::persistence::rows;
use crate::reservations::Reservation;
use crate::store::StoreError;

#[async_trait]
impl CheckoutStore for Postgres {
    async fn find(&self, id: &ReservationId) -> Result<Option<Reservation>, StoreError> {
        let found = sqlx::query(sql::RESERVATION).bind(id.as_str()).fetch_all(&self.pool).await?;
        Ok(rows::reservations(&found)?.pop())
    }
}
