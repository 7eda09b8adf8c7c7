//! Waiting over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::QUANTITY_MAX;
use super::store::{Place, PlaceState};
use crate::app::App;
use crate::datetime;
use crate::http::{Cookies, JsonBody, PathId, Problem, private, set_fan_cookie};
use crate::ids::{EventId, ReservationId};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(join, place, leave))
}

/// What a fan waits for.
#[derive(Deserialize, ToSchema)]
#[schema(as = Wait)]
struct WaitBody {
    /// How many seats.
    #[serde(default = "one")]
    #[schema(value_type = i64, minimum = 1)]
    quantity: u32,
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
    JsonBody(WaitBody { quantity }): JsonBody<WaitBody>,
) -> Result<Response, Problem> {
    let most = QUANTITY_MAX.min(app.settings.holds.seats_per_fan_max);
    if !(1..=most).contains(&quantity) {
        return Err(Problem::invalid(format!("`quantity`: 1 to {most} is right.")));
    }
    match app.waitlist.is_sold_out(&event).await? {
        None => return Err(Problem::event_not_found()),
        // Who waits keeps free seats from everybody else: only where there are none.
        Some(false) if !app.waitlist.is_kept(&event) => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "not_sold_out",
                "There are seats left",
                "This event is not sold out: nobody needs to wait.",
            ));
        }
        Some(_) => {}
    }
    let (fan, cookie) = cookies.fan_or_new(&app).map_err(|error| Problem::internal(&error))?;
    let place = app.waitlist.join(&event, &fan, quantity).await?.ok_or_else(not_waiting)?;
    let mut response = answer(StatusCode::CREATED, place);
    set_fan_cookie(&mut response, cookie);
    Ok(response)
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

/// Waits no more.
#[utoipa::path(delete, path = "/api/events/{event}/waitlist", tag = "events",
    params(("event" = String, Path, description = "Its id")), responses((status = 204, description = "The fan waits no more")))]
async fn leave(
    State(app): State<Arc<App>>,
    PathId(event): PathId<EventId>,
    cookies: Cookies,
) -> Result<StatusCode, Problem> {
    let fan = cookies.fan().ok_or_else(not_waiting)?;
    match app.waitlist.leave(&event, fan).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_waiting()),
    }
}

fn not_waiting() -> Problem {
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
