//! Payments that the fan's browser makes with the provider's own script: the shop prepares them, looks how they stand, and
//! ends those that the fan does not want any more. What becomes of them is the saga's as of any other payment.

use std::sync::Arc;

use admission::clock::Timestamp;

use super::carry::request;
use super::model::Happened;
use super::outcome::{PaymentOutcome, PaymentRefused};
use super::probe::Point;
use super::service::{Begun, Checkout};
use super::store::Report;
use crate::ids::{FanId, ReservationId};
use crate::payments::{Closed, HandOver, IN_BROWSER};
use crate::reservations::{Reservation, ReservationState};

/// What came of preparing a payment for the fan's browser.
pub enum Handed {
    /// The secret by which the browser confirms it.
    Secret(String),
    /// There is nothing to confirm.
    Settled(PaymentOutcome),
}

/// Whether a payment is under way that the fan's browser makes.
pub(crate) fn is_in_browser(reservation: &Reservation) -> bool {
    matches!(reservation.state, ReservationState::Paying | ReservationState::PaymentDelayed)
        && reservation.card.as_deref() == Some(IN_BROWSER)
}

impl Checkout {
    /// Prepares the payment of the fan's reservation for their browser: the seats are theirs for as long as a payment that
    /// is delayed may take. Asking again gives the same payment.
    ///
    /// # Errors
    /// When there is nothing to pay for, or the provider does not take it.
    pub async fn hand_over(
        self: &Arc<Self>,
        id: &ReservationId,
        fan: &FanId,
    ) -> Result<Handed, PaymentRefused> {
        let paying = match self.begin(id, fan, IN_BROWSER).await? {
            Begun::Paying(paying) if is_in_browser(&paying) => paying,
            // Begun otherwise before: that has to end first.
            Begun::Paying(paying) => return self.finish(paying).await.map(Handed::Settled),
            Begun::Confirmed(reservation) => {
                return Ok(Handed::Settled(PaymentOutcome::Confirmed(reservation)));
            }
        };
        self.parts.probe.pass(Point::Asking).await;
        let handed = self.parts.provider.hand_over(&request(&paying)).await;
        self.parts.probe.pass(Point::HandedOver).await;
        match handed {
            Ok(HandOver::Secret(secret)) => Ok(Handed::Secret(secret)),
            // How it stands, or that nobody says, is found out as of any other payment.
            Ok(HandOver::Settled) | Err(_) => self.finish(paying).await.map(Handed::Settled),
        }
    }

    /// Ends a payment that the fan's browser has not made, so that the seats can be given back. What it has made stays made.
    ///
    /// # Errors
    /// When the database fails. That the provider does not answer is none: the payment is then still under way.
    pub async fn abandon(&self, id: &ReservationId, fan: &FanId) -> Result<(), PaymentRefused> {
        let found = self.parts.store.find(id).await?;
        let Some(paying) = found.filter(|found| found.fan == *fan && is_in_browser(found)) else {
            return Ok(());
        };
        self.parts.probe.pass(Point::Asking).await;
        let report = match self.parts.provider.close(&request(&paying)).await {
            Ok(Closed::Nothing) => Report::of(Happened::Declined, &paying),
            Ok(Closed::Charged(charge)) => self.charged(&paying, charge)?,
            Err(error) => {
                tracing::warn!(error = %error, reservation = %id, "payment not ended");
                return Ok(());
            }
        };
        self.parts.probe.pass(Point::Answered(report.happened)).await;
        self.take(&paying, &report).await?;
        Ok(())
    }

    /// Until when the seats of a reservation stay, as far as that is up to the clock.
    pub fn kept_until(&self, reservation: &Reservation) -> Timestamp {
        let begun = reservation.payment.begun_at.filter(|_| is_in_browser(reservation));
        begun.map_or_else(
            || reservation.kept_until(),
            |begun| begun + self.rules.timeout + self.rules.keep_seats,
        )
    }
}
