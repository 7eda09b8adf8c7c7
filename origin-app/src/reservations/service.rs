//! Holding seats and giving them back; what the inventory and the database know of a reservation, together.

use std::collections::HashMap;
use std::sync::Arc;

use admission::clock::{Clock, Random, RandomError, Timestamp};

use super::model::{Reservation, ReservationState};
use super::store::{Release, ReservationStore};
use super::{LIST_MAX, SEATS_PER_REQUEST_MAX};
use crate::checkout::Deed;
use crate::config::Holds;
use crate::events::{EventDetail, EventStatus, Events, OnSale, Seat, SeatState};
use crate::http::EdgeFacts;
use crate::ids::{EventId, FanId, ReservationId, RoomName, SeatId, SectionId};
use crate::inventory::{
    Ask, BoxOffice, GeneralAsk, Held, HeldSeat, Holding, HoldingState, House, OfficeError, ticket_word,
};
use crate::store::StoreError;

/// Holds seats for fans.
pub struct Reservations {
    pub(super) events: Arc<Events>,
    pub(super) office: Arc<BoxOffice>,
    pub(super) store: Arc<dyn ReservationStore>,
    pub(super) clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    pub(super) holds: Holds,
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
    /// The event has no such section where nobody sits.
    #[error("unknown section")]
    SectionUnknown(SectionId),
    /// Somebody else was faster.
    #[error("seats taken")]
    Taken(Vec<SeatId>),
    /// The section has not so many seats left.
    #[error("sold out")]
    SoldOut(String),
    /// The inventory or the database failed.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// What a fan wants to have.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Places by name.
    pub seats: Vec<SeatId>,
    /// Any places of a section where nobody sits, and how many.
    pub any_of: Option<(SectionId, u32)>,
}

impl From<Vec<SeatId>> for Wanted {
    fn from(seats: Vec<SeatId>) -> Self {
        Self { seats, any_of: None }
    }
}

/// What became of a reservation that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The fan's reservation.
    There(Reservation),
    /// The shop lost it: it was held when an inventory was lost, and had not come into the database.
    Lost,
    /// This fan has no such reservation.
    Missing,
}

impl Reservations {
    /// Holds seats in `office`, by the rules of `holds`; `store` is where reservations come to.
    pub fn new(
        events: Arc<Events>,
        office: Arc<BoxOffice>,
        store: Arc<dyn ReservationStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        holds: Holds,
    ) -> Self {
        Self { events, office, store, clock, random, holds }
    }

    /// Holds what is `wanted` for `fan`, all or none. Asks no database, but for an event that this process has not met
    /// yet.
    ///
    /// # Errors
    /// When it cannot be had, or not by this fan.
    pub async fn hold(
        &self,
        event: &EventId,
        wanted: Wanted,
        fan: &FanId,
        edge: &EdgeFacts,
    ) -> Result<Reservation, HoldRefused> {
        let house = self.office.house(event).await?.ok_or(HoldRefused::EventNotFound)?;
        let now = self.clock.now();
        let Wanted { mut seats, any_of } = wanted;
        let room = admitted(&house.detail, &seats, any_of.as_ref(), edge, now)?;
        seats.sort();
        seats.dedup();
        let max = self.holds.seats_per_fan_max;
        let quantity = any_of.as_ref().map_or(0, |(_, quantity)| *quantity as usize);
        match seats.len().saturating_add(quantity) {
            0 => return Err(HoldRefused::NoSeats),
            asked if asked > SEATS_PER_REQUEST_MAX.min(max as usize) => {
                return Err(HoldRefused::TooManySeats { has: 0, max });
            }
            _ => {}
        }
        let ask = Ask {
            id: ReservationId::new(event, now, self.random.as_ref())?,
            fan: fan.clone(),
            ticket: edge.ticket_for(room).map(ticket_word),
            duration: self.holds.duration,
            seats_max: max,
            currency: house.detail.event.currency.clone(),
            seats: named(&house, &seats)?,
            general: any_of.map(|any_of| general(&house, any_of)).transpose()?.into_iter().collect(),
        };
        let held = self.office.hold(event, &ask).await?;
        self.events.claims_changed(event);
        match held {
            Held::Held(holding) => Ok(holding.to_reservation(event)),
            Held::Taken(seats) => Err(HoldRefused::Taken(seats)),
            Held::SoldOut(section) => Err(HoldRefused::SoldOut(section)),
            Held::OverLimit { has } => Err(HoldRefused::TooManySeats { has, max }),
        }
    }

    /// Gives the seats of a hold back.
    ///
    /// # Errors
    /// When the inventory or the database fails.
    pub async fn release(&self, id: &ReservationId, fan: &FanId) -> Result<Release, OfficeError> {
        let state = self.office.release(id, fan).await?.map(|holding| holding.state);
        self.events.any_claims_changed();
        match state {
            Some(HoldingState::Released | HoldingState::Expired | HoldingState::Freed) => {
                Ok(Release::Released)
            }
            Some(HoldingState::Sold) => Ok(Release::Confirmed),
            Some(HoldingState::Held | HoldingState::Kept) => {
                // The database knows how the payment stands.
                let known = self.store.find(id, fan).await?.map(|known| known.state);
                Ok(match known {
                    Some(ReservationState::Confirmed) => Release::Confirmed,
                    Some(ReservationState::RefundDue | ReservationState::Refunded) => Release::Returned,
                    _ => Release::Paying,
                })
            }
            None => match self.store.release(id, fan, self.clock.now()).await? {
                // What was lost is free.
                Release::Missing if self.missing(id).await? == Found::Lost => Ok(Release::Released),
                release => Ok(release),
            },
        }
    }

    /// The fan's reservation `id`.
    ///
    /// # Errors
    /// When the inventory or the database fails.
    pub async fn find(&self, id: &ReservationId, fan: &FanId) -> Result<Found, OfficeError> {
        // The inventory first: what goes from there to the database meanwhile is then found in one or the other.
        let holding = self.office.look(id).await;
        let known = self.store.find(id, fan).await?;
        if let Some(known) = &known
            && known.state != ReservationState::Held
        {
            return Ok(Found::There(known.clone()));
        }
        // Only of holds the inventory may know more.
        let holding = match holding {
            Ok(found) => found.filter(|(_, holding)| holding.fan == *fan),
            Err(error) if known.is_some() => {
                tracing::warn!(error = %error, "told what the database knows");
                None
            }
            Err(error) => return Err(error),
        };
        match (known, holding) {
            (Some(known), holding) => Ok(Found::There(as_held(known, holding.map(|(_, holding)| holding)))),
            (None, Some((event, holding))) => Ok(Found::There(holding.to_reservation(&event))),
            (None, None) => self.missing(id).await,
        }
    }

    /// Why there is nothing of this id.
    async fn missing(&self, id: &ReservationId) -> Result<Found, OfficeError> {
        let asked_at = id.asked_at();
        let lost = self.store.lost_after(asked_at).await?;
        // One that had lapsed by then was not lost.
        let was_held = lost.is_some_and(|lost| lost <= asked_at + self.holds.duration);
        Ok(if was_held { Found::Lost } else { Found::Missing })
    }

    /// The fan's newest reservations.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_fan(&self, fan: &FanId, limit: u32) -> Result<Vec<Reservation>, StoreError> {
        self.page_of_fan(fan, None, limit).await
    }

    /// Those that come `after` one of them, that is to say, were made before it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_of_fan(
        &self,
        fan: &FanId,
        after: Option<&ReservationId>,
        limit: u32,
    ) -> Result<Vec<Reservation>, StoreError> {
        // First what the inventory knows: what goes from there to the database meanwhile is then found in both.
        let mut holdings = match self.office.of_fan(fan).await {
            Ok(holdings) => holdings,
            Err(error) => {
                tracing::warn!(error = %error, "told what the database knows");
                Vec::new()
            }
        };
        let known = self.store.of_fan(fan, after, limit).await?;
        let known = known.into_iter().map(|reservation| {
            let place = holdings.iter().position(|(_, holding)| holding.id == reservation.id);
            let holding = place.map(|place| holdings.swap_remove(place).1);
            if reservation.state == ReservationState::Held {
                as_held(reservation, holding)
            } else {
                reservation
            }
        });
        let mut all: Vec<Reservation> = known.collect();
        // What the database does not know yet, or knows further back.
        let others = holdings.iter().filter(|(_, holding)| after.is_none_or(|after| holding.id < *after));
        all.extend(others.map(|(event, holding)| holding.to_reservation(event)));
        all.sort_by(|one, other| other.id.cmp(&one.id));
        all.truncate(limit as usize);
        Ok(all)
    }

    /// What became of a payment: who is asked about seats learns of it.
    pub async fn learn(&self, deed: Deed, reservation: &Reservation) {
        let Reservation { event, id, .. } = reservation;
        match deed {
            Deed::SellSeats => self.office.sell(event, id).await,
            Deed::PutBack => self.office.put_back(event, id).await,
            Deed::FreeSeats => self.office.free(event, id).await,
            Deed::Refund => {}
        }
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
        let own = self.own_seats(event, fan).await?;
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

    /// Which seats of an event are the fan's own now, held or sold: by the inventory, and by the database where that does not know.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn own_seats(
        &self,
        event: &EventId,
        fan: &FanId,
    ) -> Result<HashMap<SeatId, SeatState>, StoreError> {
        let now = self.clock.now();
        if let Ok(holdings) = self.office.of_fan_at(event, fan).await {
            let own =
                holdings.into_iter().filter_map(|holding| Some((holding.of_seats(now)?, holding.seats)));
            return Ok(own
                .flat_map(|(state, seats)| seats.into_iter().map(move |seat| (seat.id, state)))
                .collect());
        }
        let own = self.of_fan(fan, LIST_MAX).await?.into_iter().filter(|one| one.event == *event);
        let own =
            own.filter_map(|reservation| Some((reservation.state_at(now).of_seats()?, reservation.seats)));
        Ok(own.flat_map(|(state, seats)| seats.into_iter().map(move |seat| (seat.id, state))).collect())
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
    any_of: Option<&(SectionId, u32)>,
    edge: &EdgeFacts,
    now: Timestamp,
) -> Result<Option<&'a RoomName>, HoldRefused> {
    if detail.event.status == EventStatus::Draft {
        return Err(HoldRefused::EventNotFound);
    }
    // A seat of no section is none of the event's; the store says so.
    let mut sections: Vec<_> =
        seats.iter().filter_map(|seat| detail.section_of(seat)).map(|section| section.id.clone()).collect();
    sections.extend(any_of.map(|(section, _)| section.clone()));
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

/// The seats as the house has them.
fn named(house: &House, seats: &[SeatId]) -> Result<Vec<HeldSeat>, HoldRefused> {
    let (mut known, mut unknown) = (Vec::with_capacity(seats.len()), Vec::new());
    for id in seats {
        match house.seat(id) {
            Some(seat) => known.push(seat.clone()),
            None => unknown.push(id.clone()),
        }
    }
    known.sort_by_key(|seat| seat.place);
    if unknown.is_empty() { Ok(known) } else { Err(HoldRefused::Unknown(unknown)) }
}

fn general(house: &House, any_of: (SectionId, u32)) -> Result<GeneralAsk, HoldRefused> {
    let (section, quantity) = any_of;
    house.any_of(&section, quantity).ok_or(HoldRefused::SectionUnknown(section))
}

/// A hold of the database, as the inventory knows it.
fn as_held(known: Reservation, holding: Option<Holding>) -> Reservation {
    let state = match holding.map(|holding| holding.state) {
        Some(HoldingState::Released) => ReservationState::Released,
        Some(HoldingState::Expired) => ReservationState::Expired,
        _ => known.state,
    };
    Reservation { state, ..known }
}
