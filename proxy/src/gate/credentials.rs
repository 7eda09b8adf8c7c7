//! Tickets and admission tokens that a request carries, by header or by cookie.

use http::{HeaderMap, header};
use memchr::memmem;

/// Carries a ticket for clients without cookies.
pub const TICKET_HEADER: &str = "wr-ticket";
/// Carries an admission token for clients without cookies.
pub const ADMISSION_HEADER: &str = "wr-admission";
/// Carries an invitation for clients without cookies.
pub const INVITATION_HEADER: &str = "wr-invitation";
/// Carries a bypass for clients without cookies.
pub const BYPASS_HEADER: &str = "wr-bypass";
/// Carries the place that a fan was shown last, for clients without cookies.
pub const SHOWN_HEADER: &str = "wr-shown";
/// Carries a challenge, and the work that it asks for.
pub const WORK_HEADER: &str = "wr-work";
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
    headers: &'a HeaderMap,
    header: &str,
    cookie: &'a str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let by_header = headers.get_all(header).into_iter().filter_map(|value| value.to_str().ok());
    by_header.chain(cookies(headers, cookie)).take(TRIES_MAX)
}

/// The values of the cookies called `name`.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        // Most lines hold none of a name, and some are long.
        .filter(move |value| memmem::find(value.as_bytes(), name.as_bytes()).is_some())
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(move |pair| {
            let (found, value) = pair.trim().split_once('=')?;
            (found == name).then(|| value.trim_matches('"'))
        })
}

/// The cookies of a `Cookie` line that are not the edge's own; nothing when none is left.
pub fn without_own_cookies(line: &str) -> Option<String> {
    let kept: Vec<&str> = line
        .split(';')
        .map(str::trim)
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            let name = name.trim().strip_prefix("__Host-").unwrap_or(name.trim());
            !pair.is_empty() && !OWN_COOKIES.iter().any(|own| name.starts_with(own))
        })
        .collect();
    (!kept.is_empty()).then(|| kept.join("; "))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

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
        let found: Vec<&str> = presented(&map, TICKET_HEADER, "wr-ticket-demo").collect();
        assert_eq!(found, ["zero", "one", "two"]);
    }

    #[test]
    fn tries_are_bounded() {
        let map = headers(&[("cookie", "x=1; x=2; x=3; x=4; x=5; x=6")]);
        assert_eq!(presented(&map, TICKET_HEADER, "x").count(), TRIES_MAX);
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
            assert_eq!(without_own_cookies(line).as_deref(), kept, "{line}");
        }
    }
}
