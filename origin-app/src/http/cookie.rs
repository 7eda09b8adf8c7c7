//! The cookie by which an anonymous fan is known.

use std::convert::Infallible;
use std::sync::Arc;

use admission::clock::RandomError;
use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use crate::app::App;
use crate::ids::FanId;

const NAME: &str = "shop-fan";
/// How long a browser keeps the cookie, and with it the tickets: a year.
const KEPT_SECONDS: u32 = 365 * 24 * 3600;

/// What the visitor's cookies say.
pub(crate) struct Cookies {
    fan: Option<FanId>,
    secure: bool,
}

impl Cookies {
    /// Who the visitor is, if it was told before.
    pub(crate) fn fan(&self) -> Option<&FanId> {
        self.fan.as_ref()
    }

    /// Who the visitor is, and the cookie to set if nobody until now.
    pub(crate) fn fan_or_new(&self, app: &App) -> Result<(FanId, Option<HeaderValue>), RandomError> {
        if let Some(fan) = &self.fan {
            return Ok((fan.clone(), None));
        }
        let fan = FanId::random(app.random.as_ref())?;
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie = format!("{NAME}={fan}; HttpOnly; SameSite=Lax; Path=/; Max-Age={KEPT_SECONDS}{secure}");
        // A hexadecimal id makes a header value for certain.
        Ok((fan, HeaderValue::try_from(cookie).ok()))
    }
}

/// Sets the cookie of a new fan.
pub(crate) fn set_fan_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

impl FromRequestParts<Arc<App>> for Cookies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Infallible> {
        let secure = parts.headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
        Ok(Self { fan: fan(&parts.headers), secure })
    }
}

fn fan(headers: &HeaderMap) -> Option<FanId> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == NAME)
        .find_map(|(_, value)| FanId::parse(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fan_is_found_among_other_cookies() {
        let id = "0123456789abcdef0123456789abcdef";
        for (cookies, found) in [
            (format!("{NAME}={id}"), true),
            (format!("a=b; {NAME}={id}; c"), true),
            (format!("{NAME}=forged; {NAME}={id}"), true),
            (format!("x{NAME}={id}"), false),
            (format!("{NAME}={}", id.to_uppercase()), false),
            (String::new(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::try_from(&cookies).unwrap());
            assert_eq!(fan(&headers).is_some(), found, "{cookies}");
        }
    }
}
