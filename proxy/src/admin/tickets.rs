//! Single fans: where their ticket stands, and taking it from them.

use admission::store::{AuditEntry, Standing};
use admission::ticket::{Place, TicketId};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Caller, Role};
use super::body::{Body, RoomId};
use super::problem::Problem;
use super::{Desk, Operator};
use crate::room::Room;
use crate::waiting::time::rfc3339;

/// Names a fan by something that they hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Papers {
    /// A ticket: the value of the cookie `wr-ticket-<room>`, or of the header `WR-Ticket`.
    #[serde(default)]
    pub(super) ticket: Option<String>,
    /// An admission token: the value of the cookie `wr-admission-<room>`.
    #[serde(default)]
    pub(super) token: Option<String>,
    /// Why, for the audit log.
    #[serde(default)]
    pub(super) reason: String,
}

/// Where a ticket stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TicketView {
    /// Its id.
    pub(super) id: String,
    /// Its lane; nothing while it has no place yet.
    pub(super) lane: Option<String>,
    /// Its rank in it; nothing before the draw, for then nobody may know who stands where.
    pub(super) rank: Option<u64>,
    /// `waiting`, `turn`, `active`, `ended`, `unknown`; `noted` where the fan came while the store was away.
    #[schema(example = "waiting")]
    pub(super) standing: String,
    /// Fans before them; nothing before the draw.
    pub(super) ahead: Option<u64>,
    /// Until when the turn or the session lasts, in milliseconds since the Unix epoch.
    pub(super) until: Option<u64>,
}

/// A ticket that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Taken {
    /// Its id.
    pub(super) id: String,
}

pub(super) struct Found {
    pub(super) id: TicketId,
    pub(super) place: Option<Place>,
}

pub(super) fn find(room: &Room, papers: &Papers) -> Result<Found, Problem> {
    let found = match (&papers.ticket, &papers.token) {
        (Some(ticket), None) => room.read_ticket(ticket.trim()).map(|(id, place)| Found { id, place }),
        (None, Some(token)) => room.read_token(token.trim()).map(|id| Found { id, place: None }),
        _ => {
            let detail = "either `ticket` or `token` is needed";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_body", detail));
        }
    };
    found.ok_or_else(|| {
        let detail = "that is no ticket of this room, or no token of it that is still good; a ticket goes into `ticket`, an admission token into `token`";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_ticket", detail)
    })
}

/// Where a ticket stands, by the store itself.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/tickets/look", tag = "tickets",
    params(("room" = String, Path, description = "The room")), request_body = Papers,
    responses((status = 200, body = TicketView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn look(
    State(desk): State<Desk>,
    caller: Caller,
    RoomId(room): RoomId,
    Body(papers): Body<Papers>,
) -> Result<Json<TicketView>, Problem> {
    caller.may(Role::Viewer)?;
    let room = desk.room(&room)?;
    let Found { id, place } = find(&room, &papers)?;
    let standing = match &place {
        Some(place) => room.standing(place).await?,
        None => None,
    };
    let (words, ahead, until) = match standing {
        Some(Standing::Waiting { ahead }) => ("waiting", Some(ahead), None),
        Some(Standing::Turn { until }) => ("turn", None, Some(until.as_millis())),
        Some(Standing::Active { until, .. }) => ("active", None, Some(until.as_millis())),
        Some(Standing::Ended) => ("ended", None, None),
        Some(Standing::Unknown) => ("unknown", None, None),
        None if papers.token.is_some() && room.has_ended(id) => ("ended", None, None),
        None if papers.token.is_some() => ("active", None, None),
        None => ("noted", None, None),
    };
    let is_told = !room.order_is_secret();
    Ok(Json(TicketView {
        id: id.to_string(),
        lane: place.as_ref().map(|place| place.lane.to_string()),
        rank: place.as_ref().filter(|_| is_told).map(|place| place.rank.get()),
        standing: words.to_owned(),
        ahead: ahead.filter(|_| is_told),
        until,
    }))
}

/// Take a ticket from its fan: the place, the turn or the session is over at every proxy within a tick.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/tickets/revoke", tag = "tickets",
    params(("room" = String, Path, description = "The room")), request_body = Papers,
    responses((status = 200, body = Taken), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn revoke(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    Body(papers): Body<Papers>,
) -> Result<Json<Taken>, Problem> {
    let room = desk.room(&room)?;
    let Found { id, place } = find(&room, &papers)?;
    if let Some(place) = &place
        && room.standing(place).await? == Some(Standing::Ended)
    {
        let detail = "the ticket is worth nothing already; if its fan moved the place to another device, revoke the ticket that \
                      is held there";
        return Err(Problem::new(StatusCode::CONFLICT, "already_ended", detail));
    }
    match &place {
        Some(place) => room.leave(place).await?,
        None => room.end_session(id).await?,
    }
    tracing::info!(room = %room.id, ticket = %id, actor = caller.name, "a ticket was revoked");
    let detail = if papers.reason.is_empty() {
        format!("ticket {id}")
    } else {
        format!("ticket {id}: {}", papers.reason)
    };
    desk.note(&caller, &room, "revoke", detail).await?;
    Ok(Json(Taken { id: id.to_string() }))
}

/// What it takes to do something to all fans of a room.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmed {
    /// The room's id once more, so that it is not done by mistake.
    pub(super) confirm: String,
    /// Why, for the audit log.
    #[serde(default)]
    pub(super) reason: String,
}

impl Confirmed {
    /// Why it is done, if whoever asks means this room.
    pub(super) fn reason_for(self, room: &Room) -> Result<String, Problem> {
        if self.confirm == room.id.as_str() {
            return Ok(self.reason);
        }
        let detail = format!("`confirm`: found {:?}; the room's id is needed, \"{}\"", self.confirm, room.id);
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_confirmed", detail))
    }
}

/// What was voided.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VoidedView {
    /// Sessions that ended.
    pub(super) sessions: u64,
    /// Every admission up to this moment is worth nothing.
    pub(super) before: String,
}

/// Take every admission until now back: who is inside has to join again. For a key that leaked.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/void", tag = "tickets",
    params(("room" = String, Path, description = "The room")), request_body = Confirmed,
    responses((status = 200, body = VoidedView), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn void(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    Body(confirmed): Body<Confirmed>,
) -> Result<Json<VoidedView>, Problem> {
    let room = desk.room(&room)?;
    let reason = confirmed.reason_for(&room)?;
    let voided = room.void().await?;
    let (sessions, before) = (voided.sessions, rfc3339(voided.before));
    tracing::warn!(room = %room.id, actor = caller.name, sessions, before, "all admissions were voided");
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    desk.note(&caller, &room, "void", format!("{sessions} sessions{why}")).await?;
    Ok(Json(VoidedView { sessions, before }))
}

impl Desk {
    /// Notes what a caller did to a room.
    pub(super) async fn note(
        &self,
        caller: &Caller,
        room: &Room,
        action: &str,
        detail: String,
    ) -> Result<(), Problem> {
        let entry = AuditEntry {
            actor: caller.name.clone(),
            via: "api".to_owned(),
            room: room.id.to_string(),
            action: action.to_owned(),
            detail,
            ..AuditEntry::default()
        };
        Ok(self.fleet.note(entry).await?)
    }
}
