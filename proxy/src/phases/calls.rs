//! Answers below `/.waiting-room/`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use admission::store::Intent;
use http::{StatusCode, header};

use super::arrive::{
    Outcome, admission_of, arrive, log_failure, noted_of, remembering, shown_of, ticket_of, was_voided,
};
use super::asked::Asked;
use super::edge::Edge;
use super::work::{May, NotYet};
use crate::gate::calls::Call;
use crate::gate::fields::Fields;
use crate::gate::{Decision, Kind};
use crate::room::{Claim, OpenTicket, Room, RoomError, Stand, Who};
use crate::waiting::reply::{Caching, Reply};

/// When someone who polls is heard of again, at the latest.
const POLL_AGAIN: Duration = Duration::from_secs(10);
/// After how long to try again when the store is away.
const RETRY_SECONDS: u64 = 5;

/// What becomes of a call.
pub(super) enum CallAnswer {
    /// The edge answers.
    Reply(Reply),
    /// The connection becomes a WebSocket of a fan of this room.
    Live(Arc<Room>),
}

impl Edge {
    /// Answers a call.
    pub(super) async fn call(
        &self,
        call: &Call,
        asked: &Asked<'_>,
        decision: &Decision,
        client: Option<IpAddr>,
    ) -> CallAnswer {
        let (headers, query) = (asked.headers, decision.target.query());
        let found = match call {
            Call::Keys => {
                return CallAnswer::Reply(match self.line_keys.load().jwks() {
                    Some(keys) => Reply::json(StatusCode::OK, keys, Caching::Minutes),
                    None => {
                        let detail = "tokens are signed so that only the edge can check them";
                        Reply::problem(StatusCode::NOT_FOUND, "no_keys", detail)
                    }
                });
            }
            Call::Document => {
                let document = crate::document::document().to_owned();
                return CallAnswer::Reply(Reply::json(StatusCode::OK, document, Caching::Minutes));
            }
            Call::Unknown => return reply(StatusCode::NOT_FOUND, "not_found", "there is nothing here"),
            Call::WrongMethod { allow } => {
                let detail = "this is not done by that method";
                let reply = Reply::problem(StatusCode::METHOD_NOT_ALLOWED, "method", detail);
                return CallAnswer::Reply(reply.with(header::ALLOW, allow));
            }
            Call::Facts(id)
            | Call::Join(id)
            | Call::Status(id)
            | Call::Leave(id)
            | Call::Live(id)
            | Call::Draw(id)
            | Call::Language(id)
            | Call::LeaveForm(id)
            | Call::Move(id)
            | Call::AskToTake(id)
            | Call::Take(id)
            | Call::Bypass(id)
            | Call::Invitation(id) => self.fleet.in_force().rooms.by_id(id).cloned(),
        };
        let Some(room) = &found else {
            return reply(StatusCode::NOT_FOUND, "no_room", "there is no such room");
        };
        CallAnswer::Reply(match call {
            Call::Live(_) => return CallAnswer::Live(room.clone()),
            Call::Join(_) => self.join(room, headers, client).await,
            Call::Invitation(_) => {
                let kind = Kind::of(asked.method, headers);
                self.invitation(room, kind, headers, query).from_secret_address()
            }
            Call::Bypass(_) => {
                let kind = Kind::of(asked.method, headers);
                self.bypass(room, kind, headers, query).from_secret_address()
            }
            Call::Language(_) => self.choose_language(room, query),
            Call::LeaveForm(_) => self.leave_by_form(room, headers, decision).await,
            Call::Move(_) => self.move_away(room, headers, decision).await,
            Call::AskToTake(_) => self.ask_to_take(room, headers, decision),
            Call::Take(_) => self.take(room, headers, decision).await,
            Call::Status(_) => status(self, room, &self.who(headers, client)).await,
            Call::Leave(_) => leave(self, room, headers).await,
            Call::Draw(_) => match room.draw() {
                Some(draw) => {
                    let draw = serde_json::to_string(&draw).unwrap_or_default();
                    Reply::json(StatusCode::OK, draw, Caching::Second)
                }
                None => {
                    Reply::problem(StatusCode::NOT_FOUND, "no_draw", "the order of this room is not drawn")
                }
            },
            _ => {
                let facts = serde_json::to_string(&room.facts()).unwrap_or_default();
                Reply::json(StatusCode::OK, facts, Caching::Second)
            }
        })
    }
}

fn reply(status: StatusCode, code: &str, detail: &str) -> CallAnswer {
    CallAnswer::Reply(Reply::problem(status, code, detail))
}

impl Edge {
    async fn join(&self, room: &Arc<Room>, headers: &Fields<'_>, client: Option<IpAddr>) -> Reply {
        if let Some(refusal) = self.bad_header(room, headers) {
            return refusal;
        }
        let may_join = |intent| self.may_join(room, headers, client, intent);
        match arrive(room, headers, Intent::Wait, POLL_AGAIN, may_join).await {
            Outcome::Placed { ticket, stand, is_new } => {
                let code = if is_new { StatusCode::CREATED } else { StatusCode::OK };
                with_ticket(room, headers, &ticket, stand, is_new, code)
            }
            Outcome::NotYet(NotYet::Work(lacking)) => self.work_problem(room, client, lacking),
            outcome => self.elsewise(room, headers, outcome),
        }
    }

    /// The answer to who has no place, or none yet.
    fn elsewise(&self, room: &Room, headers: &Fields<'_>, outcome: Outcome) -> Reply {
        match outcome {
            Outcome::Noted(ticket) => {
                let sealed = room.seal(&ticket);
                let status = room.noted_status(&ticket);
                let body = status.to_json_with("ticket", &sealed);
                let reply = Reply::json(StatusCode::ACCEPTED, body, Caching::Private)
                    .cookie(&room.cookies.give_ticket(&sealed));
                remembering(reply, room, headers, &status, true)
            }
            Outcome::Full => {
                Reply::problem(StatusCode::SERVICE_UNAVAILABLE, "full", "the line is as long as it may get")
                    .retry_after(30)
            }
            Outcome::NotYet(NotYet::TooMany(wait)) => {
                let detail = "too many ask for a place from this network at once; one more may in a moment";
                Reply::problem(StatusCode::TOO_MANY_REQUESTS, "too_many_joins", detail)
                    .retry_after(wait.as_secs() + 1)
            }
            Outcome::Failed(error) => away(room, &error),
            Outcome::InvitationUsed => self.used(room),
            _ => closed(room),
        }
    }
}

/// Nobody may join: any more, or yet.
fn closed(room: &Room) -> Reply {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    match room.opening() {
        Some(opening) => {
            let detail = format!("the room opens at {}", opening.at);
            Reply::problem(status, "not_open", &detail).retry_after(opening.again_in.as_secs())
        }
        None => Reply::problem(status, "closed", "the room is closed").retry_after(60),
    }
}

fn with_ticket(
    room: &Room,
    headers: &Fields<'_>,
    ticket: &OpenTicket,
    stand: Stand,
    is_new: bool,
    code: StatusCode,
) -> Reply {
    let sealed = room.seal(&ticket.ticket);
    let status = room.status(&ticket.place, stand).after_a_void(was_voided(room, headers));
    let body = status.to_json_with("ticket", &sealed);
    let reply = Reply::json(code, body, Caching::Private).cookie(&room.cookies.give_ticket(&sealed));
    remembering(reply, room, headers, &status, is_new)
}

async fn status(edge: &Edge, room: &Arc<Room>, who: &Who<'_>) -> Reply {
    let headers = who.headers;
    if edge.moved(room, headers).await {
        let detail = "the place of this ticket is on another device now";
        return Reply::problem(StatusCode::NOT_FOUND, "moved", detail);
    }
    let Some(ticket) = ticket_of(room, headers) else {
        let Some(noted) = noted_of(room, headers) else {
            return if was_voided(room, headers) { voided() } else { no_ticket() };
        };
        let pass = room.enter_without_store(Some(&noted)).and_then(|pass| room.hand_to(pass, who));
        if let Some(pass) = pass {
            let body = room.entered_status(&noted).to_json_with("admission_token", &pass.token);
            return Reply::json(StatusCode::OK, body, Caching::Private)
                .cookie(&room.cookies.give_admission(&pass.token, pass.age));
        }
        // When the store is back, the answer to this very poll brings the place.
        return match arrive(room, headers, Intent::Wait, POLL_AGAIN, |_| Ok(May::Join(None))).await {
            Outcome::Placed { ticket, stand, is_new } => {
                with_ticket(room, headers, &ticket, stand, is_new, StatusCode::OK)
            }
            Outcome::Noted(ticket) => {
                Reply::json(StatusCode::OK, room.noted_status(&ticket).to_json(), Caching::Private)
            }
            outcome => edge.elsewise(room, headers, outcome),
        };
    };
    if let Some((token, admission)) = admission_of(room, who)
        && admission.ticket == ticket.place.id
    {
        let body = room.status(&ticket.place, Stand::Admitted).to_json_with("admission_token", token);
        return Reply::json(StatusCode::OK, body, Caching::Private);
    }
    let stand = room.stand(&ticket.place, POLL_AGAIN).await;
    if let Some(shown) = shown_of(room, headers).filter(|_| !ticket.is_relocated) {
        room.was_shown(&ticket.place, shown);
    }
    let stand = match stand {
        Stand::Admitted => match room.claim(&ticket.place).await {
            Ok(Claim::Active(pass)) => match room.hand_to(pass, who) {
                Some(pass) => {
                    room.let_in(&ticket.ticket, &pass);
                    let status = room.status(&ticket.place, Stand::Admitted);
                    let body = status.to_json_with("admission_token", &pass.token);
                    return Reply::json(StatusCode::OK, body, Caching::Private)
                        .cookie(&room.cookies.give_admission(&pass.token, pass.age));
                }
                // Its token is with somebody else.
                None => Stand::Expired,
            },
            Ok(Claim::Waiting(ahead)) => Stand::Waiting(ahead),
            Ok(Claim::Expired) => Stand::Expired,
            Err(error) => return away(room, &error),
        },
        stand => stand,
    };
    if ticket.is_relocated {
        // An operator moved the place: this is its ticket now.
        return with_ticket(room, headers, &ticket, stand, true, StatusCode::OK);
    }
    let status = room.status(&ticket.place, stand).after_a_void(was_voided(room, headers));
    let reply = Reply::json(StatusCode::OK, status.to_json(), Caching::Private);
    remembering(reply, room, headers, &status, false)
}

pub(super) async fn leave(edge: &Edge, room: &Room, headers: &Fields<'_>) -> Reply {
    // A place that moved is not this browser's to give up.
    if !edge.moved(room, headers).await
        && let Some(ticket) = ticket_of(room, headers)
        && let Err(error) = room.leave(&ticket.place).await
    {
        return away(room, &error);
    }
    // Leaving twice is leaving once.
    let left = Reply::empty(StatusCode::NO_CONTENT);
    room.cookies.clear().iter().fold(left, |left, cookie| left.cookie(cookie))
}

/// There is no ticket, or none that is good.
pub(crate) fn no_ticket() -> Reply {
    Reply::problem(StatusCode::NOT_FOUND, "no_ticket", "no ticket of this room came with the request")
}

/// Whoever asks was inside, and all admissions of their time were taken back.
fn voided() -> Reply {
    let detail =
        "the organiser took all admissions back, so that everybody who was inside joins the line again";
    Reply::problem(StatusCode::NOT_FOUND, "voided", detail)
}

fn away(room: &Room, error: &RoomError) -> Reply {
    log_failure(room, error);
    let detail = "the line cannot be reached right now; every place is safe";
    Reply::problem(StatusCode::SERVICE_UNAVAILABLE, "store_away", detail).retry_after(RETRY_SECONDS)
}
