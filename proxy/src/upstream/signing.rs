//! What of a request goes to the shop: the normalised target, without anything that only the edge may say, and
//! with what the edge vouches for.

use admission::clock::Timestamp;
use admission::edge_signature::{self, EdgeRequest};
use admission::keyring::Keyring;
use http::header::{self, HeaderName};
use http::{HeaderValue, Method, request};
use pingora::http::RequestHeader;
use pingora::{Error, ErrorType};

use crate::gate::Decision;
use crate::gate::client::AddressHeader;
use crate::gate::credentials::keep_others;
use crate::gate::elsewhere::leads_elsewhere;
use crate::gate::fields::{Fields, Value};

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
    pub scheme: &'static str,
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
    // Most headers begin with another letter than all of these.
    if !name.starts_with(['x', 'w', 'f', 't', 'c']) {
        return false;
    }
    let dashed;
    let name = if name.contains('_') {
        dashed = name.replace('_', "-");
        dashed.as_str()
    } else {
        name
    };
    leads_elsewhere(name, method)
        || name.starts_with(edge_signature::HEADER_PREFIX)
        || name.starts_with("wr-")
        || name.starts_with("x-forwarded-")
        || matches!(name, "forwarded" | edge_signature::HEADER_REQUEST_ID)
        || ADDRESS_HEADERS.contains(&name)
}

/// What is added to each request, besides the signature's own.
const ADDED: usize = 12;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REQUEST_ID: HeaderName = HeaderName::from_static(edge_signature::HEADER_REQUEST_ID);
const ROOM: HeaderName = HeaderName::from_static(edge_signature::HEADER_ROOM);
const TICKET: HeaderName = HeaderName::from_static(edge_signature::HEADER_TICKET);
const TIME: HeaderName = HeaderName::from_static(edge_signature::HEADER_TIME);
const SIGNATURE: HeaderName = HeaderName::from_static(edge_signature::HEADER_SIGNATURE);

/// Turns the request that came into the one that goes to the shop. The names of its headers go in lower case, as over
/// HTTP/2: to keep how each was spelled takes the library a second table, and nearly half of the time of all this.
///
/// # Errors
/// When a header cannot be written.
pub fn forward(request: &mut RequestHeader, signed: &Signed<'_>) -> pingora::Result<()> {
    let end_stream = request.send_end_stream();
    let nothing = RequestHeader::from(http::Request::new(()).into_parts().0);
    let mut parts = request::Parts::from(std::mem::replace(request, nothing));
    let path_and_query = signed.decision.target.path_and_query();
    let outcome = sign(&mut parts, &path_and_query, signed);
    *request = RequestHeader::from(parts);
    if let Some(end_stream) = end_stream {
        request.set_send_end_stream(end_stream);
    }
    outcome.ok_or_else(|| Error::explain(ErrorType::InvalidHTTPHeader, "a header for the shop"))?;
    request.set_raw_path(path_and_query.as_bytes())
}

/// Writes the head of the request that goes to the shop in place of one without a body: the same as [`forward`], as the
/// bytes of HTTP/1.1. What says how the client's own connection is used stays here.
///
/// # Errors
/// When a header cannot be written.
pub fn write(
    out: &mut Vec<u8>,
    method: &Method,
    headers: &Fields<'_>,
    signed: &Signed<'_>,
) -> pingora::Result<()> {
    let path_and_query = signed.decision.target.path_and_query();
    if !path_and_query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Error::e_explain(ErrorType::InvalidHTTPHeader, "a target for the shop");
    }
    for part in [method.as_str(), " ", &path_and_query, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    let mut line = |name: &str, value: &[u8]| {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            out.extend_from_slice(part);
        }
    };
    for (name, value) in headers.iter() {
        let is_replaced = name == header::HOST || name == header::COOKIE || name == TRACEPARENT;
        if !is_replaced && !is_of_one_connection(name) && !signed.is_strange(name, method) {
            line(name, value.as_bytes());
        }
    }
    let cookies = kept_cookies(headers.get_all(header::COOKIE).map(Value::as_bytes));
    if !cookies.is_empty() {
        line(header::COOKIE.as_str(), cookies.as_bytes());
    }
    let written = signed.added(method, &path_and_query, |name, value| {
        // Nothing that could end the line.
        let is_text = |byte: u8| matches!(byte, b' '..=b'~');
        value.bytes().all(is_text).then(|| line(name.as_str(), value.as_bytes()))
    });
    out.extend_from_slice(b"\r\n");
    written.ok_or_else(|| Error::explain(ErrorType::InvalidHTTPHeader, "a header for the shop"))
}

/// Whether a header is about one connection only. The library takes the same out before it asks what else is to be done.
fn is_of_one_connection(name: &str) -> bool {
    matches!(
        name,
        "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade" | "http2-settings"
    ) || matches!(name, "proxy-authenticate" | "proxy-authorization" | "proxy-connection")
}

impl Signed<'_> {
    /// Whether a header of the request is not for the shop.
    fn is_strange(&self, name: &str, method: &Method) -> bool {
        is_the_edges(name, method)
            || self.secret_header.is_some_and(|header| header == name)
            || self.address_header.is_some_and(|header| header.as_str() == name)
    }

    /// Gives `line` all that the edge adds, in place of what was said before; nothing when it takes one of them not.
    fn added(
        &self,
        method: &Method,
        path_and_query: &str,
        mut line: impl FnMut(HeaderName, &str) -> Option<()>,
    ) -> Option<()> {
        let authority = self.decision.authority.as_str();
        let signature = edge_signature::sign(
            self.keys,
            &EdgeRequest {
                method: method.as_str(),
                authority,
                path_and_query,
                room: self.room,
                ticket: self.ticket,
                time: self.time,
                request_id: self.request_id,
            },
        );
        line(header::HOST, authority)?;
        line(FORWARDED_FOR, self.client)?;
        line(FORWARDED_PROTO, self.scheme)?;
        line(FORWARDED_HOST, authority)?;
        line(TRACEPARENT, self.traceparent)?;
        line(REQUEST_ID, self.request_id)?;
        line(ROOM, self.room)?;
        line(TICKET, self.ticket)?;
        line(TIME, &self.time.as_millis().to_string())?;
        line(SIGNATURE, &signature)
    }
}

fn sign(parts: &mut request::Parts, path_and_query: &str, signed: &Signed<'_>) -> Option<()> {
    let request::Parts { method, headers, .. } = parts;
    let is_strange = |name: &&HeaderName| signed.is_strange(name.as_str(), method);
    let strange: Vec<HeaderName> = headers.keys().filter(is_strange).cloned().collect();
    for name in &strange {
        headers.remove(name);
    }
    headers.reserve(ADDED);
    let cookies = kept_cookies(headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes));
    headers.remove(header::COOKIE);
    if !cookies.is_empty() {
        headers.insert(header::COOKIE, HeaderValue::try_from(cookies).ok()?);
    }
    signed.added(method, path_and_query, |name, value| {
        headers.insert(name, HeaderValue::from_str(value).ok()?);
        Some(())
    })
}

/// The cookies that are not the edge's own, in one line.
fn kept_cookies<'a>(lines: impl Iterator<Item = &'a [u8]>) -> String {
    let mut kept = String::new();
    for line in lines {
        keep_others(&String::from_utf8_lossy(line), &mut kept);
    }
    kept
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
        let decision =
            gate::decide(&Routes::default(), &Method::POST, request.raw_path(), &Fields::of(&hosts)).unwrap();
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
        let mut written = Vec::new();
        write(&mut written, &request.method, &Fields::of(&request.headers), &signed).unwrap();
        forward(&mut request, &signed).unwrap();
        let written = String::from_utf8(written).unwrap();
        let (first, lines) = written.strip_suffix("\r\n\r\n").unwrap().split_once("\r\n").unwrap();
        assert_eq!(first, "POST /buy.?x=1 HTTP/1.1");
        let mut lines: Vec<_> = lines.split("\r\n").map(str::to_owned).collect();
        let mut others: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        others.sort();
        assert_eq!(lines, others, "both ways to the shop say the same");
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
