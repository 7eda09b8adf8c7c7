//! The edge's signature: the shop answers nobody else, and believes no header that is not signed.

use std::sync::Arc;

use admission::clock::Timestamp;
use admission::edge_signature::{
    EdgeRequest, EdgeSignatureError, HEADER_REQUEST_ID, HEADER_ROOM, HEADER_SIGNATURE, HEADER_TICKET,
    HEADER_TIME, TICKET_WHILE_OFF, verify,
};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Problem;
use crate::app::App;
use crate::config::EdgeTrust;
use crate::ids::RoomName;

/// What the edge says about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdgeFacts {
    room: String,
    ticket: String,
    /// Whether the shop runs without an edge, for development: then everyone counts as admitted.
    trusted_blindly: bool,
}

impl EdgeFacts {
    /// The shop itself, which asks no room.
    pub(crate) fn of_the_shop() -> Self {
        Self { trusted_blindly: true, ..Self::default() }
    }

    /// Whether this visitor may take seats of an event behind `room`. The edge lets some visitors pass without
    /// a ticket (its bypass rules); seats are not for them.
    pub fn admits(&self, room: Option<&RoomName>) -> bool {
        match room {
            None => true,
            Some(_) if self.trusted_blindly => true,
            Some(room) => self.room == room.as_str() && !self.ticket.is_empty(),
        }
    }

    /// The ticket of the room that the request came through, if it is one fan's.
    pub(crate) fn ticket_of_one(&self) -> Option<&str> {
        (!self.ticket.is_empty() && self.ticket != TICKET_WHILE_OFF).then_some(self.ticket.as_str())
    }

    /// The ticket by which seats of an event behind `room` count: one that the room gave to one fan. A client may
    /// drop its cookie, and stays the same here. While the room is off everybody passes with the same word, and an
    /// event without a room asks nobody to queue for a ticket.
    pub fn ticket_for(&self, room: Option<&RoomName>) -> Option<&str> {
        let own = room.is_some_and(|room| self.room == room.as_str());
        (own && !self.ticket.is_empty() && self.ticket != TICKET_WHILE_OFF).then_some(self.ticket.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for EdgeFacts {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| refused(&Refusal::Missing))
    }
}

/// Why a request does not count as the edge's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error("the edge's headers are not all there, each exactly once")]
    Missing,
    #[error(transparent)]
    Signature(EdgeSignatureError),
}

/// Lets through what the edge has signed, and health checks.
pub(crate) async fn require_edge(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let facts = match &app.settings.edge {
        _ if is_health_check(&request) => EdgeFacts::default(),
        EdgeTrust::Off => EdgeFacts { trusted_blindly: true, ..EdgeFacts::default() },
        EdgeTrust::Required(keys) => {
            let checked = signed(&request).and_then(|(signature, facts)| {
                verify(&keys.in_force(), signature, &facts, app.clock.now()).map_err(Refusal::Signature)?;
                Ok(EdgeFacts {
                    room: facts.room.to_owned(),
                    ticket: facts.ticket.to_owned(),
                    trusted_blindly: false,
                })
            });
            match checked {
                Ok(facts) => facts,
                Err(refusal) => return refused(&refusal).into_response(),
            }
        }
    };
    request.extensions_mut().insert(facts);
    next.run(request).await
}

fn is_health_check(request: &Request) -> bool {
    match request.uri().path() {
        "/healthz" | "/readyz" | "/metrics" => true,
        "/api/health" => request.method() == Method::GET,
        _ => false,
    }
}

/// The signature, and what it should cover.
fn signed(request: &Request) -> Result<(&str, EdgeRequest<'_>), Refusal> {
    let headers = request.headers();
    let uri = request.uri();
    let time = only(headers, HEADER_TIME)?.parse().map_err(|_| Refusal::Missing)?;
    let authority = match uri.authority() {
        // With an absolute address the `Host` header means nothing (RFC 9112, 3.2.2).
        Some(authority) => authority.as_str(),
        None => only(headers, HOST.as_str())?,
    };
    let facts = EdgeRequest {
        method: request.method().as_str(),
        authority,
        path_and_query: uri.path_and_query().map_or("/", |path| path.as_str()),
        room: only(headers, HEADER_ROOM)?,
        ticket: only(headers, HEADER_TICKET)?,
        time: Timestamp::from_millis(time),
        request_id: only(headers, HEADER_REQUEST_ID)?,
    };
    Ok((only(headers, HEADER_SIGNATURE)?, facts))
}

/// The value of a header that must be there exactly once: of two, one would be signed and the other believed.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Refusal::Missing),
    }
}

fn refused(refusal: &Refusal) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "edge_signature",
        "Not through the edge",
        format!("The shop answers only what its edge forwards: {refusal}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(room: &str, ticket: &str) -> EdgeFacts {
        EdgeFacts { room: room.into(), ticket: ticket.into(), trusted_blindly: false }
    }

    #[test]
    fn only_a_ticket_of_its_own_room_admits() {
        let demo = RoomName::parse("demo").unwrap();
        assert!(facts("demo", "t1").admits(Some(&demo)));
        assert!(!facts("demo", "").admits(Some(&demo)), "bypass");
        assert!(!facts("other", "t1").admits(Some(&demo)), "another room");
        assert!(!facts("", "").admits(Some(&demo)), "no room");
        assert!(facts("", "").admits(None), "an event without a room");
    }

    #[test]
    fn seats_count_by_the_ticket_of_the_events_own_room() {
        let demo = RoomName::parse("demo").unwrap();
        assert_eq!(facts("demo", "t1").ticket_for(Some(&demo)), Some("t1"));
        assert_eq!(facts("demo", "off").ticket_for(Some(&demo)), None, "the room is off");
        assert_eq!(facts("demo", "").ticket_for(Some(&demo)), None, "bypass");
        assert_eq!(facts("other", "t1").ticket_for(Some(&demo)), None, "another room");
        assert_eq!(facts("demo", "t1").ticket_for(None), None, "an event without a room");
    }
}
