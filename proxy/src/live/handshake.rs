//! The opening handshake of a fan's WebSocket (RFC 6455, section 4).

use std::net::IpAddr;
use std::sync::Arc;

use admission::ticket::Place;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};
use pingora::proxy::Session;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::gate::Decision;
use crate::gate::fields::Fields;
use crate::gate::host::{self, Authority};
use crate::gate::query::parameter;
use crate::phases::{Edge, admission_of, no_ticket, noted_of, shown, shown_of, ticket_of, was_voided};
use crate::room::Room;
use crate::waiting::reply::Reply;

/// A connection that is to become a WebSocket, and whose.
#[derive(Clone)]
pub struct HandOver {
    /// The room.
    pub room: Arc<Room>,
    /// The fan's place.
    pub place: Place,
    /// Whether they were inside, and all admissions of their time were taken back.
    pub is_voided: bool,
    /// The value of `Sec-WebSocket-Accept`.
    pub accept: String,
}

/// Checks the handshake. Nothing is written: the owner of the connection answers.
///
/// # Errors
/// The answer that refuses it.
pub async fn check(
    edge: &Edge,
    room: &Arc<Room>,
    session: &Session,
    decision: &Decision,
    client: Option<IpAddr>,
) -> Result<HandOver, Reply> {
    let headers = &Fields::of(&session.req_header().headers);
    let (authority, query) = (&decision.authority, decision.target.query());
    let upgrade_needed = || {
        Reply::problem(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "a WebSocket handshake is needed")
            .with(header::UPGRADE, "websocket")
            .with(header::CONNECTION, "upgrade")
            .with(header::SEC_WEBSOCKET_VERSION, "13")
    };
    if session.as_http1().is_none() || !asks_for_websocket(headers) {
        return Err(upgrade_needed());
    }
    let key = key(headers).ok_or_else(|| {
        Reply::problem(StatusCode::BAD_REQUEST, "websocket_key", "Sec-WebSocket-Key is missing or malformed")
    })?;
    if !comes_from_here(headers, authority) {
        let detail = "the page that asks is not from this host";
        return Err(Reply::problem(StatusCode::FORBIDDEN, "origin", detail));
    }
    if edge.moved(room, headers).await {
        return Err(no_ticket());
    }
    let ticket = match ticket_of(room, headers) {
        Some(ticket) => ticket,
        None if noted_of(room, headers).is_some() => {
            // The ticket that replaces it comes with a cookie, which a WebSocket cannot bring.
            let detail = "this ticket has no place yet; poll until it has";
            return Err(Reply::problem(StatusCode::CONFLICT, "provisional", detail).retry_after(5));
        }
        None => return Err(no_ticket()),
    };
    if edge.load.sockets() >= edge.config.limits.sockets {
        let detail = "there are as many WebSockets as this proxy holds; poll instead";
        return Err(Reply::problem(StatusCode::SERVICE_UNAVAILABLE, "sockets", detail).retry_after(10));
    }
    // Asked once now, so that whoever comes back after their turn came hears of it at once.
    room.stand(&ticket.place, edge.config.heartbeat).await;
    let by_query = parameter(query, "shown").and_then(|text| shown(&text));
    let shown = shown_of(room, headers).into_iter().chain(by_query).min();
    // What was shown belongs to the place of before.
    if let Some(shown) = shown.filter(|_| !ticket.is_relocated) {
        room.was_shown(&ticket.place, shown);
    }
    if let Some((_, admission)) = admission_of(room, &edge.who(headers, client)) {
        room.recognise(&ticket.place, &admission);
    }
    let is_voided = was_voided(room, headers);
    let accept = derive_accept_key(key.as_bytes());
    Ok(HandOver { room: room.clone(), place: ticket.place, is_voided, accept })
}

fn has_token(headers: &Fields<'_>, name: header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|found| found.trim().eq_ignore_ascii_case(token))
}

fn asks_for_websocket(headers: &Fields<'_>) -> bool {
    has_token(headers, header::CONNECTION, "upgrade")
        && has_token(headers, header::UPGRADE, "websocket")
        && has_token(headers, header::SEC_WEBSOCKET_VERSION, "13")
}

fn key<'a>(headers: &Fields<'a>) -> Option<&'a str> {
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.to_str().ok()?.trim();
    (STANDARD.decode(key).ok()?.len() == 16).then_some(key)
}

/// Whether the page that opens the WebSocket is from this host. A program that is no browser names no origin.
pub(crate) fn comes_from_here(headers: &Fields<'_>, authority: &Authority) -> bool {
    let mut origins = headers.get_all(header::ORIGIN);
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return headers.get(header::ORIGIN).is_none();
    };
    let Some((scheme, named)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let default_port = match scheme {
        "http" => "80",
        "https" => "443",
        _ => return false,
    };
    let port = |authority: &Authority| authority.port().unwrap_or(default_port).to_owned();
    host::parse(named.as_bytes())
        .is_ok_and(|named| named.host() == authority.host() && port(&named) == port(authority))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn only_our_own_pages_may_listen() {
        let here = host::parse(b"shop.example:8080").unwrap();
        for (list, allowed) in [
            (&[][..], true),
            (&[("origin", "http://shop.example:8080")], true),
            (&[("origin", "http://SHOP.example.:8080")], true),
            (&[("origin", "http://shop.example")], false),
            (&[("origin", "http://evil.example:8080")], false),
            (&[("origin", "null")], false),
            (&[("origin", "file://")], false),
            (&[("origin", "http://shop.example:8080"), ("origin", "http://evil.example")], false),
        ] {
            assert_eq!(comes_from_here(&Fields::of(&headers(list)), &here), allowed, "{list:?}");
        }
        let tls = host::parse(b"shop.example").unwrap();
        assert!(comes_from_here(&Fields::of(&headers(&[("origin", "https://shop.example:443")])), &tls));
    }

    #[test]
    fn a_handshake_needs_all_its_parts() {
        let good = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
        ];
        assert!(asks_for_websocket(&Fields::of(&headers(&good))));
        for missing in 0..good.len() {
            let mut list = good.to_vec();
            list.remove(missing);
            assert!(!asks_for_websocket(&Fields::of(&headers(&list))), "{missing}");
        }
        assert_eq!(
            key(&Fields::of(&headers(&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")]))).map(str::len),
            Some(24)
        );
        assert_eq!(key(&Fields::of(&headers(&[("sec-websocket-key", "short")]))), None);
    }
}
