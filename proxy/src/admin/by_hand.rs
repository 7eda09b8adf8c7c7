//! What operators do to a line by hand: one fan before the others, or everybody's place taken back.

use admission::store::Standing;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{Body, RoomId};
use super::problem::Problem;
use super::tickets::{Confirmed, Found, Papers, find};
use super::{Administrator, Desk, Operator};
use crate::waiting::time::rfc3339;

/// A turn that was given out of order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Admitted {
    /// The ticket.
    pub(super) id: String,
    /// Until when its fan may come in, in milliseconds since the Unix epoch.
    pub(super) until: u64,
}

/// What a reset took back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResetView {
    /// Tickets from before this moment are worth nothing.
    pub(super) at: String,
    /// Places and turns.
    pub(super) places: u64,
    /// Sessions.
    pub(super) sessions: u64,
}

fn conflict(code: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail)
}

/// Let one fan in before the others: their turn comes now, if there is room inside. This is an exception to the order (P1);
/// it is counted, and in the audit log.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/tickets/admit", tag = "tickets",
    params(("room" = String, Path, description = "The room")), request_body = Papers,
    responses((status = 200, body = Admitted), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn admit(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    Body(papers): Body<Papers>,
) -> Result<Json<Admitted>, Problem> {
    let room = desk.room(&room)?;
    let Found { id, place } = find(&room, &papers)?;
    let Some(place) = place else {
        let detail =
            "only who waits can be admitted: this fan has no place yet, or showed a token of a session";
        return Err(conflict("not_waiting", detail));
    };
    if room.order_is_secret() {
        let detail =
            "the order of the pre-queue is yet to be drawn; until then nobody can be before the others";
        return Err(conflict("order_is_secret", detail));
    }
    let before = room.standing(&place).await?;
    let after = desk.fleet.admit(&room, &place).await?;
    match (before, after) {
        (Some(Standing::Waiting { ahead }), Some(Standing::Turn { until })) => {
            tracing::info!(room = %room.id, ticket = %id, actor = caller.name, ahead, "a ticket was admitted out of order");
            let why = if papers.reason.is_empty() { String::new() } else { format!(": {}", papers.reason) };
            desk.note(&caller, &room, "admit", format!("ticket {id}, before {ahead} others{why}")).await?;
            Ok(Json(Admitted { id: id.to_string(), until: until.as_millis() }))
        }
        (_, Some(Standing::Turn { until })) => {
            Ok(Json(Admitted { id: id.to_string(), until: until.as_millis() }))
        }
        (_, Some(Standing::Waiting { .. })) => {
            let detail = "there is no room inside (`max_active`), or the room is neither open nor paused; the place stays";
            Err(conflict("no_way_in", detail))
        }
        (_, Some(Standing::Active { .. })) => Err(conflict("inside_already", "this fan is inside already")),
        (_, Some(Standing::Unknown)) => {
            let detail = "the line is being put back together and has yet to hear of this ticket; try again in some seconds";
            Err(conflict("not_known_yet", detail))
        }
        (_, Some(Standing::Ended) | None) => {
            let detail = "the ticket is worth nothing any more; its fan may join again";
            Err(conflict("already_ended", detail))
        }
    }
}

/// Take everybody's place back: who waits or is inside has to join anew. For a line that began by mistake.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/reset", tag = "rooms",
    params(("room" = String, Path, description = "Its id")), request_body = Confirmed,
    responses((status = 200, body = ResetView), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn reset(
    State(desk): State<Desk>,
    Administrator(caller): Administrator,
    RoomId(room): RoomId,
    Body(confirmed): Body<Confirmed>,
) -> Result<Json<ResetView>, Problem> {
    let room = desk.room(&room)?;
    let reason = confirmed.reason_for(&room)?;
    let Some(reset) = desk.fleet.reset(&room).await? else {
        let detail = "in the pre-queue nobody has a place yet; another `prequeue_at` begins it anew";
        return Err(conflict("prequeue", detail));
    };
    let (places, sessions, at) = (reset.places, reset.sessions, rfc3339(reset.at));
    tracing::warn!(room = %room.id, actor = caller.name, places, sessions, "everybody's place was taken back");
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    desk.note(&caller, &room, "reset", format!("{places} places, {sessions} sessions{why}")).await?;
    Ok(Json(ResetView { at, places, sessions }))
}
