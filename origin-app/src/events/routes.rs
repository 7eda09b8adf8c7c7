//! Events over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{self, DetailBody, EventBody, SectionBody};
use super::model::{EventStatus, Sales, Seat};
use super::new_event::{ChangeBody, NewEventBody};
use super::query::EventQuery;
use super::service::ChangeRefused;
use super::store::Created;
use super::{EventDetail, LIST_MAX};
use crate::app::App;
use crate::datetime;
use crate::http::{Cookies, JsonBody, Organiser, PathId, Problem, QueryArgs, private, public};
use crate::ids::EventId;
use crate::inventory::Loaded;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(detail, change))
        .routes(routes!(seats))
        .routes(routes!(sales))
        .routes(routes!(warm_up))
}

/// How long the figures of a sale wait for what was held a moment ago.
const CATCH_UP: Duration = Duration::from_secs(2);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    q: Option<String>,
    venue: Option<String>,
    from: Option<String>,
    until: Option<String>,
    after: Option<EventId>,
    #[param(value_type = Option<i64>, minimum = 0)]
    limit: Option<u32>,
}

impl ListArgs {
    fn query(self) -> Result<EventQuery, Problem> {
        let moment = |name, text: Option<String>| {
            let parsed = text.map(|text| datetime::parse_rfc3339(&text)).transpose();
            parsed.map_err(|error| Problem::invalid(format!("`{name}`: {error}")))
        };
        Ok(EventQuery {
            words: EventQuery::words_of(self.q.as_deref().unwrap_or_default()),
            venue: self.venue.as_deref().and_then(EventQuery::venue_of),
            from: moment("from", self.from)?,
            until: moment("until", self.until)?,
            with_drafts: false,
            after: self.after,
            limit: self.limit.unwrap_or(LIST_MAX).clamp(1, LIST_MAX),
        })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Events)]
struct ListBody<'a> {
    events: Vec<EventBody<'a>>,
    /// What to send as `after` for the next page.
    next: Option<&'a EventId>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Seats)]
struct SeatsBody<'a> {
    event: &'a EventId,
    updated_at: String,
    sections: Vec<SectionBody<'a>>,
    seats: &'a [Seat],
}

/// The events, page by page.
#[utoipa::path(get, path = "/api/events", tag = "events", params(ListArgs), responses((status = 200, body = ListBody<'static>)))]
async fn list(
    State(app): State<Arc<App>>,
    QueryArgs(args): QueryArgs<ListArgs>,
) -> Result<Response, Problem> {
    let query = args.query()?;
    let events = app.events.page(&query).await?;
    let full = events.len() >= query.limit as usize;
    let next = events.last().filter(|_| full).map(|last| &last.event.id);
    let mut response =
        Json(ListBody { events: events.iter().map(EventBody::from).collect(), next }).into_response();
    public(response.headers_mut());
    Ok(response)
}

/// One event.
#[utoipa::path(get, path = "/api/events/{event}", tag = "events", params(("event" = String, Path, description = "Its id")),
    responses((status = 200, body = DetailBody<'static>)))]
async fn detail(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    organiser: Option<Organiser>,
) -> Result<Response, Problem> {
    let detail = app.events.detail(&id).await?.ok_or_else(Problem::event_not_found)?;
    if detail.event.status == EventStatus::Draft && organiser.is_none() {
        return Err(Problem::event_not_found());
    }
    let mut response = answer(&app, StatusCode::OK, &detail).await?;
    match detail.event.status {
        EventStatus::Draft => private(response.headers_mut()),
        _ => public(response.headers_mut()),
    }
    Ok(response)
}

/// The event with how many places of it can be had, and its version as the entity tag.
async fn answer(app: &App, status: StatusCode, detail: &EventDetail) -> Result<Response, Problem> {
    let now = app.clock.now();
    let claimed = app.events.claimed(&detail.event.id).await?;
    let mut response = (status, Json(DetailBody::of(detail, &claimed, now))).into_response();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", detail.event.version)) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// Every seat of an event, and whether it can be had.
#[utoipa::path(get, path = "/api/events/{event}/seats", tag = "events", params(("event" = String, Path, description = "Its id")),
    responses((status = 200, body = SeatsBody<'static>)))]
async fn seats(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    cookies: Cookies,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let detail = app.events.detail(&id).await?.ok_or_else(Problem::event_not_found)?;
    if detail.event.status == EventStatus::Draft {
        return Err(Problem::event_not_found());
    }
    let seats = app.reservations.seats_seen_by(&id, cookies.fan()).await?;
    let claimed = app.events.claimed(&id).await?;
    let body = SeatsBody {
        event: &id,
        updated_at: datetime::to_rfc3339(now),
        sections: body::sections(&detail, &claimed),
        seats: &seats,
    };
    let mut response = Json(body).into_response();
    match cookies.fan() {
        Some(_) => private(response.headers_mut()),
        None => public(response.headers_mut()),
    }
    Ok(response)
}

/// Makes an event, with its house and its prices.
#[utoipa::path(post, path = "/api/events", tag = "events", request_body = NewEventBody, security(("organiser" = []), ("session" = [])),
    responses((status = 201, body = DetailBody<'static>)))]
async fn create(
    State(app): State<Arc<App>>,
    _: Organiser,
    JsonBody(body): JsonBody<NewEventBody>,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let new = body.check(now).map_err(|error| Problem::invalid(error.to_string()))?;
    match app.events.create(&new).await? {
        Created::Yes => {
            let event = &new.detail.event;
            tracing::info!(event = %event.id, seats = event.seats_total, "event created");
            answer(&app, StatusCode::CREATED, &new.detail).await
        }
        Created::Existed => Err(Problem::new(
            StatusCode::CONFLICT,
            "event_exists",
            "The event exists already",
            "There is an event of this id. Nothing was changed.",
        )),
    }
}

/// Changes what may be changed of an event.
#[utoipa::path(patch, path = "/api/events/{event}", tag = "events", params(("event" = String, Path, description = "Its id"), ("If-Match" = Option<String>, Header, description = "The event's `ETag`")),
    request_body = ChangeBody, security(("organiser" = []), ("session" = [])), responses((status = 200, body = DetailBody<'static>)))]
async fn change(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ChangeBody>,
) -> Result<Response, Problem> {
    let (from, stale) = made_from(&headers, body.version)?;
    match app.events.change(&id, from, body).await {
        Ok(changed) => answer(&app, StatusCode::OK, &changed).await,
        Err(ChangeRefused::Missing) => Err(Problem::event_not_found()),
        Err(ChangeRefused::Stale) => Err(event_changed(stale)),
        Err(ChangeRefused::Invalid(error)) => Err(Problem::invalid(error)),
        Err(ChangeRefused::Store(error)) => Err(error.into()),
    }
}

/// The version that a change was made from, and the status for one that is not the newest.
fn made_from(headers: &HeaderMap, version: Option<i64>) -> Result<(i64, StatusCode), Problem> {
    if let Some(tag) = headers.get(IF_MATCH) {
        let version = tag.to_str().ok().and_then(|tag| tag.trim().trim_matches('"').parse().ok());
        // A tag that is none of ours matches nothing.
        return Ok((version.unwrap_or(-1), StatusCode::PRECONDITION_FAILED));
    }
    let version = version.ok_or_else(|| {
        Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "version_needed",
            "The version is missing",
            "Say which version the change was made from: `If-Match` with the event's `ETag`, or `version` in the body.",
        )
    })?;
    Ok((version, StatusCode::CONFLICT))
}

fn event_changed(status: StatusCode) -> Problem {
    Problem::new(
        status,
        "event_changed",
        "The event was changed meanwhile",
        "Somebody changed the event after you read it. Nothing was changed; read it again.",
    )
}

/// What was sold of an event, read from the database.
#[utoipa::path(get, path = "/api/sales/{event}", tag = "events", params(("event" = String, Path, description = "Its id")),
    security(("organiser" = []), ("session" = [])), responses((status = 200, body = Sales)))]
async fn sales(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
) -> Result<Json<Sales>, Problem> {
    // Figures of the database are only as true as it is up to date.
    app.cold_path.caught_up(&id, CATCH_UP).await;
    let sales = app.stores.events.sales(&id, app.clock.now()).await?;
    sales.map(Json).ok_or_else(Problem::event_not_found)
}

/// What came of a warm-up.
#[derive(Serialize, ToSchema)]
struct WarmUp {
    event: EventId,
    /// Whether the event was loaded just now; it was before otherwise.
    loaded_now: bool,
    seats_total: i64,
}

/// Loads the inventory of an event now.
#[utoipa::path(post, path = "/api/events/{event}/warm-up", tag = "events", params(("event" = String, Path, description = "Its id")),
    security(("organiser" = []), ("session" = [])), responses((status = 200, body = WarmUp)))]
async fn warm_up(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
) -> Result<Json<WarmUp>, Problem> {
    let detail = app.stores.events.detail(&id).await?.ok_or_else(Problem::event_not_found)?;
    if detail.event.status != EventStatus::Published {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "not_published",
            "The event is not on sale",
            "Only what is published and takes place is sold, so there is nothing to load.",
        ));
    }
    let loaded_now = app.office.warm_up(&id).await? == Loaded::Now;
    Ok(Json(WarmUp { event: id, loaded_now, seats_total: detail.event.seats_total }))
}
