//! How a payment is carried through: the intention is kept, the provider is asked, and its answer is kept.
//! Whatever step a crash falls on, [`Payments::resume`] goes on from there.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Random};
use futures_util::StreamExt as _;
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;

use super::{ChargeError, ChargeRequest, PaymentProvider, RefundRequest};
use crate::checkout::CheckoutStore;
use crate::ids::{self, FanId, ReservationId};
use crate::reservations::{Begin, Confirm, Reservation, ReservationState, ReservationStore};
use crate::store::StoreError;

/// Unsettled payments taken up in one round.
const RESUME_BATCH: u32 = 256;
/// Of these, how many at once: a provider that answers none must not hold up the round.
const RESUME_CONCURRENCY: usize = 16;

/// Carries payments through.
pub struct Payments {
    store: Arc<dyn ReservationStore>,
    checkout: Arc<dyn CheckoutStore>,
    provider: Arc<dyn PaymentProvider>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// How a payment ended, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// Paid, now or before.
    Confirmed(Reservation),
    /// The provider has not answered. The seats stay, and the shop goes on asking.
    Delayed(Reservation),
}

/// Why a payment ended without tickets.
#[derive(Debug, thiserror::Error)]
pub enum PaymentRefused {
    /// The fan has no such reservation.
    #[error("no such reservation")]
    Missing,
    /// The provider does not know such a card.
    #[error("unknown card")]
    UnknownCard,
    /// The provider declined the card.
    #[error("declined")]
    Declined(Box<Reservation>),
    /// There is nothing to pay for any more; the state says why.
    #[error("over")]
    Over(ReservationState),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that has no name for the fan.
    #[error("the payment could not be carried through")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Payments {
    /// Carries payments of `store` through with `provider`, which gives up by itself where there is no answer.
    pub fn new(
        store: Arc<dyn ReservationStore>,
        checkout: Arc<dyn CheckoutStore>,
        provider: Arc<dyn PaymentProvider>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { store, checkout, provider, clock, random }
    }

    /// Who takes the money.
    pub fn provider(&self) -> &dyn PaymentProvider {
        self.provider.as_ref()
    }

    /// Asks the provider how it stands with a reservation, of which it has told something.
    pub async fn look_after(&self, id: &ReservationId) {
        match self.checkout.find(id).await {
            Ok(Some(reservation))
                if matches!(reservation.state, ReservationState::Paying | ReservationState::RefundDue) =>
            {
                self.resume_one(reservation).await;
            }
            Ok(_) => {}
            Err(error) => tracing::error!(error = %error, reservation = %id, "reservation not read"),
        }
    }

    /// Pays the fan's reservation with `card`. Paying what is paid gives the same answer and charges nothing.
    ///
    /// # Errors
    /// When there are no tickets in the end, and will be none without the fan's doing.
    pub async fn pay(
        self: &Arc<Self>,
        id: &ReservationId,
        fan: &FanId,
        card: &str,
    ) -> Result<PaymentOutcome, PaymentRefused> {
        if !self.provider.knows(card) {
            return Err(PaymentRefused::UnknownCard);
        }
        let now = self.clock.now();
        match self.store.begin_payment(id, fan, card, now).await? {
            Begin::Started(paying) | Begin::Unsettled(paying) => {
                // On a task of its own: a fan who closes the connection does not stop it half-way.
                let this = Arc::clone(self);
                let around = Context::current();
                tokio::spawn(async move { this.settle(paying).await }.with_context(around))
                    .await
                    .map_err(|error| PaymentRefused::Internal(error.into()))?
            }
            Begin::Confirmed(reservation) => Ok(PaymentOutcome::Confirmed(reservation)),
            Begin::Over(reservation) => Err(PaymentRefused::Over(reservation.state_at(now))),
            Begin::Missing => Err(PaymentRefused::Missing),
        }
    }

    /// Asks the provider about the payment under way, and keeps its answer.
    async fn settle(&self, paying: Reservation) -> Result<PaymentOutcome, PaymentRefused> {
        let request = ChargeRequest {
            key: paying.payment_key(),
            reference: paying.id.to_string(),
            amount_cents: paying.amount_cents,
            currency: paying.currency.clone(),
            card: paying.card.clone().unwrap_or_default(),
            begun_at: self.clock.now(),
        };
        match self.provider.charge(&request).await {
            Ok(charge_id) => self.confirm(&paying, &charge_id).await,
            Err(ChargeError::Declined | ChargeError::Failed(_)) => {
                let held = self.store.decline(&paying, self.clock.now()).await?;
                Err(PaymentRefused::Declined(Box::new(held)))
            }
            Err(ChargeError::NoAnswer(error)) => {
                tracing::warn!(error = %error, reservation = %paying.id, "payment delayed");
                self.store.postpone(&paying.id, self.clock.now()).await?;
                Ok(PaymentOutcome::Delayed(paying))
            }
        }
    }

    async fn confirm(&self, paying: &Reservation, charge_id: &str) -> Result<PaymentOutcome, PaymentRefused> {
        let codes = paying
            .seats
            .iter()
            .map(|_| ids::ticket_code(self.random.as_ref()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| PaymentRefused::Internal(error.into()))?;
        match self.store.confirm(paying, charge_id, &codes, self.clock.now()).await? {
            Confirm::Confirmed(reservation) => Ok(PaymentOutcome::Confirmed(reservation)),
            Confirm::RefundDue(reservation) => {
                tracing::error!(reservation = %paying.id, "charged without seats, refunding");
                self.refund(&reservation).await
            }
            Confirm::Refunded(_) => Err(PaymentRefused::Over(ReservationState::Refunded)),
        }
    }

    async fn refund(&self, due: &Reservation) -> Result<PaymentOutcome, PaymentRefused> {
        let request = RefundRequest {
            key: due.payment_key(),
            charge_id: due.charge_id.clone().unwrap_or_default(),
            amount_cents: due.amount_cents,
        };
        match self.provider.refund(&request).await {
            Ok(()) => {
                self.store.refunded(&due.id, self.clock.now()).await?;
                Err(PaymentRefused::Over(ReservationState::Refunded))
            }
            Err(error) => {
                tracing::warn!(error = %error, reservation = %due.id, "refund delayed");
                self.store.postpone(&due.id, self.clock.now()).await?;
                Err(PaymentRefused::Over(ReservationState::RefundDue))
            }
        }
    }

    /// Takes up the payments and refunds that have been without an answer for `unsettled_for`; gives how many
    /// there were. A payment that another task carries through at the same time is no harm: the provider
    /// charges once for a key, and its answer is kept once.
    ///
    /// # Errors
    /// When the database does not say which they are.
    pub async fn resume(&self, unsettled_for: Duration) -> Result<usize, StoreError> {
        let since = self.clock.now() - unsettled_for;
        let unsettled = self.store.unsettled(since, RESUME_BATCH).await?;
        let count = unsettled.len();
        futures_util::stream::iter(unsettled)
            .for_each_concurrent(RESUME_CONCURRENCY, |reservation| self.resume_one(reservation))
            .await;
        Ok(count)
    }

    async fn resume_one(&self, reservation: Reservation) {
        let id = reservation.id.clone();
        let outcome = match reservation.state {
            ReservationState::RefundDue => self.refund(&reservation).await,
            _ => self.settle(reservation).await,
        };
        match outcome {
            Ok(PaymentOutcome::Confirmed(_)) => {
                tracing::info!(reservation = %id, "payment resumed, confirmed");
            }
            Ok(PaymentOutcome::Delayed(_)) => {}
            Err(PaymentRefused::Declined(_)) => {
                tracing::info!(reservation = %id, "payment resumed, declined");
            }
            Err(PaymentRefused::Over(state)) => {
                tracing::info!(reservation = %id, state = state.as_str(), "payment resumed, over");
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(reservation = %id, error = %error, cause, "payment not resumed");
            }
        }
    }
}
