//! The port to wherever the saga keeps how far it got.

use async_trait::async_trait;

use crate::ids::ReservationId;
use crate::reservations::Reservation;
use crate::store::StoreError;

/// Keeps how far each reservation got.
#[async_trait]
pub trait CheckoutStore: Send + Sync {
    /// The reservation `id`, whoever it belongs to.
    async fn find(&self, id: &ReservationId) -> Result<Option<Reservation>, StoreError>;
}
