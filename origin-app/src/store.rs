//! What every port to the database shares: how it fails, and the bundle of all ports.

use std::error::Error;
use std::sync::Arc;

use admission::clock::Timestamp;
use async_trait::async_trait;

use crate::accounts::AccountStore;
use crate::checkout::CheckoutStore;
use crate::events::EventStore;
use crate::idempotency::IdempotencyStore;
use crate::notifications::ContactStore;
use crate::outbox::OutboxStore;
use crate::payments::{ChargeBook, LedgerStore};
use crate::reservations::ReservationStore;
use crate::waitlist::WaitlistStore;

/// The database did not do what it was asked. Nobody decides by the cause, so it is kept only to be logged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection became free in time, or it is away: trying again later may work.
    #[error("the database is busy")]
    Busy(#[source] Box<dyn Error + Send + Sync>),
    /// It works, and does not take what it was given: a constraint or a value is in the way. Trying again changes nothing.
    #[error("the database refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
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
    /// Answers that may be asked for again.
    pub idempotency: Arc<dyn IdempotencyStore>,
    /// Who waits for seats to come back.
    pub waitlist: Arc<dyn WaitlistStore>,
    /// Where guests are reached.
    pub contacts: Arc<dyn ContactStore>,
    /// Messages that wait to be sent.
    pub outbox: Arc<dyn OutboxStore>,
    /// The database itself.
    pub lifecycle: Arc<dyn StoreLifecycle>,
}

/// The connections to a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Connections there are.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// Most that there may be.
    pub limit: u32,
}

/// The database as something that runs.
#[async_trait]
pub trait StoreLifecycle: Send + Sync {
    /// Asks the database for a sign of life.
    async fn ping(&self) -> Result<(), StoreError>;

    /// How many connections there are.
    fn pool(&self) -> Pool;

    /// Seats of reservations confirmed at `since` or after that have no ticket of theirs: each seat has one ticket at most, so
    /// these were sold to somebody else as well, or charged for nothing. Always 0. It reads what was sold since.
    async fn sold_without_ticket(&self, since: Timestamp) -> Result<u64, StoreError>;

    /// Closes all connections, after what runs on them has ended.
    async fn close(&self);
}
