//! A request as servers and frameworks may read it that mean well: those that decode twice, take `\` for `/`, cut
//! `;parameters`, trust a header more than the request line, or map letters that look alike. If any way of reading it
//! leads to a protected path, there is a shop somewhere that would have served it.

use crate::attacks::liberal::{look_alikes, percent, readings};
use crate::wire::origin::Seen;

/// Most readings of one request that are followed.
const READINGS_MAX: usize = 5000;
/// Headers that some server or framework takes the target from.
const TARGET_HEADERS: [&str; 7] = [
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-override-url",
    "x-forwarded-uri",
    "x-envoy-original-path",
    "x-accel-redirect",
];
/// Headers that some server or framework takes the host from.
const HOST_HEADERS: [&str; 6] =
    ["host", "x-host", "x-forwarded-host", "x-original-host", "x-http-host-override", "x-forwarded-server"];
/// Headers that some framework takes the method from.
const METHOD_HEADERS: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// The protected paths of `demo`, and the host of which everything is protected.
pub(crate) const PAGES: [&[u8]; 2] = [b"/events/demo", b"/api/reservations"];
pub(crate) const HALL: &str = "hall.example";

/// The reading by which a request is for something protected, if there is one.
pub(crate) fn protected(seen: &Seen) -> Option<String> {
    let values = |names: &[&str]| -> Vec<Vec<u8>> {
        let fields = seen.fields().into_iter();
        // Servers that hand headers on as variables read `_` as `-`.
        let found = fields.filter(|(name, _)| names.contains(&name.replace('_', "-").as_str()));
        found.map(|(_, value)| value).collect()
    };
    let mut targets = values(&TARGET_HEADERS);
    targets.push(seen.target());
    let by_path = targets.iter().flat_map(|target| readings(target, READINGS_MAX)).find(|path| is_page(path));
    let mut hosts = values(&HOST_HEADERS);
    hosts.extend(targets.iter().filter_map(|target| {
        let rest = target.splitn(2, |byte| *byte == b':').nth(1)?.strip_prefix(b"//")?;
        Some(rest.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()?.to_vec())
    }));
    let by_host = hosts.iter().flat_map(|host| host_readings(host)).find(|host| host == HALL);
    let by_method = values(&METHOD_HEADERS).pop().filter(|_| !seen.head.starts_with(b"POST "));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    by_path.map(text).or(by_host).or(by_method.map(text))
}

fn is_page(path: &[u8]) -> bool {
    PAGES.iter().any(|page| path.strip_prefix(*page).is_some_and(|rest| matches!(rest, [] | [b'/', ..])))
}

/// The hosts that a header may be read as naming.
fn host_readings(value: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(&percent(value)).to_lowercase();
    let text = look_alikes(text.as_bytes());
    let text = String::from_utf8_lossy(&text).into_owned();
    text.split([',', ' ', '\t', '/', '@', '\\', '?', '#'])
        .map(|part| part.split(':').next().unwrap_or_default().trim_end_matches('.').to_owned())
        .collect()
}

#[test]
fn the_shop_is_as_liberal_as_any() {
    let asked = |head: &str| Seen { head: format!("{head}\r\n\r\n").into_bytes(), body: Vec::new() };
    for head in [
        "GET /events/demo HTTP/1.1",
        "GET //EVENTS//demo/x HTTP/1.1",
        "GET /x/..%252fevents%5cdemo;a=b HTTP/1.1",
        "GET /%c0%ae/events/demo%00.css HTTP/1.1",
        "GET /%ef%bd%85vents/demo. HTTP/1.1",
        "GET /events/demo%253f HTTP/1.1",
        "GET / HTTP/1.1\r\nX-Original-URL: /events/demo",
        "GET / HTTP/1.1\r\nX_Rewrite_URL: /x/../events/demo",
        "GET / HTTP/1.1\r\nHost: HALL.example.:80",
        "GET http://hall.example/ HTTP/1.1\r\nHost: other.example",
    ] {
        assert!(protected(&asked(head)).is_some(), "{head}");
    }
    for head in ["GET /events/demos HTTP/1.1\r\nHost: a", "GET /?/events/demo HTTP/1.1\r\nHost: a"] {
        assert_eq!(protected(&asked(head)), None, "{head}");
    }
}
