//! What an organiser sees: all events with how they sell, a new one, and one to be changed or published.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::organiser_form::{EventForm, SaleForm};
use super::see_other;
use super::views::EventView;
use crate::app::App;
use crate::events::{ChangeRefused, Created, EventDetail, EventQuery, EventStatus, NewEvent};
use crate::http::{Fields, Organiser, PathId, Problem, QueryArgs, Reader};
use crate::ids::EventId;
use crate::money;

/// Events on one page.
const PAGE: u32 = 50;

#[derive(Deserialize)]
pub(super) struct ListArgs {
    after: Option<EventId>,
}

/// An event in the organiser's list.
#[derive(Serialize)]
struct LineView<'a> {
    event: EventView<'a>,
    status: &'static str,
}

/// `GET /organiser`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: Organiser,
    QueryArgs(ListArgs { after }): QueryArgs<ListArgs>,
    reader: Reader,
) -> Result<Response, Problem> {
    let query = EventQuery { with_drafts: true, after, limit: PAGE, ..EventQuery::default() };
    let events = app.events.page(&query).await?;
    let next = events.last().filter(|_| events.len() >= PAGE as usize).map(|last| last.event.id.as_str());
    let lines: Vec<_> = events
        .iter()
        .map(|found| LineView {
            event: EventView::on_sale(found, reader.language),
            status: found.event.status.as_str(),
        })
        .collect();
    app.templates.page(&reader, StatusCode::OK, "organiser.html", context! { lines, next })
}

/// `GET /organiser/events/new`
pub(super) async fn new(
    State(app): State<Arc<App>>,
    _: Organiser,
    reader: Reader,
) -> Result<Response, Problem> {
    let context = context! { form => EventForm::empty(), problem => Value::from(()) };
    app.templates.page(&reader, StatusCode::OK, "organiser_new.html", context)
}

/// `POST /organiser/events`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    _: Organiser,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let form = EventForm::of(&fields);
    let (status, problem) = match form
        .to_json()
        .and_then(|body| NewEvent::from_json(body, app.clock.now()).map_err(|error| error.to_string()))
    {
        Ok(event) => match app.events.create(&event).await? {
            Created::Yes => return see_other(&format!("/organiser/events/{}", event.detail.event.id)),
            Created::Existed => {
                let word = app.templates.texts().word(reader.language, "organiser", "exists", &[]);
                (StatusCode::CONFLICT, word)
            }
        },
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error),
    };
    app.templates.page(&reader, status, "organiser_new.html", context! { form, problem })
}

/// What was done just now.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Refund,
}

#[derive(Deserialize)]
pub(super) struct ShowArgs {
    done: Option<Done>,
}

/// What the page of an event says first.
pub(super) enum Told {
    Nothing,
    /// That something was done, by the name of the words that say so.
    Done(&'static str),
    Problem(String),
}

/// `GET /organiser/events/{event}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
    QueryArgs(ShowArgs { done }): QueryArgs<ShowArgs>,
    reader: Reader,
) -> Result<Response, Problem> {
    let detail = app.events.detail_now(&id).await?.ok_or_else(Problem::event_not_found)?;
    let told = match done {
        Some(Done::Refund) => Told::Done("refunded"),
        None => Told::Nothing,
    };
    page(&app, &reader, StatusCode::OK, &detail, told).await
}

/// `POST /organiser/events/{event}`
pub(super) async fn change(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    changed(&app, &reader, &id, version(&fields), SaleForm::change(&fields)).await
}

/// `POST /organiser/events/{event}/publish`
pub(super) async fn publish(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let body = serde_json::json!({ "status": EventStatus::Published });
    changed(&app, &reader, &id, version(&fields), Ok(body)).await
}

/// The version that the form was made from; none that is there when it says none.
fn version(fields: &Fields) -> i64 {
    fields.all("version").next().and_then(|version| version.parse().ok()).unwrap_or(-1)
}

async fn changed(
    app: &App,
    reader: &Reader,
    id: &EventId,
    from: i64,
    body: Result<serde_json::Value, String>,
) -> Result<Response, Problem> {
    let refused = match body {
        Ok(body) => match app.events.change_by_json(id, from, body).await {
            Ok(_) => return see_other(&format!("/organiser/events/{id}")),
            Err(refused) => refused,
        },
        Err(error) => ChangeRefused::Invalid(error),
    };
    let (status, problem) = match refused {
        ChangeRefused::Missing => return Err(Problem::event_not_found()),
        ChangeRefused::Store(error) => return Err(error.into()),
        ChangeRefused::Stale => {
            (StatusCode::CONFLICT, app.templates.texts().word(reader.language, "organiser", "stale", &[]))
        }
        ChangeRefused::Invalid(error) => (StatusCode::UNPROCESSABLE_ENTITY, error),
    };
    let detail = app.events.detail_now(id).await?.ok_or_else(Problem::event_not_found)?;
    page(app, reader, status, &detail, Told::Problem(problem)).await
}

pub(super) async fn page(
    app: &App,
    reader: &Reader,
    status: StatusCode,
    detail: &EventDetail,
    told: Told,
) -> Result<Response, Problem> {
    let (problem, done) = match told {
        Told::Nothing => (None, None),
        Told::Done(words) => {
            (None, Some(app.templates.texts().word(reader.language, "organiser", words, &[])))
        }
        Told::Problem(problem) => (Some(problem), None),
    };
    let now = app.clock.now();
    let event = &detail.event;
    let claimed = app.events.claimed(&event.id).await?;
    let sales = app.stores.events.sales(&event.id, now).await?.ok_or_else(Problem::event_not_found)?;
    let price = |cents| money::for_people(cents, &event.currency);
    let sections: Vec<_> = detail
        .sections
        .iter()
        .map(|section| {
            let gone = claimed.iter().find(|count| count.section == section.id);
            context! {
                id => section.id.as_str(),
                name => section.name,
                capacity => section.capacity,
                claimed => gone.map_or(0, |count| count.claimed),
            }
        })
        .collect();
    let context = context! {
        event => EventView::detail(detail, &claimed, reader.language),
        status => event.status.as_str(),
        form => SaleForm::of(detail),
        figures => context! {
            held => sales.held,
            sold => sales.sold,
            tickets => sales.tickets,
            taken => price(sales.tickets_cents),
        },
        sections,
        problem,
        done,
    };
    app.templates.page(reader, status, "organiser_event.html", context)
}
