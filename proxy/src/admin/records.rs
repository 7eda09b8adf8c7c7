//! The configuration as a whole, and who did what.

use admission::store::{AUDIT_MAX, AuditEntry, Basis};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::{Caller, Role};
use super::body::{Asked, BODY_MAX};
use super::problem::Problem;
use super::rooms::{Changed, basis, tagged};
use super::{Administrator, Desk};
use crate::fleet::{Author, Change, Fleet};
use crate::waiting::time::rfc3339;

/// Entries that are told where nothing is asked.
const ENTRIES: usize = 100;

/// One thing that somebody did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryView {
    /// When, by the store's clock.
    pub(super) at: String,
    /// Who: the name of a token, or of a host whose file changed.
    pub(super) actor: String,
    /// How: file, signal, start or api.
    pub(super) via: String,
    /// To which room; empty where to several.
    pub(super) room: String,
    /// What, in a word.
    #[schema(example = "pause")]
    pub(super) action: String,
    /// What exactly.
    pub(super) detail: String,
    /// The configuration that came of it; 0 where none did.
    pub(super) revision: u64,
}

/// The audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditView {
    /// Newest first.
    pub(super) entries: Vec<EntryView>,
}

/// How much of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HowMany {
    /// So many entries at most, 1 to 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<usize>,
}

/// Who did what, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "records", params(HowMany),
    responses((status = 200, body = AuditView), (status = 503, body = Problem)))]
pub(super) async fn audit(
    State(desk): State<Desk>,
    caller: Caller,
    Asked(HowMany { limit }): Asked<HowMany>,
) -> Result<Json<AuditView>, Problem> {
    caller.may(Role::Viewer)?;
    let limit = limit.unwrap_or(ENTRIES);
    if !(1..=AUDIT_MAX).contains(&limit) {
        let detail = format!("`limit`: found {limit}; 1 to {AUDIT_MAX} is needed");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_query", detail));
    }
    let entries = desk.fleet.audit(limit).await?;
    let view = |entry: AuditEntry| {
        let AuditEntry { at, revision, actor, via, room, action, detail } = entry;
        EntryView { at: rfc3339(at), actor, via, room, action, detail, revision }
    };
    Ok(Json(AuditView { entries: entries.into_iter().map(view).collect() }))
}

/// The rooms.toml that is in force, as its author wrote it. It may hold secrets.
#[utoipa::path(get, path = "/api/v1/configuration", tag = "records",
    responses((status = 200, content_type = "text/plain", body = String), (status = 403, body = Problem)))]
pub(super) async fn configuration(
    State(desk): State<Desk>,
    Administrator(_): Administrator,
) -> Result<Response, Problem> {
    let configuration = desk.fleet.in_force().configuration.clone();
    let mut response = tagged(configuration.revision, configuration.text);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

/// Put a whole rooms.toml in force.
#[utoipa::path(put, path = "/api/v1/configuration", tag = "records",
    request_body(content = String, content_type = "text/plain"),
    responses((status = 200, body = Changed), (status = 403, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn replace(
    State(desk): State<Desk>,
    Administrator(caller): Administrator,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<Response, Problem> {
    let bytes = axum::body::to_bytes(body, BODY_MAX).await.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_long",
            format!("the body is longer than {BODY_MAX} bytes"),
        )
    })?;
    let text = Fleet::text_sent(&bytes)?;
    let basis = match basis(&headers)? {
        Basis::Latest(_) => Basis::Latest(desk.now()),
        basis => basis,
    };
    let author = Author { actor: &caller.name, via: "api" };
    let change = Change { basis, text: &text, file: None, lost: Vec::new(), author };
    let entry = AuditEntry { action: "configure".to_owned(), ..AuditEntry::default() };
    let (revision, changes) =
        desk.fleet.put_in_force(change, entry).await.map_err(|error| desk.fleet.of_a_text_sent(error))?;
    Ok(tagged(revision, Json(Changed { revision, changes })))
}
