//! What a request wants: a page for a person, a guess of the browser, or something else.

use super::fields::Fields;
use http::{HeaderName, Method, header};

/// What a form is sent as.
const FORMS: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// Where browsers say that they guess.
static GUESSES: [HeaderName; 4] = [
    HeaderName::from_static("sec-purpose"),
    HeaderName::from_static("purpose"),
    HeaderName::from_static("x-purpose"),
    HeaderName::from_static("x-moz"),
];
/// Where they say what they are about to do.
static FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page, for a person who looks at it.
    Navigation,
    /// A page that the browser guesses the person might want.
    Prefetch,
    /// A form that a browser posts: its answer is shown to the person, but nothing can stand in the line for it.
    Form,
    /// Anything else: a fetch, an API call.
    Other,
}

impl Kind {
    /// Classifies by method and headers.
    pub fn of(method: &Method, headers: &Fields<'_>) -> Self {
        let says = |name: &HeaderName, words: &[&str]| {
            headers.get_all(name).filter_map(|value| value.to_str().ok()).any(|value| {
                words.iter().any(|word| {
                    value
                        .as_bytes()
                        .windows(word.len())
                        .any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
                })
            })
        };
        if GUESSES.iter().any(|name| says(name, &["prefetch", "prerender", "preview"])) {
            return Self::Prefetch;
        }
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        let shows_a_page = match headers.get(&FETCH_MODE) {
            Some(mode) => mode.as_bytes() == b"navigate",
            None => says(&header::ACCEPT, &["text/html"]) && (is_read || says(&header::CONTENT_TYPE, &FORMS)),
        };
        match (shows_a_page, is_read) {
            (true, true) => Self::Navigation,
            (true, false) => Self::Form,
            (false, _) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        let form = ("content-type", "application/x-www-form-urlencoded");
        type Headers = [(&'static str, &'static str)];
        let cases: &[(Method, &Headers, Kind)] = &[
            (Method::GET, &[html], Kind::Navigation),
            (Method::HEAD, &[html], Kind::Navigation),
            (Method::POST, &[html], Kind::Other),
            (Method::GET, &[], Kind::Other),
            (Method::GET, &[("accept", "*/*")], Kind::Other),
            (Method::GET, &[("accept", "application/json")], Kind::Other),
            (Method::GET, &[("sec-fetch-mode", "navigate")], Kind::Navigation),
            (Method::GET, &[html, ("sec-fetch-mode", "cors")], Kind::Other),
            (Method::POST, &[("sec-fetch-mode", "navigate")], Kind::Form),
            (Method::POST, &[html, form], Kind::Form),
            (Method::POST, &[html, ("content-type", "Multipart/Form-Data; boundary=x")], Kind::Form),
            (Method::POST, &[html, ("content-type", "application/json")], Kind::Other),
            (Method::POST, &[form], Kind::Other),
            (Method::POST, &[html, form, ("sec-fetch-mode", "cors")], Kind::Other),
            (Method::POST, &[("sec-fetch-mode", "navigate"), ("sec-purpose", "prefetch")], Kind::Prefetch),
            (Method::GET, &[html, ("sec-purpose", "prefetch")], Kind::Prefetch),
            (
                Method::GET,
                &[("sec-fetch-mode", "navigate"), ("sec-purpose", "prefetch;prerender")],
                Kind::Prefetch,
            ),
            (Method::GET, &[html, ("purpose", "prefetch")], Kind::Prefetch),
        ];
        for (method, headers, kind) in cases {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| {
                    (name.parse::<http::HeaderName>().unwrap(), HeaderValue::from_static(value))
                })
                .collect();
            assert_eq!(Kind::of(method, &Fields::of(&map)), *kind, "{method} {headers:?}");
        }
    }
}
