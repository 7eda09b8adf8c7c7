//! What tidies up in the background: expired holds, and payments that nobody carries through any more.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Clock;

use super::model::Reservation;
use super::store::ReservationStore;
use crate::checkout::Checkout;
use crate::config::Holds;
use crate::inventory::{BoxOffice, InventoryError};
use crate::store::StoreError;

/// Holds ended in one step: few enough to keep nobody waiting.
const EXPIRE_BATCH: u32 = 200;
/// Steps in one round.
const EXPIRE_BATCHES_MAX: usize = 50;
/// How long after its end a hold is ended in the database without a word from the inventory: that may be behind, or
/// have lost what it knew.
const UNTOLD_FOR: Duration = Duration::from_secs(60);

/// Sweeps until it is dropped. First it takes up what was `left` unsettled when the shop began, whatever its age: those
/// are the payments of a shop that crashed.
pub async fn sweep(
    office: Arc<BoxOffice>,
    store: Arc<dyn ReservationStore>,
    checkout: Arc<Checkout>,
    clock: Arc<dyn Clock>,
    holds: Holds,
    resume_after: Duration,
    left: Vec<Reservation>,
) {
    if !left.is_empty() {
        tracing::info!(count = left.len(), "took up the payments that a shop before left unsettled");
    }
    checkout.take_up(left).await;
    loop {
        match checkout.resume(resume_after).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "took up unsettled payments"),
            Err(error) => report(&error, "unsettled payments not read"),
        }
        match checkout.return_called_off().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "gave back what was paid for events that do not take place"),
            Err(error) => report(&error, "events that do not take place not read"),
        }
        if let Err(error) = lapse(&office).await {
            tracing::warn!(error = %error, "lapsed holds not swept");
        }
        if let Err(error) = expire(store.as_ref(), clock.as_ref()).await {
            report(&error, "expired holds not swept");
        }
        tokio::time::sleep(holds.sweep_every).await;
    }
}

/// Ends the holds whose time is over. Those in somebody's way end anyway; the others are shown as free only then.
async fn lapse(office: &BoxOffice) -> Result<(), InventoryError> {
    for event in office.inventory().events().await? {
        let mut total = 0;
        for _ in 0..EXPIRE_BATCHES_MAX {
            let ended = match office.inventory().lapse(&event, EXPIRE_BATCH).await {
                // Nobody asks for seats of this event, or it would be loaded.
                Err(InventoryError::NotLoaded) => 0,
                answer => answer?,
            };
            total += ended;
            if ended < EXPIRE_BATCH {
                break;
            }
        }
        if total > 0 {
            office.look_at(&event);
            tracing::info!(event = %event, count = total, "holds lapsed");
        }
    }
    Ok(())
}

async fn expire(store: &dyn ReservationStore, clock: &dyn Clock) -> Result<(), StoreError> {
    let mut total = 0;
    for _ in 0..EXPIRE_BATCHES_MAX {
        let ended = store.expire_due(clock.now() - UNTOLD_FOR, EXPIRE_BATCH).await?;
        total += ended;
        if ended < u64::from(EXPIRE_BATCH) {
            break;
        }
    }
    if total > 0 {
        tracing::info!(count = total, "ended holds that the inventory did not tell of");
    }
    Ok(())
}

fn report(error: &StoreError, what: &'static str) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(error = %error, cause, "{what}");
}
