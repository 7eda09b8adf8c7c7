//! Waiting for seats to come back, on the event's page: a form, the place in the list, an offer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use minijinja::{Value, context};
use tokio::time::timeout;

use super::event::{Refused, Visitor, page};
use super::problem::no_address;
use super::see_other;
use super::views::seat_name;
use crate::app::App;
use crate::datetime;
use crate::events::{EventDetail, EventStatus};
use crate::http::{Cookies, Fields, PathId, Problem, Reader, set_fan_cookie};
use crate::ids::{EventId, SeatId};
use crate::notifications::{Contact, EmailAddress};
use crate::reservations::{Found, Reservation, ReservationState};
use crate::store::StoreError;
use crate::waitlist::{Place, PlaceState, leave as leave_list, not_waiting, quantity_max, wait};

/// How long the page of an event waits for what the database knows of the fan's place in the list.
const PATIENCE: Duration = Duration::from_secs(1);

/// `POST /events/{event}/waitlist`
pub(super) async fn join(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    cookies: Cookies,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let quantity = fields.all("quantity").next().and_then(|text| text.trim().parse().ok()).unwrap_or(1);
    let typed = fields.all("email").next().unwrap_or_default();
    // A guest could not be told otherwise: a page that is closed tells nobody.
    let contact = match (cookies.session(), EmailAddress::parse(typed)) {
        (Some(_), _) => Ok(None),
        (None, Ok(email)) => Ok(Some(Contact { email, language: reader.language })),
        (None, Err(error)) => Err(no_address(&error)),
    };
    let joined = match contact {
        Ok(contact) => wait(&app, &id, &cookies, quantity, contact).await,
        Err(problem) => Err(problem),
    };
    match joined {
        Ok((_, cookie)) => {
            let mut response = see_other(&format!("/events/{id}#waitlist"))?;
            set_fan_cookie(&mut response, cookie);
            Ok(response)
        }
        Err(problem) if problem.status.is_server_error() => Err(problem),
        Err(problem) => {
            let mut refused = Refused::of(problem);
            refused.email = Some(typed.to_owned());
            page(&app, &reader, &id, Visitor::of(&cookies), None, Some(refused)).await
        }
    }
}

/// `POST /events/{event}/waitlist/leave`
pub(super) async fn leave(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    cookies: Cookies,
) -> Result<Response, Problem> {
    let fan = cookies.fan().ok_or_else(not_waiting)?;
    // Who does not wait any more has what they wanted.
    leave_list(&app, &id, fan).await?;
    see_other(&format!("/events/{id}"))
}

/// What the event's page says about waiting; nothing while there is nothing to wait for.
pub(super) async fn view(
    app: &App,
    reader: &Reader,
    detail: &EventDetail,
    visitor: &Visitor<'_>,
    left: i64,
    typed: Option<&str>,
) -> Result<Option<Value>, Problem> {
    let (id, now) = (&detail.event.id, app.clock.now());
    if detail.event.status == EventStatus::CalledOff || detail.event.starts_at <= now {
        return Ok(None);
    }
    let place = match visitor.fan {
        Some(fan) => match timeout(PATIENCE, app.waitlist.place(id, fan)).await {
            Ok(Err(error)) if !matches!(error, StoreError::Busy(_)) => return Err(error.into()),
            Ok(Ok(place)) => place,
            // The rest of the page does without the database, and is worth more than no page.
            Ok(Err(_)) | Err(_) => None,
        },
        None => None,
    };
    match place {
        Some(Place { state: PlaceState::Waiting, quantity, ahead, .. }) => {
            return Ok(Some(context! { state => "waiting", quantity, ahead }));
        }
        Some(place) if place.state == PlaceState::Offered => {
            if let Some(offer) = offered(app, visitor, &place).await? {
                let texts = app.templates.texts();
                let name = |seat: &SeatId| seat_name(detail, seat, texts, reader.language);
                let seats: Vec<_> = offer.seats.iter().map(|seat| name(&seat.id)).collect();
                return Ok(Some(context! {
                    state => "offered",
                    reservation => offer.id.as_str(),
                    seats => seats.join(", "),
                    until => datetime::time_of_day(offer.expires_at),
                    seconds_left => offer.expires_at.since(now).as_secs(),
                }));
            }
        }
        _ => {}
    }
    let nothing_left = left <= 0 || app.waitlist.is_kept(id);
    Ok(nothing_left.then(|| {
        context! { state => "sold_out", guest => !visitor.has_account, most => quantity_max(app), email => typed }
    }))
}

/// The hold that is offered, while it is one.
async fn offered(app: &App, visitor: &Visitor<'_>, place: &Place) -> Result<Option<Reservation>, Problem> {
    let (Some(fan), Some(reservation)) = (visitor.fan, &place.reservation) else { return Ok(None) };
    Ok(match app.reservations.find(reservation, fan).await? {
        Found::There(found) if found.state_at(app.clock.now()) == ReservationState::Held => Some(found),
        _ => None,
    })
}
