//! How seats are kept for somebody who waits.

use async_trait::async_trait;

use crate::http::EdgeFacts;
use crate::ids::{EventId, FanId, SeatId, SectionId};
use crate::inventory::OfficeError;
use crate::reservations::{HoldRefused, Reservation, Reservations, Wanted};

/// What is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Places by name.
    pub seats: Vec<SeatId>,
    /// Any places of a section where nobody sits, and how many.
    pub any_of: Option<(SectionId, u32)>,
}

/// Keeps seats for as long as an offer lasts.
#[async_trait]
pub trait Offers: Send + Sync {
    /// Keeps them, all or none.
    async fn keep(&self, event: &EventId, offer: Offer, fan: &FanId) -> Result<Reservation, HoldRefused>;

    /// Nobody wants them.
    async fn give_back(&self, offer: &Reservation) -> Result<(), OfficeError>;
}

/// The shop itself holds them, whatever room the event has: its turn is the fan's.
#[async_trait]
impl Offers for Reservations {
    async fn keep(&self, event: &EventId, offer: Offer, fan: &FanId) -> Result<Reservation, HoldRefused> {
        let Offer { seats, any_of } = offer;
        self.hold(event, Wanted { seats, any_of }, fan, &EdgeFacts::of_the_shop()).await
    }

    async fn give_back(&self, offer: &Reservation) -> Result<(), OfficeError> {
        self.release(&offer.id, &offer.fan).await.map(drop)
    }
}
