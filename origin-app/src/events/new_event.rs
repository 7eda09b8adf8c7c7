//! A new event: what an organiser sends, checked by field.

use std::collections::HashSet;

use serde::Deserialize;

use super::model::Event;
use super::{ROWS_MAX, SEATS_MAX};
use crate::datetime;
use crate::ids::{EventId, RoomName, SeatId};

/// Longest name of an event or a venue, in characters.
const TEXT_LENGTH_MAX: usize = 200;
/// Highest price of a seat.
const PRICE_CENTS_MAX: i64 = 10_000_000;

/// An event that may be created.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event.
    pub event: Event,
    /// Its seats, in the order of the seat map.
    pub seats: Vec<NewSeat>,
}

/// A seat of a new event.
#[derive(Clone, Debug)]
pub struct NewSeat {
    /// Its id.
    pub id: SeatId,
    /// The row's name.
    pub row: String,
    /// The number in the row.
    pub number: u32,
    /// What it costs.
    pub price_cents: i64,
}

/// A field of the new event cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {right}")]
pub(super) struct NewEventError {
    field: &'static str,
    right: String,
}

// A misspelt field must not pass unseen: an event without its waiting room is open to everybody.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEventBody {
    id: String,
    name: String,
    venue: String,
    starts_at: String,
    currency: String,
    waiting_room: Option<String>,
    rows: Vec<RowBody>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowBody {
    name: String,
    seats: u32,
    price_cents: i64,
}

impl TryFrom<NewEventBody> for NewEvent {
    type Error = NewEventError;

    fn try_from(body: NewEventBody) -> Result<Self, NewEventError> {
        let NewEventBody { id, name, venue, starts_at, currency, waiting_room, rows } = body;
        let seats = seats(&rows)?;
        let event = Event {
            id: EventId::parse(&id).map_err(|error| wrong("id", error.to_string()))?,
            name: text("name", &name)?,
            venue: text("venue", &venue)?,
            starts_at: datetime::parse_rfc3339(&starts_at)
                .map_err(|error| wrong("starts_at", error.to_string()))?,
            currency: currency_code(currency)?,
            waiting_room: waiting_room
                .map(|room| RoomName::parse(&room))
                .transpose()
                .map_err(|error| wrong("waiting_room", error.to_string()))?,
            seats_total: i64::try_from(seats.len()).unwrap_or(i64::MAX),
        };
        Ok(Self { event, seats })
    }
}

fn seats(rows: &[RowBody]) -> Result<Vec<NewSeat>, NewEventError> {
    if rows.is_empty() || rows.len() > ROWS_MAX {
        return Err(wrong("rows", format!("1 to {ROWS_MAX} rows are needed")));
    }
    let total = rows.iter().map(|row| row.seats as usize).fold(0, usize::saturating_add);
    if total > SEATS_MAX {
        return Err(wrong("rows", format!("no more than {SEATS_MAX} seats are allowed")));
    }
    let mut names = HashSet::new();
    let mut seats = Vec::with_capacity(total);
    for RowBody { name, seats: count, price_cents } in rows {
        if !names.insert(name) {
            return Err(wrong("rows", format!("row `{name}` comes twice")));
        }
        if *count == 0 {
            return Err(wrong("rows", format!("row `{name}` has no seats")));
        }
        if !(1..=PRICE_CENTS_MAX).contains(price_cents) {
            return Err(wrong("rows", format!("`price_cents` must be 1 to {PRICE_CENTS_MAX}")));
        }
        for number in 1..=*count {
            let id = SeatId::of(name, number)
                .map_err(|_| wrong("rows", "a row is called by 1 to 8 letters or digits"))?;
            seats.push(NewSeat { id, row: name.clone(), number, price_cents: *price_cents });
        }
    }
    Ok(seats)
}

fn text(field: &'static str, value: &str) -> Result<String, NewEventError> {
    let value = value.trim();
    let fits =
        !value.is_empty() && value.chars().count() <= TEXT_LENGTH_MAX && !value.chars().any(char::is_control);
    if fits {
        Ok(value.to_owned())
    } else {
        Err(wrong(field, format!("1 to {TEXT_LENGTH_MAX} characters on one line are needed")))
    }
}

fn currency_code(currency: String) -> Result<String, NewEventError> {
    if currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(currency)
    } else {
        Err(wrong("currency", "three capital letters are needed, such as `EUR`"))
    }
}

fn wrong(field: &'static str, right: impl Into<String>) -> NewEventError {
    NewEventError { field, right: right.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn body() -> Value {
        json!({
            "id": "demo", "name": " The Demo ", "venue": "Hall", "starts_at": "2027-06-01T19:30:00Z",
            "currency": "EUR", "waiting_room": "demo",
            "rows": [{"name": "A", "seats": 2, "price_cents": 4500}, {"name": "B", "seats": 1, "price_cents": 1}],
        })
    }

    fn parse(body: Value) -> Result<NewEvent, NewEventError> {
        serde_json::from_value::<NewEventBody>(body).unwrap().try_into()
    }

    #[test]
    fn rows_become_seats_in_order() {
        let NewEvent { event, seats } = parse(body()).unwrap();
        assert_eq!((event.name.as_str(), event.seats_total), ("The Demo", 3));
        let ids: Vec<_> = seats.iter().map(|seat| seat.id.as_str()).collect();
        assert_eq!(ids, ["A-1", "A-2", "B-1"]);
    }

    #[test]
    fn each_field_is_checked() {
        let row =
            |name: &str, seats: u64, price: i64| json!({"name": name, "seats": seats, "price_cents": price});
        for (field, value) in [
            ("id", json!("De mo")),
            ("name", json!(" ")),
            ("name", json!("two\nlines")),
            ("venue", json!("x".repeat(201))),
            ("starts_at", json!("tomorrow")),
            ("currency", json!("eur")),
            ("waiting_room", json!("")),
            ("rows", json!([])),
            ("rows", json!([row("A", 1, 1), row("A", 1, 1)])),
            ("rows", json!([row("A", 0, 1)])),
            ("rows", json!([row("A", 1, 0)])),
            ("rows", json!([row("A B", 1, 1)])),
            ("rows", json!([row("A", 4_000_000_000, 1), row("B", 4_000_000_000, 1)])),
        ] {
            let mut body = body();
            body[field] = value.clone();
            assert_eq!(parse(body).unwrap_err().field, field, "{value}");
        }
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        let mut body = body();
        body["waitingroom"] = json!("demo");
        assert!(serde_json::from_value::<NewEventBody>(body).is_err());
    }
}
