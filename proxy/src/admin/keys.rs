//! Which keys are in force, by their ids. No key crosses the API.

use admission::keyring::Keyring;
use admission::store::AuditEntry;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Caller, Role};
use super::problem::Problem;
use super::{Administrator, Desk};
use crate::fleet::{KeysError, Secret};

/// Keys, by their ids.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RingView {
    /// The one that signs.
    #[schema(example = "k2")]
    pub(super) signs: String,
    /// All that verify.
    pub(super) verifies: Vec<String>,
    /// Whether they come from a file, so that they change without a restart.
    pub(super) from_a_file: bool,
}

/// The keys at this proxy.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeysView {
    /// Those of tickets and admission tokens.
    pub(super) line: RingView,
    /// Those of the signature to the shop.
    pub(super) edge: RingView,
    /// Who has a token for this API, with their roles.
    pub(super) operators: Vec<String>,
    /// Whether those tokens come from a file.
    pub(super) operators_from_a_file: bool,
}

fn ring(secret: &Secret<Keyring>) -> RingView {
    let keys = secret.in_force.load();
    RingView {
        signs: keys.signing_key_id().to_owned(),
        verifies: keys.key_ids().into_iter().map(str::to_owned).collect(),
        from_a_file: secret.file.is_some(),
    }
}

fn view(desk: &Desk) -> Json<KeysView> {
    let keys = &desk.keys;
    Json(KeysView {
        line: ring(&keys.line),
        edge: ring(&keys.edge),
        operators: keys.operators.in_force.load().names(),
        operators_from_a_file: keys.operators.file.is_some(),
    })
}

/// Which keys sign and verify at this proxy, and who has a token.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", responses((status = 200, body = KeysView)))]
pub(super) async fn show(State(desk): State<Desk>, caller: Caller) -> Result<Json<KeysView>, Problem> {
    caller.may(Role::Viewer)?;
    Ok(view(&desk))
}

/// Read this proxy's files of keys and tokens again now. Each proxy notices by itself when its own change.
#[utoipa::path(post, path = "/api/v1/keys/rotate", tag = "keys",
    responses((status = 200, body = KeysView), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn rotate(
    State(desk): State<Desk>,
    Administrator(caller): Administrator,
) -> Result<Json<KeysView>, Problem> {
    desk.keys.reload().map_err(|error| {
        let (status, code) = match error {
            KeysError::NoFile => (StatusCode::CONFLICT, "no_keys_file"),
            KeysError::Draw { .. } => (StatusCode::CONFLICT, "prequeue"),
            KeysError::Wrong(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad_keys"),
        };
        Problem::new(status, code, error.to_string())
    })?;
    let detail = format!("at {}: {}", desk.fleet.host(), desk.keys.told());
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
