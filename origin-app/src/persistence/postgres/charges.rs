//! The sandbox provider's books in PostgreSQL.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::Postgres;
use crate::payments::{ChargeBook, ChargeEntry, ChargeOutcome, Standing};
use crate::persistence::money;
use crate::persistence::rows::at;
use crate::store::StoreError;

#[async_trait]
impl ChargeBook for Postgres {
    async fn ask(
        &self,
        entry: &ChargeEntry,
        first: ChargeOutcome,
        later: ChargeOutcome,
        now: Timestamp,
    ) -> Result<Standing, StoreError> {
        let ChargeEntry { request, charge_id } = entry;
        let row = sqlx::query(money::ASK_CHARGE)
            .bind(&request.key)
            .bind(charge_id)
            .bind(&request.reference)
            .bind(&request.card)
            .bind(request.amount_cents)
            .bind(&request.currency)
            .bind(first.as_str())
            .bind(at(now))
            .bind(later.as_str())
            .fetch_one(&self.pool)
            .await?;
        money::standing(&row)
    }

    async fn close(&self, entry: &ChargeEntry, now: Timestamp) -> Result<Standing, StoreError> {
        let ChargeEntry { request, charge_id } = entry;
        let row = sqlx::query(money::CLOSE_CHARGE)
            .bind(&request.key)
            .bind(charge_id)
            .bind(&request.reference)
            .bind(&request.card)
            .bind(request.amount_cents)
            .bind(&request.currency)
            .bind(at(now))
            .fetch_one(&self.pool)
            .await?;
        money::standing(&row)
    }

    async fn ask_refund(&self, key: &str) -> Result<Option<Standing>, StoreError> {
        let row = sqlx::query(money::ASK_REFUND).bind(key).fetch_optional(&self.pool).await?;
        row.as_ref().map(money::standing).transpose()
    }

    async fn refund(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(money::REFUND_CHARGE).bind(key).bind(at(now)).execute(&self.pool).await?;
        Ok(())
    }
}
