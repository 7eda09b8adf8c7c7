//! From rows to events, once for both databases.

use super::rows::{Columns, moment, valid};
use crate::events::{
    Event, EventDetail, EventOnSale, EventStatus, Place, PriceClass, Sale, Seat, SeatState, Section,
    SectionCount, SectionKind,
};
use crate::ids::{EventId, FanId, PriceClassId, RoomName, SaleId, SeatId, SectionId};
use crate::store::StoreError;

/// What a search of the event looks through: small letters of every alphabet, which the databases do not make alike.
pub(super) fn search_text(event: &Event) -> String {
    let Event { name, venue, city, description, .. } = event;
    format!("{name}\n{venue}\n{city}\n{description}").to_lowercase()
}

pub(super) fn on_sale(row: &impl Columns) -> Result<EventOnSale, StoreError> {
    let event = event(row)?;
    let seats_available = event.seats_total - row.number("claimed")?;
    Ok(EventOnSale { event, seats_available })
}

pub(super) fn event(row: &impl Columns) -> Result<Event, StoreError> {
    Ok(Event {
        id: valid("id", EventId::parse(&row.text("id")?).ok())?,
        name: row.text("name")?,
        venue: row.text("venue")?,
        city: row.text("city")?,
        description: row.text("description")?,
        starts_at: moment(row, "starts_at")?,
        currency: row.text("currency")?,
        waiting_room: room(row)?,
        seats_total: row.number("seats_total")?,
        status: valid("status", EventStatus::parse(&row.text("status")?))?,
        version: row.number("version")?,
        updated_at: moment(row, "updated_at")?,
    })
}

/// An event out of its own row and those of its house and its sales, each in order.
pub(super) fn detail<R: Columns>(
    event_row: &R,
    classes: &[R],
    sections: &[R],
    sales: &[R],
    covered: &[R],
) -> Result<EventDetail, StoreError> {
    Ok(EventDetail {
        event: event(event_row)?,
        price_classes: classes.iter().map(price_class).collect::<Result<_, _>>()?,
        sections: sections.iter().map(section).collect::<Result<_, _>>()?,
        sales: sales.iter().map(|row| sale(row, covered)).collect::<Result<_, _>>()?,
    })
}

fn price_class(row: &impl Columns) -> Result<PriceClass, StoreError> {
    Ok(PriceClass {
        id: valid("class_id", PriceClassId::parse(&row.text("class_id")?).ok())?,
        name: row.text("name")?,
        price_cents: row.number("price_cents")?,
    })
}

fn section(row: &impl Columns) -> Result<Section, StoreError> {
    Ok(Section {
        id: section_id(row)?,
        name: row.text("name")?,
        kind: valid("kind", SectionKind::parse(&row.text("kind")?))?,
        capacity: row.number("capacity")?,
        map: row.number_or_null("map_x")?.zip(row.number_or_null("map_y")?),
    })
}

fn sale<R: Columns>(row: &R, covered: &[R]) -> Result<Sale, StoreError> {
    let id = row.text("sale_id")?;
    let mut sections = Vec::new();
    for other in covered {
        if other.text("sale_id")? == id {
            sections.push(section_id(other)?);
        }
    }
    let closes_at = match row.number_or_null("closes_at")? {
        Some(_) => Some(moment(row, "closes_at")?),
        None => None,
    };
    Ok(Sale {
        id: valid("sale_id", SaleId::parse(&id).ok())?,
        name: row.text("name")?,
        opens_at: moment(row, "opens_at")?,
        closes_at,
        waiting_room: room(row)?,
        sections,
    })
}

pub(super) fn section_count(row: &impl Columns) -> Result<SectionCount, StoreError> {
    Ok(SectionCount { section: section_id(row)?, claimed: row.number("claimed")? })
}

pub(super) fn place(row: &impl Columns) -> Result<Place, StoreError> {
    Ok(Place {
        id: valid("seat_id", SeatId::parse(&row.text("seat_id")?).ok())?,
        section: section_id(row)?,
        price_cents: row.number("price_cents")?,
        place: row.number("place")?,
        general: row.text("kind")? == SectionKind::General.as_str(),
    })
}

pub(super) fn seat(row: &impl Columns, fan: Option<&FanId>) -> Result<Seat, StoreError> {
    let state = match row.text_or_null("state")?.as_deref() {
        None => SeatState::Available,
        Some("confirmed") => SeatState::Sold,
        Some(_) => SeatState::Held,
    };
    let owner = row.text_or_null("fan_id")?;
    Ok(Seat {
        id: valid("seat_id", SeatId::parse(&row.text("seat_id")?).ok())?,
        section: section_id(row)?,
        price_class: valid("class_id", PriceClassId::parse(&row.text("class_id")?).ok())?,
        row: row.text("row_name")?,
        number: row.number("number")?,
        price_cents: row.number("price_cents")?,
        state,
        mine: fan.is_some_and(|fan| owner.as_deref() == Some(fan.as_str())),
    })
}

fn section_id(row: &impl Columns) -> Result<SectionId, StoreError> {
    valid("section_id", SectionId::parse(&row.text("section_id")?).ok())
}

fn room(row: &impl Columns) -> Result<Option<RoomName>, StoreError> {
    let room = row.text_or_null("waiting_room")?;
    room.map(|room| valid("waiting_room", RoomName::parse(&room).ok())).transpose()
}
