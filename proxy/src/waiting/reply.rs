//! Answers that the edge gives itself: status, headers and bytes, without a word of how they are sent.

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: StatusCode,
    /// The headers, without `Content-Length`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
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

/// As many headers as the longest answers have.
const HEADERS: usize = 18;

impl Reply {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }.caching(Caching::Private)
    }

    /// An answer with a JSON body.
    pub fn json(status: StatusCode, body: String, caching: Caching) -> Self {
        Self::with_body(status, "application/json", body).caching(caching)
    }

    /// A page.
    pub fn html(status: StatusCode, body: Bytes) -> Self {
        Self::with_body(status, "text/html; charset=utf-8", body).caching(Caching::Private)
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
        Self::with_body(status, "application/problem+json", body).caching(Caching::Private)
    }

    fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = Vec::with_capacity(HEADERS);
        headers.push((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
        headers.push((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")));
        Self { status, headers, body: body.into() }
    }

    fn caching(mut self, caching: Caching) -> Self {
        match caching {
            Caching::Private => {
                let private = PRIVATE_NAMES.into_iter().zip(PRIVATE);
                for (name, (_, value)) in private {
                    self.headers.push((name, HeaderValue::from_static(value)));
                }
            }
            Caching::Second => {
                self.headers.push((header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=1")));
            }
            Caching::Minutes => {
                self.headers.push((header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")));
            }
        }
        self
    }

    /// With one header more. A value that cannot be sent is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    /// With one header more, whose value is always the same.
    #[must_use]
    pub fn always(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// With `Retry-After`, where there is something to wait for.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        if seconds == 0 { self } else { self.with(header::RETRY_AFTER, seconds.to_string()) }
    }

    /// The address that was asked for is told nobody, not even this site: it holds a secret.
    #[must_use]
    pub fn from_secret_address(mut self) -> Self {
        self.headers.retain(|(name, _)| name != header::REFERRER_POLICY);
        self.with(header::REFERRER_POLICY, "no-referrer")
    }

    /// With a cookie.
    #[must_use]
    pub fn cookie(self, set_cookie: &str) -> Self {
        self.with(header::SET_COOKIE, set_cookie)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).and_then(|(_, value)| value.to_str().ok())
    }
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
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(429), Some("waiting_room")));
    }

    #[test]
    fn whatever_is_told_of_a_problem_is_json() {
        let detail = "\"quoted\" \\ and\nbroken, für alle \u{7f}";
        let more = serde_json::json!({ "a \"b\"": [1, null] });
        let reply = Reply::problem_with(StatusCode::CONFLICT, "code", detail, &more);
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((&body["detail"], &body["a \"b\""]), (&detail.into(), &serde_json::json!([1, null])));
    }
}
