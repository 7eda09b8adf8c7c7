//! The list of events, an event with its seat map, and holding seats.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::{Deserialize, Serialize};

use super::see_other;
use crate::app::App;
use crate::events::{EventOnSale, EventQuery, EventStatus, LIST_MAX, Seat, SeatState};
use crate::http::{Cookies, EdgeFacts, Fields, PathId, Problem, QueryArgs, public, set_fan_cookie};
use crate::ids::{EventId, FanId, SeatId};
use crate::reservations::HoldRefused;
use crate::{datetime, money};

/// Most seats on one page. A larger house is shown in parts, each of whole rows.
const SEATS_PER_PART: usize = 1000;

/// An event as the templates see it.
#[derive(Serialize)]
pub(super) struct EventView<'a> {
    id: &'a str,
    name: &'a str,
    venue: &'a str,
    starts: String,
    available: i64,
    total: i64,
    waiting_room: bool,
}

impl<'a> From<&'a EventOnSale> for EventView<'a> {
    fn from(on_sale: &'a EventOnSale) -> Self {
        let EventOnSale { event, seats_available } = on_sale;
        Self {
            id: event.id.as_str(),
            name: &event.name,
            venue: &event.venue,
            starts: datetime::for_people(event.starts_at),
            available: *seats_available,
            total: event.seats_total,
            waiting_room: event.waiting_room.is_some(),
        }
    }
}

#[derive(Serialize)]
struct RowView<'a> {
    name: &'a str,
    price: String,
    price_cents: i64,
    seats: Vec<SeatView<'a>>,
}

#[derive(Serialize)]
struct SeatView<'a> {
    id: &'a str,
    number: i64,
    state: &'static str,
    free: bool,
    chosen: bool,
}

#[derive(Serialize)]
struct PartView<'a> {
    number: usize,
    first: &'a str,
    last: &'a str,
}

#[derive(Default, Deserialize)]
pub(super) struct ShowArgs {
    /// Which part of a large house, from 1.
    part: Option<usize>,
}

/// What the page says about seats that could not be held.
struct Refused {
    status: StatusCode,
    title: &'static str,
    detail: String,
    chosen: Vec<SeatId>,
}

/// `GET /`
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let query = EventQuery { limit: LIST_MAX, ..EventQuery::default() };
    let events = app.events.page(&query).await?;
    let events: Vec<_> = events.iter().map(EventView::from).collect();
    let mut response = app.templates.page(StatusCode::OK, "events.html", context! { events })?;
    public(response.headers_mut());
    Ok(response)
}

/// `GET /events/{event}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    QueryArgs(args): QueryArgs<ShowArgs>,
    cookies: Cookies,
) -> Result<Response, Problem> {
    page(&app, &id, cookies.fan(), args.part, None).await
}

/// `POST /events/{event}/hold`
pub(super) async fn hold(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    edge: EdgeFacts,
    cookies: Cookies,
    fields: Fields,
) -> Result<Response, Problem> {
    let seats = fields
        .all("seat")
        .map(SeatId::parse)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Problem::invalid(format!("`seat`: {error}")))?;
    let part = fields.all("part").next().and_then(|part| part.parse().ok());
    let (fan, cookie) = cookies.fan_or_new(&app).map_err(|error| Problem::internal(&error))?;
    let refused = match app.reservations.hold(&id, seats.clone(), &fan, &edge).await {
        Ok(reservation) => {
            let mut response = see_other(&format!("/events/{id}/checkout/{}", reservation.id))?;
            set_fan_cookie(&mut response, cookie);
            return Ok(response);
        }
        Err(refused) => refused,
    };
    match refused {
        HoldRefused::NoSeats | HoldRefused::TooManySeats { .. } | HoldRefused::Taken(_) => {
            let problem = Problem::from(refused);
            let refused = Refused {
                status: problem.status,
                title: problem.title,
                detail: problem.detail,
                chosen: seats,
            };
            page(&app, &id, Some(&fan), part, Some(refused)).await
        }
        other => Err(other.into()),
    }
}

async fn page(
    app: &App,
    id: &EventId,
    fan: Option<&FanId>,
    part: Option<usize>,
    refused: Option<Refused>,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let event = app.stores.events.find(id, now).await?;
    let event = event.filter(|found| found.event.status != EventStatus::Draft);
    let event = event.ok_or_else(Problem::event_not_found)?;
    let seats = app.reservations.seats_seen_by(id, fan).await?;
    let parts = parts(&rows(&seats));
    let part = part.unwrap_or(1).clamp(1, parts.len().max(1));
    let shown = parts.get(part - 1).cloned().unwrap_or_default();
    let chosen = refused.as_ref().map_or(&[][..], |refused| &refused.chosen);
    let views: Vec<_> = shown.iter().map(|row| row_view(row, &event.event.currency, chosen)).collect();
    let context = context! {
        event => EventView::from(&event),
        currency => event.event.currency,
        rows => views,
        part,
        parts => part_views(&parts),
        seats_max => app.settings.holds.seats_per_fan_max,
        hold_minutes => app.settings.holds.duration.as_secs().div_ceil(60),
        refused => refused.as_ref().map(|refused| context! { title => refused.title, detail => refused.detail }),
    };
    let status = refused.as_ref().map_or(StatusCode::OK, |refused| refused.status);
    app.templates.page(status, "event.html", context)
}

/// The seats by row, in the order of the seat map.
fn rows(seats: &[Seat]) -> Vec<&[Seat]> {
    seats.chunk_by(|one, other| one.row == other.row).collect()
}

/// The rows in parts that a page can bear.
fn parts<'a>(rows: &[&'a [Seat]]) -> Vec<Vec<&'a [Seat]>> {
    let mut parts: Vec<Vec<&[Seat]>> = Vec::new();
    let mut size = 0;
    for row in rows {
        match parts.last_mut() {
            Some(part) if size + row.len() <= SEATS_PER_PART => {
                size += row.len();
                part.push(row);
            }
            _ => {
                size = row.len();
                parts.push(vec![row]);
            }
        }
    }
    parts
}

fn part_views<'a>(parts: &[Vec<&'a [Seat]>]) -> Vec<PartView<'a>> {
    let name = |row: Option<&&'a [Seat]>| row.and_then(|row| row.first()).map_or("", |seat| &seat.row);
    (1..)
        .zip(parts)
        .map(|(number, rows)| PartView { number, first: name(rows.first()), last: name(rows.last()) })
        .collect()
}

fn row_view<'a>(row: &'a [Seat], currency: &str, chosen: &[SeatId]) -> RowView<'a> {
    let (name, price_cents) = row.first().map_or(("", 0), |seat| (seat.row.as_str(), seat.price_cents));
    let seats = row
        .iter()
        .map(|seat| {
            let free = seat.state == SeatState::Available;
            SeatView {
                id: seat.id.as_str(),
                number: seat.number,
                state: match (seat.mine, seat.state) {
                    (true, _) => "mine",
                    (_, SeatState::Available) => "available",
                    (_, SeatState::Held) => "held",
                    (_, SeatState::Sold) => "sold",
                },
                free,
                chosen: free && chosen.contains(&seat.id),
            }
        })
        .collect();
    RowView { name, price: money::for_people(price_cents, currency), price_cents, seats }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PriceClassId, SectionId};

    fn row(name: &str, seats: u32) -> Vec<Seat> {
        (1..=seats)
            .map(|number| Seat {
                id: SeatId::of(name, number).unwrap(),
                section: SectionId::only(),
                price_class: PriceClassId::parse("p1").unwrap(),
                row: name.to_owned(),
                number: i64::from(number),
                price_cents: 1,
                state: SeatState::Available,
                mine: false,
            })
            .collect()
    }

    #[test]
    fn a_large_house_is_shown_in_parts_of_whole_rows() {
        let seats: Vec<_> = [row("A", 600), row("B", 400), row("C", 1), row("D", 2000)].concat();
        let rows = rows(&seats);
        assert_eq!(rows.iter().map(|row| row.len()).collect::<Vec<_>>(), [600, 400, 1, 2000]);
        let parts = parts(&rows);
        let views = part_views(&parts);
        let names: Vec<_> = views.iter().map(|part| (part.number, part.first, part.last)).collect();
        assert_eq!(names, [(1, "A", "B"), (2, "C", "C"), (3, "D", "D")]);
    }
}
