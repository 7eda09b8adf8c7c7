//! A new event, or a change of one: what an organiser sends, checked by field.

mod change;
mod house;
mod sales;

use admission::clock::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::house::{EventDetail, Sale};
use super::model::{Event, EventStatus};
use crate::datetime;
use crate::ids::{EventId, IdError, PriceClassId, RoomName, SeatId, SectionId};

pub(super) use change::ChangeBody;
use house::{ClassBody, House, RowBody, SectionBody};
use sales::SaleBody;

/// Longest name of an event, a venue, a city, a section, a class or a sale, in characters.
const TEXT_LENGTH_MAX: usize = 200;
/// Longest description, in characters.
const DESCRIPTION_LENGTH_MAX: usize = 5000;

/// An event that may be created.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event, its house and its sales.
    pub detail: EventDetail,
    /// Its seats, in the order of the seat map.
    pub seats: Vec<NewSeat>,
}

/// A seat of a new event.
#[derive(Clone, Debug)]
pub struct NewSeat {
    /// Its id.
    pub id: SeatId,
    /// The section that it is in.
    pub section: SectionId,
    /// The price class that it is of.
    pub price_class: PriceClassId,
    /// The row's name.
    pub row: String,
    /// The number in the row.
    pub number: u32,
    /// What it costs.
    pub price_cents: i64,
}

/// What was said of an event cannot be used; the message names the field and what would be right.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEvent(String);

/// A field of the event cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {right}")]
pub(super) struct NewEventError {
    field: &'static str,
    right: String,
}

// A misspelt field must not pass unseen: an event without its waiting room is open to everybody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEvent)]
pub(super) struct NewEventBody {
    id: String,
    name: String,
    venue: String,
    #[serde(default)]
    city: String,
    #[serde(default)]
    description: String,
    starts_at: String,
    currency: String,
    waiting_room: Option<String>,
    status: Option<EventStatus>,
    /// A house of one section: its rows, each with a price.
    rows: Option<Vec<RowBody>>,
    /// What places cost, for a house of sections.
    price_classes: Option<Vec<ClassBody>>,
    sections: Option<Vec<SectionBody>>,
    #[serde(default)]
    sales: Vec<SaleBody>,
}

impl NewEventBody {
    /// The event, as it is at `now`.
    pub(super) fn check(self, now: Timestamp) -> Result<NewEvent, NewEventError> {
        let status = self.status.unwrap_or(EventStatus::Published);
        if status == EventStatus::CalledOff {
            return Err(wrong("status", "a new event is `draft` or `published`"));
        }
        let house = House::check(self.rows, self.price_classes, self.sections)?;
        let sales = sales::check(self.sales, &house.sections)?;
        let event = Event {
            id: EventId::parse(&self.id).map_err(|error| id_wrong("id", &error))?,
            name: text("name", &self.name)?,
            venue: text("venue", &self.venue)?,
            city: text_or_none("city", &self.city)?,
            description: description(&self.description)?,
            starts_at: moment("starts_at", &self.starts_at)?,
            currency: currency_code(self.currency)?,
            waiting_room: room("waiting_room", self.waiting_room)?,
            seats_total: i64::try_from(house.seats.len()).unwrap_or(i64::MAX),
            status,
            version: 1,
            updated_at: now,
        };
        Ok(house.of(event, sales))
    }
}

impl NewEvent {
    /// The event that `body` describes as `POST /api/events` takes it, as it is at `now`.
    ///
    /// # Errors
    /// When it says what cannot be used.
    pub fn from_json(body: serde_json::Value, now: Timestamp) -> Result<Self, InvalidEvent> {
        let body: NewEventBody =
            serde_json::from_value(body).map_err(|error| InvalidEvent(error.to_string()))?;
        body.check(now).map_err(|error| InvalidEvent(error.to_string()))
    }
}

impl House {
    fn of(self, event: Event, sales: Vec<Sale>) -> NewEvent {
        let Self { price_classes, sections, seats } = self;
        NewEvent { detail: EventDetail { event, price_classes, sections, sales }, seats }
    }
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

fn text_or_none(field: &'static str, value: &str) -> Result<String, NewEventError> {
    if value.trim().is_empty() { Ok(String::new()) } else { text(field, value) }
}

fn description(value: &str) -> Result<String, NewEventError> {
    let value = value.trim().replace("\r\n", "\n");
    let fits = value.chars().count() <= DESCRIPTION_LENGTH_MAX
        && !value.chars().any(|letter| letter.is_control() && letter != '\n');
    if fits {
        Ok(value)
    } else {
        Err(wrong(
            "description",
            format!("no more than {DESCRIPTION_LENGTH_MAX} characters in lines are allowed"),
        ))
    }
}

fn moment(field: &'static str, value: &str) -> Result<Timestamp, NewEventError> {
    datetime::parse_rfc3339(value).map_err(|error| wrong(field, error.to_string()))
}

fn room(field: &'static str, value: Option<String>) -> Result<Option<RoomName>, NewEventError> {
    value.map(|room| RoomName::parse(&room)).transpose().map_err(|error| id_wrong(field, &error))
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

fn id_wrong(field: &'static str, error: &IdError) -> NewEventError {
    wrong(field, error.to_string())
}

#[cfg(test)]
mod tests;
