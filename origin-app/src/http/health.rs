//! Whether the shop lives, and whether it can work.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

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

/// `GET /api/health`: the same for programs.
pub(crate) async fn health(State(app): State<Arc<App>>) -> Response {
    if database_answers(&app).await {
        Json(json!({"status": "ok", "database": "ok"})).into_response()
    } else {
        let body = Json(json!({"status": "degraded", "database": "unreachable"}));
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
