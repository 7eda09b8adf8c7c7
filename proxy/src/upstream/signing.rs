//! What of a request goes to the shop: the normalised target, without anything that only the edge may say, and
//! with what the edge vouches for.

use admission::clock::Timestamp;
use admission::edge_signature::{self, EdgeRequest};
use admission::keyring::Keyring;
use http::Method;
use http::header::{self, HeaderName};
use pingora::http::RequestHeader;

use crate::gate::Decision;
use crate::gate::client::AddressHeader;
use crate::gate::credentials::without_own_cookies;
use crate::gate::elsewhere::leads_elsewhere;

/// What the edge vouches for.
pub struct Signed<'a> {
    /// The request, as decided.
    pub decision: &'a Decision,
    /// The room whose path it is, or empty.
    pub room: &'a str,
    /// The admitted ticket, or empty.
    pub ticket: &'a str,
    /// When the edge signs.
    pub time: Timestamp,
    /// The id of the request.
    pub request_id: &'a str,
    /// The W3C trace context.
    pub traceparent: &'a str,
    /// The address of who asked.
    pub client: &'a str,
    /// The header in which a CDN tells that address.
    pub address_header: Option<&'a AddressHeader>,
    /// The header in which a CDN shows its secret.
    pub secret_header: Option<&'a HeaderName>,
    /// How they asked.
    pub scheme: &'a str,
    /// The keys shared with the shop.
    pub keys: &'a Keyring,
}

/// Where servers and frameworks look for a client's address. Whoever asks may have written them; what is true is in
/// `X-Forwarded-For`.
const ADDRESS_HEADERS: [&str; 7] = [
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "cloudfront-viewer-address",
];

/// Whether a header that came from outside stays outside. Servers that read `_` as `-` are thought of.
fn is_the_edges(name: &str, method: &Method) -> bool {
    let name = name.replace('_', "-");
    leads_elsewhere(&name, method)
        || name.starts_with(edge_signature::HEADER_PREFIX)
        || name.starts_with("wr-")
        || name.starts_with("x-forwarded-")
        || matches!(name.as_str(), "forwarded" | edge_signature::HEADER_REQUEST_ID)
        || ADDRESS_HEADERS.contains(&name.as_str())
}

/// Turns the request that came into the one that goes to the shop.
///
/// # Errors
/// When a header cannot be written.
pub fn forward(request: &mut RequestHeader, signed: &Signed<'_>) -> pingora::Result<()> {
    let is_the_cdns = |name: &HeaderName| {
        signed.secret_header == Some(name)
            || signed.address_header.is_some_and(|header| header.as_str() == name.as_str())
    };
    let is_strange = |name: &&HeaderName| is_the_edges(name.as_str(), &request.method) || is_the_cdns(name);
    let strange: Vec<HeaderName> = request.headers.keys().filter(|name| is_strange(name)).cloned().collect();
    for name in &strange {
        request.remove_header(name);
    }
    forward_cookies(request)?;

    let path_and_query = signed.decision.target.path_and_query();
    request.set_raw_path(path_and_query.as_bytes())?;
    let authority = signed.decision.authority.as_str();
    request.insert_header(header::HOST, authority)?;
    request.insert_header("X-Forwarded-For", signed.client)?;
    request.insert_header("X-Forwarded-Proto", signed.scheme)?;
    request.insert_header("X-Forwarded-Host", authority)?;
    request.insert_header("Traceparent", signed.traceparent)?;

    let method = request.method.as_str().to_owned();
    let signature = edge_signature::sign(
        signed.keys,
        &EdgeRequest {
            method: &method,
            authority,
            path_and_query: &path_and_query,
            room: signed.room,
            ticket: signed.ticket,
            time: signed.time,
            request_id: signed.request_id,
        },
    );
    request.insert_header(edge_signature::HEADER_REQUEST_ID, signed.request_id)?;
    request.insert_header(edge_signature::HEADER_ROOM, signed.room)?;
    request.insert_header(edge_signature::HEADER_TICKET, signed.ticket)?;
    request.insert_header(edge_signature::HEADER_TIME, signed.time.to_string())?;
    request.insert_header(edge_signature::HEADER_SIGNATURE, signature)
}

/// Takes the edge's own cookies out; what is left goes on in one line.
fn forward_cookies(request: &mut RequestHeader) -> pingora::Result<()> {
    let lines: Vec<Vec<u8>> =
        request.headers.get_all(header::COOKIE).iter().map(|value| value.as_bytes().to_vec()).collect();
    if lines.is_empty() {
        return Ok(());
    }
    request.remove_header(&header::COOKIE);
    let kept: Vec<String> =
        lines.iter().filter_map(|line| without_own_cookies(&String::from_utf8_lossy(line))).collect();
    if kept.is_empty() { Ok(()) } else { request.insert_header(header::COOKIE, kept.join("; ")) }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::gate::{self, routes::Routes};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn what_only_the_edge_may_say_is_replaced_and_the_signature_fits() {
        let keys = Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
        let mut request = RequestHeader::build(Method::POST, b"/a/../buy%2e?x=1", None).unwrap();
        for (name, value) in [
            ("Host", "Shop.Example."),
            ("X-Waiting-Room-Ticket", "forged"),
            ("x_waiting_room_ticket", "forged"),
            ("X-Waiting-Room-Anything", "forged"),
            ("X-Forwarded-For", "6.6.6.6"),
            ("X-Forwarded-Port", "1"),
            ("Forwarded", "for=6.6.6.6"),
            ("X-Request-Id", "forged"),
            ("WR-Admission", "secret"),
            ("Cookie", "a=1; wr-admission-demo=secret"),
            ("Cookie", "b=2"),
            ("X-Kept", "yes"),
        ] {
            request.append_header(name, value).unwrap();
        }
        let mut hosts = HeaderMap::new();
        hosts.insert(header::HOST, "Shop.Example.".parse().unwrap());
        let decision = gate::decide(&Routes::default(), &Method::POST, request.raw_path(), &hosts).unwrap();
        let signed = Signed {
            decision: &decision,
            room: "demo",
            ticket: "t",
            time: NOW,
            request_id: "r",
            traceparent: "00-1-1-01",
            client: "10.0.0.1",
            address_header: None,
            secret_header: None,
            scheme: "https",
            keys: &keys,
        };
        forward(&mut request, &signed).unwrap();
        let all = |name: &str| {
            request.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>()
        };
        for (name, values) in [
            ("host", vec!["shop.example"]),
            ("x-waiting-room-ticket", vec!["t"]),
            ("x-waiting-room-room", vec!["demo"]),
            ("x_waiting_room_ticket", vec![]),
            ("x-waiting-room-anything", vec![]),
            ("x-forwarded-for", vec!["10.0.0.1"]),
            ("x-forwarded-port", vec![]),
            ("forwarded", vec![]),
            ("x-request-id", vec!["r"]),
            ("wr-admission", vec![]),
            ("cookie", vec!["a=1; b=2"]),
            ("x-kept", vec!["yes"]),
        ] {
            assert_eq!(all(name), values, "{name}");
        }
        assert_eq!(request.raw_path(), b"/buy.?x=1");
        let asked = EdgeRequest {
            method: "POST",
            authority: "shop.example",
            path_and_query: "/buy.?x=1",
            room: "demo",
            ticket: "t",
            time: NOW,
            request_id: "r",
        };
        let signature = all("x-waiting-room-signature");
        assert_eq!(edge_signature::verify(&keys, signature[0], &asked, NOW), Ok(()));
    }
}
