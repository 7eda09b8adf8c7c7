//! The forms of an organiser: from fields to what the interface takes, and back.

use serde::Serialize;
use serde_json::{Value, json};

use crate::datetime;
use crate::events::EventDetail;
use crate::http::Fields;
use crate::money;

/// Lines for sections in a new event.
const SECTIONS: usize = 6;
/// Lines for sales.
const SALES: usize = 4;
/// Most rows of a section that is made by number.
const ROWS_MAX: usize = 200;

/// A new event as it is filled in.
#[derive(Debug, Default, Serialize)]
pub(super) struct EventForm {
    id: String,
    name: String,
    venue: String,
    city: String,
    description: String,
    starts_at: String,
    currency: String,
    waiting_room: String,
    sections: Vec<SectionLine>,
}

#[derive(Debug, Default, Serialize)]
struct SectionLine {
    id: String,
    name: String,
    price: String,
    rows: String,
    seats: String,
    places: String,
}

impl EventForm {
    pub(super) fn empty() -> Self {
        let sections = (0..SECTIONS).map(|_| SectionLine::default()).collect();
        Self { currency: "EUR".to_owned(), sections, ..Self::default() }
    }

    pub(super) fn of(fields: &Fields) -> Self {
        let one = |name: &str| text(fields, name);
        let section = |n: usize| SectionLine {
            id: one(&format!("section_{n}_id")),
            name: one(&format!("section_{n}_name")),
            price: one(&format!("section_{n}_price")),
            rows: one(&format!("section_{n}_rows")),
            seats: one(&format!("section_{n}_seats")),
            places: one(&format!("section_{n}_places")),
        };
        Self {
            id: one("id"),
            name: one("name"),
            venue: one("venue"),
            city: one("city"),
            description: one("description"),
            starts_at: one("starts_at"),
            currency: one("currency"),
            waiting_room: one("waiting_room"),
            sections: (1..=SECTIONS).map(section).collect(),
        }
    }

    /// A draft, as the interface takes it.
    pub(super) fn to_json(&self) -> Result<Value, String> {
        let (mut classes, mut sections) = (Vec::new(), Vec::new());
        for (n, line) in (1..).zip(&self.sections).filter(|(_, line)| !line.id.is_empty()) {
            let class = format!("c{n}");
            let price_cents = money::parse(&line.price, &self.currency)
                .ok_or_else(|| format!("section {n}: a price such as `45.00` is needed"))?;
            classes.push(json!({"id": class, "name": line.name, "price_cents": price_cents}));
            let mut section = json!({"id": line.id, "name": line.name, "price_class": class});
            let number = |name: &str, text: &str| {
                text.parse::<u32>().map_err(|_| format!("section {n}: `{name}` is not a number"))
            };
            let house = if line.places.is_empty() {
                let seats = number("seats", &line.seats)?;
                let rows = (number("rows", &line.rows)? as usize).min(ROWS_MAX);
                let rows: Vec<_> =
                    (0..rows).map(|row| json!({"name": row_name(row), "seats": seats})).collect();
                ("rows", Value::from(rows))
            } else {
                ("capacity", Value::from(number("places", &line.places)?))
            };
            if let Some(section) = section.as_object_mut() {
                section.insert(house.0.to_owned(), house.1);
            }
            sections.push(section);
        }
        Ok(json!({
            "id": self.id, "name": self.name, "venue": self.venue, "city": self.city,
            "description": self.description, "starts_at": from_field(&self.starts_at), "currency": self.currency,
            "waiting_room": none_if_empty(&self.waiting_room), "status": "draft",
            "price_classes": classes, "sections": sections,
        }))
    }
}

/// What can be changed of an event, as it is filled in.
#[derive(Debug, Serialize)]
pub(super) struct SaleForm {
    version: i64,
    name: String,
    venue: String,
    city: String,
    description: String,
    starts_at: String,
    waiting_room: String,
    sales: Vec<SaleLine>,
}

#[derive(Debug, Default, Serialize)]
struct SaleLine {
    id: String,
    name: String,
    opens_at: String,
    closes_at: String,
    waiting_room: String,
    sections: String,
}

impl SaleForm {
    pub(super) fn of(detail: &EventDetail) -> Self {
        let event = &detail.event;
        let room = |room: Option<&crate::ids::RoomName>| room.map(ToString::to_string).unwrap_or_default();
        let mut sales: Vec<_> = detail
            .sales
            .iter()
            .map(|sale| SaleLine {
                id: sale.id.to_string(),
                name: sale.name.clone(),
                opens_at: datetime::to_field(sale.opens_at),
                closes_at: sale.closes_at.map(datetime::to_field).unwrap_or_default(),
                waiting_room: room(sale.waiting_room.as_ref()),
                sections: sale.sections.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            })
            .collect();
        while sales.len() < SALES {
            sales.push(SaleLine::default());
        }
        Self {
            version: event.version,
            name: event.name.clone(),
            venue: event.venue.clone(),
            city: event.city.clone(),
            description: event.description.clone(),
            starts_at: datetime::to_field(event.starts_at),
            waiting_room: room(event.waiting_room.as_ref()),
            sales,
        }
    }

    /// The change that the fields ask for, as the interface takes it.
    pub(super) fn change(fields: &Fields) -> Result<Value, String> {
        let one = |name: &str| text(fields, name);
        let mut sales = Vec::new();
        for n in 1.. {
            let of = |name: &str| text(fields, &format!("sale_{n}_{name}"));
            if fields.all(&format!("sale_{n}_id")).next().is_none() {
                break;
            }
            if of("id").is_empty() {
                continue;
            }
            if of("opens_at").is_empty() {
                return Err(format!("sale {n}: when does it open?"));
            }
            sales.push(json!({
                "id": of("id"), "name": of("name"), "opens_at": from_field(&of("opens_at")),
                "closes_at": none_if_empty(&from_field(&of("closes_at"))),
                "waiting_room": none_if_empty(&of("waiting_room")),
                "sections": of("sections").split_whitespace().collect::<Vec<_>>(),
            }));
        }
        Ok(json!({
            "name": one("name"), "venue": one("venue"), "city": one("city"), "description": one("description"),
            "starts_at": from_field(&one("starts_at")), "waiting_room": none_if_empty(&one("waiting_room")),
            "sales": sales,
        }))
    }
}

fn text(fields: &Fields, name: &str) -> String {
    fields.all(name).next().unwrap_or_default().trim().to_owned()
}

fn none_if_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// `2027-06-01T19:30`, as a browser writes it, in UTC.
fn from_field(text: &str) -> String {
    match text.len() {
        0 => String::new(),
        16 => format!("{text}:00Z"),
        _ => format!("{text}Z"),
    }
}

/// `A` to `Z`, `AA` to `AZ`, and so on.
fn row_name(row: usize) -> String {
    let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).unwrap_or_default());
    match row / 26 {
        0 => letter(row).to_string(),
        tens => format!("{}{}", letter(tens - 1), letter(row)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_called_as_in_any_house() {
        assert_eq!([0, 25, 26, 51, 52].map(row_name), ["A", "Z", "AA", "AZ", "BA"]);
    }

    #[test]
    fn moments_of_a_form_are_moments_of_the_interface() {
        assert_eq!(from_field("2027-06-01T19:30"), "2027-06-01T19:30:00Z");
        assert_eq!(from_field("2027-06-01T19:30:05"), "2027-06-01T19:30:05Z");
        assert_eq!(from_field(""), "");
    }
}
