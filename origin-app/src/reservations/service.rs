//! Holding seats and giving them back.

use std::collections::HashMap;
use std::sync::Arc;

use admission::clock::{Clock, Random, RandomError, Timestamp};

use super::model::Reservation;
use super::store::{Begin, Hold, NewHold, Release, ReservationStore};
use super::{LIST_MAX, SEATS_PER_REQUEST_MAX};
use crate::checkout::Deed;
use crate::config::Holds;
use crate::events::{EventDetail, EventStatus, Events, OnSale, Seat, SeatState};
use crate::http::EdgeFacts;
use crate::ids::{EventId, FanId, ReservationId, RoomName, SeatId};
use crate::store::StoreError;

/// Holds seats for fans.
pub struct Reservations {
    events: Arc<Events>,
    store: Arc<dyn ReservationStore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    holds: Holds,
}

/// Why no seats are held. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum HoldRefused {
    /// There is no such event.
    #[error("no such event")]
    EventNotFound,
    /// The event, or that part of its house, is not on sale now.
    #[error("not on sale")]
    SaleNotOpen {
        /// When it will be, if ever.
        opens_at: Option<Timestamp>,
    },
    /// The event sells only to fans who came through its waiting room.
    #[error("not admitted")]
    NotAdmitted,
    /// No seat was named.
    #[error("no seats")]
    NoSeats,
    /// The fan would have more than allowed.
    #[error("too many seats")]
    TooManySeats {
        /// Seats that the fan has already.
        has: u32,
        /// Seats that a fan may have.
        max: u32,
    },
    /// The event has no such seats.
    #[error("unknown seats")]
    Unknown(Vec<SeatId>),
    /// Somebody else was faster.
    #[error("seats taken")]
    Taken(Vec<SeatId>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl Reservations {
    /// Holds seats of `events` in `store`, by the rules of `holds`.
    pub fn new(
        events: Arc<Events>,
        store: Arc<dyn ReservationStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        holds: Holds,
    ) -> Self {
        Self { events, store, clock, random, holds }
    }

    /// Holds `seats` for `fan`, all or none.
    ///
    /// # Errors
    /// When they cannot be had, or not by this fan.
    pub async fn hold(
        &self,
        event: &EventId,
        mut seats: Vec<SeatId>,
        fan: &FanId,
        edge: &EdgeFacts,
    ) -> Result<Reservation, HoldRefused> {
        let now = self.clock.now();
        let detail = self.events.detail(event).await?.ok_or(HoldRefused::EventNotFound)?;
        let room = admitted(&detail, &seats, edge, now)?;
        seats.sort();
        seats.dedup();
        let max = self.holds.seats_per_fan_max;
        if seats.is_empty() {
            return Err(HoldRefused::NoSeats);
        }
        if seats.len() > SEATS_PER_REQUEST_MAX.min(max as usize) {
            return Err(HoldRefused::TooManySeats { has: 0, max });
        }
        let ticket = edge.ticket_for(room).map(ToOwned::to_owned);
        let new = NewHold {
            id: ReservationId::random(self.random.as_ref())?,
            event: event.clone(),
            fan: fan.clone(),
            ticket,
            seats,
            expires_at: now + self.holds.duration,
            seats_per_fan_max: max,
        };
        match self.store.hold(&new, now).await? {
            Hold::Held(reservation) => {
                self.events.claims_changed(event);
                Ok(reservation)
            }
            Hold::Taken(seats) => Err(HoldRefused::Taken(seats)),
            Hold::Unknown(seats) => Err(HoldRefused::Unknown(seats)),
            Hold::OverLimit { has } => Err(HoldRefused::TooManySeats { has, max }),
        }
    }

    /// Gives the seats of a hold back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release(&self, id: &ReservationId, fan: &FanId) -> Result<Release, StoreError> {
        let released = self.store.release(id, fan, self.clock.now()).await?;
        self.events.any_claims_changed();
        Ok(released)
    }

    /// Keeps the intention to pay with `card`, before the provider is asked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_payment(
        &self,
        id: &ReservationId,
        fan: &FanId,
        card: &str,
    ) -> Result<Begin, StoreError> {
        self.store.begin_payment(id, fan, card, self.clock.now()).await
    }

    /// What became of a payment: who is asked about seats learns of it.
    pub async fn learn(&self, _deed: Deed, reservation: &Reservation) {
        self.events.claims_changed(&reservation.event);
    }

    /// The numbered seats of an event, as `fan` sees them. What all see alike is kept for a while; what is the fan's own is
    /// as it is now, and kept nowhere.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seats_seen_by(
        &self,
        event: &EventId,
        fan: Option<&FanId>,
    ) -> Result<Arc<Vec<Seat>>, StoreError> {
        let mut seats = self.events.seats(event).await?;
        let Some(fan) = fan else {
            return Ok(seats);
        };
        let now = self.clock.now();
        let reservations = self.store.of_fan(fan, LIST_MAX).await?;
        let own: HashMap<&SeatId, SeatState> = reservations
            .iter()
            .filter(|reservation| reservation.event == *event)
            .filter_map(|reservation| Some((reservation, reservation.state_at(now).of_seats()?)))
            .flat_map(|(reservation, state)| reservation.seats.iter().map(move |seat| (&seat.id, state)))
            .collect();
        if !own.is_empty() {
            for seat in Arc::make_mut(&mut seats) {
                if let Some(state) = own.get(&seat.id) {
                    seat.state = *state;
                    seat.mine = true;
                }
            }
        }
        Ok(seats)
    }

    /// Whether the fan has bought all that one fan may buy of `event`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_bought_all(&self, event: &EventId, fan: &FanId) -> Result<bool, StoreError> {
        Ok(self.store.paid_seats(event, fan).await? >= self.holds.seats_per_fan_max)
    }
}

/// The room by which the fan may have these seats now, if they ask for one.
fn admitted<'a>(
    detail: &'a EventDetail,
    seats: &[SeatId],
    edge: &EdgeFacts,
    now: Timestamp,
) -> Result<Option<&'a RoomName>, HoldRefused> {
    if detail.event.status == EventStatus::Draft {
        return Err(HoldRefused::EventNotFound);
    }
    // A seat of no section is none of the event's; the store says so.
    let mut sections: Vec<_> =
        seats.iter().filter_map(|seat| detail.section_of(seat)).map(|section| section.id.clone()).collect();
    sections.sort();
    sections.dedup();
    match detail.on_sale(&sections, now) {
        OnSale::Open(rooms) => {
            rooms.into_iter().find(|room| edge.admits(*room)).ok_or(HoldRefused::NotAdmitted)
        }
        OnSale::From(opens_at) => Err(HoldRefused::SaleNotOpen { opens_at: Some(opens_at) }),
        OnSale::Over => Err(HoldRefused::SaleNotOpen { opens_at: None }),
    }
}
