//! Events, sales and seats as the templates see them.

use admission::clock::Timestamp;
use serde::Serialize;

use super::texts::Texts;
use crate::events::{Event, EventDetail, EventOnSale, EventStatus, Sale, SectionCount, SectionKind};
use crate::ids::{SeatId, SectionId};
use crate::language::Language;
use crate::{datetime, money};

/// An event as the templates see it.
#[derive(Serialize)]
pub(super) struct EventView<'a> {
    id: &'a str,
    name: &'a str,
    /// Venue and city.
    place: String,
    starts: String,
    starts_at: String,
    description: Vec<&'a str>,
    available: i64,
    total: i64,
    waiting_room: bool,
    called_off: bool,
}

impl<'a> EventView<'a> {
    pub(super) fn of(event: &'a Event, available: i64, language: Language) -> Self {
        let place = match event.city.as_str() {
            "" => event.venue.clone(),
            city => format!("{}, {city}", event.venue),
        };
        Self {
            id: event.id.as_str(),
            name: &event.name,
            place,
            starts: datetime::in_language(event.starts_at, language),
            starts_at: datetime::to_rfc3339(event.starts_at),
            description: event.description.split("\n\n").filter(|text| !text.is_empty()).collect(),
            available,
            total: event.seats_total,
            waiting_room: event.waiting_room.is_some(),
            called_off: event.status == EventStatus::CalledOff,
        }
    }

    pub(super) fn on_sale(on_sale: &'a EventOnSale, language: Language) -> Self {
        Self::of(&on_sale.event, on_sale.seats_available, language)
    }

    pub(super) fn detail(detail: &'a EventDetail, claimed: &[SectionCount], language: Language) -> Self {
        let gone: i64 = claimed.iter().map(|count| count.claimed).sum();
        Self::of(&detail.event, detail.event.seats_total - gone, language)
    }
}

/// A sale as the templates see it.
#[derive(Serialize)]
pub(super) struct SaleView<'a> {
    name: &'a str,
    when: String,
    what: String,
    open: bool,
}

impl<'a> SaleView<'a> {
    pub(super) fn of(
        sale: &'a Sale,
        detail: &EventDetail,
        now: Timestamp,
        texts: &Texts,
        language: Language,
    ) -> Self {
        let from = datetime::in_language(sale.opens_at, language);
        let until = sale.closes_at.map(|end| datetime::in_language(end, language));
        let open = sale.is_open(now);
        let key = match (open, &until) {
            (true, None) => "sale_open",
            (true, Some(_)) => "sale_open_until",
            (false, _) if sale.opens_at <= now => "sale_over",
            (false, None) => "sale_from",
            (false, Some(_)) => "sale_from_until",
        };
        let gaps = [("from", from.as_str()), ("until", until.as_deref().unwrap_or_default())];
        let names: Vec<_> = sale.sections.iter().map(|id| section_name(detail, id)).collect();
        Self {
            name: &sale.name,
            when: texts.word(language, "event", key, &gaps),
            what: match names.as_slice() {
                [] => texts.word(language, "event", "sale_all", &[]),
                _ => names.join(", "),
            },
            open,
        }
    }
}

/// A price class as the templates see it.
#[derive(Serialize)]
pub(super) struct ClassView<'a> {
    letter: char,
    name: &'a str,
    price: String,
}

pub(super) fn classes(detail: &EventDetail) -> Vec<ClassView<'_>> {
    letters()
        .zip(&detail.price_classes)
        .map(|(letter, class)| ClassView {
            letter,
            name: &class.name,
            price: money::for_people(class.price_cents, &detail.event.currency),
        })
        .collect()
}

/// The mark of each price class, so that colour alone says nothing.
pub(super) fn letters() -> impl Iterator<Item = char> {
    ('A'..='Z').chain('a'..='z').chain(std::iter::repeat('*'))
}

/// A section where nobody sits, as the templates see it.
#[derive(Serialize)]
pub(super) struct GeneralView<'a> {
    pub(super) id: &'a str,
    name: &'a str,
    capacity: i64,
    available: i64,
}

pub(super) fn generals<'a>(detail: &'a EventDetail, claimed: &[SectionCount]) -> Vec<GeneralView<'a>> {
    let gone =
        |id: &SectionId| claimed.iter().find(|count| count.section == *id).map_or(0, |count| count.claimed);
    detail
        .sections
        .iter()
        .filter(|section| section.kind == SectionKind::General)
        .map(|section| GeneralView {
            id: section.id.as_str(),
            name: &section.name,
            capacity: section.capacity,
            available: section.capacity - gone(&section.id),
        })
        .collect()
}

/// What a seat is called in the reader's language.
pub(super) fn seat_name(detail: &EventDetail, seat: &SeatId, texts: &Texts, language: Language) -> String {
    let (_, row, number) = seat.parts();
    let section = detail.section_of(seat);
    let name = section.map_or("", |section| section.name.as_str());
    let general = section.is_some_and(|section| section.kind == SectionKind::General);
    let key = match (general, name) {
        (true, _) => "general",
        (false, "") => "label",
        (false, _) => "label_section",
    };
    texts.word(language, "seat", key, &[("section", name), ("row", row), ("number", number)])
}

fn section_name<'a>(detail: &'a EventDetail, id: &'a SectionId) -> &'a str {
    match detail.section(id) {
        Some(section) if !section.name.is_empty() => &section.name,
        _ => id.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::samples::detail;

    #[test]
    fn seats_are_called_as_people_call_them() {
        let texts = Texts::new().unwrap();
        let detail = detail();
        let name = |seat: &str, language| seat_name(&detail, &SeatId::parse(seat).unwrap(), &texts, language);
        assert_eq!(name("ST.A-3", Language::En), "Stalls, row A, seat 3");
        assert_eq!(name("ST.A-3", Language::Ko), "Stalls A열 3번");
        assert_eq!(name("GA-7", Language::En), "Floor, place 7");
        assert_eq!(name("Z-7", Language::En), "Row Z, seat 7");
    }

    #[test]
    fn a_sale_says_when_it_is() {
        let texts = Texts::new().unwrap();
        let detail = detail();
        let sale = Sale {
            id: crate::ids::SaleId::parse("all").unwrap(),
            name: "General".to_owned(),
            opens_at: Timestamp::from_millis(0),
            closes_at: Some(Timestamp::from_millis(60_000)),
            waiting_room: None,
            sections: vec![SectionId::parse("GA").unwrap()],
        };
        let at = |second: u64, sale: &Sale| {
            let view =
                SaleView::of(sale, &detail, Timestamp::from_millis(second * 1000), &texts, Language::En);
            (view.when, view.what, view.open)
        };
        let open = "open now, until 1 January 1970, 00:01 UTC";
        assert_eq!(at(0, &sale), (open.into(), "Floor".into(), true));
        assert_eq!(at(60, &sale), ("over".into(), "Floor".into(), false));
        let later =
            Sale { opens_at: Timestamp::from_millis(1000), closes_at: None, sections: vec![], ..sale };
        assert_eq!(at(0, &later), ("from 1 January 1970, 00:00 UTC".into(), "all sections".into(), false));
    }
}
