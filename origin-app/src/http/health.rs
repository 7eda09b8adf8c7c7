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

/// How long the database may take for a sign of life.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// `GET /healthz`: the process lives.
pub(crate) async fn live() -> &'static str {
    "ok"
}

/// `GET /readyz`: it can serve fans.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    if database_answers(&app).await {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer")
    }
}

/// How the shop is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or `degraded`.
    status: &'static str,
    /// `ok`, or `unreachable`.
    database: &'static str,
}

/// How the shop is, for programs.
#[utoipa::path(get, path = "/api/health", tag = "health", responses((status = 200, body = Health),
    (status = 503, description = "It cannot work", body = Health)))]
pub(crate) async fn health(State(app): State<Arc<App>>) -> Response {
    if database_answers(&app).await {
        Json(Health { status: "ok", database: "ok" }).into_response()
    } else {
        let body = Json(Health { status: "degraded", database: "unreachable" });
        (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
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
