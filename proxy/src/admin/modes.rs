//! How a room goes: pause, resume, close. What comes of each depends on the mode that the room has, wherever in the fleet it
//! was changed last; so it is decided anew with each configuration that a change is made from.

use admission::store::{AUDIT_MAX, StoreError};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::{Body, RoomId};
use super::problem::Problem;
use super::rooms::{Changed, make};
use super::{Desk, Operator};
use crate::fleet::InForce;

/// Modes in which a room goes on.
const RUNNING: [&str; 4] = ["auto", "always", "off", "shadow"];
/// How a pause notes in the audit log which mode there was before.
const BEFORE: &str = "was ";

/// How a room goes on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Resume {
    /// `auto`, `always`, `off` or `shadow`. As before the pause, where nothing is said.
    pub(super) mode: Option<String>,
}

/// What somebody wants of a room.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// These keys, under this name in the audit log.
    Keys(&'static str, Map<String, Value>),
    /// Nobody gets in.
    Pause,
    /// It goes on, in this mode; as before, where none is said.
    Resume(Option<String>),
    /// Nobody joins any more.
    Close,
}

/// What comes of it in a room that has a mode.
#[derive(Debug, PartialEq, Eq)]
enum Decided {
    /// This mode, and whether it is noted which one there was.
    Mode(String, bool),
    /// The mode before it was paused or closed.
    AsBefore,
    /// A closed room has nothing to pause.
    NothingToPause,
}

impl Wish {
    /// What it is called in the audit log.
    pub(super) const fn action(&self) -> &'static str {
        match self {
            Self::Keys(action, _) => action,
            Self::Pause => "pause",
            Self::Resume(_) => "resume",
            Self::Close => "close",
        }
    }

    /// What comes of it in a room of this mode; nothing where the mode does not matter.
    fn decide(&self, mode: &str) -> Option<Decided> {
        let is_running = RUNNING.contains(&mode);
        Some(match self {
            Self::Keys(..) => return None,
            Self::Pause if mode == "closed" => Decided::NothingToPause,
            Self::Pause => Decided::Mode("paused".to_owned(), is_running),
            Self::Close => Decided::Mode("closed".to_owned(), is_running),
            Self::Resume(Some(wanted)) => Decided::Mode(wanted.clone(), false),
            Self::Resume(None) if is_running => Decided::Mode(mode.to_owned(), false),
            Self::Resume(None) => Decided::AsBefore,
        })
    }
}

/// One key of a room.
pub(super) fn key(key: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value)])
}

/// Let nobody in until the room is resumed. Fans keep their places. A closed room has nothing to pause.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/pause", tag = "rooms", params(("room" = String, Path, description = "Its id")),
    responses((status = 200, body = Changed), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn pause(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    make(&desk, &caller, &headers, &room, Wish::Pause).await
}

/// Let fans in again.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/resume", tag = "rooms", params(("room" = String, Path, description = "Its id")),
    request_body = Option<Resume>,
    responses((status = 200, body = Changed), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn resume(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    headers: HeaderMap,
    body: Option<Body<Resume>>,
) -> Result<Response, Problem> {
    let mode = body.and_then(|Body(body)| body.mode);
    if let Some(mode) = mode.as_ref().filter(|mode| !RUNNING.contains(&mode.as_str())) {
        let detail = format!("`mode`: found {mode:?}; auto, always, off or shadow is needed");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_configuration", detail));
    }
    make(&desk, &caller, &headers, &room, Wish::Resume(mode)).await
}

/// Let nobody join or in any more. Fans keep their places, should it be resumed.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/close", tag = "rooms", params(("room" = String, Path, description = "Its id")),
    responses((status = 200, body = Changed), (status = 404, body = Problem)))]
pub(super) async fn close(
    State(desk): State<Desk>,
    Operator(caller): Operator,
    RoomId(room): RoomId,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    make(&desk, &caller, &headers, &room, Wish::Close).await
}

impl Desk {
    /// The keys that a wish changes in the configuration in force, and what the audit log notes beside.
    pub(super) async fn plan(
        &self,
        in_force: &InForce,
        room: &str,
        wish: &Wish,
    ) -> Result<(Map<String, Value>, String), Problem> {
        let config = in_force.configs.iter().find(|config| config.id.as_str() == room);
        let before = config.ok_or_else(Problem::no_room)?.rules.mode.as_str();
        let (mode, is_noted) = match (wish.decide(before), wish) {
            (None, Wish::Keys(_, keys)) => return Ok((keys.clone(), String::new())),
            (Some(Decided::Mode(mode, is_noted)), _) => (mode, is_noted),
            (Some(Decided::NothingToPause), _) => {
                let detail = "the room is closed, so that nobody is let in; `resume` opens it again";
                return Err(Problem::new(StatusCode::CONFLICT, "room_closed", detail));
            }
            (Some(Decided::AsBefore) | None, _) => {
                (self.mode_before(room).await?.unwrap_or_else(|| "auto".to_owned()), false)
            }
        };
        let note = if is_noted { format!("{BEFORE}{before}") } else { String::new() };
        Ok((key("mode", mode.into()), note))
    }

    /// The mode before the room was paused or closed last, by the audit log.
    async fn mode_before(&self, room: &str) -> Result<Option<String>, StoreError> {
        let log = self.fleet.audit(AUDIT_MAX).await?;
        let of_room = log.into_iter().filter(|entry| entry.room == room);
        let mut noted = of_room.filter(|entry| entry.action == "pause" || entry.action == "close");
        Ok(noted.find_map(|entry| {
            let mode = entry.detail.strip_prefix(BEFORE)?.split(':').next()?;
            RUNNING.contains(&mode).then(|| mode.to_owned())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_a_wish_goes_by_the_mode_that_the_room_has() {
        let mode = |mode: &str, is_noted| Some(Decided::Mode(mode.to_owned(), is_noted));
        for running in RUNNING {
            assert_eq!(Wish::Pause.decide(running), mode("paused", true));
            assert_eq!(Wish::Close.decide(running), mode("closed", true));
            assert_eq!(Wish::Resume(None).decide(running), mode(running, false));
        }
        // What was noted at the first pause stays what `resume` goes back to.
        assert_eq!(Wish::Pause.decide("paused"), mode("paused", false));
        assert_eq!(Wish::Close.decide("paused"), mode("closed", false));
        assert_eq!(Wish::Close.decide("closed"), mode("closed", false));
        assert_eq!(Wish::Pause.decide("closed"), Some(Decided::NothingToPause));
        for halted in ["paused", "closed"] {
            assert_eq!(Wish::Resume(None).decide(halted), Some(Decided::AsBefore));
            assert_eq!(Wish::Resume(Some("always".to_owned())).decide(halted), mode("always", false));
        }
        assert_eq!(Wish::Keys("configure", Map::new()).decide("closed"), None);
    }
}
