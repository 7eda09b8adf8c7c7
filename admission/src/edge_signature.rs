//! What the edge vouches for to the shop: header names, how a forwarded request is signed, and the check.
//!
//! The signature covers method, authority, path and query, room, ticket, time and request id. The shop trusts
//! nothing else: a request that did not come through the edge carries none, and one that was recorded is too
//! old after [`AGE_MAX`].

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Timestamp;
use crate::keyring::{Keyring, Purpose};

/// Every header of this prefix belongs to the edge: it strips what comes from outside.
pub const HEADER_PREFIX: &str = "x-waiting-room-";
/// The room whose protected path was requested; empty for a path that no room protects.
pub const HEADER_ROOM: &str = "x-waiting-room-room";
/// The id of the admitted fan's ticket; [`TICKET_WHILE_OFF`] while the room is switched off; empty on a path
/// that no room protects.
pub const HEADER_TICKET: &str = "x-waiting-room-ticket";
/// When the edge signed, in milliseconds since the Unix epoch.
pub const HEADER_TIME: &str = "x-waiting-room-time";
/// The signature, `v1.<key id>.<base64url tag>`.
pub const HEADER_SIGNATURE: &str = "x-waiting-room-signature";
/// The id under which edge and shop log the request.
pub const HEADER_REQUEST_ID: &str = "x-request-id";
/// The shop's answer about the fan's session: `end` or `extend=<seconds>`.
pub const HEADER_SESSION: &str = "x-waiting-room-session";
/// The shop's answer about its load: `0.0` idle, `1.0` full.
pub const HEADER_LOAD: &str = "x-waiting-room-load";

/// What stands in for a ticket while a room is switched off and everybody may pass. No ticket has this id.
pub const TICKET_WHILE_OFF: &str = "off";

/// Oldest signature that the shop accepts; equally the furthest that the edge's clock may run ahead.
pub const AGE_MAX: Duration = Duration::from_secs(30);

const VERSION: &str = "v1";

/// The facts of a forwarded request that the signature covers.
#[derive(Clone, Copy, Debug)]
pub struct EdgeRequest<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The `Host` header or `:authority`, as forwarded.
    pub authority: &'a str,
    /// Path and query, as forwarded.
    pub path_and_query: &'a str,
    /// The room's id, or empty.
    pub room: &'a str,
    /// The ticket's id, or empty.
    pub ticket: &'a str,
    /// When the edge signed.
    pub time: Timestamp,
    /// The value of `X-Request-Id`.
    pub request_id: &'a str,
}

/// Why the shop refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EdgeSignatureError {
    /// Not of the form `v1.<key id>.<tag>`.
    #[error("the edge's signature is malformed")]
    Malformed,
    /// Signed for another request, by an unknown key, or not by the edge at all.
    #[error("the edge's signature does not match the request")]
    Mismatch,
    /// Signed too long ago, or too far in the future.
    #[error("the edge's signature is older than {} s, or the clocks differ by more than that", AGE_MAX.as_secs())]
    Stale,
}

/// The value of the signature header for `request`.
pub fn sign(keyring: &Keyring, request: &EdgeRequest<'_>) -> String {
    let time = request.time.as_millis().to_be_bytes();
    let signature = keyring.sign(Purpose::EdgeRequest, &parts(request, &time));
    format!("{VERSION}.{}.{}", signature.key_id, URL_SAFE_NO_PAD.encode(signature.tag))
}

/// Checks the signature header `header` of `request` at the moment `now`.
///
/// # Errors
/// When the header is malformed, made for another request, or stale.
pub fn verify(
    keyring: &Keyring,
    header: &str,
    request: &EdgeRequest<'_>,
    now: Timestamp,
) -> Result<(), EdgeSignatureError> {
    let mut fields = header.split('.');
    let (Some(VERSION), Some(key_id), Some(tag), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(EdgeSignatureError::Malformed);
    };
    let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| EdgeSignatureError::Malformed)?;
    let time = request.time.as_millis().to_be_bytes();
    if !keyring.verify(Purpose::EdgeRequest, key_id, &parts(request, &time), &tag) {
        return Err(EdgeSignatureError::Mismatch);
    }
    let apart = now.since(request.time).max(request.time.since(now));
    if apart > AGE_MAX { Err(EdgeSignatureError::Stale) } else { Ok(()) }
}

fn parts<'a>(request: &EdgeRequest<'a>, time: &'a [u8; 8]) -> [&'a [u8]; 7] {
    // Destructured, so that a new field cannot be forgotten here.
    let EdgeRequest { method, authority, path_and_query, room, ticket, time: _, request_id } = request;
    [
        method.as_bytes(),
        authority.as_bytes(),
        path_and_query.as_bytes(),
        room.as_bytes(),
        ticket.as_bytes(),
        time,
        request_id.as_bytes(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const REQUEST: EdgeRequest<'static> = EdgeRequest {
        method: "POST",
        authority: "shop.example",
        path_and_query: "/api/reservations?x=1",
        room: "demo",
        ticket: "t1",
        time: NOW,
        request_id: "r1",
    };

    fn ring() -> Keyring {
        Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap()
    }

    #[test]
    fn a_signed_request_passes_for_thirty_seconds() {
        let header = sign(&ring(), &REQUEST);
        for (now, expected) in [
            (NOW, Ok(())),
            (NOW + AGE_MAX, Ok(())),
            (NOW - AGE_MAX, Ok(())),
            (NOW + AGE_MAX + Duration::from_millis(1), Err(EdgeSignatureError::Stale)),
            (NOW - AGE_MAX - Duration::from_millis(1), Err(EdgeSignatureError::Stale)),
        ] {
            assert_eq!(verify(&ring(), &header, &REQUEST, now), expected);
        }
    }

    #[test]
    fn any_edited_field_fails() {
        let header = sign(&ring(), &REQUEST);
        let edited = [
            EdgeRequest { method: "GET", ..REQUEST },
            EdgeRequest { authority: "evil.example", ..REQUEST },
            EdgeRequest { path_and_query: "/api/reservations", ..REQUEST },
            EdgeRequest { room: "other", ..REQUEST },
            EdgeRequest { room: "demot1", ticket: "", ..REQUEST },
            EdgeRequest { ticket: "t2", ..REQUEST },
            EdgeRequest { time: NOW + Duration::from_millis(1), ..REQUEST },
            EdgeRequest { request_id: "r2", ..REQUEST },
        ];
        for request in edited {
            assert_eq!(
                verify(&ring(), &header, &request, NOW),
                Err(EdgeSignatureError::Mismatch),
                "{request:?}"
            );
        }
    }

    #[test]
    fn a_malformed_header_fails() {
        let good = sign(&ring(), &REQUEST);
        for header in ["", "v1", "v1..", "v2.k1.AAAA", "v1.k1.***", &format!("{good}.x"), &format!("{good}=")]
        {
            assert!(verify(&ring(), header, &REQUEST, NOW).is_err(), "{header}");
        }
    }
}
