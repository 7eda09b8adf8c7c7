//! Where a guest is reached about one reservation. It is personal: it goes into the database and into mails, and nowhere
//! else.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::EmailAddress;
use crate::ids::ReservationId;
use crate::language::Language;
use crate::store::StoreError;

/// Where somebody is reached, and in which language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The address.
    pub email: EmailAddress,
    /// The language.
    pub language: Language,
}

/// Keeps where guests are reached.
#[async_trait]
pub trait ContactStore: Send + Sync {
    /// What becomes of this reservation is told there from now on.
    async fn keep(&self, id: &ReservationId, contact: &Contact, now: Timestamp) -> Result<(), StoreError>;

    /// Where it is told.
    async fn find(&self, id: &ReservationId) -> Result<Option<Contact>, StoreError>;

    /// Forgets what was given before `before` for reservations of which there is nothing left to tell: they are over, or
    /// the event was before that, too.
    async fn forget(&self, before: Timestamp) -> Result<(), StoreError>;
}
