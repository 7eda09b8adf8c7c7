//! Whether promise P9 still holds, looked up in the database now and then.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::store::StoreError;

/// How often it is looked. Each look reads what was ever sold.
const EVERY: Duration = Duration::from_secs(60);

/// Looks until it is dropped.
pub(crate) async fn audit(app: Arc<App>) {
    loop {
        match broken(&app).await {
            Ok(0) => {}
            Ok(count) => {
                tracing::error!(count, promise = "P9", "seats or charges are not as they should be");
                app.metrics.violations(count);
            }
            Err(error) => tracing::warn!(error = %error, "it could not be looked whether P9 holds"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Seats that were sold without a ticket of their own, and charges that are neither ticket nor refund.
async fn broken(app: &App) -> Result<u64, StoreError> {
    let seats = app.stores.lifecycle.sold_without_ticket().await?;
    let ledger = app.stores.ledger.audit(None).await?;
    let count = |number| u64::try_from(number).unwrap_or_default();
    Ok(seats + count(ledger.unbalanced) + count(ledger.contradictions))
}
