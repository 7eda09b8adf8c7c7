//! What carries reservations through the saga: it does what the saga says, and writes down each step before it takes the
//! next. Whatever step a crash falls on, [`Checkout::resume`] goes on from there.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Random};
use futures_util::StreamExt as _;

use super::carry::Last;
use super::model::{Happened, RefundReason};
use super::outcome::{CancelRefused, PaymentOutcome, PaymentRefused};
use super::probe::{Point, Probe};
use super::store::{CheckoutStore, Report};
use crate::events::{EventStatus, Events};
use crate::ids::{EventId, FanId, ReservationId, SeatId};
use crate::notifications::{Contact, ContactStore};
use crate::payments::PaymentProvider;
use crate::reservations::{Begin, Found, Intent, Reservation, ReservationState, Reservations};
use crate::store::StoreError;

/// Unsettled payments taken up in one round.
const RESUME_BATCH: u32 = 256;
/// Of these, how many at once: a provider that answers none must not hold up the round.
const RESUME_CONCURRENCY: usize = 16;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct CheckoutRules {
    /// How long the provider may take to answer.
    pub timeout: Duration,
    /// How long the seats stay with a fan whose payment is delayed.
    pub keep_seats: Duration,
    /// How long before an event its tickets can be cancelled.
    pub cancel_until: Duration,
}

/// What the saga needs around it.
pub struct CheckoutParts {
    /// The seats.
    pub reservations: Arc<Reservations>,
    /// The events.
    pub events: Arc<Events>,
    /// Where guests are reached.
    pub contacts: Arc<dyn ContactStore>,
    /// Where the steps are kept.
    pub store: Arc<dyn CheckoutStore>,
    /// Who takes the money, and gives up by itself where there is no answer.
    pub provider: Arc<dyn PaymentProvider>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives the codes of tickets.
    pub random: Arc<dyn Random>,
    /// Where a test can have the shop die.
    pub probe: Arc<dyn Probe>,
}

/// Carries reservations from payment to tickets, and back.
pub struct Checkout {
    pub(super) parts: CheckoutParts,
    pub(super) rules: CheckoutRules,
}

/// A payment that is written down.
pub(super) enum Begun {
    /// Now, or before, and without an answer yet.
    Paying(Reservation),
    /// It is paid.
    Confirmed(Reservation),
}

impl Checkout {
    /// A checkout of these parts, by these rules.
    pub fn new(parts: CheckoutParts, rules: CheckoutRules) -> Self {
        Self { parts, rules }
    }

    /// Who takes the money.
    pub fn provider(&self) -> &dyn PaymentProvider {
        self.parts.provider.as_ref()
    }

    /// Has the fan told there what becomes of their reservation. To be called before it is paid, for what is told then goes
    /// where it is known that it goes.
    ///
    /// # Errors
    /// When the inventory or the database fails.
    pub async fn tell_at(
        &self,
        id: &ReservationId,
        fan: &FanId,
        contact: &Contact,
    ) -> Result<(), PaymentRefused> {
        // Nobody says for others where they are told; that there is nothing to pay, the payment says itself.
        if let Found::There(_) = self.parts.reservations.find(id, fan).await? {
            self.parts.contacts.keep(id, contact, self.parts.clock.now()).await?;
        }
        Ok(())
    }

    /// Pays the fan's reservation with `card`. Paying what is paid gives the same answer and charges nothing; paying what
    /// is delayed tries again, with the card of before.
    ///
    /// # Errors
    /// When there are no tickets in the end, and will be none without the fan's doing.
    pub async fn pay(
        self: &Arc<Self>,
        id: &ReservationId,
        fan: &FanId,
        card: &str,
    ) -> Result<PaymentOutcome, PaymentRefused> {
        if !self.parts.provider.knows(card) {
            return Err(PaymentRefused::UnknownCard);
        }
        match self.begin(id, fan, card).await? {
            Begun::Paying(paying) => self.finish(paying).await,
            Begun::Confirmed(reservation) => Ok(PaymentOutcome::Confirmed(reservation)),
        }
    }

    /// Writes down that the fan pays.
    pub(super) async fn begin(
        &self,
        id: &ReservationId,
        fan: &FanId,
        card: &str,
    ) -> Result<Begun, PaymentRefused> {
        let begin = match self.parts.reservations.begin_payment(id, fan, card).await? {
            Intent::Begun(begin) => *begin,
            Intent::Lost => return Err(PaymentRefused::Lost),
            Intent::Missing => return Err(PaymentRefused::Missing),
        };
        match begin {
            Begin::Started(paying) => {
                self.parts.probe.pass(Point::Begun).await;
                if self.is_called_off(&paying.event).await? {
                    self.take(&paying, &Report::of(Happened::Declined, &paying)).await?;
                    return Err(PaymentRefused::CalledOff);
                }
                Ok(Begun::Paying(paying))
            }
            Begin::Unsettled(paying) => Ok(Begun::Paying(paying)),
            Begin::Confirmed(reservation) => Ok(Begun::Confirmed(reservation)),
            Begin::Over(reservation) => {
                Err(PaymentRefused::Over(reservation.state_at(self.parts.clock.now())))
            }
        }
    }

    async fn is_called_off(&self, event: &EventId) -> Result<bool, StoreError> {
        let detail = self.parts.events.detail(event).await?;
        Ok(detail.is_some_and(|detail| detail.event.status == EventStatus::CalledOff))
    }

    pub(super) async fn finish(
        self: &Arc<Self>,
        paying: Reservation,
    ) -> Result<PaymentOutcome, PaymentRefused> {
        let (reservation, last) = self.carry_on_apart(paying).await?;
        match reservation.state {
            ReservationState::Confirmed => Ok(PaymentOutcome::Confirmed(reservation)),
            ReservationState::Paying | ReservationState::PaymentDelayed => {
                Ok(PaymentOutcome::Delayed(reservation))
            }
            ReservationState::Held if last == Last::Failed => {
                Err(PaymentRefused::Failed(Box::new(reservation)))
            }
            ReservationState::Held => Err(PaymentRefused::Declined(Box::new(reservation))),
            over => Err(PaymentRefused::Over(over)),
        }
    }

    /// Gives the tickets of the fan's reservation back, if the event is far enough away; the money follows.
    ///
    /// # Errors
    /// When they cannot go back.
    pub async fn cancel(
        self: &Arc<Self>,
        id: &ReservationId,
        fan: &FanId,
    ) -> Result<Reservation, CancelRefused> {
        let found = self.parts.store.find(id).await?.filter(|found| found.fan == *fan);
        let reservation = found.ok_or(CancelRefused::Missing)?;
        if reservation.state == ReservationState::Confirmed && !self.may_cancel(&reservation).await? {
            return Err(CancelRefused::TooLate);
        }
        self.give_back(reservation, Happened::Cancelled, RefundReason::Cancelled).await
    }

    /// Whether the fan may still give the tickets back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn may_cancel(&self, reservation: &Reservation) -> Result<bool, StoreError> {
        let detail = self.parts.events.detail(&reservation.event).await?;
        let latest = detail.map(|detail| detail.event.starts_at - self.rules.cancel_until);
        Ok(latest.is_some_and(|latest| self.parts.clock.now() <= latest))
    }

    /// The reservation whose ticket is for this seat.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_seat(&self, event: &EventId, seat: &SeatId) -> Result<Option<Reservation>, StoreError> {
        self.parts.store.of_seat(event, seat).await
    }

    /// Takes the tickets of a payment back, whenever the event begins; the money goes back.
    ///
    /// # Errors
    /// When there is no such payment, or it has no tickets.
    pub async fn refund(
        self: &Arc<Self>,
        id: &ReservationId,
        attempt: i64,
    ) -> Result<Reservation, CancelRefused> {
        let found = self.parts.store.find(id).await?.filter(|found| found.attempt == attempt);
        let reservation = found.ok_or(CancelRefused::Missing)?;
        self.give_back(reservation, Happened::Cancelled, RefundReason::Organiser).await
    }

    async fn give_back(
        self: &Arc<Self>,
        reservation: Reservation,
        happened: Happened,
        reason: RefundReason,
    ) -> Result<Reservation, CancelRefused> {
        use ReservationState::{Confirmed, RefundDue, Refunded};
        let reservation = if reservation.state == Confirmed {
            let report = Report { reason: Some(reason), ..Report::of(happened, &reservation) };
            self.take(&reservation, &report).await?
        } else {
            reservation
        };
        if !matches!(reservation.state, RefundDue | Refunded) {
            return Err(CancelRefused::NotPaid(reservation.state));
        }
        Ok(self.carry_on_apart(reservation).await?.0)
    }

    /// The event does not take place: nobody buys it any more, and everybody gets their money back. That goes on in the
    /// background ([`Checkout::return_called_off`]), also after a crash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_off(&self, event: &EventId) -> Result<(), StoreError> {
        let answer = self.parts.store.call_off(event, self.parts.clock.now()).await;
        self.parts.events.changed(event);
        answer
    }

    /// Gives back what is paid for events that do not take place; gives how many reservations there were.
    ///
    /// # Errors
    /// When the database does not say which they are.
    pub async fn return_called_off(self: &Arc<Self>) -> Result<usize, StoreError> {
        let paid = self.parts.store.called_off(RESUME_BATCH).await?;
        let count = paid.len();
        futures_util::stream::iter(paid)
            .for_each_concurrent(RESUME_CONCURRENCY, async |reservation| {
                let id = reservation.id.clone();
                let answer = self.give_back(reservation, Happened::CalledOff, RefundReason::CalledOff).await;
                if let Err(error) = answer {
                    tracing::error!(reservation = %id, error = %error, "not refunded yet");
                }
            })
            .await;
        Ok(count)
    }

    /// Asks the provider how it stands with a reservation, of which it has told something.
    pub async fn look_after(&self, id: &ReservationId) {
        match self.parts.store.find(id).await {
            Ok(Some(reservation)) => self.resume_one(reservation).await,
            Ok(None) => {}
            Err(error) => tracing::error!(error = %error, reservation = %id, "reservation not read"),
        }
    }

    /// Takes up the payments and refunds that have been without an answer for `unsettled_for`; gives how many
    /// there were. A payment that another task carries through at the same time is no harm: the provider
    /// charges once for a key, and its answer is kept once.
    ///
    /// # Errors
    /// When the database does not say which they are.
    pub async fn resume(&self, unsettled_for: Duration) -> Result<usize, StoreError> {
        let unsettled = self.unsettled(unsettled_for).await?;
        let count = unsettled.len();
        self.take_up(unsettled).await;
        Ok(count)
    }

    /// The payments and refunds that have been without an answer for `unsettled_for`, the oldest of very many.
    ///
    /// # Errors
    /// When the database does not say which they are.
    pub async fn unsettled(&self, unsettled_for: Duration) -> Result<Vec<Reservation>, StoreError> {
        self.parts.store.unsettled(self.parts.clock.now() - unsettled_for, RESUME_BATCH).await
    }

    /// Takes these up, some at a time.
    pub async fn take_up(&self, unsettled: Vec<Reservation>) {
        futures_util::stream::iter(unsettled)
            .for_each_concurrent(RESUME_CONCURRENCY, |reservation| self.resume_one(reservation))
            .await;
    }

    async fn resume_one(&self, reservation: Reservation) {
        let (id, before) = (reservation.id.clone(), reservation.state);
        match self.carry_on(reservation).await {
            Ok((now, _)) if now.state == before => {}
            Ok((now, _)) => tracing::info!(reservation = %id, state = now.state.as_str(), "payment resumed"),
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::error!(reservation = %id, error = %error, cause, "payment not resumed");
            }
        }
    }
}
