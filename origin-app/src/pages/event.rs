//! An event with its seat map, and holding seats.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use admission::clock::Timestamp;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::see_other;
use super::views::{EventView, SaleView, classes, generals};
use super::waitlist;
use crate::app::App;
use crate::events::{EventDetail, EventStatus, OnSale, SectionKind};
use crate::http::{Cookies, EdgeFacts, Fields, PathId, Problem, QueryArgs, Reader, set_fan_cookie};
use crate::ids::{EventId, FanId, ReservationId, SeatId, SectionId};
use crate::language::Language;
use crate::reservations::{HoldRefused, LIST_MAX, Reservation, ReservationState, Wanted};
use crate::{datetime, money};

#[derive(Default, Deserialize)]
pub(super) struct ShowArgs {
    /// Which part of a large house, from 1.
    part: Option<usize>,
}

/// What the page says about seats that could not be held, or a list that could not be joined.
pub(super) struct Refused {
    problem: Problem,
    chosen: Vec<SeatId>,
    places: Vec<(SectionId, u32)>,
    /// What was given for a mail address.
    pub(super) email: Option<String>,
}

impl Refused {
    pub(super) const fn of(problem: Problem) -> Self {
        Self { problem, chosen: Vec::new(), places: Vec::new(), email: None }
    }
}

/// Who looks at the page.
pub(super) struct Visitor<'a> {
    pub(super) fan: Option<&'a FanId>,
    pub(super) has_account: bool,
}

impl<'a> Visitor<'a> {
    pub(super) fn of(cookies: &'a Cookies) -> Self {
        Self { fan: cookies.fan(), has_account: cookies.session().is_some() }
    }
}

/// `GET /events/{event}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    QueryArgs(args): QueryArgs<ShowArgs>,
    cookies: Cookies,
    reader: Reader,
) -> Result<Response, Problem> {
    page(&app, &reader, &id, Visitor::of(&cookies), args.part, None).await
}

/// `POST /events/{event}/hold`
pub(super) async fn hold(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    edge: EdgeFacts,
    cookies: Cookies,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let seats = fields
        .all("seat")
        .map(SeatId::parse)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Problem::invalid(format!("`seat`: {error}")))?;
    let part = fields.all("part").next().and_then(|part| part.parse().ok());
    let (fan, cookie) = cookies.fan_or_new(&app).map_err(|error| Problem::internal(&error))?;
    let visitor = Visitor { fan: Some(&fan), has_account: cookies.session().is_some() };
    if let Err(problem) = app.waitlist.lets_choose(&id) {
        return page(&app, &reader, &id, visitor, part, Some(Refused::of(problem))).await;
    }
    let places = places(&app, &id, &fields).await?;
    let wanted = match places.as_slice() {
        [] => Wanted::from(seats.clone()),
        [one] => Wanted { seats: seats.clone(), any_of: Some(one.clone()) },
        _ => {
            let refused = Refused { chosen: seats, places, ..Refused::of(one_section_only()) };
            return page(&app, &reader, &id, visitor, part, Some(refused)).await;
        }
    };
    let refused = match app.reservations.hold(&id, wanted, &fan, &edge).await {
        Ok(reservation) => {
            let mut response = see_other(&format!("/events/{id}/checkout/{}", reservation.id))?;
            set_fan_cookie(&mut response, cookie);
            return Ok(response);
        }
        Err(refused) => refused,
    };
    // The form came twice: what was refused is the fan's own by the first.
    if matches!(refused, HoldRefused::Taken(_) | HoldRefused::TooManySeats { .. } | HoldRefused::SoldOut(_))
        && let Some(own) = held_before(&app, &id, &fan, &seats, places.first()).await?
    {
        return see_other(&format!("/events/{id}/checkout/{own}"));
    }
    match refused {
        HoldRefused::NoSeats
        | HoldRefused::TooManySeats { .. }
        | HoldRefused::SaleNotOpen { .. }
        | HoldRefused::SoldOut(_)
        | HoldRefused::Taken(_) => {
            let refused = Refused { chosen: seats, places, ..Refused::of(refused.into()) };
            page(&app, &reader, &id, visitor, part, Some(refused)).await
        }
        other => Err(other.into()),
    }
}

/// The fan's own hold of just these seats, and of just as many places where nobody sits.
async fn held_before(
    app: &App,
    event: &EventId,
    fan: &FanId,
    seats: &[SeatId],
    places: Option<&(SectionId, u32)>,
) -> Result<Option<ReservationId>, Problem> {
    let now = app.clock.now();
    let is_place = |seat: &SeatId| match (places, seat.parts()) {
        (Some((section, _)), (None, row, _)) => row == section.as_str(),
        _ => false,
    };
    let many = places.map_or(0, |(_, many)| *many as usize);
    let is_it = |one: &Reservation| {
        let (general, own): (BTreeSet<_>, BTreeSet<_>) =
            one.seats.iter().map(|seat| &seat.id).partition(|seat| is_place(seat));
        one.event == *event
            && one.state_at(now) == ReservationState::Held
            && general.len() == many
            && own == seats.iter().collect()
    };
    let all = app.reservations.of_fan(fan, LIST_MAX).await?;
    Ok(all.into_iter().find(is_it).map(|one| one.id))
}

/// How many places of which sections where nobody sits the form asks for.
async fn places(app: &App, id: &EventId, fields: &Fields) -> Result<Vec<(SectionId, u32)>, Problem> {
    let detail = app.events.detail(id).await?.ok_or_else(Problem::event_not_found)?;
    let mut places = Vec::new();
    for section in detail.sections.iter().filter(|section| section.kind == SectionKind::General) {
        let name = format!("places-{}", section.id);
        let quantity = match fields.all(&name).next() {
            None | Some("") => 0,
            Some(text) => text.parse().map_err(|_| Problem::invalid(format!("`{name}` is not a number")))?,
        };
        if quantity > 0 {
            places.push((section.id.clone(), quantity));
        }
    }
    Ok(places)
}

fn one_section_only() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "one_section_only",
        "One section at a time",
        "Places of two sections where nobody sits cannot be held together. Choose those of one.",
    )
}

pub(super) async fn page(
    app: &App,
    reader: &Reader,
    id: &EventId,
    visitor: Visitor<'_>,
    part: Option<usize>,
    refused: Option<Refused>,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let language = reader.language;
    let texts = app.templates.texts();
    let detail = app.events.detail(id).await?;
    let detail = detail.filter(|found| found.event.status != EventStatus::Draft);
    let detail = detail.ok_or_else(Problem::event_not_found)?;
    let claimed = app.events.claimed(id).await?;
    let seats = app.events.seats(id).await?;
    let own = match visitor.fan {
        Some(fan) => app.reservations.own_seats(id, fan).await?,
        None => HashMap::new(),
    };
    let found = app.seat_maps.find(&app.templates, &detail, &seats, language, part)?;
    let chosen = refused.as_ref().map_or(&[][..], |refused| &refused.chosen);
    let shown = found.part.show(&detail, &seats, &own, chosen, &claimed);
    let house = app.office.house(id).await?;
    let generals: Vec<_> = generals(&detail, &claimed)
        .into_iter()
        .map(|section| {
            let asked = refused.iter().flat_map(|refused| &refused.places);
            let asked =
                asked.filter(|(id, _)| id.as_str() == section.id).map(|(_, quantity)| *quantity).next();
            let own = SectionId::parse(section.id).ok();
            let price_cents = house
                .as_ref()
                .zip(own)
                .and_then(|(house, own)| house.any_of(&own, 1))
                .map_or(0, |ask| ask.price_cents);
            let price = money::for_people(price_cents, &detail.event.currency);
            context! { section, price, price_cents, asked => asked.unwrap_or(0) }
        })
        .collect();
    let minutes = app.settings.holds.duration.as_secs().div_ceil(60);
    let sales: Vec<_> =
        detail.sales.iter().map(|sale| SaleView::of(sale, &detail, now, texts, language)).collect();
    let left = detail.event.seats_total - claimed.iter().map(|section| section.claimed).sum::<i64>();
    let typed = refused.as_ref().and_then(|refused| refused.email.as_deref());
    let context = context! {
        wait => waitlist::view(app, reader, &detail, &visitor, left, typed).await?,
        event => EventView::detail(&detail, &claimed, language),
        currency => detail.event.currency,
        sales,
        opens => opens(&detail, now, &|key, from| texts.word(language, "event", key, &[("from", from)]), language),
        classes => classes(&detail),
        map => shown.map,
        list => shown.list,
        generals,
        part => found.number,
        parts => found.plan.parts(&detail),
        seats_max => app.settings.holds.seats_per_fan_max,
        minutes => texts.word(
            language,
            "event",
            if minutes == 1 { "minute" } else { "minutes" },
            &[("n", &minutes.to_string())],
        ),
        refused => refused.as_ref().map(|refused| {
            let (title, detail) = texts.problem(language, &refused.problem);
            context! { title, detail }
        }),
    };
    let status = refused.as_ref().map_or(StatusCode::OK, |refused| refused.problem.status);
    app.templates.page(reader, status, "event.html", context)
}

/// What is said instead of a button while nothing of the event can be held.
fn opens(
    detail: &EventDetail,
    now: Timestamp,
    word: &dyn Fn(&str, &str) -> String,
    language: Language,
) -> Option<String> {
    let each = detail.sections.iter().map(|section| detail.on_sale(std::slice::from_ref(&section.id), now));
    let mut first = None;
    for on_sale in each {
        match on_sale {
            OnSale::Open(_) => return None,
            OnSale::From(opens_at) => {
                first = Some(first.map_or(opens_at, |first: Timestamp| first.min(opens_at)));
            }
            OnSale::Over => {}
        }
    }
    Some(match first {
        Some(opens_at) => word("sale_from_here", &datetime::in_language(opens_at, language)),
        None => word("sale_over_here", ""),
    })
}
