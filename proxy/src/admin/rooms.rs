//! Rooms: list, show, change, tell.

use admission::rules::Phase;
use admission::store::{AuditEntry, Basis};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::access::{Caller, Role};
use super::body::{Body, RoomId};
use super::edit;
use super::modes::{Wish, key};
use super::problem::Problem;
use super::shadow::ShadowView;
use super::{Desk, Operator};
use crate::config::{RoomConfig, rooms};
use crate::fleet::{Author, Change, ChangeError, InForce};

/// The names of phases.
pub(super) const PHASES: [(Phase, &str); 6] = [
    (Phase::Off, "off"),
    (Phase::Early, "early"),
    (Phase::Prequeue, "prequeue"),
    (Phase::Open, "open"),
    (Phase::Paused, "paused"),
    (Phase::Closed, "closed"),
];

/// A lane in figures.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LaneView {
    /// Its name.
    pub(super) name: String,
    /// Fans who wait in it.
    pub(super) waiting: u64,
}

/// A room, as it is configured and as it goes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoomView {
    /// Its id.
    pub(super) id: String,
    /// What its fans wait for.
    pub(super) title: String,
    /// What its fans are told.
    pub(super) message: String,
    /// The mode that is configured.
    #[schema(example = "auto")]
    pub(super) mode: String,
    /// What mode and times come to: off, early, prequeue, open, paused or closed.
    #[schema(example = "open")]
    pub(super) phase: String,
    /// Whether the line can be reached.
    pub(super) reachable: bool,
    /// Whether the line is being put back together, so that nobody is admitted.
    pub(super) rebuilding: bool,
    /// Fans who wait.
    pub(super) waiting: u64,
    /// Fans with a session.
    pub(super) active: u64,
    /// Fans whose turn has come and who have not claimed it.
    pub(super) turns: u64,
    /// Fans a minute, as configured.
    pub(super) drain_per_minute: u64,
    /// Fans a minute, now: the drain may have adapted to the shop.
    pub(super) rate: u64,
    /// Fans who joined, in all.
    pub(super) joined_total: u64,
    /// Turns given, in all.
    pub(super) admitted_total: u64,
    /// Turns that nobody claimed, in all.
    pub(super) lapsed_total: u64,
    /// Turns that operators gave out of order, in all; `admitted_total` has them too.
    pub(super) admitted_by_hand_total: u64,
    /// Fans whom this proxy holds.
    pub(super) held_here: usize,
    /// Its lanes.
    pub(super) lanes: Vec<LaneView>,
    /// What would be, while the room is in shadow mode.
    pub(super) shadow: Option<ShadowView>,
    /// When these figures were read, in milliseconds since the Unix epoch, by the store's clock.
    pub(super) at: u64,
    /// Every key of the room, as in rooms.toml. Secrets are not shown.
    #[schema(value_type = Object)]
    pub(super) configuration: Value,
}

/// All rooms.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoomsView {
    /// Which configuration is in force.
    pub(super) revision: u64,
    /// What is wrong with a newer one that is not in force.
    pub(super) problem: Option<String>,
    /// The rooms.
    pub(super) rooms: Vec<RoomView>,
}

/// What a change came to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    /// The configuration that is in force now.
    pub(super) revision: u64,
    /// What is otherwise than before, one line each.
    pub(super) changes: Vec<String>,
}

/// A message to those who wait.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    /// The message; empty for none.
    pub(super) message: String,
}

/// What a phase is called.
pub(super) fn phase_name(phase: Phase) -> String {
    PHASES.iter().find(|(known, _)| *known == phase).map_or("", |(_, name)| name).to_owned()
}

fn view(in_force: &InForce, config: &RoomConfig) -> Option<RoomView> {
    let room = in_force.rooms.by_id(config.id.as_str())?;
    let figures = room.figures();
    let [joined_total, admitted_total, lapsed_total] = figures.totals;
    Some(RoomView {
        id: config.id.to_string(),
        title: config.title.clone(),
        message: config.message.clone(),
        mode: config.rules.mode.as_str().to_owned(),
        phase: phase_name(figures.phase),
        reachable: figures.reachable,
        rebuilding: figures.rebuilding,
        waiting: figures.waiting,
        active: figures.active,
        turns: figures.turns,
        drain_per_minute: config.rules.drain_per_minute,
        rate: figures.rate,
        joined_total,
        admitted_total,
        lapsed_total,
        admitted_by_hand_total: figures.admitted_by_hand,
        held_here: figures.held_here,
        shadow: room.shadow_figures().map(ShadowView::from),
        lanes: figures.lanes.into_iter().map(|(name, waiting)| LaneView { name, waiting }).collect(),
        at: figures.at,
        configuration: serde_json::to_value(rooms::show(config)).unwrap_or_default(),
    })
}

/// The tag of a configuration: who changes it says from which one (`If-Match`).
pub(super) fn tagged(revision: u64, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// What a change may be based on, by its `If-Match`.
pub(super) fn basis(headers: &HeaderMap) -> Result<Basis, Problem> {
    let Some(tag) = headers.get(header::IF_MATCH) else { return Ok(Basis::Latest(0)) };
    let tag = tag.to_str().unwrap_or_default().trim();
    if tag == "*" {
        return Ok(Basis::Latest(0));
    }
    let revision =
        tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|tag| tag.parse().ok());
    revision.map(Basis::From).ok_or_else(|| {
        let detail = "If-Match has to be the ETag of an answer, such as \"1800000000000\", or *";
        Problem::new(StatusCode::BAD_REQUEST, "bad_if_match", detail)
    })
}

/// All rooms.
#[utoipa::path(get, path = "/api/v1/rooms", tag = "rooms", responses((status = 200, body = RoomsView)))]
pub(super) async fn list(State(desk): State<Desk>, caller: Caller) -> Result<Response, Problem> {
    caller.may(Role::Viewer)?;
    let in_force = desk.fleet.in_force();
    let rooms = in_force.configs.iter().filter_map(|config| view(&in_force, config)).collect();
    let revision = in_force.configuration.revision;
    Ok(tagged(revision, Json(RoomsView { revision, problem: desk.fleet.problem(), rooms })))
}

/// One room.
#[utoipa::path(get, path = "/api/v1/rooms/{room}", tag = "rooms", params(("room" = String, Path, description = "Its id")),
    responses((status = 200, body = RoomView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(desk): State<Desk>,
    caller: Caller,
    RoomId(room): RoomId,
) -> Result<Response, Problem> {
    caller.may(Role::Viewer)?;
    let in_force = desk.fleet.in_force();
    let config =
        in_force.configs.iter().find(|config| config.id.as_str() == room).ok_or_else(Problem::no_room)?;
    let view = view(&in_force, config).ok_or_else(Problem::no_room)?;
    Ok(tagged(in_force.configuration.revision, Json(view)))
}

/// Keys that say what a room protects and who goes past its line: not how a sale runs, but whether there is a line.
const FOR_ADMINS: [&str; 6] = ["bind_tokens", "bypass", "case_sensitive", "hosts", "paths", "public_paths"];

/// Change keys of a room, as in rooms.toml; those that are null are taken out (RFC 7396). What the room protects and who goes past
/// its line (`hosts`, `paths`, `public_paths`, `case_sensitive`, `bypass`, `bind_tokens`) only an `admin` changes.
#[utoipa::path(patch, path = "/api/v1/rooms/{room}", tag = "rooms", params(("room" = String, Path, description = "Its id")),
    request_body(content = Object, example = json!({ "drain_per_minute": 300 })),
    responses((status = 200, body = Changed), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn change(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    headers: HeaderMap,
    Body(keys): Body<Map<String, Value>>,
) -> Result<Response, Problem> {
    if keys.is_empty() {
        let detail = "an object with at least one key is needed, such as {\"drain_per_minute\": 300}";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "nothing_to_change", detail));
    }
    if let Some(key) = keys.keys().find(|key| FOR_ADMINS.contains(&key.as_str()))
        && caller.may(Role::Admin).is_err()
    {
        let (name, role) = (&caller.name, caller.role.as_str());
        let detail = format!(
            "`{key}` says what the room protects or who goes past its line: the role of `{name}` is {role}; this takes admin"
        );
        return Err(Problem::new(StatusCode::FORBIDDEN, "role", detail));
    }
    make(&desk, &caller, &headers, &room, Wish::Keys("configure", keys)).await
}

/// Tell those who wait something.
#[utoipa::path(put, path = "/api/v1/rooms/{room}/message", tag = "rooms", params(("room" = String, Path, description = "Its id")),
    request_body = Message,
    responses((status = 200, body = Changed), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn tell(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    headers: HeaderMap,
    Body(Message { message }): Body<Message>,
) -> Result<Response, Problem> {
    make(&desk, &caller, &headers, &room, Wish::Keys("message", key("message", message.into()))).await
}

/// How often a change is tried again when another one came first.
const TRIES: usize = 100;
/// A change of one room, made from what is in force everywhere, however many others are made at that moment.
pub(super) async fn make(
    desk: &Desk,
    caller: &Caller,
    headers: &HeaderMap,
    room: &str,
    wish: Wish,
) -> Result<Response, Problem> {
    let wanted = basis(headers)?;
    let author = Author { actor: &caller.name, via: "api" };
    let action = wish.action().to_owned();
    let entry = AuditEntry { room: room.to_owned(), action, ..AuditEntry::default() };
    for _ in 0..TRIES {
        // Another may be in force elsewhere, and what is made, noted or refused here goes by that one.
        desk.fleet.catch_up().await?;
        let in_force = desk.fleet.in_force().clone();
        let revision = in_force.configuration.revision;
        if matches!(wanted, Basis::From(named) if named != revision) {
            return Err(ChangeError::Outrun(revision).into());
        }
        let (keys, detail) = desk.plan(&in_force, room, &wish).await?;
        let text = edit::change_room(&in_force.configuration.text, room, &keys)?;
        let basis = Basis::From(revision);
        let change = Change { basis, text: &text, file: None, lost: Vec::new(), author };
        match desk.fleet.put_in_force(change, AuditEntry { detail, ..entry.clone() }).await {
            Ok((revision, changes)) => return Ok(tagged(revision, Json(Changed { revision, changes }))),
            Err(ChangeError::Outrun(_)) => {}
            Err(error) => return Err(desk.fleet.of_a_change(error, &text, room).into()),
        }
    }
    Err(ChangeError::Outrun(desk.fleet.in_force().configuration.revision).into())
}
