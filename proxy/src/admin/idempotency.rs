//! `Idempotency-Key`: whoever did not get an answer may ask again without doing it twice.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::Desk;
use super::body::BODY_MAX;
use super::problem::Problem;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is the one of before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in bytes.
const KEY_LENGTH_MAX: usize = 200;
/// How long an answer is remembered, by this proxy.
const MEMORY: Duration = Duration::from_secs(600);
/// Most answers that are remembered.
const ANSWERS_MAX: usize = 1000;
/// Longest answer that is remembered, in bytes.
const ANSWER_MAX: usize = 256 * 1024;

type Digest = [u8; 32];

/// Answers of before.
#[derive(Default)]
pub(super) struct Answers {
    known: HashMap<Digest, Answer>,
    oldest: VecDeque<(Instant, Digest)>,
}

#[derive(Clone)]
struct Answer {
    asked: Digest,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answers {
    fn forget_old(&mut self, now: Instant) {
        while let Some((at, digest)) = self.oldest.front()
            && (now.duration_since(*at) > MEMORY || self.oldest.len() > ANSWERS_MAX)
        {
            self.known.remove(digest);
            self.oldest.pop_front();
        }
    }
}

/// Answers as before where the same was asked before, by the same caller with the same key.
pub(super) async fn once(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let Some(key) = request.headers().get(KEY).filter(|_| !is_safe).cloned() else {
        return next.run(request).await;
    };
    if key.is_empty() || key.len() > KEY_LENGTH_MAX {
        let detail = format!("Idempotency-Key has to be 1 to {KEY_LENGTH_MAX} characters");
        return Problem::new(StatusCode::BAD_REQUEST, "bad_idempotency_key", detail).into_response();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        let detail = format!("the body is longer than {BODY_MAX} bytes, or did not arrive");
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_long", detail).into_response();
    };
    let caller = parts.headers.get(header::AUTHORIZATION).map_or(&[][..], HeaderValue::as_bytes);
    let which = digest(&[caller, key.as_bytes()]);
    // What a change is based on is part of what is asked.
    let basis = parts.headers.get(header::IF_MATCH).map_or(&[][..], HeaderValue::as_bytes);
    let asked = digest(&[parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), basis, &body]);
    // One at a time: a second try may come while the first is under way. Operators are few.
    let mut answers = desk.answers.lock().await;
    answers.forget_old(Instant::now());
    if let Some(answer) = answers.known.get(&which) {
        if answer.asked != asked {
            let detail = "this Idempotency-Key came with another request before; give each request its own";
            return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
                .into_response();
        }
        let Answer { status, headers, body, .. } = answer.clone();
        let mut response = (status, headers, body).into_response();
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        return response;
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    // What failed here may well succeed the next time.
    if response.status().is_server_error() || matches!(response.status().as_u16(), 401 | 429) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, ANSWER_MAX).await else {
        let detail = "the answer is too long to be remembered";
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "too_long", detail).into_response();
    };
    let answer = Answer { asked, status: parts.status, headers: parts.headers.clone(), body: body.clone() };
    answers.known.insert(which, answer);
    answers.oldest.push_back((Instant::now(), which));
    Response::from_parts(parts, Body::from(body))
}

/// Of parts that cannot run into each other.
fn digest(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
