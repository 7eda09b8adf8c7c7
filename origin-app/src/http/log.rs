//! One line for each request. It never shows a fan, a cookie, a token, an address or a reservation: of the
//! path only its pattern.

use std::sync::Arc;
use std::time::Duration;

use admission::edge_signature::HEADER_REQUEST_ID;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::Problem;
use crate::app::App;
use crate::telemetry::traces::trace_id;

/// Longest request id that is logged; the signature vouches for it only later.
const REQUEST_ID_LENGTH_MAX: usize = 128;

/// Logs the request when it is answered.
pub(crate) async fn log_request(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = app.clock.now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let request_id = request
        .headers()
        .get(HEADER_REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| id.len() <= REQUEST_ID_LENGTH_MAX)
        .map(str::to_owned);
    let trace_id = trace_id(request.headers()).map(|id| id.to_string());
    let response = next.run(request).await;
    let status = response.status();
    let took = app.clock.now().since(begun);
    let duration_ms = duration_ms(took);
    let problem = response.extensions().get::<Arc<Problem>>();
    let code = problem.map(|problem| problem.code);
    let cause = problem.and_then(|problem| problem.cause());
    app.metrics.request((&method, &route), status, code, took);
    if status.is_server_error() {
        tracing::error!(%method, route, status = status.as_u16(), duration_ms, request_id, trace_id, code, cause, "request");
    } else {
        tracing::info!(%method, route, status = status.as_u16(), duration_ms, request_id, trace_id, code, "request");
    }
    response
}

fn duration_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
