//! From rows to what they mean, once for both databases.

use admission::clock::Timestamp;

use super::error::CorruptColumn;
use crate::events::Sales;
use crate::ids::{EventId, FanId, ReservationId, SeatId};
use crate::inventory::{HeldSeat, Holding, HoldingState};
use crate::reservations::{Reservation, ReservationState, ReservedSeat};
use crate::store::StoreError;

/// A row of either database.
pub(super) trait Columns {
    fn text(&self, column: &'static str) -> Result<String, StoreError>;
    fn text_or_null(&self, column: &'static str) -> Result<Option<String>, StoreError>;
    fn number(&self, column: &'static str) -> Result<i64, StoreError>;
    fn number_or_null(&self, column: &'static str) -> Result<Option<i64>, StoreError>;

    fn moment_or_null(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        let number = self.number_or_null(column)?;
        number.map(|at| valid(column, u64::try_from(at).ok().map(Timestamp::from_millis))).transpose()
    }
}

macro_rules! columns {
    ($row:ty) => {
        impl $crate::persistence::rows::Columns for $row {
            fn text(&self, column: &'static str) -> Result<String, $crate::store::StoreError> {
                Ok(sqlx::Row::try_get(self, column)?)
            }

            fn text_or_null(
                &self,
                column: &'static str,
            ) -> Result<Option<String>, $crate::store::StoreError> {
                Ok(sqlx::Row::try_get(self, column)?)
            }

            fn number(&self, column: &'static str) -> Result<i64, $crate::store::StoreError> {
                Ok(sqlx::Row::try_get(self, column)?)
            }

            fn number_or_null(&self, column: &'static str) -> Result<Option<i64>, $crate::store::StoreError> {
                Ok(sqlx::Row::try_get(self, column)?)
            }
        }
    };
}
pub(super) use columns;

/// A moment as the database keeps it.
pub(super) fn at(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn sales(row: &impl Columns) -> Result<Sales, StoreError> {
    Ok(Sales {
        event: valid("id", EventId::parse(&row.text("id")?).ok())?,
        seats_total: row.number("seats_total")?,
        held: row.number("held")?,
        sold: row.number("sold")?,
        tickets: row.number("tickets")?,
        tickets_cents: row.number("tickets_cents")?,
        charges_cents: row.number("charges_cents")?,
        double_sold: row.number("double_sold")?,
    })
}

/// Reservations out of rows with one seat each; the rows of a reservation stand together.
pub(super) fn reservations<R: Columns>(rows: &[R]) -> Result<Vec<Reservation>, StoreError> {
    let mut reservations: Vec<Reservation> = Vec::new();
    for row in rows {
        let id = row.text("id")?;
        if reservations.last().is_none_or(|last| last.id.as_str() != id) {
            reservations.push(reservation(row, &id)?);
        }
        if let Some(last) = reservations.last_mut() {
            last.seats.push(ReservedSeat {
                id: valid("seat_id", SeatId::parse(&row.text("seat_id")?).ok())?,
                price_cents: row.number("price_cents")?,
                ticket: row.text_or_null("code")?,
            });
        }
    }
    Ok(reservations)
}

fn reservation(row: &impl Columns, id: &str) -> Result<Reservation, StoreError> {
    let payment = super::checkout::facts(row)?;
    Ok(Reservation {
        id: valid("id", ReservationId::parse(id).ok())?,
        event: valid("event_id", EventId::parse(&row.text("event_id")?).ok())?,
        fan: valid("fan_id", FanId::parse(&row.text("fan_id")?).ok())?,
        state: match valid("state", ReservationState::parse(&row.text("state")?))? {
            ReservationState::Paying if payment.keep_until.is_some() => ReservationState::PaymentDelayed,
            state => state,
        },
        amount_cents: row.number("amount_cents")?,
        currency: row.text("currency")?,
        expires_at: moment(row, "expires_at")?,
        attempt: row.number("attempt")?,
        card: row.text_or_null("card")?,
        payment,
        seats: Vec::new(),
    })
}

/// Holdings out of rows with one seat each; the rows of a holding stand together. Which seats are one of many alike,
/// the event knows.
pub(super) fn holdings<R: Columns>(rows: &[R]) -> Result<Vec<Holding>, StoreError> {
    let mut holdings: Vec<Holding> = Vec::new();
    for row in rows {
        let id = row.text("id")?;
        if holdings.last().is_none_or(|last| last.id.as_str() != id) {
            holdings.push(holding(row, &id)?);
        }
        if let Some(last) = holdings.last_mut() {
            last.seats.push(HeldSeat {
                id: valid("seat_id", SeatId::parse(&row.text("seat_id")?).ok())?,
                price_cents: row.number("price_cents")?,
                place: row.number("place")?,
                general: false,
            });
        }
    }
    Ok(holdings)
}

fn holding(row: &impl Columns, id: &str) -> Result<Holding, StoreError> {
    let state = match row.text("state")?.as_str() {
        "held" => Some(HoldingState::Held),
        "paying" => Some(HoldingState::Kept),
        "confirmed" => Some(HoldingState::Sold),
        _ => None,
    };
    Ok(Holding {
        id: valid("id", ReservationId::parse(id).ok())?,
        state: valid("state", state)?,
        expires_at: moment(row, "expires_at")?,
        since: moment(row, "updated_at")?,
        fan: valid("fan_id", FanId::parse(&row.text("fan_id")?).ok())?,
        ticket: row.text_or_null("ticket")?,
        created_at: moment(row, "created_at")?,
        currency: row.text("currency")?,
        seats: Vec::new(),
    })
}

pub(super) fn event_ids<R: Columns>(rows: &[R]) -> Result<Vec<EventId>, StoreError> {
    rows.iter().map(|row| valid("event_id", EventId::parse(&row.text("event_id")?).ok())).collect()
}

/// A moment that may not be.
pub(super) fn moment_or_null(moment: Option<i64>) -> Option<Timestamp> {
    moment.and_then(|millis| u64::try_from(millis).ok()).map(Timestamp::from_millis)
}

/// What a batch of holdings writes: the columns of reservations, of their seats, and which of them ended how.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub(super) ids: Vec<&'a str>,
    pub(super) fans: Vec<&'a str>,
    pub(super) amounts: Vec<i64>,
    pub(super) currencies: Vec<&'a str>,
    pub(super) created: Vec<i64>,
    pub(super) expires: Vec<i64>,
    pub(super) tickets: Vec<Option<&'a str>>,
    /// Reservation, seat, place, price.
    pub(super) seats: Vec<(&'a str, &'a str, i64, i64)>,
    /// Reservation, state, when.
    pub(super) ended: Vec<(&'a str, &'a str, i64)>,
}

impl<'a> Batch<'a> {
    pub(super) fn of(happened: &'a [Holding]) -> Self {
        let mut batch = Self::default();
        for holding in happened {
            let id = holding.id.as_str();
            batch.ids.push(id);
            batch.fans.push(holding.fan.as_str());
            batch.amounts.push(holding.amount_cents());
            batch.currencies.push(&holding.currency);
            batch.created.push(at(holding.created_at));
            batch.expires.push(at(holding.expires_at));
            batch.tickets.push(holding.ticket.as_deref());
            let seat = |seat: &'a HeldSeat| (id, seat.id.as_str(), seat.place, seat.price_cents);
            batch.seats.extend(holding.seats.iter().map(seat));
            if matches!(holding.state, HoldingState::Released | HoldingState::Expired) {
                batch.ended.push((id, holding.state.as_str(), at(holding.since)));
            }
        }
        batch
    }
}

/// The reservation whose fan is told that the hold has lapsed, and when it did; see `sql::told_of_the_end`.
pub(super) fn told_of_the_end(row: &impl Columns) -> Result<Option<(ReservationId, Timestamp)>, StoreError> {
    if row.number("told")? == 0 {
        return Ok(None);
    }
    let id = valid("id", ReservationId::parse(&row.text("id")?).ok())?;
    Ok(Some((id, moment(row, "updated_at")?)))
}

pub(super) fn moment(row: &impl Columns, column: &'static str) -> Result<Timestamp, StoreError> {
    valid(column, u64::try_from(row.number(column)?).ok().map(Timestamp::from_millis))
}

pub(super) fn valid<T>(column: &'static str, value: Option<T>) -> Result<T, StoreError> {
    value.ok_or_else(|| CorruptColumn { column }.into())
}
