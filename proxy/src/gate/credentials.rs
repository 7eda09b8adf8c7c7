//! Tickets and admission tokens that a request carries, by header or by cookie.

use super::fields::Fields;
use http::header::HeaderName;

/// Carries a ticket for clients without cookies.
pub const TICKET_HEADER: HeaderName = HeaderName::from_static("wr-ticket");
/// Carries an admission token for clients without cookies.
pub const ADMISSION_HEADER: HeaderName = HeaderName::from_static("wr-admission");
/// Carries an invitation for clients without cookies.
pub const INVITATION_HEADER: HeaderName = HeaderName::from_static("wr-invitation");
/// Carries a bypass for clients without cookies.
pub const BYPASS_HEADER: HeaderName = HeaderName::from_static("wr-bypass");
/// Carries the place that a fan was shown last, for clients without cookies.
pub const SHOWN_HEADER: HeaderName = HeaderName::from_static("wr-shown");
/// Carries a challenge, and the work that it asks for.
pub const WORK_HEADER: HeaderName = HeaderName::from_static("wr-work");
/// The names of the edge's own cookies begin with one of these, after a `__Host-`.
const OWN_COOKIES: [&str; 10] = [
    "wr-ticket-",
    "wr-admission-",
    "wr-invitation-",
    "wr-bypass-",
    "wr-shown-",
    "wr-work-",
    "wr-shadow-",
    "wr-language",
    "wr-move-",
    "wr-take-",
];
/// Most values that are tried; a cookie may come twice when two domains set it, and no honest one comes more.
pub const TRIES_MAX: usize = 4;

/// The values presented as `cookie` or in `header`, in the order in which they are tried.
pub fn presented<'a>(
    headers: &'a Fields<'a>,
    header: &HeaderName,
    cookie: &'a str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let by_header = headers.get_all(header.clone()).filter_map(|value| value.to_str().ok());
    by_header.chain(cookies(headers, cookie)).take(TRIES_MAX)
}

/// The values of the cookies called `name`. What else there is in their lines need not be text.
pub(crate) fn cookies<'a>(headers: &'a Fields<'a>, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers.cookies(name).filter_map(|value| Some(as_text(value.trim_ascii_end())?.trim_matches('"')))
}

/// As text that can be seen, which all values of ours are.
fn as_text(value: &[u8]) -> Option<&str> {
    let can_be_seen = value.iter().all(|byte| (b' '..=b'~').contains(byte));
    str::from_utf8(value).ok().filter(|_| can_be_seen)
}

/// Appends the cookies of a `Cookie` line that are not the edge's own to those that are in `kept`.
pub fn keep_others(line: &str, kept: &mut String) {
    let others = line.split(';').map(str::trim).filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default().trim();
        let name = name.strip_prefix("__Host-").unwrap_or(name);
        let is_own = name.starts_with("wr-") && OWN_COOKIES.iter().any(|own| name.starts_with(own));
        !pair.is_empty() && !is_own
    });
    for pair in others {
        if !kept.is_empty() {
            kept.push_str("; ");
        }
        kept.push_str(pair);
    }
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
    fn the_header_comes_first_and_every_cookie_is_tried() {
        let map = headers(&[
            ("cookie", "a=1; wr-ticket-demo=one; wr-ticket-demo2=no"),
            ("cookie", "wr-ticket-demo=\"two\""),
            ("wr-ticket", "zero"),
        ]);
        let map = Fields::of(&map);
        let found: Vec<&str> = presented(&map, &TICKET_HEADER, "wr-ticket-demo").collect();
        assert_eq!(found, ["zero", "one", "two"]);
    }

    #[test]
    fn cookies_are_found_beside_any_others() {
        for (line, values) in [
            ("x=1;y=2; x=3", vec!["1", "3"]),
            ("  x=1  ;\tx = 2", vec!["1"]),
            ("yx=1; xx=2; x", vec![]),
            ("x=; x=\"a b\"; x=c=d", vec!["", "a b", "c=d"]),
            (";;x=1;", vec!["1"]),
            ("", vec![]),
        ] {
            let map = headers(&[("cookie", line)]);
            assert_eq!(cookies(&Fields::of(&map), "x").collect::<Vec<_>>(), values, "{line}");
        }
        let mut map = HeaderMap::new();
        map.append("cookie", HeaderValue::from_bytes(b"name=J\xc3\xbcrgen; x=1; x=\xff").unwrap());
        assert_eq!(
            cookies(&Fields::of(&map), "x").collect::<Vec<_>>(),
            ["1"],
            "what a shop sets does not hide a ticket"
        );
    }

    #[test]
    fn tries_are_bounded() {
        let map = headers(&[("cookie", "x=1; x=2; x=3; x=4; x=5; x=6")]);
        assert_eq!(presented(&Fields::of(&map), &TICKET_HEADER, "x").count(), TRIES_MAX);
    }

    #[test]
    fn our_cookies_stay_here() {
        for (line, kept) in [
            ("a=1; wr-ticket-demo=x; b=2", Some("a=1; b=2")),
            ("wr-admission-demo=x", None),
            ("wr-invitation-demo=x; __Host-wr-shown-demo=3", None),
            ("__Host-wr-admission-demo=x;__Host-wr-ticket-demo=y; c=3", Some("c=3")),
            ("wrong=1; xwr-ticket-demo=2", Some("wrong=1; xwr-ticket-demo=2")),
            ("", None),
        ] {
            let mut others = String::new();
            keep_others(line, &mut others);
            assert_eq!(Some(others.as_str()).filter(|others| !others.is_empty()), kept, "{line}");
        }
    }
}
