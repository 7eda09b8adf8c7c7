//! How a payment begins: in the inventory and in the database, in the order that a crash between the two does no harm.
//! The inventory keeps the seats before the database claims them, and learns of the end after the database has it
//! ([`Reservations::learn`]); what it does not learn, the reconciler tells it.

use super::model::{Reservation, ReservationState};
use super::service::{Found, Reservations};
use super::store::Begin;
use crate::ids::{FanId, ReservationId};
use crate::inventory::{Holding, HoldingState, Keep, OfficeError};

/// What came of wanting to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// What the database says.
    Begun(Box<Begin>),
    /// The shop lost the hold.
    Lost,
    /// This fan has no such reservation.
    Missing,
}

impl Reservations {
    /// Keeps the intention to pay with `card`, before the provider is asked.
    ///
    /// # Errors
    /// When the inventory or the database fails.
    pub async fn begin_payment(
        &self,
        id: &ReservationId,
        fan: &FanId,
        card: &str,
    ) -> Result<Intent, OfficeError> {
        match self.office.keep(id, fan).await? {
            Some((event, Keep::Kept(holding))) => {
                match self.store.begin_payment(&event, &holding, card, self.clock.now()).await {
                    Ok(begin) => {
                        match &begin {
                            Begin::Started(_) | Begin::Unsettled(_) => {}
                            Begin::Confirmed(_) => self.office.sell(&event, id).await,
                            Begin::Over(_) => self.office.free(&event, id).await,
                        }
                        Ok(Intent::Begun(Box::new(begin)))
                    }
                    Err(error) => {
                        // Perhaps it began: then the seats are claimed, and the reconciler keeps them again.
                        self.office.put_back(&event, id).await;
                        Err(error.into())
                    }
                }
            }
            Some((_, Keep::Over(holding))) => self.over(id, fan, Some(holding)).await,
            Some((_, Keep::Unknown)) | None => self.over(id, fan, None).await,
        }
    }

    /// The inventory keeps no seats for this reservation: the database says why.
    async fn over(
        &self,
        id: &ReservationId,
        fan: &FanId,
        holding: Option<Holding>,
    ) -> Result<Intent, OfficeError> {
        let reservation = match self.find(id, fan).await? {
            Found::There(reservation) => reservation,
            Found::Lost => return Ok(Intent::Lost),
            Found::Missing => return Ok(Intent::Missing),
        };
        Ok(Intent::Begun(Box::new(match reservation.state {
            ReservationState::Paying | ReservationState::PaymentDelayed => Begin::Unsettled(reservation),
            ReservationState::Confirmed => Begin::Confirmed(reservation),
            ReservationState::Held => {
                let state = match holding.map(|holding| holding.state) {
                    Some(HoldingState::Released) => ReservationState::Released,
                    _ => ReservationState::Expired,
                };
                Begin::Over(Reservation { state, ..reservation })
            }
            _ => Begin::Over(reservation),
        })))
    }
}
