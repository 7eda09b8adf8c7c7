//! What programs ask of tickets.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::app::App;
use crate::http::{Problem, public};

/// The routes of this feature.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/tickets/keys", get(keys))
}

/// `GET /api/tickets/keys`: what an entrance needs to check tickets.
async fn keys(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let keys = app.settings.ticket_keys.as_ref().ok_or_else(Problem::not_found)?;
    let mut response = Json(keys.public()).into_response();
    public(response.headers_mut());
    Ok(response)
}
