//! Events over HTTP.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::model::{EventBody, Sales, Seat};
use super::new_event::{NewEvent, NewEventBody};
use super::store::Created;
use super::{EventOnSale, LIST_MAX};
use crate::app::App;
use crate::datetime;
use crate::http::{Cookies, JsonBody, Organiser, PathId, Problem, QueryArgs, private, public};
use crate::ids::EventId;

/// The routes of this feature.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/events", get(list).post(create))
        .route("/api/events/{event}", get(detail))
        .route("/api/events/{event}/seats", get(seats))
        .route("/api/sales/{event}", get(sales))
}

#[derive(Deserialize)]
struct ListArgs {
    after: Option<EventId>,
    limit: Option<u32>,
}

#[derive(Serialize)]
struct ListBody<'a> {
    events: Vec<EventBody<'a>>,
    /// What to send as `after` for the next page.
    next: Option<&'a EventId>,
}

#[derive(Serialize)]
struct SeatsBody<'a> {
    event: &'a EventId,
    updated_at: String,
    seats: &'a [Seat],
}

async fn list(
    State(app): State<Arc<App>>,
    QueryArgs(ListArgs { after, limit }): QueryArgs<ListArgs>,
) -> Result<Response, Problem> {
    let limit = limit.unwrap_or(LIST_MAX).clamp(1, LIST_MAX);
    let events = app.stores.events.page(after.as_ref(), limit, app.clock.now()).await?;
    let full = events.len() >= limit as usize;
    let next = events.last().filter(|_| full).map(|last| &last.event.id);
    let mut response =
        Json(ListBody { events: events.iter().map(EventBody::from).collect(), next }).into_response();
    public(response.headers_mut());
    Ok(response)
}

async fn detail(State(app): State<Arc<App>>, PathId(id): PathId<EventId>) -> Result<Response, Problem> {
    let event = app.stores.events.find(&id, app.clock.now()).await?.ok_or_else(Problem::event_not_found)?;
    let mut response = Json(EventBody::from(&event)).into_response();
    public(response.headers_mut());
    Ok(response)
}

async fn seats(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    cookies: Cookies,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let seats = app.stores.events.seats(&id, cookies.fan(), now).await?;
    if seats.is_empty() {
        // No event is without seats.
        return Err(Problem::event_not_found());
    }
    let body = SeatsBody { event: &id, updated_at: datetime::to_rfc3339(now), seats: &seats };
    let mut response = Json(body).into_response();
    match cookies.fan() {
        Some(_) => private(response.headers_mut()),
        None => public(response.headers_mut()),
    }
    Ok(response)
}

async fn create(
    State(app): State<Arc<App>>,
    _: Organiser,
    JsonBody(body): JsonBody<NewEventBody>,
) -> Result<Response, Problem> {
    let new = NewEvent::try_from(body).map_err(|error| Problem::invalid(error.to_string()))?;
    match app.stores.events.create(&new, app.clock.now()).await? {
        Created::Yes => {
            tracing::info!(event = %new.event.id, seats = new.event.seats_total, "event created");
            let seats_available = new.event.seats_total;
            let event = EventOnSale { event: new.event, seats_available };
            Ok((StatusCode::CREATED, Json(EventBody::from(&event))).into_response())
        }
        Created::Existed => Err(Problem::new(
            StatusCode::CONFLICT,
            "event_exists",
            "The event exists already",
            "There is an event of this id. Nothing was changed.",
        )),
    }
}

async fn sales(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
) -> Result<Json<Sales>, Problem> {
    let sales = app.stores.events.sales(&id, app.clock.now()).await?;
    sales.map(Json).ok_or_else(Problem::event_not_found)
}
