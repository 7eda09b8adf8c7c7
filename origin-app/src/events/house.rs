//! The house of an event: its sections, what their places cost, and when they are on sale.

use admission::clock::Timestamp;
use utoipa::ToSchema;

use super::model::{Event, EventStatus};
use crate::ids::{PriceClassId, RoomName, SaleId, SeatId, SectionId};

/// An event with all that is said of it beforehand, and nothing that a buyer changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDetail {
    /// The event.
    pub event: Event,
    /// What its places cost, in the organiser's order.
    pub price_classes: Vec<PriceClass>,
    /// The parts of its house, in the organiser's order; at least one.
    pub sections: Vec<Section>,
    /// When its places are on sale, in the organiser's order; none means always.
    pub sales: Vec<Sale>,
}

/// What a place costs, and what that is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceClass {
    /// Its id within the event.
    pub id: PriceClassId,
    /// What it is called; may be empty.
    pub name: String,
    /// What a place costs.
    pub price_cents: i64,
}

/// A part of a house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its id within the event.
    pub id: SectionId,
    /// What it is called; empty where there is only one.
    pub name: String,
    /// Whether its places are numbered.
    pub kind: SectionKind,
    /// How many places it has.
    pub capacity: i64,
    /// Where its middle and its front are on the seat map, in widths of a seat, where the organiser said so.
    pub map: Option<(i64, i64)>,
}

/// Whether the places of a section are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    /// Seats in rows; a fan chooses.
    Numbered,
    /// General admission: a fan says how many.
    General,
}

/// When places of an event can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// Its id within the event.
    pub id: SaleId,
    /// What it is called.
    pub name: String,
    /// From when.
    pub opens_at: Timestamp,
    /// Until when, if it ends before the event is sold out.
    pub closes_at: Option<Timestamp>,
    /// The waiting room through which its buyers must have come, where it is not the event's.
    pub waiting_room: Option<RoomName>,
    /// Which sections it covers; none means all.
    pub sections: Vec<SectionId>,
}

/// Whether places of some sections can be had at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnSale<'a> {
    /// By a fan who came through one of these rooms; a `None` among them asks for no room.
    Open(Vec<Option<&'a RoomName>>),
    /// Not yet: from this moment on.
    From(Timestamp),
    /// Not any more, or the event is not on sale at all.
    Over,
}

impl SectionKind {
    /// The kind as the database spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Numbered => "numbered",
            Self::General => "general",
        }
    }

    /// The kind that the database spells `text`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Numbered, Self::General].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Sale {
    /// Whether it is open at `now`: from its opening to just before its end.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.opens_at <= now && self.closes_at.is_none_or(|end| now < end)
    }

    /// Whether it sells places of all of `sections`.
    fn covers(&self, sections: &[SectionId]) -> bool {
        self.sections.is_empty() || sections.iter().all(|section| self.sections.contains(section))
    }
}

impl EventDetail {
    /// The section `id`.
    pub fn section(&self, id: &SectionId) -> Option<&Section> {
        self.sections.iter().find(|section| section.id == *id)
    }

    /// The price class `id`.
    pub fn price_class(&self, id: &PriceClassId) -> Option<&PriceClass> {
        self.price_classes.iter().find(|class| class.id == *id)
    }

    /// The section that `seat` would be in, as its id says. Whether there is such a seat is another question.
    pub fn section_of(&self, seat: &SeatId) -> Option<&Section> {
        let (section, row, _) = seat.parts();
        let found = |id: &str, kind| {
            self.sections.iter().find(|section| section.id.as_str() == id && section.kind == kind)
        };
        match section {
            Some(id) => found(id, SectionKind::Numbered),
            None => found(row, SectionKind::General)
                .or_else(|| found(SectionId::only().as_str(), SectionKind::Numbered)),
        }
    }

    /// Whether places of `sections` can be had together at `now`, and by whom.
    pub fn on_sale(&self, sections: &[SectionId], now: Timestamp) -> OnSale<'_> {
        if self.event.status != EventStatus::Published {
            return OnSale::Over;
        }
        let own = self.event.waiting_room.as_ref();
        if self.sales.is_empty() {
            return OnSale::Open(vec![own]);
        }
        let covering = || self.sales.iter().filter(|sale| sale.covers(sections));
        let rooms: Vec<_> = covering()
            .filter(|sale| sale.is_open(now))
            .map(|sale| sale.waiting_room.as_ref().or(own))
            .collect();
        if !rooms.is_empty() {
            return OnSale::Open(rooms);
        }
        let next = covering().map(|sale| sale.opens_at).filter(|opens_at| *opens_at > now).min();
        next.map_or(OnSale::Over, OnSale::From)
    }

    /// The sections whose places can be had together at `now`, sale by sale.
    pub fn sold_together(&self, now: Timestamp) -> Vec<Vec<&Section>> {
        let covered = |sale: &Sale| {
            self.sections.iter().filter(|section| sale.covers(std::slice::from_ref(&section.id))).collect()
        };
        match (self.event.status, self.sales.as_slice()) {
            (EventStatus::Published, []) => vec![self.sections.iter().collect()],
            (EventStatus::Published, sales) => {
                sales.iter().filter(|sale| sale.is_open(now)).map(covered).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::samples::detail;

    fn section(id: &str) -> SectionId {
        SectionId::parse(id).unwrap()
    }

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).unwrap()
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn sale(id: &str, from: u64, until: Option<u64>, sections: &[&str], waiting_room: Option<&str>) -> Sale {
        Sale {
            id: SaleId::parse(id).unwrap(),
            name: id.to_owned(),
            opens_at: at(from),
            closes_at: until.map(at),
            waiting_room: waiting_room.map(room),
            sections: sections.iter().map(|id| section(id)).collect(),
        }
    }

    #[test]
    fn an_event_without_sales_is_on_sale_always_and_by_its_own_room() {
        let mut detail = detail();
        assert_eq!(detail.on_sale(&[section("ST")], at(0)), OnSale::Open(vec![None]));
        detail.event.waiting_room = Some(room("demo"));
        assert_eq!(detail.on_sale(&[section("ST")], at(0)), OnSale::Open(vec![Some(&room("demo"))]));
        for status in [EventStatus::Draft, EventStatus::CalledOff] {
            detail.event.status = status;
            assert_eq!(detail.on_sale(&[section("ST")], at(0)), OnSale::Over);
        }
    }

    #[test]
    fn each_sale_opens_what_it_covers_while_it_lasts() {
        let mut detail = detail();
        detail.event.waiting_room = Some(room("all"));
        detail.sales =
            vec![sale("early", 10, Some(20), &["ST"], Some("members")), sale("general", 30, None, &[], None)];
        let on_sale = |sections: &[&str], second| {
            let sections: Vec<_> = sections.iter().map(|id| section(id)).collect();
            match detail.on_sale(&sections, at(second)) {
                OnSale::Open(rooms) => {
                    rooms.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" ")
                }
                OnSale::From(moment) => format!("from {}", moment.as_secs()),
                OnSale::Over => "over".to_owned(),
            }
        };
        assert_eq!(on_sale(&["ST"], 9), "from 10");
        assert_eq!(on_sale(&["ST"], 10), "members");
        assert_eq!(on_sale(&["GA"], 10), "from 30", "not covered by the first");
        assert_eq!(on_sale(&["ST", "GA"], 10), "from 30", "together only in the second");
        assert_eq!(on_sale(&["ST"], 20), "from 30", "the end is not in it");
        assert_eq!(on_sale(&["ST", "GA"], 30), "all", "the event's own room");
        let Some(last) = detail.sales.last_mut() else { return };
        last.closes_at = Some(at(40));
        assert_eq!(detail.on_sale(&[section("GA")], at(40)), OnSale::Over);
    }

    #[test]
    fn two_sales_at_once_let_in_by_either_room() {
        let mut detail = detail();
        detail.sales = vec![sale("a", 0, None, &[], Some("one")), sale("b", 0, None, &[], None)];
        assert_eq!(detail.on_sale(&[], at(1)), OnSale::Open(vec![Some(&room("one")), None]));
    }

    #[test]
    fn a_seat_belongs_to_the_section_that_its_id_names() {
        let detail = detail();
        let of = |seat: &str| {
            detail.section_of(&SeatId::parse(seat).unwrap()).map(|section| section.id.to_string())
        };
        assert_eq!(of("ST.A-1").as_deref(), Some("ST"));
        assert_eq!(of("GA-7").as_deref(), Some("GA"));
        assert_eq!(of("GA.A-1"), None, "nobody sits there");
        assert_eq!(of("A-1"), None, "rows alone are of the only section");
    }
}
