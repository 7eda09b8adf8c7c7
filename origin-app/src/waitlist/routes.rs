//! Waiting over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::QUANTITY_MAX;
use super::store::{Place, PlaceState};
use crate::app::App;
use crate::checkout::PaymentRefused;
use crate::datetime;
use crate::events::EventStatus;
use crate::http::{Cookies, JsonBody, PathId, Problem, private, set_fan_cookie};
use crate::ids::{EventId, FanId, ReservationId};
use crate::language::Language;
use crate::notifications::{Contact, EmailAddress};
use crate::reservations::HoldRefused;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(join, place, wait_no_more))
}

/// What a fan waits for.
#[derive(Deserialize, ToSchema)]
#[schema(as = Wait)]
struct WaitBody {
    /// How many seats.
    #[serde(default = "one")]
    #[schema(value_type = i64, minimum = 1)]
    quantity: u32,
    /// Where a guest is told of an offer. Who has an account is told at its address.
    #[schema(value_type = Option<String>, example = "fan@example.com")]
    email: Option<EmailAddress>,
    /// In which language; that of `Accept-Language` where nothing is said.
    language: Option<Language>,
}

const fn one() -> u32 {
    1
}

/// The place of a fan who waits, on the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = Place)]
struct PlaceBody {
    state: PlaceState,
    quantity: u32,
    /// How many fans come before.
    ahead: u32,
    /// The reservation that is kept for the fan, once there is an offer: it is paid as any other.
    reservation: Option<ReservationId>,
    /// Until when.
    until: Option<String>,
}

fn answer(status: StatusCode, place: Place) -> Response {
    let Place { state, quantity, ahead, reservation, until } = place;
    let body = PlaceBody { state, quantity, ahead, reservation, until: until.map(datetime::to_rfc3339) };
    let mut response = (status, Json(body)).into_response();
    private(response.headers_mut());
    response
}

/// Waits for seats to come back. Again changes nothing.
#[utoipa::path(post, path = "/api/events/{event}/waitlist", tag = "events",
    params(("event" = String, Path, description = "Its id")), request_body = WaitBody,
    responses((status = 201, body = PlaceBody)))]
async fn join(
    State(app): State<Arc<App>>,
    PathId(event): PathId<EventId>,
    cookies: Cookies,
    headers: HeaderMap,
    JsonBody(WaitBody { quantity, email, language }): JsonBody<WaitBody>,
) -> Result<Response, Problem> {
    let language = language.unwrap_or_else(|| Language::preferred(&headers));
    let contact = email.map(|email| Contact { email, language });
    let (place, cookie) = wait(&app, &event, &cookies, quantity, contact).await?;
    let mut response = answer(StatusCode::CREATED, place);
    set_fan_cookie(&mut response, cookie);
    Ok(response)
}

/// Puts the visitor at the end of those who wait; gives their place, and the cookie to set if they had none.
pub(crate) async fn wait(
    app: &App,
    event: &EventId,
    cookies: &Cookies,
    quantity: u32,
    contact: Option<Contact>,
) -> Result<(Place, Option<HeaderValue>), Problem> {
    let most = quantity_max(app);
    if !(1..=most).contains(&quantity) {
        return Err(Problem::invalid(format!("`quantity`: 1 to {most} is right.")));
    }
    let detail = app.events.detail(event).await?.ok_or_else(Problem::event_not_found)?;
    match detail.event.status {
        EventStatus::Draft => return Err(Problem::event_not_found()),
        EventStatus::CalledOff => return Err(PaymentRefused::CalledOff.into()),
        EventStatus::Published => {}
    }
    if detail.event.starts_at <= app.clock.now() {
        return Err(HoldRefused::SaleNotOpen { opens_at: None }.into());
    }
    match app.waitlist.is_sold_out(event).await? {
        None => return Err(Problem::event_not_found()),
        // Who waits keeps free seats from everybody else: only where there are none.
        Some(false) if !app.waitlist.is_kept(event) => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "not_sold_out",
                "There are seats left",
                "This event is not sold out: nobody needs to wait.",
            ));
        }
        Some(_) => {}
    }
    let (fan, cookie) = cookies.fan_or_new(app).map_err(|error| Problem::internal(&error))?;
    // Whoever is logged in is told at the address of the account.
    let contact = contact.filter(|_| cookies.session().is_none());
    let place = app.waitlist.join(event, &fan, quantity, contact.as_ref()).await?;
    Ok((place.ok_or_else(not_waiting)?, cookie))
}

/// Most seats that one fan may wait for here.
pub(crate) fn quantity_max(app: &App) -> u32 {
    QUANTITY_MAX.min(app.settings.holds.seats_per_fan_max)
}

/// The fan's place.
#[utoipa::path(get, path = "/api/events/{event}/waitlist", tag = "events",
    params(("event" = String, Path, description = "Its id")), responses((status = 200, body = PlaceBody)))]
async fn place(
    State(app): State<Arc<App>>,
    PathId(event): PathId<EventId>,
    cookies: Cookies,
) -> Result<Response, Problem> {
    let fan = cookies.fan().ok_or_else(not_waiting)?;
    let place = app.waitlist.place(&event, fan).await?.ok_or_else(not_waiting)?;
    Ok(answer(StatusCode::OK, place))
}

/// Takes a fan out of those who wait; what was offered to them goes to the next. False where they were not in.
pub(crate) async fn leave(app: &App, event: &EventId, fan: &FanId) -> Result<bool, Problem> {
    let place = app.waitlist.place(event, fan).await?;
    let was_in = app.waitlist.leave(event, fan).await?;
    if let Some(Place { state: PlaceState::Offered, reservation: Some(offer), .. }) = place {
        // Perhaps it is paid; then it is no offer any more.
        app.reservations.release(&offer, fan).await?;
    }
    Ok(was_in)
}

/// Waits no more.
#[utoipa::path(delete, path = "/api/events/{event}/waitlist", tag = "events",
    params(("event" = String, Path, description = "Its id")), responses((status = 204, description = "The fan waits no more")))]
async fn wait_no_more(
    State(app): State<Arc<App>>,
    PathId(event): PathId<EventId>,
    cookies: Cookies,
) -> Result<StatusCode, Problem> {
    let fan = cookies.fan().ok_or_else(not_waiting)?;
    match leave(&app, &event, fan).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_waiting()),
    }
}

pub(crate) fn not_waiting() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_waiting",
        "You do not wait",
        "You do not wait for seats of this event to come back.",
    )
}

/// Seats are free, and for others.
pub(super) fn kept_for_waiting() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "kept_for_waiting",
        "Fans wait for these seats",
        "Seats that come back are offered to those who wait first. You can wait, too.",
    )
}
