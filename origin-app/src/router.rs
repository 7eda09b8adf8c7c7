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
    Problem, documented, limit_load, limit_time, log_request, refuse_cross_site, require_edge,
    security_headers, serve_asset,
};
use crate::idempotency::answer_once;
use crate::telemetry::traces::trace_request;
use crate::{accounts, checkout, events, pages, payments, reservations, tickets, waitlist};

/// What programs ask.
fn api() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(events::routes())
        .merge(accounts::routes())
        .merge(reservations::routes())
        .merge(payments::routes())
        .merge(waitlist::routes())
        .merge(tickets::routes())
        .merge(checkout::routes())
}

/// Every route. What programs ask has to be in the document.
fn routes() -> Router<Arc<App>> {
    documented(api()).merge(pages::routes()).route("/assets/{file}", get(serve_asset))
}

/// The whole shop.
pub(crate) fn router(app: &Arc<App>) -> Router {
    routes()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::document;

    /// The paths of a router, of which axum tells in its debugging form alone.
    fn paths<S>(router: &Router<S>) -> BTreeSet<String> {
        let shown = format!("{router:?}");
        let marks = shown.split("RouteId(").filter_map(|rest| rest.split_once("): \"")?.1.split('"').next());
        marks.filter(|path| path.starts_with('/')).map(ToOwned::to_owned).collect()
    }

    #[test]
    fn every_route_that_is_no_page_is_in_the_document() {
        let (_, document) = document(api());
        let documented: BTreeSet<String> = document.paths.paths.keys().cloned().collect();
        let pages = paths(&pages::routes());
        assert!(pages.contains("/tickets") && pages.len() > 25, "{pages:?}");
        let others = ["/assets/{file}", "/api/openapi.json"].map(ToOwned::to_owned);
        let expected: BTreeSet<_> = paths(&routes())
            .into_iter()
            .filter(|path| !pages.contains(path) && !others.contains(path))
            .collect();
        assert_eq!(expected, documented);
        assert!(documented.contains("/api/payments/webhooks/stripe") && documented.contains("/metrics"));
    }
}
