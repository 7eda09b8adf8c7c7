//! Every route, and what stands around all of them. The outermost layer is the last one named.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::http::{
    Problem, documented, limit_load, limit_time, live, log_request, ready, refuse_cross_site, require_edge,
    security_headers, serve_asset,
};
use crate::idempotency::answer_once;
use crate::telemetry::metrics::metrics;
use crate::telemetry::traces::trace_request;
use crate::{accounts, checkout, events, pages, payments, reservations, tickets, waitlist};

/// The whole shop.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let api = OpenApiRouter::new()
        .merge(events::routes())
        .merge(accounts::routes())
        .merge(reservations::routes())
        .merge(payments::routes())
        .merge(waitlist::routes())
        .merge(checkout::routes());
    documented(api)
        .merge(tickets::routes())
        .merge(pages::routes())
        .route("/assets/{file}", get(serve_asset))
        .route("/metrics", get(metrics))
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
                "This address knows other methods; the `Allow` header names them.",
            )
        })
        .layer(DefaultBodyLimit::max(app.settings.limits.body_bytes))
        .layer(from_fn_with_state(Arc::clone(app), answer_once))
        .layer(from_fn_with_state(Arc::clone(app), refuse_cross_site))
        // What the edge did not sign cannot have itself traced.
        .layer(from_fn_with_state(Arc::clone(app), trace_request))
        .layer(from_fn_with_state(Arc::clone(app), require_edge))
        .layer(from_fn_with_state(Arc::clone(app), limit_time))
        .layer(from_fn_with_state(Arc::clone(app), limit_load))
        .layer(from_fn_with_state(Arc::clone(app), pages::show_problems))
        .layer(from_fn(security_headers))
        .layer(from_fn_with_state(Arc::clone(app), log_request))
        .with_state(Arc::clone(app))
}
