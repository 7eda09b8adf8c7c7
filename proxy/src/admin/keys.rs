//! Which keys are in force, by their ids. No key crosses the API.

use admission::store::AuditEntry;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Desk;
use super::access::{Caller, Role};
use super::problem::Problem;
use crate::fleet::KeysError;

/// The keys of tickets and admission tokens at this proxy.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeysView {
    /// The id of the key that signs.
    #[schema(example = "k2")]
    pub(super) signs: String,
    /// The ids of all that verify.
    pub(super) verifies: Vec<String>,
    /// Whether they come from a file, so that they change without a restart.
    pub(super) from_a_file: bool,
}

fn view(desk: &Desk) -> Json<KeysView> {
    let verifies = desk.keys.ids();
    let signs = verifies.first().cloned().unwrap_or_default();
    Json(KeysView { signs, verifies, from_a_file: desk.keys.is_from_a_file() })
}

/// Which keys sign and verify at this proxy.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", responses((status = 200, body = KeysView)))]
pub(super) async fn show(State(desk): State<Desk>, caller: Caller) -> Result<Json<KeysView>, Problem> {
    caller.may(Role::Viewer)?;
    Ok(view(&desk))
}

/// Read this proxy's file of keys again now. Each proxy notices by itself when its own changes.
#[utoipa::path(post, path = "/api/v1/keys/rotate", tag = "keys",
    responses((status = 200, body = KeysView), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn rotate(State(desk): State<Desk>, caller: Caller) -> Result<Json<KeysView>, Problem> {
    caller.may(Role::Admin)?;
    let ids = desk.keys.reload().map_err(|error| {
        let (status, code) = match error {
            KeysError::NoFile => (StatusCode::CONFLICT, "no_keys_file"),
            KeysError::Draw { .. } => (StatusCode::CONFLICT, "prequeue"),
            KeysError::Wrong(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad_keys"),
        };
        Problem::new(status, code, error.to_string())
    })?;
    let detail = format!("at {}: {}", desk.fleet.host(), crate::fleet::told(&ids));
    tracing::info!(actor = caller.name, keys = detail, "the keys were read again");
    let entry = AuditEntry {
        actor: caller.name.clone(),
        via: "api".to_owned(),
        action: "keys".to_owned(),
        detail,
        ..AuditEntry::default()
    };
    desk.fleet.note(entry).await?;
    Ok(view(&desk))
}
