//! Each attack takes bytes that decide what it tries, and panics when it succeeds.

pub mod liberal;

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Method, header};

use super::gate::client::{AddressHeader, TrustedProxies};
use super::gate::credentials::{TICKET_HEADER, TRIES_MAX, keep_others, presented};
use super::gate::fields::Fields;
use super::gate::routes::{PathRule, Route, Routes};
use super::gate::{Verdict, decide, framing};

/// What is protected: of this, the page and everything below.
const PAGES: [&str; 2] = ["/events/demo", "/api/reservations"];
/// Longest target that is tried: what is longer only takes longer.
const TARGET_MAX: usize = 120;
/// Most readings of one target that are looked at.
const READINGS_MAX: usize = 600;

fn routes() -> Routes {
    let rules = PAGES.iter().flat_map(|page| [(*page).to_owned(), format!("{page}/*")]);
    let rules = rules.map(|rule| Route::new(None, PathRule::parse(&rule).expect("a path"), 0));
    Routes::new(rules.collect())
}

fn ask(host: &[u8], target: &[u8]) -> Option<super::gate::Decision> {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_bytes(host).ok()?);
    decide(&routes(), &Method::GET, target, &Fields::of(&headers)).ok()
}

/// Attacks what is decided about a request: a host, a line end, and a target.
pub fn request(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (host, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if target.len() > TARGET_MAX {
        return;
    }
    let Some(decision) = ask(host, target) else { return };
    let (authority, forwarded) = (decision.authority.as_str(), decision.target.path_and_query());
    assert!(
        forwarded.starts_with('/') && forwarded.bytes().all(|byte| byte.is_ascii_graphic()),
        "{forwarded}"
    );
    // What is forwarded is decided in the same way, and forwarded as it is.
    let again = ask(authority.as_bytes(), forwarded.as_bytes()).expect(&forwarded);
    assert_eq!(again, decision, "{}", target.escape_ascii());
    let path = decision.target.path();
    match decision.verdict {
        Verdict::Open => {
            let is_page = |read: &Vec<u8>| {
                let rest = PAGES.iter().find_map(|page| read.strip_prefix(page.as_bytes()));
                rest.is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
            };
            let read = liberal::readings(path.as_bytes(), READINGS_MAX).into_iter().find(is_page);
            let read = read.map(|read| read.escape_ascii().to_string());
            assert_eq!(read, None, "{path} is open, and could be read as protected");
        }
        Verdict::Edge(_) => assert!(path.to_lowercase().starts_with("/.waiting-room"), "{path}"),
        Verdict::Protected { room, .. } => assert_eq!(room, 0, "{path}"),
    }
}

/// Attacks the framing of heads.
pub fn framing(data: &[u8]) {
    if framing::check(data).is_err() {
        return;
    }
    // Whoever ends lines at a line feed reads the same lines, and none of them has two ways of telling the length.
    let ends = |line: &[u8]| line.strip_suffix(b"\r").map(<[u8]>::to_vec);
    let mut lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let rest = lines.pop().unwrap_or_default();
    assert!(!rest.contains(&b'\r'), "{}", rest.escape_ascii());
    let lines: Vec<Vec<u8>> =
        lines.into_iter().map(|line| ends(line).expect("a line that ends in CRLF")).collect();
    assert!(lines.iter().all(|line| !line.contains(&b'\r')), "{}", data.escape_ascii());
    let lengths = lines.iter().filter(|line| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        line.contains(&b':')
            && (name.eq_ignore_ascii_case(b"content-length")
                || name.eq_ignore_ascii_case(b"transfer-encoding"))
    });
    assert!(lengths.count() <= 1, "{}", data.escape_ascii());
}

/// Attacks the cookies that a request carries.
pub fn cookies(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let mut headers = HeaderMap::new();
    headers.append(header::COOKIE, value.clone());
    headers.append(header::COOKIE, value);
    let line = String::from_utf8_lossy(data);
    let headers = Fields::of(&headers);
    let found: Vec<&str> = presented(&headers, &TICKET_HEADER, "wr-ticket-demo").collect();
    assert!(found.len() <= TRIES_MAX);
    assert_eq!(found, searched(&line, "wr-ticket-demo"), "{line}");
    assert!(found.iter().all(|found| line.contains(found) && !found.contains(';')), "{line}");
    let others = |line: &str| {
        let mut others = String::new();
        keep_others(line, &mut others);
        others
    };
    let kept = others(&line);
    assert_eq!(others(&kept), kept, "{line}");
    let pairs = |line: &str| -> Vec<String> {
        line.split(';').map(str::trim).filter(|pair| !pair.is_empty()).map(ToOwned::to_owned).collect()
    };
    let is_own = |pair: &String| {
        let name = pair.split('=').next().unwrap_or_default().trim();
        let name = name.strip_prefix("__Host-").unwrap_or(name);
        ["wr-ticket-", "wr-admission-", "wr-bypass-", "wr-invitation-", "wr-shown-", "wr-move-", "wr-take-"]
            .iter()
            .any(|own| name.starts_with(own))
    };
    assert!(!pairs(&kept).iter().any(is_own), "{line} leaves {kept}");
    // The shop's own are all there, in their order.
    let others: Vec<String> = pairs(&line)
        .into_iter()
        .filter(|pair| !pair.trim_start_matches("__Host-").starts_with("wr-"))
        .collect();
    let left: Vec<String> = pairs(&kept)
        .into_iter()
        .filter(|pair| !pair.trim_start_matches("__Host-").starts_with("wr-"))
        .collect();
    assert_eq!(others, left, "{line}");
}

/// The first values of a cookie in two lines like this, by plain search.
fn searched<'a>(line: &'a str, name: &str) -> Vec<&'a str> {
    let value = |pair: &'a str| pair.trim_ascii_start().strip_prefix(name)?.strip_prefix('=');
    let can_be_seen = |value: &&str| value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let values = line.split(';').filter_map(value).map(str::trim_ascii_end).filter(can_be_seen);
    let values: Vec<&str> = values.map(|value| value.trim_matches('"')).collect();
    values.iter().chain(&values).copied().take(TRIES_MAX).collect()
}

/// Attacks the headers that tell a client's address: the first byte says who asks and by which header the address is
/// told; each line after it is one value.
pub fn client(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let (header, is_list) =
        if choice & 1 == 0 { ("x-forwarded-for", true) } else { ("cf-connecting-ip", false) };
    let networks =
        ["10.0.0.0/8", "fd00::/8"].iter().map(|network| network.parse().expect("a network")).collect();
    let trusted = TrustedProxies { networks, header: AddressHeader::parse(header) };
    let stranger: IpAddr = IpAddr::from([203, 0, 113, 9]);
    let proxy: IpAddr = IpAddr::from([10, 0, 0, 1]);
    let headers_of = |first: &[u8]| {
        let mut headers = HeaderMap::new();
        for (nth, line) in rest.split(|byte| *byte == b'\n').enumerate() {
            let line = if nth == 0 { [first, line].concat() } else { line.to_vec() };
            headers.append(header, HeaderValue::from_bytes(&line).ok()?);
        }
        Some(headers)
    };
    let Some(headers) = headers_of(b"") else { return };
    let headers = Fields::of(&headers);
    // A stranger's word is worth nothing.
    assert_eq!(trusted.client(stranger, &headers), Ok(stranger));
    let Ok(found) = trusted.client(proxy, &headers) else {
        assert!(!is_list, "a list always tells something");
        return;
    };
    if is_list {
        // What stands left of the last one that is not trusted may be made up, and changes nothing.
        let forged = headers_of(b"198.51.100.66, ").expect("one more address");
        let with_more = trusted.client(proxy, &Fields::of(&forged)).expect("a list");
        assert!(
            with_more == found || trusted.trusts(found),
            "{found} becomes {with_more}: {}",
            rest.escape_ascii()
        );
    } else {
        assert_eq!(headers.get_all(header).count(), 1, "{found} of several");
    }
}
