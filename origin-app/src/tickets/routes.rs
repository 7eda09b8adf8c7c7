//! What programs ask of tickets.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keys::PublicKeys;
use crate::app::App;
use crate::http::{Problem, public};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(keys))
}

/// What an entrance needs to check tickets without a network: the public keys (JWK Set). Not found where tickets have no
/// signature.
#[utoipa::path(get, path = "/api/tickets/keys", tag = "tickets", responses((status = 200, body = PublicKeys)))]
async fn keys(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let keys = app.settings.ticket_keys.as_ref().ok_or_else(Problem::not_found)?;
    let mut response = Json(keys.public()).into_response();
    public(response.headers_mut());
    Ok(response)
}
