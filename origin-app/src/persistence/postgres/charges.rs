//! The sandbox provider's books in PostgreSQL.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::{Postgres, sql};
use crate::payments::{ChargeBook, ChargeEntry, Standing};
use crate::persistence::rows::{self, at};
use crate::store::StoreError;

#[async_trait]
impl ChargeBook for Postgres {
    async fn record(&self, entry: &ChargeEntry, now: Timestamp) -> Result<Standing, StoreError> {
        let ChargeEntry { request, charge_id, outcome } = entry;
        let inserted = sqlx::query(sql::NEW_CHARGE)
            .bind(&request.key)
            .bind(charge_id)
            .bind(&request.reference)
            .bind(request.amount_cents)
            .bind(&request.currency)
            .bind(rows::outcome(*outcome))
            .bind(at(now))
            .execute(&self.pool)
            .await?;
        let row = sqlx::query(sql::CHARGE).bind(&request.key).fetch_one(&self.pool).await?;
        rows::standing(&row, inserted.rows_affected() == 1)
    }

    async fn refund(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(sql::REFUND_CHARGE).bind(key).bind(at(now)).execute(&self.pool).await?;
        Ok(())
    }
}
