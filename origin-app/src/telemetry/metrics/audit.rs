//! Whether promise P9 still holds, looked up in the database now and then.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Timestamp;

use crate::app::App;
use crate::store::StoreError;

/// How often it is looked at what was sold lately.
const EVERY: Duration = Duration::from_secs(20);
/// After so many looks, one is at all that was ever sold: what changed it may have left no trace. The first is, too.
const WHOLE_EVERY: u32 = 180;
/// How far a look reaches back behind the one before: a transaction may have taken long, and shops' clocks may differ.
const OVERLAP: Duration = Duration::from_secs(600);

/// Looks until it is dropped.
pub(crate) async fn audit(app: Arc<App>) {
    let (mut looks, mut seen) = (0_u32, Timestamp::from_millis(0));
    loop {
        let begun = app.clock.now();
        match broken(&app, (!looks.is_multiple_of(WHOLE_EVERY)).then_some(seen)).await {
            Ok(count) => {
                if count > 0 {
                    tracing::error!(count, promise = "P9", "seats or charges are not as they should be");
                    app.metrics.violations(count);
                }
                seen = begun - OVERLAP;
                looks = looks.wrapping_add(1);
            }
            Err(error) => tracing::warn!(error = %error, "it could not be looked whether P9 holds"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Seats that were sold without a ticket of their own, and charges that are neither ticket nor refund: all of them, if there
/// is one among those `since`.
async fn broken(app: &App, since: Option<Timestamp>) -> Result<u64, StoreError> {
    if let Some(since) = since {
        let lately = app.stores.lifecycle.sold_without_ticket(since).await?;
        if lately + app.stores.ledger.wrong_since(since).await? == 0 {
            return Ok(0);
        }
    }
    let seats = app.stores.lifecycle.sold_without_ticket(Timestamp::from_millis(0)).await?;
    let ledger = app.stores.ledger.audit(None).await?;
    let count = |number| u64::try_from(number).unwrap_or_default();
    Ok(seats + count(ledger.unbalanced) + count(ledger.contradictions))
}
