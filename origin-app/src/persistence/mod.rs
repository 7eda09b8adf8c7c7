//! Where everything is kept: SQLite or PostgreSQL, behind the same ports. Only this folder knows `sqlx`.
//!
//! The two differ in how they keep buyers apart. SQLite has one writer at a time: a transaction that writes
//! begins as a writer, and there is nothing more to lock. In PostgreSQL many write at once, and every
//! transaction takes its locks in the same order, so that none waits for another in a circle:
//! fan and event (advisory), ticket and event (advisory), seats by id, reservations by id, claims. In both,
//! the primary key of `seat_claims` and the unique constraint of `tickets` have the last word on a seat.

mod accounts;
mod checkout;
mod contacts;
mod error;
mod event_rows;
mod idempotency;
mod migrations;
mod money;
mod outbox;
mod postgres;
mod rows;
mod sql;
mod sqlite;
mod waitlist;

use crate::config::{DatabaseUrl, Limits};
use crate::store::{StoreError, Stores};

use postgres::Postgres;
use sqlite::Sqlite;

/// Connects to the database at `url` and brings its tables up to date.
///
/// # Errors
/// When it cannot be reached or is not what it should be.
pub(crate) async fn connect(url: &DatabaseUrl, limits: &Limits) -> Result<Stores, StoreError> {
    if url.expose().starts_with("sqlite:") {
        let database = Sqlite::connect(url, limits).await?;
        Ok(bundle(database))
    } else {
        let database = Postgres::connect(url, limits).await?;
        Ok(bundle(database))
    }
}

fn bundle<D>(database: D) -> Stores
where
    D: crate::events::EventStore
        + crate::reservations::ReservationStore
        + crate::payments::ChargeBook
        + crate::payments::LedgerStore
        + crate::checkout::CheckoutStore
        + crate::outbox::OutboxStore
        + crate::accounts::AccountStore
        + crate::idempotency::IdempotencyStore
        + crate::waitlist::WaitlistStore
        + crate::notifications::ContactStore
        + crate::store::StoreLifecycle
        + 'static,
{
    let database = std::sync::Arc::new(database);
    Stores {
        events: database.clone(),
        reservations: database.clone(),
        charges: database.clone(),
        ledger: database.clone(),
        checkout: database.clone(),
        outbox: database.clone(),
        accounts: database.clone(),
        idempotency: database.clone(),
        waitlist: database.clone(),
        contacts: database.clone(),
        lifecycle: database,
    }
}
