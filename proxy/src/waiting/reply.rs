//! Answers that the edge gives itself: status, headers and bytes, without a word of how they are sent.

use std::sync::{Arc, LazyLock};

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use super::body::Body;

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: StatusCode,
    /// The headers that it has in common with others.
    pub common: Arc<Common>,
    /// The other headers, without `Content-Length`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Body,
}

/// Who may store an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// Nobody: it depends on the visitor.
    Private,
    /// Anyone, for one second: a CDN then asks once for all.
    Second,
    /// Anyone, for five minutes: it changes when an operator means it to.
    Minutes,
}

/// The headers that keep an answer out of every shared cache.
pub const PRIVATE: [(&str, &str); 3] = [
    ("cache-control", "private, no-store"),
    ("cdn-cache-control", "no-store"),
    ("surrogate-control", "no-store"),
];

/// Their names.
pub const PRIVATE_NAMES: [HeaderName; 3] =
    [header::CACHE_CONTROL, HeaderName::from_static(PRIVATE[1].0), HeaderName::from_static(PRIVATE[2].0)];

/// As many headers as most answers have besides those that are common.
const HEADERS: usize = 4;

/// As many as all of them have.
const HEADERS_MAX: usize = 24;

/// Headers of many answers, put together once: as bytes of HTTP/1.1, and as a map.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// One after the other.
    pub map: HeaderMap,
    /// As lines.
    pub lines: Vec<u8>,
}

impl Common {
    /// These.
    pub fn new(headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Self {
        // With room for what answers add: a map that has to grow is filled anew.
        let mut common = Self { map: HeaderMap::with_capacity(HEADERS_MAX), lines: Vec::new() };
        for (name, value) in headers {
            write_line(&mut common.lines, titled(&name), value.as_bytes());
            common.map.append(name, value);
        }
        common
    }
}

/// Writes a header line of HTTP/1.1.
pub fn write_line(lines: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        lines.extend_from_slice(part);
    }
}

/// A name as the HTTP library spells it.
pub fn titled(name: &HeaderName) -> &str {
    match *name {
        header::CACHE_CONTROL => "Cache-Control",
        header::CONTENT_TYPE => "Content-Type",
        header::CONTENT_ENCODING => "Content-Encoding",
        header::SET_COOKIE => "Set-Cookie",
        _ => name.as_str(),
    }
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    Json,
    Problem,
    Html,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Nothing, Self::Json, Self::Problem, Self::Html];

    const fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Json => Some("application/json"),
            Self::Problem => Some("application/problem+json"),
            Self::Html => Some("text/html; charset=utf-8"),
        }
    }

    /// What all answers of this kind have in common.
    fn common(self, caching: Caching) -> Arc<Common> {
        static ALL: LazyLock<Vec<(Kind, Caching, Arc<Common>)>> = LazyLock::new(|| {
            let cachings = [Caching::Private, Caching::Second, Caching::Minutes];
            let kinds = Kind::ALL.into_iter().flat_map(|kind| cachings.map(|caching| (kind, caching)));
            kinds
                .map(|(kind, caching)| (kind, caching, Arc::new(Common::new(kind.headers(caching)))))
                .collect()
        });
        let found = ALL.iter().find(|(kind, of, _)| (*kind, *of) == (self, caching));
        found.map_or_else(Arc::default, |(_, _, common)| common.clone())
    }

    fn headers(self, caching: Caching) -> Vec<(HeaderName, HeaderValue)> {
        let always = |(name, value)| (name, HeaderValue::from_static(value));
        let kind = self.content_type().into_iter().flat_map(|content_type| {
            [(header::CONTENT_TYPE, content_type), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")]
        });
        let caching = match caching {
            Caching::Private => PRIVATE_NAMES.into_iter().zip(PRIVATE.map(|(_, value)| value)).collect(),
            Caching::Second => vec![(header::CACHE_CONTROL, "public, max-age=1")],
            Caching::Minutes => vec![(header::CACHE_CONTROL, "public, max-age=300")],
        };
        kind.chain(caching).map(always).collect()
    }
}

impl Reply {
    fn new(status: StatusCode, common: Arc<Common>, body: impl Into<Body>) -> Self {
        let body = body.into();
        Self { status, common, headers: Vec::with_capacity(HEADERS), body }
    }

    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self::new(status, Kind::Nothing.common(Caching::Private), Body::default())
    }

    /// An answer with a JSON body.
    pub fn json(status: StatusCode, body: String, caching: Caching) -> Self {
        Self::new(status, Kind::Json.common(caching), body)
    }

    /// A page, with what [`Self::common_of_pages`] put together.
    pub fn html(status: StatusCode, common: Arc<Common>, body: Body) -> Self {
        Self::new(status, common, body)
    }

    /// The headers of pages that have these too.
    pub fn common_of_pages(more: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Arc<Common> {
        Arc::new(Common::new(Kind::Html.headers(Caching::Private).into_iter().chain(more)))
    }

    /// The headers of problems that have these too.
    pub fn common_of_problems(more: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Arc<Common> {
        Arc::new(Common::new(Kind::Problem.headers(Caching::Private).into_iter().chain(more)))
    }

    /// An error as `application/problem+json` (RFC 9457) with a `code` that programs can tell apart.
    pub fn problem(status: StatusCode, code: &str, detail: &str) -> Self {
        Self::problem_with(status, code, detail, &Value::Null)
    }

    /// The same, with more to say: the members of `more`.
    pub fn problem_with(status: StatusCode, code: &str, detail: &str, more: &Value) -> Self {
        // By hand, for it is what a crowd is told most often.
        let mut body = String::with_capacity(256);
        body.push_str("{\"type\":\"about:blank\",\"title\":");
        push_json(&mut body, status.canonical_reason().unwrap_or("Error"));
        body.push_str(",\"status\":");
        body.push_str(status.as_str());
        body.push_str(",\"detail\":");
        push_json(&mut body, detail);
        body.push_str(",\"code\":");
        push_json(&mut body, code);
        for (name, value) in more.as_object().into_iter().flatten() {
            body.push(',');
            push_json(&mut body, name);
            body.push(':');
            body.push_str(&value.to_string());
        }
        body.push('}');
        Self::new(status, Kind::Problem.common(Caching::Private), body)
    }

    /// With one header more. A value that cannot be sent is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    /// With `Retry-After`, where there is something to wait for.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if seconds > 0 {
            self.headers.push((header::RETRY_AFTER, number(seconds)));
        }
        self
    }

    /// The address that was asked for is told nobody, not even this site: it holds a secret.
    #[must_use]
    pub fn from_secret_address(mut self) -> Self {
        let is_other = |(name, _): &(HeaderName, HeaderValue)| *name != header::REFERRER_POLICY;
        self.headers.retain(is_other);
        if self.common.map.contains_key(header::REFERRER_POLICY) {
            let all = self.common.map.iter().map(|(name, value)| (name.clone(), value.clone()));
            self.common = Arc::new(Common::new(all.filter(is_other)));
        }
        self.with(header::REFERRER_POLICY, "no-referrer")
    }

    /// With a cookie.
    #[must_use]
    pub fn cookie(self, set_cookie: &str) -> Self {
        self.with(header::SET_COOKIE, set_cookie)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let own = self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value);
        own.or_else(|| self.common.map.get(name))?.to_str().ok()
    }
}

/// A number as the value of a header. The small ones, which nearly all are, lie ready.
fn number(number: u64) -> HeaderValue {
    static SMALL: LazyLock<[HeaderValue; 64]> = LazyLock::new(|| std::array::from_fn(HeaderValue::from));
    let small = usize::try_from(number).ok().and_then(|number| SMALL.get(number));
    small.cloned().unwrap_or_else(|| HeaderValue::from(number))
}

/// Appends `text` as JSON has it.
fn push_json(to: &mut String, text: &str) {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\') {
        to.push('"');
        to.push_str(text);
        to.push('"');
    } else {
        to.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_depends_on_the_visitor_is_stored_nowhere() {
        let reply = Reply::problem(StatusCode::TOO_MANY_REQUESTS, "waiting_room", "wait");
        for (name, value) in PRIVATE {
            assert_eq!(reply.header(name), Some(value));
        }
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        let body: serde_json::Value = serde_json::from_slice(&reply.body.into_bytes()).unwrap();
        assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(429), Some("waiting_room")));
    }

    #[test]
    fn whatever_is_told_of_a_problem_is_json() {
        let detail = "\"quoted\" \\ and\nbroken, für alle \u{7f}";
        let more = serde_json::json!({ "a \"b\"": [1, null] });
        let reply = Reply::problem_with(StatusCode::CONFLICT, "code", detail, &more);
        let body: serde_json::Value = serde_json::from_slice(&reply.body.into_bytes()).unwrap();
        assert_eq!((&body["detail"], &body["a \"b\""]), (&detail.into(), &serde_json::json!([1, null])));
    }
}
