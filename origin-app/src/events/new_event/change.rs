//! A change of an event: only what is named changes.

use admission::clock::Timestamp;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::house::{ClassBody, House, RowBody, SectionBody};
use super::sales::SaleBody;
use super::{NewEvent, NewEventError, description, moment, room, sales, text, text_or_none, wrong};
use crate::events::house::EventDetail;
use crate::events::model::EventStatus;

/// What an organiser sends to change an event. The id and the currency stay; the house may change while nobody has seen
/// it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EventChange)]
pub(in crate::events) struct ChangeBody {
    /// The version that the change was made from, unless `If-Match` says it.
    pub(in crate::events) version: Option<i64>,
    name: Option<String>,
    venue: Option<String>,
    city: Option<String>,
    description: Option<String>,
    starts_at: Option<String>,
    /// `null` takes the room away.
    #[serde(default, deserialize_with = "said")]
    waiting_room: Option<Option<String>>,
    status: Option<EventStatus>,
    rows: Option<Vec<RowBody>>,
    price_classes: Option<Vec<ClassBody>>,
    sections: Option<Vec<SectionBody>>,
    sales: Option<Vec<SaleBody>>,
}

/// Tells `null` from a field that is not there.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// An event after a change, and its new seats where the house is another.
pub(in crate::events) struct Changed {
    pub(in crate::events) detail: EventDetail,
    pub(in crate::events) seats: Option<Vec<super::NewSeat>>,
}

impl ChangeBody {
    /// `before` with the change, as it is at `now`.
    pub(in crate::events) fn apply(
        self,
        before: &EventDetail,
        now: Timestamp,
    ) -> Result<Changed, NewEventError> {
        let mut event = before.event.clone();
        if let Some(name) = self.name {
            event.name = text("name", &name)?;
        }
        if let Some(venue) = self.venue {
            event.venue = text("venue", &venue)?;
        }
        if let Some(city) = self.city {
            event.city = text_or_none("city", &city)?;
        }
        if let Some(text) = self.description {
            event.description = description(&text)?;
        }
        if let Some(starts_at) = self.starts_at {
            event.starts_at = moment("starts_at", &starts_at)?;
        }
        if let Some(name) = self.waiting_room {
            event.waiting_room = room("waiting_room", name)?;
        }
        if let Some(status) = self.status {
            event.status = step(event.status, status)?;
        }
        let house = match (self.rows, self.price_classes, self.sections) {
            (None, None, None) => None,
            _ if before.event.status != EventStatus::Draft => {
                return Err(wrong(
                    "sections",
                    "the house of an event can be changed only while it is a draft",
                ));
            }
            (rows, classes, sections) => Some(House::check(rows, classes, sections)?),
        };
        let sections = house.as_ref().map_or(&before.sections, |house| &house.sections);
        let sales = match self.sales {
            Some(bodies) => sales::check(bodies, sections)?,
            None => before.sales.clone(),
        };
        let gone = |sale: &&crate::events::Sale| {
            sale.sections.iter().any(|id| !sections.iter().any(|section| section.id == *id))
        };
        if let Some(sale) = sales.iter().find(gone) {
            return Err(wrong(
                "sales",
                format!("sale `{}` covers a section that is not there any more", sale.id),
            ));
        }
        // Two changes within one millisecond are still one after the other.
        event.version = before.event.version.saturating_add(1);
        event.updated_at = now.max(Timestamp::from_millis(before.event.updated_at.as_millis() + 1));
        Ok(match house {
            Some(house) => {
                event.seats_total = i64::try_from(house.seats.len()).unwrap_or(i64::MAX);
                let NewEvent { detail, seats } = house.of(event, sales);
                Changed { detail, seats: Some(seats) }
            }
            None => Changed { detail: EventDetail { event, sales, ..before.clone() }, seats: None },
        })
    }
}

/// From one status to the next. There is no way back: who has seen an event, or a ticket of it, has seen it.
fn step(from: EventStatus, to: EventStatus) -> Result<EventStatus, NewEventError> {
    match (from, to) {
        (EventStatus::Draft, EventStatus::Published) => Ok(to),
        (from, to) if from == to => Ok(to),
        (EventStatus::Draft, _) => Err(wrong("status", "a draft can only be `published`")),
        _ => Err(wrong("status", format!("an event that is `{}` stays so", from.as_str()))),
    }
}
