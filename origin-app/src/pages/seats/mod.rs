//! The seats on an event's page: the picture of the house, and the same as a list of check boxes. What is the same for all who
//! look at it is made once for each version of an event and each language; how each seat looks is filled in.

mod kept;
mod list;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use minijinja::{Value, context};
use serde::Serialize;

use super::mould::{Mould, escaped};
use super::seatmap::{LEFT, LOOK, draw};
use super::templates::Templates;
use super::texts::fill;
use crate::events::{EventDetail, Seat, SeatState, Section, SectionCount, SectionKind};
use crate::http::Problem;
use crate::ids::SeatId;
use crate::language::Language;
use list::{MAY, WORDS};

pub(crate) use kept::SeatMaps;

/// Most seats on one page. A larger house is shown in parts, each of whole rows.
const SEATS_PER_PART: usize = 1000;

/// How the seats of a house come onto pages.
pub(super) struct Plan {
    version: i64,
    seats: Arc<Vec<Seat>>,
    parts: Vec<Range<usize>>,
}

/// What of a plan is on one page, in one language.
pub(super) struct Part {
    /// Which of the seats.
    shown: Range<usize>,
    map: Mould<Gap>,
    list: Mould<Gap>,
    words: Words,
}

/// Map and list as they go onto a page.
pub(super) struct Shown {
    pub(super) map: Value,
    pub(super) list: Value,
}

#[derive(Clone, Copy)]
enum Gap {
    /// How the seat of this place in the part looks.
    Look(usize),
    /// Whether its box is checked or disabled.
    May(usize),
    /// What is said of it.
    Words(usize),
    /// How many places are left in the section of this place in the event.
    Left(usize),
}

/// How a seat looks to its visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Available,
    /// Available, and chosen before.
    Chosen,
    Held,
    Sold,
    Mine,
}

/// What is said of seats that cannot be had, and of places that are left.
struct Words {
    held: String,
    sold: String,
    mine: String,
    left: String,
}

/// A part of a large house, as the templates see it.
#[derive(Serialize)]
pub(super) struct PartView<'a> {
    number: usize,
    section: &'a str,
    first: &'a str,
    last: &'a str,
}

impl Plan {
    /// The plan of this version of an event, whose numbered seats are `seats`, in the order of the house.
    pub(super) fn of(detail: &EventDetail, seats: &Arc<Vec<Seat>>) -> Self {
        let mut parts: Vec<Range<usize>> = Vec::new();
        let mut from = 0;
        for row in rows(seats) {
            let until = from + row.len();
            match parts.last_mut() {
                Some(part) if until - part.start <= SEATS_PER_PART => part.end = until,
                _ => parts.push(from..until),
            }
            from = until;
        }
        if parts.is_empty() {
            parts.push(0..0);
        }
        Self { version: detail.event.version, seats: Arc::clone(seats), parts }
    }

    /// Whether it is the plan of this version of an event with these seats, whoever has them. The two may have been read at
    /// different moments.
    pub(super) fn fits(&self, version: i64, seats: &Arc<Vec<Seat>>) -> bool {
        let same = |(one, other): (&Seat, &Seat)| {
            (&one.id, &one.section, &one.price_class, one.price_cents)
                == (&other.id, &other.section, &other.price_class, other.price_cents)
        };
        let all_same = || self.seats.len() == seats.len() && self.seats.iter().zip(seats.iter()).all(same);
        self.version == version && (Arc::ptr_eq(&self.seats, seats) || all_same())
    }

    /// The number of a part that there is, from 1: the one that is asked for, or the nearest.
    pub(super) fn nearest(&self, part: Option<usize>) -> usize {
        part.unwrap_or(1).clamp(1, self.parts.len())
    }

    /// How much memory it takes, in bytes, roughly.
    pub(super) fn size(&self) -> usize {
        self.seats.len() * 200
    }

    /// All parts, to choose from.
    pub(super) fn parts<'a>(&'a self, detail: &'a EventDetail) -> Vec<PartView<'a>> {
        let row = |seat: Option<&'a Seat>| seat.map_or("", |seat| &seat.row);
        let view = |(number, part): (usize, &Range<usize>)| {
            let seats = self.seats.get(part.clone()).unwrap_or_default();
            let section = seats.first().and_then(|seat| detail.section(&seat.section));
            PartView {
                number,
                section: section.map_or("", |section| &section.name),
                first: row(seats.first()),
                last: row(seats.last()),
            }
        };
        (1..).zip(&self.parts).map(view).collect()
    }

    /// What is the same for all of part `number`, in `language`.
    ///
    /// # Errors
    /// When a template is wrong.
    pub(super) fn part(
        &self,
        templates: &Templates,
        detail: &EventDetail,
        language: Language,
        number: usize,
    ) -> Result<Part, Problem> {
        let shown = self.parts.get(number - 1).cloned().unwrap_or_default();
        let seats = self.seats.get(shown.clone()).unwrap_or_default();
        let rows = rows(seats);
        let texts = templates.texts();
        let sections = list::sections(&rows, detail, texts, language);
        // Of a large house the first part has the places where nobody sits.
        let map = context! { map => draw(detail, &rows, number == 1) };
        let map = templates.fragment(language, "seatmap.html", map)?;
        let list = templates.fragment(language, "seat_list.html", context! { sections })?;
        let place: HashMap<&str, usize> =
            seats.iter().enumerate().map(|(place, seat)| (seat.id.as_str(), place)).collect();
        let meaning = |asked, id: &str| match asked {
            LOOK => place.get(id).copied().map(Gap::Look),
            MAY => place.get(id).copied().map(Gap::May),
            WORDS => place.get(id).copied().map(Gap::Words),
            LEFT => detail.sections.iter().position(|section| section.id.as_str() == id).map(Gap::Left),
            _ => None,
        };
        let cut = |rendered: &str| Mould::cut(rendered, meaning).map_err(|error| Problem::internal(&error));
        let word = |key| texts.word(language, "event", key, &[]);
        let said = |key| format!(", {}", escaped(&word(key)));
        let words = Words {
            held: said("state_held"),
            sold: said("state_sold"),
            mine: said("state_mine"),
            left: word("general_left"),
        };
        Ok(Part { shown, map: cut(&map)?, list: cut(&list)?, words })
    }
}

impl Part {
    /// Map and list of `seats`, all those of the event; `own` are the visitor's, `chosen` those that they chose before, `claimed` is
    /// what is gone of each section.
    pub(super) fn show(
        &self,
        detail: &EventDetail,
        seats: &[Seat],
        own: &HashMap<SeatId, SeatState>,
        chosen: &[SeatId],
        claimed: &[SectionCount],
    ) -> Shown {
        let seats = seats.get(self.shown.clone()).unwrap_or_default();
        let looks: Vec<_> = seats.iter().map(|seat| look(seat, own, chosen)).collect();
        let left: Vec<_> = detail.sections.iter().map(|section| self.left(section, claimed)).collect();
        let look = |place: usize| looks.get(place).copied().unwrap_or(Look::Sold);
        let what = |gap| match gap {
            Gap::Look(place) => look(place).as_str(),
            Gap::May(place) => look(place).attribute(),
            Gap::Words(place) => self.words.of(look(place)),
            Gap::Left(section) => left.get(section).map_or("", String::as_str),
        };
        let filled = |mould: &Mould<Gap>| Value::from_safe_string(mould.fill(what));
        Shown { map: filled(&self.map), list: filled(&self.list) }
    }

    /// How much memory it takes, in bytes.
    pub(super) const fn size(&self) -> usize {
        self.map.size() + self.list.size()
    }

    fn left(&self, section: &Section, claimed: &[SectionCount]) -> String {
        if section.kind == SectionKind::Numbered {
            return String::new();
        }
        let gone = claimed.iter().find(|count| count.section == section.id).map_or(0, |count| count.claimed);
        let (available, capacity) = ((section.capacity - gone).to_string(), section.capacity.to_string());
        escaped(&fill(&self.words.left, [("available", available.as_str()), ("capacity", &capacity)]))
    }
}

impl Look {
    /// As the style and the script call it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Available | Self::Chosen => "available",
            Self::Held => "held",
            Self::Sold => "sold",
            Self::Mine => "mine",
        }
    }

    /// What the check box has.
    const fn attribute(self) -> &'static str {
        match self {
            Self::Available => "",
            Self::Chosen => " checked",
            Self::Held | Self::Sold | Self::Mine => " disabled",
        }
    }
}

impl Words {
    fn of(&self, look: Look) -> &str {
        match look {
            Look::Available | Look::Chosen => "",
            Look::Held => &self.held,
            Look::Sold => &self.sold,
            Look::Mine => &self.mine,
        }
    }
}

fn look(seat: &Seat, own: &HashMap<SeatId, SeatState>, chosen: &[SeatId]) -> Look {
    if !own.is_empty() && own.contains_key(&seat.id) {
        return Look::Mine;
    }
    match seat.state {
        SeatState::Available if chosen.contains(&seat.id) => Look::Chosen,
        SeatState::Available => Look::Available,
        SeatState::Held => Look::Held,
        SeatState::Sold => Look::Sold,
    }
}

/// The seats by row, in the order of the seat map.
fn rows(seats: &[Seat]) -> Vec<&[Seat]> {
    seats.chunk_by(|one, other| one.section == other.section && one.row == other.row).collect()
}
