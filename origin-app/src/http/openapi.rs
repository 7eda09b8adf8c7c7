//! The document of the API, made from the code that answers (OpenAPI 3.1): `GET /api/openapi.json`.

use std::sync::Arc;

use axum::Json;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Ref, RefOr, ResponseBuilder, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::health;
use super::problem;
use crate::app::App;
use crate::telemetry::metrics::page;

/// What the document says before any operation.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Stanchion Tickets",
        description = "The ticket shop behind the edge. Errors are `application/problem+json` with a stable `code`; money is in \
                       the currency's smallest unit; times are RFC 3339 in UTC. A fan is known by the cookie `shop-fan`, or by \
                       `shop-session` when they are logged in."
    ),
    tags((name = "events"), (name = "reservations"), (name = "payments"), (name = "accounts"), (name = "tickets"), (name = "health")),
    components(schemas(problem::Body<'static>)),
    modifiers(&Callers)
)]
struct Document;

struct Callers;

impl utoipa::Modify for Callers {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        components.add_security_scheme("organiser", SecurityScheme::Http(bearer.build()));
        let session = ApiKey::Cookie(ApiKeyValue::new("shop-session"));
        components.add_security_scheme("session", SecurityScheme::ApiKey(session));
    }
}

/// The routes of `api` and of what is asked of every server, and the document of them.
pub(crate) fn document(api: OpenApiRouter<Arc<App>>) -> (axum::Router<Arc<App>>, utoipa::openapi::OpenApi) {
    let document = OpenApiRouter::with_openapi(Document::openapi());
    let (routes, mut document) = document
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(page::metrics))
        .merge(api)
        .split_for_parts();
    complete(&mut document);
    (routes, document)
}

/// The same routes, and one that shows the document.
pub(crate) fn documented(api: OpenApiRouter<Arc<App>>) -> axum::Router<Arc<App>> {
    let (routes, document) = document(api);
    let document = Json(document);
    routes.route("/api/openapi.json", get(async move || document.clone()))
}

/// Every operation may be refused, in the same form; and what costs something takes an `Idempotency-Key`.
fn complete(document: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let costs = !["/api/auth/", "/api/payments/webhooks/"].iter().any(|other| path.starts_with(other));
        for (operation, costs) in [
            (&mut item.get, false),
            (&mut item.patch, false),
            (&mut item.delete, false),
            (&mut item.post, costs),
        ] {
            let Some(operation) = operation else { continue };
            if costs {
                operation.parameters.get_or_insert_default().push(RefOr::T(key()));
            }
            refusals(operation);
        }
    }
}

fn key() -> utoipa::openapi::path::Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some("New for each order; asking again with the same key gives the same answer"))
        .schema(Some(text))
        .build()
}

fn refusals(operation: &mut Operation) {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let wait = ObjectBuilder::new().schema_type(Type::Integer).build();
    let refused = ResponseBuilder::new()
        .description("Refused, and why")
        .header("Retry-After", HeaderBuilder::new().schema(Some(wait)).build())
        .content("application/problem+json", problem)
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(refused));
}
