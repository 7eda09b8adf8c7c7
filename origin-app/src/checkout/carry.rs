//! How one reservation is carried from step to step: the provider is asked, its answer is written down, and what the saga
//! says is done.

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;

use super::Checkout;
use super::model::{Deed, Happened, RefundReason};
use super::probe::Point;
use super::saga::{Next, next};
use super::store::Report;
use crate::ids;
use crate::payments::{ChargeError, ChargeRequest, Closed, RefundRequest};
use crate::reservations::{Reservation, ReservationState};

/// Most steps of one reservation in one go. No way through the saga is as long.
const STEPS_MAX: usize = 8;

/// The database failed, or there is no randomness.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What the provider said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// It was not asked.
    Nothing,
    /// Something.
    Answer,
    /// That it failed.
    Failed,
    /// Nothing.
    Silence,
}

impl Checkout {
    /// The same as [`Checkout::carry_on`], on a task of its own: a fan who closes the connection does not stop it half-way.
    pub(super) async fn carry_on_apart(
        self: &Arc<Self>,
        reservation: Reservation,
    ) -> Result<(Reservation, Last), Cause> {
        let this = Arc::clone(self);
        let around = Context::current();
        tokio::spawn(async move { this.carry_on(reservation).await }.with_context(around)).await?
    }

    /// Does what is to be done about a reservation, step by step, until there is nothing left to do or nobody answers.
    pub(super) async fn carry_on(&self, mut reservation: Reservation) -> Result<(Reservation, Last), Cause> {
        let mut last = Last::Nothing;
        for _ in 0..STEPS_MAX {
            let is_charged = reservation.payment.charge_id.is_some();
            let (report, heard) = match next(reservation.state, is_charged, self.is_late(&reservation)) {
                Next::Nothing => return Ok((reservation, last)),
                Next::AskForCharge => self.ask_for_charge(&reservation).await?,
                Next::Close => self.close(&reservation).await?,
                Next::Refund => self.ask_for_refund(&reservation).await,
            };
            self.parts.probe.pass(Point::Answered(report.happened)).await;
            reservation = self.take(&reservation, &report).await?;
            last = heard;
            if heard == Last::Silence {
                break;
            }
        }
        Ok((reservation, last))
    }

    /// Whether the time for the provider's answer is over.
    fn is_late(&self, reservation: &Reservation) -> bool {
        let keep = self.rules.timeout + self.rules.keep_seats;
        reservation.payment.begun_at.is_none_or(|begun| begun + keep <= self.parts.clock.now())
    }

    async fn ask_for_charge(&self, paying: &Reservation) -> Result<(Report, Last), Cause> {
        self.parts.probe.pass(Point::Asking).await;
        Ok(match self.parts.provider.charge(&request(paying)).await {
            Ok(charge_id) => (self.charged(paying, charge_id)?, Last::Answer),
            Err(ChargeError::Declined) => (Report::of(Happened::Declined, paying), Last::Answer),
            Err(ChargeError::Failed(error)) => {
                tracing::warn!(error = %error, reservation = %paying.id, "the provider failed");
                (Report::of(Happened::Declined, paying), Last::Failed)
            }
            // Nothing more is heard from here: the fan has to do something.
            Err(ChargeError::Waiting) => (Report::of(Happened::Waiting, paying), Last::Silence),
            Err(ChargeError::NoAnswer(error)) => {
                tracing::warn!(error = %error, reservation = %paying.id, "payment delayed");
                let keep = self.rules.timeout + self.rules.keep_seats;
                let keep_until = paying.payment.begun_at.map(|begun| begun + keep);
                (Report { keep_until, ..Report::of(Happened::NoAnswer, paying) }, Last::Silence)
            }
        })
    }

    async fn close(&self, late: &Reservation) -> Result<(Report, Last), Cause> {
        self.parts.probe.pass(Point::Asking).await;
        Ok(match self.parts.provider.close(&request(late)).await {
            Ok(Closed::Charged(charge_id)) => (self.charged(late, charge_id)?, Last::Answer),
            Ok(Closed::Nothing) => (Report::of(Happened::Closed, late), Last::Answer),
            Err(error) => {
                tracing::warn!(error = %error, reservation = %late.id, "payment not closed");
                let happened = match late.state {
                    ReservationState::RefundDue => Happened::NoAnswer,
                    _ => Happened::NotClosed,
                };
                let reason = Some(RefundReason::TooLate);
                (Report { reason, ..Report::of(happened, late) }, Last::Silence)
            }
        })
    }

    async fn ask_for_refund(&self, due: &Reservation) -> (Report, Last) {
        self.parts.probe.pass(Point::Asking).await;
        let request = RefundRequest {
            key: due.payment_key(),
            charge_id: due.payment.charge_id.clone().unwrap_or_default(),
            amount_cents: due.amount_cents,
        };
        match self.parts.provider.refund(&request).await {
            Ok(()) => (Report::of(Happened::Refunded, due), Last::Answer),
            Err(error) => {
                tracing::warn!(error = %error, reservation = %due.id, "refund delayed");
                (Report::of(Happened::NoAnswer, due), Last::Silence)
            }
        }
    }

    pub(super) fn charged(&self, paying: &Reservation, charge_id: String) -> Result<Report, Cause> {
        let code = |_| ids::ticket_code(self.parts.random.as_ref());
        let codes = paying.seats.iter().map(code).collect::<Result<Vec<_>, _>>()?;
        // The reason counts only where there are no seats any more.
        let reason = Some(RefundReason::NoSeats);
        Ok(Report { charge_id: Some(charge_id), codes, reason, ..Report::of(Happened::Charged, paying) })
    }

    /// Writes down what happened, and does what the saga says to do then. The provider is asked by whoever called.
    pub(super) async fn take(
        &self,
        reservation: &Reservation,
        report: &Report,
    ) -> Result<Reservation, Cause> {
        let taken = self.parts.store.take(&reservation.id, report, self.parts.clock.now()).await?;
        self.parts.probe.pass(Point::Written(report.happened)).await;
        for deed in taken.deeds {
            match deed {
                Deed::SellSeats | Deed::PutBack | Deed::FreeSeats => {
                    self.parts.reservations.learn(*deed, &taken.reservation).await;
                }
                // By whoever carries on: the state says so.
                Deed::Refund => {}
            }
            self.parts.probe.pass(Point::Done(*deed)).await;
        }
        Ok(taken.reservation)
    }
}

pub(super) fn request(paying: &Reservation) -> ChargeRequest {
    ChargeRequest {
        key: paying.payment_key(),
        reference: paying.id.to_string(),
        amount_cents: paying.amount_cents,
        currency: paying.currency.clone(),
        card: paying.card.clone().unwrap_or_default(),
        begun_at: paying.payment.begun_at.unwrap_or_default(),
    }
}
