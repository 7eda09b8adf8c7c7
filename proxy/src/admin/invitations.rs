//! Invitations: minting them, which were used, and taking back what was given out.

use admission::clock::SystemRandom;
use admission::store::{INVITATIONS_MAX, InvitationRecord};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Caller, Role};
use super::body::{Asked, Body, RoomId};
use super::problem::Problem;
use super::records::HowMany;
use super::{Desk, Operator};
use crate::minting::{self, Minted, Wanted, Wrong};
use crate::waiting::time::rfc3339;

/// Most invitations at a time over the API; `proxy invite` makes more.
const MINTED_MAX: u32 = 1000;
/// Of so many the audit log has the ids.
const TOLD_MAX: usize = 20;

/// An invitation that was used or withdrawn.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvitationView {
    /// Its id.
    pub(super) id: String,
    /// How many tickets were had for it.
    pub(super) used: u64,
    /// Whether it was withdrawn.
    pub(super) withdrawn: bool,
    /// Until when it would be good.
    pub(super) until: String,
}

/// Invitations.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvitationsView {
    /// Those that are good longest first. Of one that nobody used yet nothing is known.
    pub(super) invitations: Vec<InvitationView>,
}

/// An invitation to be withdrawn.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Withdraw {
    /// The invitation, as `proxy invite` printed it; of a link, what stands behind `code=`.
    invitation: String,
    /// Why, for the audit log.
    #[serde(default)]
    reason: String,
}

fn view(InvitationRecord { id, used, is_withdrawn, until }: InvitationRecord) -> InvitationView {
    InvitationView { id: id.to_string(), used, withdrawn: is_withdrawn, until: rfc3339(until) }
}

/// What is to be minted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mint {
    /// The lane that they open.
    lane: String,
    /// How many tickets may be had for each; 1 where it is not said.
    #[serde(default = "one")]
    #[schema(minimum = 1)]
    uses: u32,
    /// For how long they are good: `24h`, `7d`; a day where it is not said.
    #[serde(default = "a_day")]
    #[schema(example = "24h")]
    expires_in: String,
    /// How many; 1 where it is not said.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1000)]
    count: u32,
    /// The address of the site, for links instead of codes.
    #[serde(default)]
    #[schema(example = "https://shop.example")]
    link: Option<String>,
    /// Why, for the audit log.
    #[serde(default)]
    reason: String,
}

const fn one() -> u32 {
    1
}

fn a_day() -> String {
    "24h".to_owned()
}

/// Invitations, just made. They are told once, and kept nowhere.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MintedView {
    /// The id of each, as lists and the audit log name it.
    pub(super) ids: Vec<String>,
    /// Each as a code, or as a link.
    pub(super) invitations: Vec<String>,
    /// Until when they are good.
    pub(super) until: String,
}

/// Mint invitations to a lane, as `proxy invite` does.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/invitations", tag = "invitations",
    params(("room" = String, Path, description = "The room")), request_body = Mint,
    responses((status = 201, body = MintedView), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn mint(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    Body(Mint { lane, uses, expires_in, count, link, reason }): Body<Mint>,
) -> Result<(StatusCode, Json<MintedView>), Problem> {
    let room = desk.room(&room)?;
    let wrong = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_body", detail);
    if uses == 0 {
        return Err(wrong("`uses`: found 0; 1 or more is needed".to_owned()));
    }
    if !(1..=MINTED_MAX).contains(&count) {
        return Err(wrong(format!("`count`: found {count}; 1 to {MINTED_MAX} is needed")));
    }
    let wanted = Wanted { lane: &lane, uses, expires_in: &expires_in, count, link: link.as_deref() };
    let keys = desk.keys.line.in_force.load();
    let minted = minting::mint(&wanted, &room.config(), &keys, room.line_now(), &SystemRandom);
    let Minted { ids, codes, expires_at } =
        minted.map_err(|Wrong { field, problem }| wrong(format!("`{field}` {problem}")))?;
    let (until, ids) = (rfc3339(expires_at), ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    tracing::info!(room = %room.id, lane, count, actor = caller.name, "invitations were minted");
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let told = ids.iter().take(TOLD_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if ids.len() > TOLD_MAX { ", …" } else { "" };
    let detail = format!("{count} to {lane} for {uses} each, until {until} ({told}{more}){why}");
    desk.note(&caller, &room, "invite", detail).await?;
    Ok((StatusCode::CREATED, Json(MintedView { ids, invitations: codes, until })))
}

/// Which invitations to a room were used or withdrawn, while they would be good.
#[utoipa::path(get, path = "/api/v1/rooms/{room}/invitations", tag = "invitations",
    params(("room" = String, Path, description = "The room"), HowMany),
    responses((status = 200, body = InvitationsView), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn list(
    State(desk): State<Desk>,
    caller: Caller,
    RoomId(room): RoomId,
    Asked(HowMany { limit }): Asked<HowMany>,
) -> Result<Json<InvitationsView>, Problem> {
    caller.may(Role::Viewer)?;
    let room = desk.room(&room)?;
    let limit = limit.unwrap_or(100);
    if !(1..=INVITATIONS_MAX).contains(&limit) {
        let detail = format!("`limit`: found {limit}; 1 to {INVITATIONS_MAX} is needed");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_query", detail));
    }
    let records = desk.fleet.invitations(&room, limit).await?;
    Ok(Json(InvitationsView { invitations: records.into_iter().map(view).collect() }))
}

/// Withdraw an invitation: nobody joins by it any more. Who did before keeps their place; `tickets/revoke` takes it.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/invitations/withdraw", tag = "invitations",
    params(("room" = String, Path, description = "The room")), request_body = Withdraw,
    responses((status = 200, body = InvitationView), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn withdraw(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    Body(Withdraw { invitation, reason }): Body<Withdraw>,
) -> Result<Json<InvitationView>, Problem> {
    let room = desk.room(&room)?;
    let invitation = room.open_invitation(invitation.trim()).map_err(|error| {
        let detail = format!("`invitation`: {error}; one of this room that is still good is needed");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_invitation", detail)
    })?;
    desk.fleet.withdraw(&room, invitation.id, invitation.expires_at).await?;
    let known = desk.fleet.invitations(&room, INVITATIONS_MAX).await?;
    let used = known.iter().find(|record| record.id == invitation.id).map_or(0, |record| record.used);
    tracing::info!(room = %room.id, invitation = %invitation.id, actor = caller.name, "an invitation was withdrawn");
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let detail = format!("invitation {} to {}, used {used} times{why}", invitation.id, invitation.lane);
    desk.note(&caller, &room, "withdraw", detail).await?;
    let record =
        InvitationRecord { id: invitation.id, used, is_withdrawn: true, until: invitation.expires_at };
    Ok(Json(view(record)))
}
