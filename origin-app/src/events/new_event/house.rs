//! The house of a new event: rows alone, or sections with price classes.

use std::collections::HashSet;

use serde::Deserialize;
use utoipa::ToSchema;

use super::{NewEventError, NewSeat, id_wrong, text, text_or_none, wrong};
use crate::events::house::{PriceClass, Section, SectionKind};
use crate::events::{PLACES_MAX, ROWS_MAX, SEATS_MAX, SECTIONS_MAX};
use crate::ids::{PriceClassId, SeatId, SectionId};

/// Highest price of a seat.
const PRICE_CENTS_MAX: i64 = 10_000_000;
/// Farthest that a section may be from the front's middle on the seat map, in widths of a seat.
const MAP_MAX: i64 = 1000;

/// A row of the only section, with its price.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRow)]
pub(super) struct RowBody {
    name: String,
    #[schema(value_type = i64, minimum = 0)]
    seats: u32,
    price_cents: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPriceClass)]
pub(super) struct ClassBody {
    id: String,
    #[serde(default)]
    name: String,
    price_cents: i64,
}

/// A section: either with rows, or with a capacity and nobody sitting.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSection)]
pub(super) struct SectionBody {
    id: String,
    name: String,
    price_class: String,
    rows: Option<Vec<ClassedRowBody>>,
    #[schema(value_type = Option<i64>, minimum = 0)]
    capacity: Option<u32>,
    map: Option<MapBody>,
}

/// A row of a section; its class is the section's unless it says another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSectionRow)]
struct ClassedRowBody {
    name: String,
    #[schema(value_type = i64, minimum = 0)]
    seats: u32,
    price_class: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSectionMap)]
struct MapBody {
    x: i64,
    y: i64,
}

/// A house that may be built.
pub(super) struct House {
    pub(super) price_classes: Vec<PriceClass>,
    pub(super) sections: Vec<Section>,
    pub(super) seats: Vec<NewSeat>,
}

impl House {
    pub(super) fn check(
        rows: Option<Vec<RowBody>>,
        price_classes: Option<Vec<ClassBody>>,
        sections: Option<Vec<SectionBody>>,
    ) -> Result<Self, NewEventError> {
        match (rows, price_classes, sections) {
            (Some(rows), None, None) => Self::of_rows(&rows),
            (None, Some(classes), Some(sections)) => Self::of_sections(classes, sections),
            (None, Some(_), None) | (None, None, Some(_)) => {
                Err(wrong("sections", "`sections` and `price_classes` come together"))
            }
            (None, None, None) => Err(wrong("rows", "either `rows` or `sections` are needed")),
            _ => Err(wrong("rows", "`rows` stand alone, without `sections` and `price_classes`")),
        }
    }

    /// One section without a name, and a class without a name for each price.
    fn of_rows(rows: &[RowBody]) -> Result<Self, NewEventError> {
        count_rows("rows", rows.len())?;
        bound("rows", rows.iter().map(|row| row.seats))?;
        let section = SectionId::only();
        let mut price_classes: Vec<PriceClass> = Vec::new();
        let mut names = HashSet::new();
        let mut seats = Vec::new();
        for RowBody { name, seats: count, price_cents } in rows {
            check_row("rows", name, *count, &mut names)?;
            check_price("rows", *price_cents)?;
            let class =
                PriceClassId::parse(&format!("p{price_cents}")).map_err(|error| id_wrong("rows", &error))?;
            if !price_classes.iter().any(|known| known.id == class) {
                let class = PriceClass { id: class.clone(), name: String::new(), price_cents: *price_cents };
                price_classes.push(class);
            }
            for number in 1..=*count {
                let id = SeatId::of(name, number).map_err(|_| wrong("rows", ROW_RIGHT))?;
                seats.push(NewSeat {
                    id,
                    section: section.clone(),
                    price_class: class.clone(),
                    row: name.clone(),
                    number,
                    price_cents: *price_cents,
                });
            }
        }
        let capacity = i64::try_from(seats.len()).unwrap_or(i64::MAX);
        let section =
            Section { id: section, name: String::new(), kind: SectionKind::Numbered, capacity, map: None };
        Ok(Self { price_classes, sections: vec![section], seats })
    }

    fn of_sections(classes: Vec<ClassBody>, bodies: Vec<SectionBody>) -> Result<Self, NewEventError> {
        let price_classes = check_classes(classes)?;
        if bodies.is_empty() || bodies.len() > SECTIONS_MAX {
            return Err(wrong("sections", format!("1 to {SECTIONS_MAX} sections are needed")));
        }
        count_rows("sections", bodies.iter().map(|body| body.rows.as_ref().map_or(1, Vec::len)).sum())?;
        let of_section = |body: &SectionBody| match (&body.rows, body.capacity) {
            (Some(rows), _) => rows.iter().map(|row| row.seats).collect(),
            (None, capacity) => vec![capacity.unwrap_or_default()],
        };
        bound("sections", bodies.iter().flat_map(of_section))?;
        let mut house = Self { price_classes, sections: Vec::with_capacity(bodies.len()), seats: Vec::new() };
        for body in bodies {
            house.add(body)?;
        }
        Ok(house)
    }

    fn add(&mut self, body: SectionBody) -> Result<(), NewEventError> {
        let SectionBody { id, name, price_class, rows, capacity, map } = body;
        let id = SectionId::parse(&id).map_err(|error| id_wrong("sections", &error))?;
        if self.sections.iter().any(|known| known.id == id) {
            return Err(wrong("sections", format!("section `{id}` comes twice")));
        }
        let map = map.map(|MapBody { x, y }| (x, y));
        if map.is_some_and(|(x, y)| x.abs() > MAP_MAX || !(0..=MAP_MAX).contains(&y)) {
            let right = format!("`map.x` may be -{MAP_MAX} to {MAP_MAX}, `map.y` 0 to {MAP_MAX}");
            return Err(wrong("sections", right));
        }
        let before = self.seats.len();
        let kind = match (rows, capacity) {
            (Some(rows), None) => {
                self.add_rows(&id, &price_class, &rows)?;
                SectionKind::Numbered
            }
            (None, Some(capacity)) => {
                self.add_places(&id, &price_class, capacity)?;
                SectionKind::General
            }
            _ => return Err(wrong("sections", format!("section `{id}` needs either `rows` or `capacity`"))),
        };
        let capacity = i64::try_from(self.seats.len() - before).unwrap_or(i64::MAX);
        self.sections.push(Section { id, name: text("sections", &name)?, kind, capacity, map });
        Ok(())
    }

    fn add_rows(
        &mut self,
        id: &SectionId,
        class: &str,
        rows: &[ClassedRowBody],
    ) -> Result<(), NewEventError> {
        if rows.is_empty() {
            return Err(wrong("sections", format!("section `{id}` has no rows")));
        }
        let mut names = HashSet::new();
        for ClassedRowBody { name, seats, price_class } in rows {
            check_row("sections", name, *seats, &mut names)?;
            let class = self.class(price_class.as_deref().unwrap_or(class))?;
            let (class, price_cents) = (class.id.clone(), class.price_cents);
            for number in 1..=*seats {
                let seat = SeatId::in_section(id, name, number).map_err(|_| wrong("sections", ROW_RIGHT))?;
                self.seats.push(NewSeat {
                    id: seat,
                    section: id.clone(),
                    price_class: class.clone(),
                    row: name.clone(),
                    number,
                    price_cents,
                });
            }
        }
        Ok(())
    }

    /// Places where nobody sits are seats too: no place is sold twice for the same reason that no seat is.
    fn add_places(&mut self, id: &SectionId, class: &str, capacity: u32) -> Result<(), NewEventError> {
        if !(1..=PLACES_MAX).contains(&capacity) {
            let right = format!("the `capacity` of section `{id}` may be 1 to {PLACES_MAX}");
            return Err(wrong("sections", right));
        }
        let class = self.class(class)?;
        let (class, price_cents) = (class.id.clone(), class.price_cents);
        for number in 1..=capacity {
            let seat = SeatId::standing(id, number).map_err(|error| id_wrong("sections", &error))?;
            self.seats.push(NewSeat {
                id: seat,
                section: id.clone(),
                price_class: class.clone(),
                row: String::new(),
                number,
                price_cents,
            });
        }
        Ok(())
    }

    fn class(&self, id: &str) -> Result<&PriceClass, NewEventError> {
        let found = self.price_classes.iter().find(|class| class.id.as_str() == id);
        found.ok_or_else(|| wrong("sections", format!("there is no price class `{id}`")))
    }
}

const ROW_RIGHT: &str = "a row is called by 1 to 8 letters or digits";

fn check_classes(bodies: Vec<ClassBody>) -> Result<Vec<PriceClass>, NewEventError> {
    let field = "price_classes";
    if bodies.is_empty() || bodies.len() > SECTIONS_MAX {
        return Err(wrong(field, format!("1 to {SECTIONS_MAX} classes are needed")));
    }
    let mut classes: Vec<PriceClass> = Vec::with_capacity(bodies.len());
    for ClassBody { id, name, price_cents } in bodies {
        let id = PriceClassId::parse(&id).map_err(|error| id_wrong(field, &error))?;
        if classes.iter().any(|known| known.id == id) {
            return Err(wrong(field, format!("class `{id}` comes twice")));
        }
        check_price(field, price_cents)?;
        classes.push(PriceClass { id, name: text_or_none(field, &name)?, price_cents });
    }
    Ok(classes)
}

fn count_rows(field: &'static str, rows: usize) -> Result<(), NewEventError> {
    if (1..=ROWS_MAX).contains(&rows) {
        Ok(())
    } else {
        Err(wrong(field, format!("1 to {ROWS_MAX} rows are needed")))
    }
}

/// Before any seat is made: what somebody asks for may be more than memory holds.
fn bound(field: &'static str, seats: impl Iterator<Item = u32>) -> Result<(), NewEventError> {
    let total = seats.map(|seats| seats as usize).fold(0, usize::saturating_add);
    if total > SEATS_MAX {
        return Err(wrong(field, format!("no more than {SEATS_MAX} seats are allowed")));
    }
    Ok(())
}

fn check_row<'a>(
    field: &'static str,
    name: &'a str,
    seats: u32,
    names: &mut HashSet<&'a str>,
) -> Result<(), NewEventError> {
    if !names.insert(name) {
        return Err(wrong(field, format!("row `{name}` comes twice")));
    }
    if seats == 0 {
        return Err(wrong(field, format!("row `{name}` has no seats")));
    }
    Ok(())
}

fn check_price(field: &'static str, price_cents: i64) -> Result<(), NewEventError> {
    if (1..=PRICE_CENTS_MAX).contains(&price_cents) {
        Ok(())
    } else {
        Err(wrong(field, format!("`price_cents` must be 1 to {PRICE_CENTS_MAX}")))
    }
}
