//! Moving one fan's place: to another lane, or behind somebody else.

use admission::name::LaneId;
use admission::store::{Relocation, Standing};
use admission::ticket::Place;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Body, RoomId};
use super::problem::Problem;
use super::tickets::{Found, Papers, find};
use super::{Desk, Operator};
use crate::room::Room;

/// Which place is moved, and where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    /// The ticket: the value of the cookie `wr-ticket-<room>`, or of the header `WR-Ticket`.
    ticket: String,
    /// The lane to move to; the one that it is in where there is none. Without `behind`, to its end.
    #[serde(default)]
    lane: Option<String>,
    /// The ticket of another fan who waits: right behind them. They and all before them keep their places; those behind
    /// stand one place further back.
    #[serde(default)]
    behind: Option<String>,
    /// Why, for the audit log.
    #[serde(default)]
    reason: String,
}

/// A place that was moved.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Relocated {
    /// The id of its new ticket.
    pub(super) id: String,
    /// The lane that it stands in now.
    pub(super) lane: String,
    /// Fans of that lane before it.
    pub(super) ahead: Option<u64>,
    /// A link below the address of the site that brings the place to whoever opens it, once, for ten minutes. The fan's own
    /// page follows by itself: this is for who has none.
    pub(super) link: String,
}

fn conflict(code: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail)
}

fn wrong(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_body", detail)
}

/// Move one fan's place: to the end of a lane, or right behind another fan. The fan's page follows by itself.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/tickets/move", tag = "tickets",
    params(("room" = String, Path, description = "The room")), request_body = Removal,
    responses((status = 200, body = Relocated), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn relocate(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    Body(Removal { ticket, lane, behind, reason }): Body<Removal>,
) -> Result<Json<Relocated>, Problem> {
    let room = desk.room(&room)?;
    let from = place_of(&room, ticket)?;
    if room.order_is_secret() {
        let detail = "the order of the pre-queue is yet to be drawn; until then nobody has a place that could be moved";
        return Err(conflict("order_is_secret", detail));
    }
    let before = behind.map(|ticket| place_of(&room, ticket)).transpose()?;
    let lane = lane_of(&room, lane, before.as_ref())?;
    if let Some(before) = &before {
        if before.id == from.id {
            return Err(wrong("`behind`: that is the ticket itself; the ticket of another fan is needed"));
        }
        if !matches!(room.standing(before).await?, Some(Standing::Waiting { .. })) {
            let detail = "the fan whose ticket `behind` is does not wait any more";
            return Err(conflict("behind_nobody", detail));
        }
    }
    let id = room.new_ticket_id()?;
    let behind = before.as_ref().map(|place| place.rank);
    let wanted = Relocation { from: from.clone(), lane, behind, id };
    let Some(to) = desk.fleet.relocate(&room, &wanted).await? else {
        return Err(cannot_move(room.standing(&from).await?));
    };
    let ahead = match room.standing(&to).await? {
        Some(Standing::Waiting { ahead }) => Some(ahead),
        _ => None,
    };
    let whither = match &before {
        Some(before) => format!("behind {}", before.id),
        None => "to the end".to_owned(),
    };
    tracing::info!(room = %room.id, ticket = %from.id, actor = caller.name, lane = %to.lane, "a place was moved");
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let others = ahead.map_or(String::new(), |ahead| format!(", {ahead} before it"));
    let detail =
        format!("ticket {} from {} to {}, {whither}, as {id}{others}{why}", from.id, from.lane, to.lane);
    desk.note(&caller, &room, "move", detail).await?;
    Ok(Json(Relocated { id: id.to_string(), lane: to.lane.to_string(), ahead, link: room.link_to(&to) }))
}

fn place_of(room: &Room, ticket: String) -> Result<Place, Problem> {
    let Found { place, .. } =
        find(room, &Papers { ticket: Some(ticket), token: None, reason: String::new() })?;
    place.ok_or_else(|| {
        conflict("not_waiting", "this fan has no place yet: they came while the store was away")
    })
}

/// The lane that is asked for, or that of the fan to stand behind; one of them is needed.
fn lane_of(room: &Room, asked: Option<String>, before: Option<&Place>) -> Result<LaneId, Problem> {
    let config = room.config();
    let lanes = &config.rules.lanes;
    let lane = match (asked, before) {
        (None, None) => return Err(wrong("`lane`, `behind` or both are needed")),
        (None, Some(before)) => return Ok(before.lane.clone()),
        (Some(asked), _) => lanes.iter().find(|lane| lane.name.as_str() == asked).ok_or_else(|| {
            let known: Vec<&str> = lanes.iter().map(|lane| lane.name.as_str()).collect();
            wrong(format!("`lane`: found {asked:?}; the room has: {}", known.join(", ")))
        })?,
    };
    match before {
        Some(before) if before.lane != lane.name => {
            let detail = format!("`behind`: that fan stands in {}, not in {}", before.lane, lane.name);
            Err(wrong(detail))
        }
        _ => Ok(lane.name.clone()),
    }
}

fn cannot_move(standing: Option<Standing>) -> Problem {
    match standing {
        Some(Standing::Turn { .. } | Standing::Active { .. }) => {
            conflict("inside_already", "the turn of this fan has come; only who waits can be moved")
        }
        Some(Standing::Unknown) => {
            let detail = "the line is being put back together and has yet to hear of this ticket; try again in some seconds";
            conflict("not_known_yet", detail)
        }
        Some(Standing::Waiting { .. }) => {
            conflict("no_lane", "the line does not have that lane yet; try again in a second")
        }
        Some(Standing::Ended) | None => {
            conflict("already_ended", "the ticket is worth nothing any more; its fan may join again")
        }
    }
}
