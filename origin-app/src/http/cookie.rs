//! The cookies by which a fan is known: that of a guest, and that of a session.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::RandomError;
use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::Problem;
use crate::accounts::{Session, Token, TokenHash};
use crate::app::App;
use crate::ids::FanId;

const GUEST: &str = "shop-fan";
/// How long a browser keeps the cookie, and with it the tickets: a year.
const GUEST_KEPT: Duration = Duration::from_secs(365 * 24 * 3600);
/// The cookie of a session; over TLS under a name that no other site of the domain can set.
const SESSION: &str = "shop-session";
const SESSION_TLS: &str = "__Host-shop-session";

/// What the visitor's cookies say.
pub(crate) struct Cookies {
    guest: Option<FanId>,
    session: Option<(TokenHash, Session)>,
    secure: bool,
}

impl Cookies {
    /// Who the visitor is, if it was told before. Who is logged in is the fan of the account, whatever else is said.
    pub(crate) fn fan(&self) -> Option<&FanId> {
        self.session.as_ref().map(|(_, session)| &session.fan).or(self.guest.as_ref())
    }

    /// The session of who is logged in.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref().map(|(_, session)| session)
    }

    /// The hash of the session's token.
    pub(crate) fn session_token(&self) -> Option<&TokenHash> {
        self.session.as_ref().map(|(token, _)| token)
    }

    /// Who the browser was before anybody logged in.
    pub(crate) fn guest(&self) -> Option<&FanId> {
        self.guest.as_ref()
    }

    /// Who the visitor is, and the cookie to set if nobody until now.
    pub(crate) fn fan_or_new(&self, app: &App) -> Result<(FanId, Option<HeaderValue>), RandomError> {
        if let Some(fan) = self.fan() {
            return Ok((fan.clone(), None));
        }
        let fan = FanId::random(app.random.as_ref())?;
        let cookie = self.cookie(GUEST, fan.as_str(), GUEST_KEPT);
        Ok((fan, cookie))
    }

    /// Has the browser hold a session, and no guest any more: what the guest had is the account's.
    pub(crate) fn log_in(&self, response: &mut Response, token: &Token, lasts: Duration) {
        let name = if self.secure { SESSION_TLS } else { SESSION };
        set_cookie(response, self.cookie(name, token.expose(), lasts));
        if self.guest.is_some() {
            set_cookie(response, self.cookie(GUEST, "", Duration::ZERO));
        }
    }

    /// Has the browser forget the session.
    pub(crate) fn log_out(&self, response: &mut Response) {
        let names = if self.secure { [SESSION_TLS, SESSION].as_slice() } else { &[SESSION] };
        for name in names {
            set_cookie(response, self.cookie(name, "", Duration::ZERO));
        }
    }

    fn cookie(&self, name: &str, value: &str, lasts: Duration) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie =
            format!("{name}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={}{secure}", lasts.as_secs());
        // Hexadecimal ids make a header value for certain.
        HeaderValue::try_from(cookie).ok()
    }
}

/// Sets the cookie of a new guest, if there is one to set.
pub(crate) fn set_fan_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    set_cookie(response, cookie);
}

fn set_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

impl FromRequestParts<Arc<App>> for Cookies {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let secure = parts.headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
        let session = match token(&parts.headers, secure).map(|token| token.hash()) {
            // Were it not known whether they are logged in, they would act as somebody else.
            Some(token) => app.accounts.session(&token).await?.map(|session| (token, session)),
            None => None,
        };
        Ok(Self { guest: guest(&parts.headers), session, secure })
    }
}

/// The guest whom an answer tells the browser to be from now on.
pub(crate) fn guest_of(headers: &HeaderMap) -> Option<FanId> {
    let set = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    set.filter_map(|cookie| cookie.split(';').next()?.split_once('='))
        .filter(|(name, _)| *name == GUEST)
        .find_map(|(_, value)| FanId::parse(value).ok())
}

fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(other, _)| *other == name)
        .map(|(_, value)| value)
}

fn guest(headers: &HeaderMap) -> Option<FanId> {
    values(headers, GUEST).find_map(|value| FanId::parse(value).ok())
}

fn token(headers: &HeaderMap, secure: bool) -> Option<Token> {
    // Over TLS only the name counts that another site cannot have set.
    let name = if secure { SESSION_TLS } else { SESSION };
    values(headers, name).find_map(Token::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::try_from(cookies).unwrap());
        headers
    }

    #[test]
    fn the_guest_is_found_among_other_cookies() {
        let id = "0123456789abcdef0123456789abcdef";
        for (cookies, found) in [
            (format!("{GUEST}={id}"), true),
            (format!("a=b; {GUEST}={id}; c"), true),
            (format!("{GUEST}=forged; {GUEST}={id}"), true),
            (format!("x{GUEST}={id}"), false),
            (format!("{GUEST}={}", id.to_uppercase()), false),
            (String::new(), false),
        ] {
            assert_eq!(guest(&headers(&cookies)).is_some(), found, "{cookies}");
        }
    }

    #[test]
    fn over_tls_a_session_that_another_site_may_have_set_is_none() {
        let id = "ab".repeat(32);
        assert!(token(&headers(&format!("{SESSION}={id}")), false).is_some());
        assert!(token(&headers(&format!("{SESSION}={id}")), true).is_none());
        assert!(token(&headers(&format!("{SESSION_TLS}={id}")), true).is_some());
    }
}
