//! Who reads a page: in which language, and at which address.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};

use crate::language::Language;

const NAME: &str = "shop-language";
/// How long a chosen language is kept: a year.
const KEPT_SECONDS: u32 = 365 * 24 * 3600;
/// Longest address that a page is led back to.
const BACK_LENGTH_MAX: usize = 500;

/// Who reads a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    /// The language that they chose, or would rather read.
    pub(crate) language: Language,
    /// The address of the page, to come back to it.
    pub(crate) page: String,
    secure: bool,
}

impl Reader {
    /// The reader of what this request asks for.
    pub(crate) fn of(request: &Request) -> Self {
        Self::from(request.method(), request.uri(), request.headers())
    }

    fn from(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let address = uri.path_and_query().map_or("/", |address| address.as_str());
        let page = match (method.is_safe(), uri.path().rsplit_once('/')) {
            (true, _) => address,
            // What a form was sent to is no page; the page that it stands on is one step up.
            (false, Some((page, _))) if !page.is_empty() => page,
            (false, _) => "/",
        };
        Self {
            language: chosen(headers).unwrap_or_else(|| Language::preferred(headers)),
            page: if page.len() <= BACK_LENGTH_MAX { page.to_owned() } else { "/".to_owned() },
            secure: headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https"),
        }
    }

    /// The `Set-Cookie` value that keeps `language`. It says nothing of who chose it.
    pub(crate) fn keep(&self, language: Language) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie =
            format!("{NAME}={language}; HttpOnly; SameSite=Lax; Path=/; Max-Age={KEPT_SECONDS}{secure}");
        // Two letters make a header value for certain.
        HeaderValue::try_from(cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from(&parts.method, &parts.uri, &parts.headers))
    }
}

/// The address to go back to, if it is one of this shop's pages and nowhere else.
pub(crate) fn back_to(address: &str) -> &str {
    let ours = address.starts_with('/')
        && !address.starts_with("//")
        && address.len() <= BACK_LENGTH_MAX
        && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if ours { address } else { "/" }
}

fn chosen(headers: &HeaderMap) -> Option<Language> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == NAME)
        .find_map(|(_, value)| Language::parse(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::ACCEPT_LANGUAGE;

    fn reader(method: &Method, address: &'static str, cookie: &'static str) -> Reader {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("ko-KR,ko;q=0.9"));
        headers.insert(COOKIE, HeaderValue::from_static(cookie));
        Reader::from(method, &Uri::from_static(address), &headers)
    }

    #[test]
    fn a_choice_counts_more_than_what_the_browser_says() {
        assert_eq!(reader(&Method::GET, "/", "").language, Language::Ko);
        assert_eq!(reader(&Method::GET, "/", "shop-fan=x; shop-language=en").language, Language::En);
        assert_eq!(reader(&Method::GET, "/", "shop-language=xx").language, Language::Ko);
    }

    #[test]
    fn a_page_is_led_back_to_and_a_form_is_not() {
        for (method, address, page) in [
            (Method::GET, "/?q=a", "/?q=a"),
            (Method::GET, "/events/demo", "/events/demo"),
            (Method::POST, "/events/demo/hold", "/events/demo"),
            (Method::POST, "/language", "/"),
        ] {
            assert_eq!(reader(&method, address, "").page, page);
        }
    }

    #[test]
    fn nobody_is_led_to_another_site() {
        for (address, to) in [
            ("/events/demo?part=2", "/events/demo?part=2"),
            ("//elsewhere.example", "/"),
            ("/\\elsewhere.example", "/"),
            ("https://elsewhere.example", "/"),
            ("", "/"),
            ("/a\r\nb", "/"),
        ] {
            assert_eq!(back_to(address), to);
        }
    }
}
