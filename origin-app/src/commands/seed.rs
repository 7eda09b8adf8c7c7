//! A catalogue to look at: houses of all kinds, and what plays in them in the weeks to come.

use std::collections::BTreeMap;
use std::time::Duration;

use admission::clock::{Clock, Timestamp};
use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::datetime;
use crate::events::{Created, EventStore, NewEvent};

const CATALOGUE: &str = include_str!("../../assets/catalogue.toml");
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    venues: BTreeMap<String, Venue>,
    shows: Vec<Show>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Venue {
    name: String,
    city: String,
    currency: String,
    price_classes: Value,
    sections: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Show {
    id: String,
    name: String,
    venue: String,
    days: Vec<u32>,
    hour: u32,
    description: String,
    #[serde(default)]
    presale: bool,
}

/// Puts the catalogue on sale; what is there already stays as it is.
pub(super) async fn run(store: &dyn EventStore, clock: &dyn Clock) -> anyhow::Result<String> {
    let (mut made, mut there, mut seats) = (0, 0, 0);
    for event in events(clock.now())? {
        match store.create(&event, clock.now()).await? {
            Created::Yes => {
                made += 1;
                seats += event.seats.len();
            }
            Created::Existed => there += 1,
        }
    }
    Ok(format!("{made} events with {seats} seats are on sale now; {there} were there before\n"))
}

/// The events of the catalogue, seen from `now`.
fn events(now: Timestamp) -> anyhow::Result<Vec<NewEvent>> {
    let Catalogue { venues, shows } = toml::from_str(CATALOGUE).context("the catalogue cannot be read")?;
    let midnight = Timestamp::from_millis(now.as_millis() - now.as_millis() % (DAY.as_secs() * 1000));
    let mut events = Vec::new();
    for show in &shows {
        let venue = venues.get(&show.venue).with_context(|| format!("there is no venue {}", show.venue))?;
        for (night, day) in (1..).zip(&show.days) {
            let starts_at = midnight + DAY * *day + HOUR * show.hour;
            let id = if show.days.len() == 1 { show.id.clone() } else { format!("{}-{night}", show.id) };
            // Members come first, and everybody a day later; a few nights can be had from the beginning.
            let opens = midnight + HOUR * 9;
            let sales = json!([
                {"id": "members", "name": "Members", "opens_at": datetime::to_rfc3339(opens),
                 "closes_at": datetime::to_rfc3339(opens + DAY)},
                {"id": "general", "name": "General sale", "opens_at": datetime::to_rfc3339(opens + DAY)},
            ]);
            let body = json!({
                "id": id, "name": show.name, "venue": venue.name, "city": venue.city,
                "description": show.description, "starts_at": datetime::to_rfc3339(starts_at),
                "currency": venue.currency, "waiting_room": null,
                "price_classes": venue.price_classes, "sections": venue.sections,
                "sales": if show.presale { sales } else { json!([]) },
            });
            events.push(
                NewEvent::from_json(body, now).map_err(|error| anyhow::anyhow!("{}: {error}", show.id))?,
            );
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::SectionKind;

    #[test]
    fn the_catalogue_is_good_on_any_day() {
        for now in [0, 1_800_000_000_000, 1_900_123_456_789] {
            let events = events(Timestamp::from_millis(now)).unwrap();
            assert!(events.len() >= 30, "{}", events.len());
            assert!(events.iter().all(|event| event.detail.event.starts_at.as_millis() > now));
            let of = |kind| {
                events
                    .iter()
                    .filter(|event| event.detail.sections.iter().any(|section| section.kind == kind))
                    .count()
            };
            assert!(of(SectionKind::Numbered) > 5 && of(SectionKind::General) > 5);
            assert!(events.iter().any(|event| event.detail.sales.len() > 1));
        }
    }
}
