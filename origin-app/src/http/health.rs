//! Whether the shop lives, and whether it can work.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// How long the database and the inventory may take for a sign of life.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn live() -> &'static str {
    "ok"
}

/// It can serve fans. Without the inventory nobody can hold seats, and all else goes on: no other shop could do more, so that
/// is for `/api/health` and the metrics to tell.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = String, content_type = "text/plain"),
    (status = 503, description = "It cannot work", body = String, content_type = "text/plain")))]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    match answering(&app).await {
        (true, true) => (StatusCode::OK, "ok"),
        (true, false) => (StatusCode::OK, "ok, without the inventory"),
        (false, _) => (unavailable, "the database does not answer"),
    }
}

/// How the shop is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or `degraded`.
    status: &'static str,
    /// `ok`, or `unreachable`.
    database: &'static str,
    /// Where it is kept which seats are free: `ok`, or `unreachable`.
    inventory: &'static str,
}

/// How the shop is, for programs.
#[utoipa::path(get, path = "/api/health", tag = "health", responses((status = 200, body = Health),
    (status = 503, description = "It cannot work", body = Health)))]
pub(crate) async fn health(State(app): State<Arc<App>>) -> Response {
    let (database, inventory) = answering(&app).await;
    let word = |answers| if answers { "ok" } else { "unreachable" };
    let (status, code) = match database && inventory {
        true => ("ok", StatusCode::OK),
        false => ("degraded", StatusCode::SERVICE_UNAVAILABLE),
    };
    let body = Health { status, database: word(database), inventory: word(inventory) };
    (code, Json(body)).into_response()
}

/// Whether database and inventory answer.
async fn answering(app: &App) -> (bool, bool) {
    tokio::join!(database_answers(app), inventory_answers(app))
}

/// Whether the inventory answers, in time.
pub(crate) async fn inventory_answers(app: &App) -> bool {
    match tokio::time::timeout(PING_TIMEOUT, app.office.inventory().ping()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "the inventory does not answer");
            false
        }
        Err(_) => {
            tracing::warn!("the inventory does not answer in time");
            false
        }
    }
}

async fn database_answers(app: &App) -> bool {
    match tokio::time::timeout(PING_TIMEOUT, app.stores.lifecycle.ping()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(error = %error, cause, "the database does not answer");
            false
        }
        Err(_) => {
            tracing::warn!("the database does not answer in time");
            false
        }
    }
}
