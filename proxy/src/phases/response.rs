//! What of the shop's answer reaches the fan.

use std::time::Duration;

use admission::edge_signature::{HEADER_LOAD, HEADER_PREFIX, HEADER_SESSION};
use http::HeaderValue;
use http::header::{self, HeaderName};
use pingora::http::ResponseHeader;

use super::context::Context;
use crate::gate::credentials::{ADMISSION_HEADER, TICKET_HEADER};
use crate::gate::fields::Fields;
use crate::waiting::reply::{PRIVATE, PRIVATE_NAMES};

/// What the shop says about a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionSays {
    End,
    Extend(Duration),
}

fn session_says(value: &str) -> Option<SessionSays> {
    let value = value.trim();
    if value == "end" {
        return Some(SessionSays::End);
    }
    let seconds = value.strip_prefix("extend=")?.parse().ok()?;
    Some(SessionSays::Extend(Duration::from_secs(seconds)))
}

/// Acts on what the shop says to the edge, takes that out, and keeps what is protected out of shared caches.
///
/// # Errors
/// When a header cannot be written.
pub(super) fn shape(
    response: &mut ResponseHeader,
    context: &mut Context,
    asked: &Fields<'_>,
) -> pingora::Result<()> {
    let says =
        response.headers.get(HEADER_SESSION).and_then(|value| value.to_str().ok()).and_then(session_says);
    let load = response.headers.get(HEADER_LOAD).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    context.saw_the_shop(response.status.is_server_error(), load);
    // Where there is none, which is nearly always, nothing is allocated.
    let private_talk: Vec<HeaderName> =
        response.headers.keys().filter(|name| name.as_str().starts_with(HEADER_PREFIX)).cloned().collect();
    for name in &private_talk {
        response.remove_header(name);
    }
    let Some(room) = context.passage.room.clone() else { return Ok(()) };
    if let (Some(admission), Some(says)) = (&context.passage.admission, says) {
        match says {
            SessionSays::End => {
                room.end(admission.ticket);
                context.cookies = room.cookies.clear().into();
            }
            SessionSays::Extend(time) => {
                if let Some(pass) = room.extend(admission, time) {
                    context.cookies = vec![room.cookies.give_admission(&pass.token, pass.age)];
                }
            }
        }
    }
    if let (Some(visit), Some(SessionSays::End)) = (context.passage.shadow, says) {
        room.shade_is_done(visit);
    }
    if !is_asset(context.is_public, response, &context.cookies) {
        keep_private(response)?;
    }
    for cookie in &context.cookies {
        response.append_header(header::SET_COOKIE, cookie)?;
        if let Some(token) = room.cookies.admission_in(cookie).filter(|_| uses_headers(asked)) {
            response.insert_header(ADMISSION_HEADER, token)?;
        }
    }
    Ok(())
}

/// Whether a client carries by headers what browsers carry in cookies.
fn uses_headers(asked: &Fields<'_>) -> bool {
    asked.contains_key(ADMISSION_HEADER) || asked.contains_key(TICKET_HEADER)
}

/// Whether an answer leaves with the shop's own caching headers. One with a cookie, of the edge or of the shop, is one
/// visitor's, whatever the operator says of its path.
fn is_asset(is_public: bool, response: &ResponseHeader, cookies: &[String]) -> bool {
    is_public && cookies.is_empty() && !response.headers.contains_key(header::SET_COOKIE)
}

/// Whether a header tells one kind of cache more than `Cache-Control` tells all, and that kind heeds it first.
fn overrules(name: &str) -> bool {
    name.ends_with("-cdn-cache-control") || matches!(name, "x-accel-expires" | "edge-control")
}

/// A shared cache would hand a protected answer to someone whose turn has not come.
fn keep_private(response: &mut ResponseHeader) -> pingora::Result<()> {
    // `private="name"` covers one header only; and there are caches that heed no `no-store`.
    let (mut is_private, mut is_shared) = (false, false);
    let said = response.headers.get_all(header::CACHE_CONTROL).iter();
    for directive in said.filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(',')) {
        let directive = directive.trim();
        is_private |= directive.eq_ignore_ascii_case("private");
        let begins =
            |with: &str| directive.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
        is_shared |= directive.eq_ignore_ascii_case("public") || begins("s-maxage");
    }
    let overruling: Vec<HeaderName> =
        response.headers.keys().filter(|name| overrules(name.as_str())).cloned().collect();
    for name in &overruling {
        response.remove_header(name);
    }
    for (name, (_, value)) in PRIVATE_NAMES.into_iter().zip(PRIVATE) {
        if name != header::CACHE_CONTROL || !is_private || is_shared {
            response.insert_header(name, HeaderValue::from_static(value))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_is_understood() {
        for (value, says) in [
            ("end", Some(SessionSays::End)),
            (" end ", Some(SessionSays::End)),
            ("extend=300", Some(SessionSays::Extend(Duration::from_secs(300)))),
            ("extend=", None),
            ("extend=-1", None),
            ("stop", None),
        ] {
            assert_eq!(session_says(value), says, "{value}");
        }
    }

    #[test]
    fn what_is_protected_is_private() {
        for (said, told) in [
            (None, "private, no-store"),
            (Some("public, max-age=60"), "private, no-store"),
            (Some("max-age=60"), "private, no-store"),
            (Some("private, max-age=60"), "private, max-age=60"),
            (Some("no-store"), "private, no-store"),
            (Some("private, s-maxage=60"), "private, no-store"),
            (Some("private=\"x\", max-age=1"), "private, no-store"),
        ] {
            let mut response = ResponseHeader::build(200, None).unwrap();
            if let Some(said) = said {
                response.insert_header(header::CACHE_CONTROL, said).unwrap();
            }
            for name in ["x-accel-expires", "cloudflare-cdn-cache-control", "edge-control"] {
                response.insert_header(name, "max-age=60").unwrap();
            }
            keep_private(&mut response).unwrap();
            for name in ["x-accel-expires", "cloudflare-cdn-cache-control", "edge-control"] {
                assert!(!response.headers.contains_key(name), "{name}");
            }
            assert_eq!(response.headers["cache-control"], told, "{said:?}");
            assert_eq!(response.headers["cdn-cache-control"], "no-store");
            assert_eq!(response.headers["surrogate-control"], "no-store");
        }
    }

    #[test]
    fn an_answer_with_a_cookie_is_no_asset() {
        let mut response = ResponseHeader::build(200, None).unwrap();
        let cookie = ["wr-admission-demo=x".to_owned()];
        assert!(is_asset(true, &response, &[]));
        assert!(!is_asset(false, &response, &[]));
        assert!(!is_asset(true, &response, &cookie));
        response.insert_header(header::SET_COOKIE, "basket=1").unwrap();
        assert!(!is_asset(true, &response, &[]));
    }
}
