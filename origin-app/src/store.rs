//! What every port to the database shares: how it fails, and the bundle of all ports.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

use crate::accounts::AccountStore;
use crate::checkout::CheckoutStore;
use crate::events::EventStore;
use crate::outbox::OutboxStore;
use crate::payments::{ChargeBook, LedgerStore};
use crate::reservations::ReservationStore;

/// The database did not do what it was asked. Nobody decides by the cause, so it is kept only to be logged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection became free in time: trying again later may work.
    #[error("the database is busy")]
    Busy(#[source] Box<dyn Error + Send + Sync>),
    /// Everything else.
    #[error("the database failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// The ports to one database.
#[derive(Clone)]
pub struct Stores {
    /// Events and their seats.
    pub events: Arc<dyn EventStore>,
    /// Reservations, claims and tickets.
    pub reservations: Arc<dyn ReservationStore>,
    /// The sandbox provider's books.
    pub charges: Arc<dyn ChargeBook>,
    /// How far each reservation got.
    pub checkout: Arc<dyn CheckoutStore>,
    /// Where all the money is.
    pub ledger: Arc<dyn LedgerStore>,
    /// Accounts, and who is logged in.
    pub accounts: Arc<dyn AccountStore>,
    /// Messages that wait to be sent.
    pub outbox: Arc<dyn OutboxStore>,
    /// The database itself.
    pub lifecycle: Arc<dyn StoreLifecycle>,
}

/// The database as something that runs.
#[async_trait]
pub trait StoreLifecycle: Send + Sync {
    /// Asks the database for a sign of life.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Closes all connections, after what runs on them has ended.
    async fn close(&self);
}
