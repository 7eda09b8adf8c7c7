//! What a request wants: a page for a person, a guess of the browser, or something else.

use http::{HeaderMap, Method, header};

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page, for a person who looks at it.
    Navigation,
    /// A page that the browser guesses the person might want.
    Prefetch,
    /// Anything else: a fetch, an API call, a form that is posted.
    Other,
}

impl Kind {
    /// Classifies by method and headers.
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        let says = |name: &str, words: &[&str]| {
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|value| {
                let value = value.to_ascii_lowercase();
                words.iter().any(|word| value.contains(word))
            })
        };
        let guesses = ["sec-purpose", "purpose", "x-purpose", "x-moz"];
        if guesses.iter().any(|name| says(name, &["prefetch", "prerender", "preview"])) {
            return Self::Prefetch;
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Self::Other;
        }
        let navigates = match headers.get("sec-fetch-mode") {
            Some(mode) => mode.as_bytes() == b"navigate",
            None => says(header::ACCEPT.as_str(), &["text/html"]),
        };
        if navigates { Self::Navigation } else { Self::Other }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
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
            (Method::POST, &[("sec-fetch-mode", "navigate")], Kind::Other),
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
            assert_eq!(Kind::of(method, &map), *kind, "{method} {headers:?}");
        }
    }
}
