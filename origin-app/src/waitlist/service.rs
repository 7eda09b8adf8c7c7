//! Offers what comes back to who is first.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admission::clock::Clock;

use super::offers::{Offer, Offers};
use super::routes::kept_for_waiting;
use super::store::{Place, PlaceState, Waiter, WaitlistStore};
use crate::events::{Event, EventStatus, Events, Seat, SeatState, Section, SectionCount, SectionKind};
use crate::http::Problem;
use crate::ids::{EventId, FanId, SeatId};
use crate::notifications::{Contact, Notice};
use crate::outbox::{Message, Recipient};
use crate::reservations::{HoldRefused, Reservation};
use crate::store::StoreError;

/// How often it is looked for what came back.
const EVERY: Duration = Duration::from_millis(500);
/// Most offers for one event in one round.
const OFFERS_MAX: usize = 50;

/// Those who wait for seats to come back.
pub struct Waitlist {
    store: Arc<dyn WaitlistStore>,
    events: Arc<Events>,
    offers: Arc<dyn Offers>,
    clock: Arc<dyn Clock>,
    /// The events whose free seats are kept for those who wait.
    kept: Mutex<HashSet<EventId>>,
}

impl Waitlist {
    /// Those of `store`; `offers` keeps seats for as long as an offer lasts.
    pub fn new(
        store: Arc<dyn WaitlistStore>,
        events: Arc<Events>,
        offers: Arc<dyn Offers>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, events, offers, clock, kept: Mutex::default() }
    }

    /// Lets a fan choose seats, unless what is free of the event is for those who wait.
    ///
    /// # Errors
    /// When it is.
    pub(crate) fn lets_choose(&self, event: &EventId) -> Result<(), Problem> {
        if self.is_kept(event) { Err(kept_for_waiting()) } else { Ok(()) }
    }

    /// Whether what is free of this event is for those who wait.
    pub fn is_kept(&self, event: &EventId) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).contains(event)
    }

    /// Whether nothing of an event can be had now.
    ///
    /// # Errors
    /// When the database does not say.
    pub async fn is_sold_out(&self, event: &EventId) -> Result<Option<bool>, StoreError> {
        let Some(detail) = self.events.detail(event).await? else { return Ok(None) };
        let gone: i64 = self.events.claimed(event).await?.iter().map(|section| section.claimed).sum();
        Ok(Some(gone >= detail.event.seats_total))
    }

    /// Puts a fan at the end of those who wait for `event`; a guest is told at `contact`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn join(
        &self,
        event: &EventId,
        fan: &FanId,
        quantity: u32,
        contact: Option<&Contact>,
    ) -> Result<Option<Place>, StoreError> {
        self.store.join(event, fan, quantity, contact, self.clock.now()).await?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(event.clone());
        self.store.place(event, fan).await
    }

    /// The place of a fan.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn place(&self, event: &EventId, fan: &FanId) -> Result<Option<Place>, StoreError> {
        let place = self.store.place(event, fan).await?;
        // What is over is over, swept or not.
        Ok(place.map(|place| match (place.state, place.until) {
            (PlaceState::Offered, Some(until)) if until <= self.clock.now() => {
                Place { state: PlaceState::Done, ..place }
            }
            _ => place,
        }))
    }

    /// Takes a fan out; false where they were not in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leave(&self, event: &EventId, fan: &FanId) -> Result<bool, StoreError> {
        self.store.leave(event, fan).await
    }

    /// Offers until it is dropped.
    pub async fn run(self: Arc<Self>) {
        loop {
            if let Err(error) = self.round().await {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(error = %error, cause, "what came back is not offered");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        self.store.lapse(self.clock.now()).await?;
        let mut events = Vec::new();
        for event in self.store.events().await? {
            if self.is_over(&event).await? {
                self.store.end(&event).await?;
            } else {
                events.push(event);
            }
        }
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = events.iter().cloned().collect();
        for event in events {
            for _ in 0..OFFERS_MAX {
                if !self.offer_next(&event).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether nothing of an event will be offered any more.
    async fn is_over(&self, event: &EventId) -> Result<bool, StoreError> {
        let detail = self.events.detail(event).await?;
        let goes_on =
            |event: &Event| event.status == EventStatus::Published && self.clock.now() < event.starts_at;
        Ok(!detail.is_some_and(|detail| goes_on(&detail.event)))
    }

    /// Offers to who is first; false when there is nothing to offer, or nobody to offer it to.
    async fn offer_next(&self, event: &EventId) -> Result<bool, StoreError> {
        let Some(waiter) = self.store.first(event).await? else { return Ok(false) };
        let Waiter { fan, quantity, .. } = &waiter;
        let Some(offer) = self.free(event, *quantity).await? else { return Ok(false) };
        let kept = match self.offers.keep(event, offer, fan).await {
            // As many as they may still have.
            Err(HoldRefused::TooManySeats { has, max }) if has > 0 && has < max => {
                let Some(fewer) = self.free(event, (max - has).min(*quantity)).await? else {
                    return Ok(false);
                };
                self.offers.keep(event, fewer, fan).await
            }
            kept => kept,
        };
        match kept {
            Ok(reservation) => self.tell(event, &waiter, &reservation).await.map(|()| true),
            Err(HoldRefused::TooManySeats { .. }) => {
                self.store.passed(event, fan).await?;
                Ok(true)
            }
            Err(HoldRefused::Store(error)) => Err(error),
            // Somebody was faster, or nothing of it is on sale now: the next round looks again.
            Err(_) => Ok(false),
        }
    }

    async fn tell(&self, event: &EventId, waiter: &Waiter, offer: &Reservation) -> Result<(), StoreError> {
        let fan = &waiter.fan;
        let to = match waiter.contact.clone() {
            Some(Contact { email, language }) => Recipient::Address(email, language),
            None => Recipient::Fan(fan.clone()),
        };
        let until = offer.expires_at;
        let told = Message {
            key: format!("offer.{}", offer.id),
            to,
            notice: Notice::Offer {
                event: event.clone(),
                reservation: offer.id.clone(),
                seats: offer.seats.iter().map(|seat| seat.id.clone()).collect(),
                until,
            },
        };
        if self.store.offered(event, fan, (&offer.id, until), &told, self.clock.now()).await? {
            tracing::info!(event = %event, seats = offer.seats.len(), "seats that came back are offered");
        } else if let Err(error) = self.offers.give_back(offer).await {
            // Another shop was faster, or the fan is gone. It lapses at last.
            tracing::warn!(error = %error, "seats that nobody waits for any more are not given back");
        }
        Ok(())
    }

    /// Up to `quantity` free places, beside each other if that can be.
    async fn free(&self, event: &EventId, quantity: u32) -> Result<Option<Offer>, StoreError> {
        self.events.claims_changed(event);
        let Some(detail) = self.events.detail(event).await? else { return Ok(None) };
        let (seats, claimed) = (self.events.seats(event).await?, self.events.claimed(event).await?);
        // What is not on sale now, or not together, nobody could hold: it must not stand before what can be had.
        let sales = detail.sold_together(self.clock.now());
        Ok(sales.iter().find_map(|sections| offer_of(sections, &seats, &claimed, quantity)))
    }
}

/// Up to `quantity` free places of these sections: seats, or else places where nobody sits.
fn offer_of(sections: &[&Section], seats: &[Seat], claimed: &[SectionCount], quantity: u32) -> Option<Offer> {
    let free: Vec<_> = seats
        .iter()
        .filter(|seat| sections.iter().any(|section| section.id == seat.section))
        .map(|seat| ((&seat.section, &seat.row), (seat.state == SeatState::Available).then_some(&seat.id)))
        .collect();
    let chosen = choose(&free, quantity as usize);
    if !chosen.is_empty() {
        return Some(Offer { seats: chosen, any_of: None });
    }
    let general = sections.iter().filter(|section| section.kind == SectionKind::General);
    let left = general.map(|section| {
        let gone = claimed.iter().find(|count| count.section == section.id).map_or(0, |count| count.claimed);
        (section.id.clone(), u32::try_from(section.capacity - gone).unwrap_or_default())
    });
    let (section, left) = left.filter(|(_, left)| *left > 0).max_by_key(|(_, left)| *left)?;
    Some(Offer { seats: Vec::new(), any_of: Some((section, left.min(quantity))) })
}

/// Up to `quantity` of the free seats: the first that stand beside each other, or else the first that there are.
fn choose<Row: PartialEq>(seats: &[(Row, Option<&SeatId>)], quantity: usize) -> Vec<SeatId> {
    let beside = seats
        .chunk_by(|one, other| one.0 == other.0 && one.1.is_some() == other.1.is_some())
        .find(|run| run.len() >= quantity && run.first().is_some_and(|(_, free)| free.is_some()));
    let free = beside.unwrap_or(seats).iter().filter_map(|(_, free)| *free);
    free.take(quantity).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_beside_each_other_come_first() {
        let id = |text: &str| SeatId::parse(text).unwrap();
        let ids = [id("A-1"), id("A-3"), id("B-1"), id("B-2")];
        let seats = [
            ("A", Some(&ids[0])),
            ("A", None),
            ("A", Some(&ids[1])),
            ("B", Some(&ids[2])),
            ("B", Some(&ids[3])),
        ];
        assert_eq!(choose(&seats, 1), [id("A-1")]);
        assert_eq!(choose(&seats, 2), [id("B-1"), id("B-2")]);
        assert_eq!(choose(&seats, 3), [id("A-1"), id("A-3"), id("B-1")], "not beside each other, then");
        assert_eq!(choose(&seats, 9).len(), 4, "fewer than asked");
        assert!(choose(&[("A", None)], 1).is_empty());
    }
}
