//! What operators and orchestrators ask, on a listener of its own: health and metrics for everybody who can reach it, the
//! rest for who has a token.
//!
//! - `access`: tokens, roles, how often. `origin`: by which name this listener is asked, and from which page.
//! - `rooms`, `modes`, `tickets`, `by_hand`, `relocate`, `invitations`, `keys`, `records`: the API. Its document is made from them (`GET /api/v1/openapi.json`).
//! - `dashboard`: the page for operators, what a room was like lately, and what would come of a change.
//! - `edit`: a change of one room in the text of the configuration; pure.

pub mod access;
mod body;
mod by_hand;
mod dashboard;
mod edit;
mod health;
mod idempotency;
mod invitations;
mod keys;
mod metrics;
mod modes;
mod origin;
mod problem;
mod records;
mod relocate;
mod rooms;
mod shadow;
mod tickets;

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Clock;
use async_trait::async_trait;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{Mutex, watch};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::fleet::{Fleet, KeyFiles};
use crate::listen::{Connection, Serve};
use crate::live::Load;
use crate::room::Room;
use crate::telemetry::{RequestTally, StoreCalls};
use crate::upstream::Upstream;
use access::{Caller, Role};
use dashboard::Recorder;
use idempotency::Answers;
use problem::Problem;

/// Longest time for the head of a request. Operators are near.
const HEAD_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time for an answer, its body read.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// What all answers are made from.
#[derive(Clone)]
pub(crate) struct Desk {
    fleet: Arc<Fleet>,
    sights: Sights,
    keys: Arc<KeyFiles>,
    clock: Arc<dyn Clock>,
    answers: Arc<Mutex<Answers>>,
    recorder: Arc<Recorder>,
}

/// What is seen of this process, for the metrics.
#[derive(Clone)]
pub struct Sights {
    /// How much is going on.
    pub load: Arc<Load>,
    /// The requests for paths of no room.
    pub requests: Arc<RequestTally>,
    /// The calls of the store.
    pub calls: Arc<StoreCalls>,
    /// The shop.
    pub shop: Arc<Upstream>,
}

/// The listener of operators.
pub struct Admin {
    router: Router,
}

/// The document of the API.
#[derive(OpenApi)]
#[openapi(
    info(title = "Stanchion", description = "Runs the rooms of a fleet. A change is in force at every proxy within a second."),
    tags((name = "rooms"), (name = "tickets"), (name = "invitations"), (name = "keys"), (name = "records")),
    modifiers(&Bearer),
    security(("token" = []))
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

impl Admin {
    /// About this fleet, for holders of the tokens among `keys`.
    pub fn new(fleet: Arc<Fleet>, sights: Sights, keys: Arc<KeyFiles>, clock: Arc<dyn Clock>) -> Self {
        let recorder = Recorder::start(fleet.clone(), clock.clone());
        let desk = Desk { fleet, sights, keys, clock, answers: Arc::default(), recorder };
        let (api, mut document) = OpenApiRouter::with_openapi(Document::openapi())
            .routes(routes!(rooms::list))
            .routes(routes!(rooms::show, rooms::change))
            .routes(routes!(rooms::tell))
            .routes(routes!(dashboard::history::history))
            .routes(routes!(dashboard::preview::preview))
            .routes(routes!(modes::pause))
            .routes(routes!(modes::resume))
            .routes(routes!(modes::close))
            .routes(routes!(tickets::look))
            .routes(routes!(tickets::revoke))
            .routes(routes!(tickets::void))
            .routes(routes!(by_hand::admit))
            .routes(routes!(by_hand::reset))
            .routes(routes!(relocate::relocate))
            .routes(routes!(invitations::list, invitations::mint))
            .routes(routes!(invitations::withdraw))
            .routes(routes!(keys::show))
            .routes(routes!(keys::rotate))
            .routes(routes!(records::audit))
            .routes(routes!(dashboard::me::me))
            .routes(routes!(records::configuration, records::replace))
            .split_for_parts();
        with_refusals(&mut document);
        let document = axum::routing::get(move |caller: Caller| async move {
            caller.may(Role::Viewer)?;
            Ok::<_, Problem>(Json(document))
        });
        let router = api
            .route("/api/v1/openapi.json", document)
            .merge(dashboard::assets::routes())
            .route("/healthz", axum::routing::get(health::alive))
            .route("/readyz", axum::routing::get(health::ready))
            .route("/metrics", axum::routing::get(metrics::metrics))
            .fallback(nothing_here)
            .method_not_allowed_fallback(wrong_method)
            .layer(middleware::from_fn_with_state(desk.clone(), idempotency::once))
            .layer(middleware::from_fn_with_state(desk.clone(), origin::guard))
            .layer(middleware::from_fn(finish))
            .with_state(desk);
        Self { router }
    }
}

/// Every operation may be refused, in the same form.
fn with_refusals(document: &mut utoipa::openapi::OpenApi) {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let refusal = |description: &str| {
        let response = ResponseBuilder::new().description(description);
        response.content("application/problem+json", problem.clone()).build()
    };
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            for response in operation.responses.responses.values_mut() {
                // Refusals are of a type of their own.
                if let RefOr::T(response) = response
                    && let Some(content) = response.content.swap_remove("application/json")
                {
                    let schema = match &content {
                        RefOr::T(content) => content.schema.as_ref(),
                        RefOr::Ref(_) => None,
                    };
                    let is_problem = matches!(schema, Some(RefOr::Ref(schema)) if schema.ref_location.ends_with("/Problem"));
                    let kind = if is_problem { "application/problem+json" } else { "application/json" };
                    response.content.insert(kind.to_owned(), content);
                }
            }
            operation.responses.responses.insert("default".to_owned(), refusal("Refused, and why.").into());
        }
    }
}

/// What every answer has, and how long it may take.
async fn finish(request: Request, next: Next) -> Response {
    let mut response = match tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", "it took too long").into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    for (name, value) in dashboard::assets::GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn nothing_here() -> Problem {
    let detail = "there is nothing here; /api/v1/openapi.json says what there is, and /healthz and /readyz are for all";
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this is not done by that method")
}

impl Desk {
    /// A room that is configured.
    fn room(&self, id: &str) -> Result<Arc<Room>, Problem> {
        let in_force = self.fleet.in_force();
        in_force.rooms.iter().find(|room| room.id.as_str() == id).cloned().ok_or_else(Problem::no_room)
    }

    fn now(&self) -> u64 {
        self.clock.now().as_millis()
    }
}

impl Caller {
    /// Refuses whoever may do less than `role`.
    fn may(&self, role: Role) -> Result<(), Problem> {
        if self.role >= role {
            return Ok(());
        }
        let detail =
            format!("the role of `{}` is {}; this takes {}", self.name, self.role.as_str(), role.as_str());
        Err(Problem::new(StatusCode::FORBIDDEN, "role", detail))
    }
}

impl FromRequestParts<Desk> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Problem> {
        let State(desk) =
            State::<Desk>::from_request_parts(parts, desk).await.unwrap_or_else(|never| match never {});
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|header| header.to_str().ok());
        Ok(desk.keys.operators.in_force.load().caller(header, desk.clock.now())?)
    }
}

/// Somebody who may do what an operator may. Who may not is told so before the body of the request is looked at.
struct Operator(Caller);

/// Somebody who may do all there is.
struct Administrator(Caller);

impl FromRequestParts<Desk> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, desk).await?;
        caller.may(Role::Operator).map(|()| Self(caller))
    }
}

impl FromRequestParts<Desk> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, desk).await?;
        caller.may(Role::Admin).map(|()| Self(caller))
    }
}

#[async_trait]
impl Serve for Admin {
    async fn serve(self: Arc<Self>, connection: Connection, mut stopped: watch::Receiver<bool>) {
        let Connection { stream, slot: _slot, .. } = connection;
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router.clone()));
        let mut connection = std::pin::pin!(connection);
        let has_stopped = async {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        tokio::select! {
            _ = connection.as_mut() => return,
            () = has_stopped => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}
