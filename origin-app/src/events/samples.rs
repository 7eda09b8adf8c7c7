//! An event for tests of what is reckoned about one.

use admission::clock::Timestamp;

use super::house::{EventDetail, PriceClass, Section, SectionKind};
use super::model::{Event, EventStatus, Seat, SeatState};
use crate::ids::{EventId, PriceClassId, SeatId, SectionId};

/// An event with stalls of two rows and a floor where nobody sits, always on sale.
pub(crate) fn detail() -> EventDetail {
    let section = |id: &str, name: &str, kind, capacity| Section {
        id: SectionId::parse(id).unwrap(),
        name: name.to_owned(),
        kind,
        capacity,
        map: None,
    };
    let class = |id: &str, name: &str, price_cents| PriceClass {
        id: PriceClassId::parse(id).unwrap(),
        name: name.to_owned(),
        price_cents,
    };
    EventDetail {
        event: Event {
            id: EventId::parse("sample").unwrap(),
            name: "Sample".to_owned(),
            venue: "Hall".to_owned(),
            city: "Seoul".to_owned(),
            description: "One night.".to_owned(),
            starts_at: Timestamp::from_millis(1_900_000_000_000),
            currency: "EUR".to_owned(),
            waiting_room: None,
            seats_total: 14,
            status: EventStatus::Published,
            version: 1,
            updated_at: Timestamp::from_millis(1_800_000_000_000),
        },
        price_classes: vec![class("front", "Front", 9000), class("floor", "Floor", 4500)],
        sections: vec![
            section("ST", "Stalls", SectionKind::Numbered, 4),
            section("GA", "Floor", SectionKind::General, 10),
        ],
        sales: Vec::new(),
    }
}

/// A row of the stalls, all of it to be had.
pub(crate) fn row(name: &str, seats: u32) -> Vec<Seat> {
    let section = SectionId::parse("ST").unwrap();
    (1..=seats)
        .map(|number| Seat {
            id: SeatId::in_section(&section, name, number).unwrap(),
            section: section.clone(),
            price_class: PriceClassId::parse("front").unwrap(),
            row: name.to_owned(),
            number: i64::from(number),
            price_cents: 9000,
            state: SeatState::Available,
            mine: false,
        })
        .collect()
}
