//! Events on the wire.

use admission::clock::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::house::{EventDetail, PriceClass, Sale, Section, SectionKind};
use super::model::{Event, EventOnSale, EventStatus};
use super::store::SectionCount;
use crate::datetime;
use crate::ids::{EventId, PriceClassId, RoomName, SaleId, SectionId};

/// An event as it stands in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventBody<'a> {
    id: &'a EventId,
    name: &'a str,
    venue: &'a str,
    city: &'a str,
    starts_at: String,
    currency: &'a str,
    waiting_room: Option<&'a RoomName>,
    status: EventStatus,
    seats_total: i64,
    seats_available: i64,
    version: i64,
    updated_at: String,
}

/// An event with its house and its sales.
#[derive(Serialize, ToSchema)]
#[schema(as = EventDetail)]
pub(super) struct DetailBody<'a> {
    #[serde(flatten)]
    event: EventBody<'a>,
    description: &'a str,
    price_classes: Vec<ClassBody<'a>>,
    sections: Vec<SectionBody<'a>>,
    sales: Vec<SaleBody<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PriceClass)]
struct ClassBody<'a> {
    id: &'a PriceClassId,
    name: &'a str,
    price_cents: i64,
}

/// A section and how many of its places can be had.
#[derive(Serialize, ToSchema)]
#[schema(as = Section)]
pub(super) struct SectionBody<'a> {
    id: &'a SectionId,
    name: &'a str,
    kind: SectionKind,
    capacity: i64,
    available: i64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Sale)]
struct SaleBody<'a> {
    id: &'a SaleId,
    name: &'a str,
    opens_at: String,
    closes_at: Option<String>,
    waiting_room: Option<&'a RoomName>,
    sections: &'a [SectionId],
    open: bool,
}

impl<'a> EventBody<'a> {
    fn of(event: &'a Event, seats_available: i64) -> Self {
        Self {
            id: &event.id,
            name: &event.name,
            venue: &event.venue,
            city: &event.city,
            starts_at: datetime::to_rfc3339(event.starts_at),
            currency: &event.currency,
            waiting_room: event.waiting_room.as_ref(),
            status: event.status,
            seats_total: event.seats_total,
            seats_available,
            version: event.version,
            updated_at: datetime::to_rfc3339(event.updated_at),
        }
    }
}

impl<'a> From<&'a EventOnSale> for EventBody<'a> {
    fn from(on_sale: &'a EventOnSale) -> Self {
        Self::of(&on_sale.event, on_sale.seats_available)
    }
}

impl<'a> DetailBody<'a> {
    /// `detail` as it is at `now`, when so many places of it are gone.
    pub(super) fn of(detail: &'a EventDetail, claimed: &[SectionCount], now: Timestamp) -> Self {
        let gone: i64 = claimed.iter().map(|count| count.claimed).sum();
        Self {
            event: EventBody::of(&detail.event, detail.event.seats_total - gone),
            description: &detail.event.description,
            price_classes: detail.price_classes.iter().map(ClassBody::from).collect(),
            sections: sections(detail, claimed),
            sales: detail.sales.iter().map(|sale| SaleBody::of(sale, now)).collect(),
        }
    }
}

/// The sections, when so many of their places are gone.
pub(super) fn sections<'a>(detail: &'a EventDetail, claimed: &[SectionCount]) -> Vec<SectionBody<'a>> {
    let body = |section: &'a Section| SectionBody {
        id: &section.id,
        name: &section.name,
        kind: section.kind,
        capacity: section.capacity,
        available: section.capacity - claimed_of(claimed, &section.id),
    };
    detail.sections.iter().map(body).collect()
}

fn claimed_of(claimed: &[SectionCount], section: &SectionId) -> i64 {
    claimed.iter().find(|count| count.section == *section).map_or(0, |count| count.claimed)
}

impl<'a> From<&'a PriceClass> for ClassBody<'a> {
    fn from(class: &'a PriceClass) -> Self {
        let PriceClass { id, name, price_cents } = class;
        Self { id, name, price_cents: *price_cents }
    }
}

impl<'a> SaleBody<'a> {
    fn of(sale: &'a Sale, now: Timestamp) -> Self {
        Self {
            id: &sale.id,
            name: &sale.name,
            opens_at: datetime::to_rfc3339(sale.opens_at),
            closes_at: sale.closes_at.map(datetime::to_rfc3339),
            waiting_room: sale.waiting_room.as_ref(),
            sections: &sale.sections,
            open: sale.is_open(now),
        }
    }
}
