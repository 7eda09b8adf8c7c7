//! Tickets and admission tokens that a request carries, by header or by cookie.

use http::{HeaderMap, header};

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
        .filter(move |value| may_hold(value.as_bytes(), name.as_bytes()))
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(move |pair| {
            let (found, value) = pair.trim().split_once('=')?;
            (found == name).then(|| value.trim_matches('"'))
        })
}

/// Whether a `Cookie` line may hold a cookie of this name.
fn may_hold(line: &[u8], name: &[u8]) -> bool {
    memchr::memchr_iter(b'=', line).any(|at| line.get(..at).is_some_and(|before| before.ends_with(name)))
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
            let mut others = String::new();
            keep_others(line, &mut others);
            assert_eq!(Some(others.as_str()).filter(|others| !others.is_empty()), kept, "{line}");
        }
    }
}
