//! Answers as before where the same was asked before, by the same caller with the same key.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use super::store::{Answer, Begun};
use crate::app::App;
use crate::http::{Cookies, EdgeFacts, Problem, guest_of, private};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is the one of before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const SESSION: HeaderName = HeaderName::from_static("x-waiting-room-session");
/// Longest key, in bytes.
const KEY_LENGTH_MAX: usize = 200;
/// Shortest key of somebody who is nobody yet: it must say who they are.
const KEY_OF_NOBODY_MIN: usize = 16;
/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How much longer than the longest request it takes until one counts as cut off.
const GRACE: Duration = Duration::from_secs(5);
/// Longest answer to such a request, in bytes: far more than any is.
const ANSWER_MAX: usize = 4 * 1024 * 1024;
/// The headers that are kept with an answer.
const HEADERS: [HeaderName; 4] = [CONTENT_TYPE, LOCATION, SET_COOKIE, SESSION];
/// What is no order: logins and the like, and what payment providers send, which have keys of their own.
const OTHERS: [&str; 2] = ["/api/auth/", "/api/payments/webhooks/"];

/// Answers once, and then as before.
pub(crate) async fn answer_once(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let counts = request.method() == Method::POST
        && path.starts_with("/api/")
        && !OTHERS.iter().any(|other| path.starts_with(other));
    if !counts || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match once(&app, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn once(app: &Arc<App>, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let key = key(&parts)?;
    let caller = caller(&mut parts, app, &key).await?;
    let Ok(body) = to_bytes(body, app.settings.limits.body_bytes).await else {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is too large",
            "The body is too large, or did not arrive.",
        ));
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let kind = parts.headers.get(CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    let asked = hash(&[parts.method.as_str().as_bytes(), path.as_bytes(), kind, &body]);
    let own = hash(&[caller.as_bytes(), key.as_bytes()]);
    let store = &app.stores.idempotency;
    let now = app.clock.now();
    match store.begin(&own, &asked, now, now + app.settings.limits.request + GRACE).await? {
        Begun::New => {}
        Begun::Answered(answer) => return replayed(answer),
        Begun::UnderWay => return Err(under_way()),
        Begun::Other => return Err(reused()),
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_MAX).await.map_err(|error| Problem::internal(&error))?;
    let response = Response::from_parts(parts, Body::from(body.clone()));
    let Some(answer) = answer(&response, &body) else {
        // Else the key is free again when the longest request is over.
        if let Err(error) = store.give_up(&own).await {
            tracing::warn!(error = %error, "a key is not free for who asks again");
        }
        return Ok(response);
    };
    let mut keys = vec![own];
    // Whoever became somebody by this very answer asks again as that.
    if let Some(guest) = guest_of(response.headers()) {
        keys.push(hash(&[format!("fan {guest}").as_bytes(), key.as_bytes()]));
    }
    // It is done: whoever asked must hear of it, also where nobody can be told again.
    if let Err(error) = store.answered(&keys, &asked, &answer, app.clock.now() + KEPT).await {
        tracing::warn!(error = %error, "an answer is not kept for who asks again");
    }
    Ok(response)
}

fn key(parts: &Parts) -> Result<String, Problem> {
    let mut keys = parts.headers.get_all(KEY).iter();
    let key = keys.next().and_then(|key| key.to_str().ok()).map(str::trim).unwrap_or_default();
    if (1..=KEY_LENGTH_MAX).contains(&key.len()) && keys.next().is_none() {
        return Ok(key.to_owned());
    }
    Err(malformed(format!("`Idempotency-Key` comes once and has 1 to {KEY_LENGTH_MAX} characters.")))
}

/// Who asks: keys of different callers have nothing to do with each other.
async fn caller(parts: &mut Parts, app: &Arc<App>, key: &str) -> Result<String, Problem> {
    if let Some(authorization) = parts.headers.get(AUTHORIZATION) {
        return Ok(format!("authorization {}", hash(&[authorization.as_bytes()])));
    }
    let cookies = Cookies::from_request_parts(parts, app).await?;
    if let Some(fan) = cookies.fan() {
        return Ok(format!("fan {fan}"));
    }
    let ticket = parts.extensions.get::<EdgeFacts>().and_then(EdgeFacts::ticket_of_one);
    if let Some(ticket) = ticket {
        return Ok(format!("ticket {ticket}"));
    }
    if key.len() < KEY_OF_NOBODY_MIN {
        return Err(malformed(format!(
            "Without a cookie the key alone says who asks again: it has {KEY_OF_NOBODY_MIN} random characters or more."
        )));
    }
    Ok("nobody".to_owned())
}

/// What is kept of an answer; nothing, where asking again may well end otherwise.
fn answer(response: &Response, body: &Bytes) -> Option<Answer> {
    let status = response.status().as_u16();
    if status >= 500 || matches!(status, 401 | 403 | 408 | 413 | 415 | 429) {
        return None;
    }
    // Who is told when to ask again is not to hear the same then: a payment that was delayed may be done.
    if response.headers().contains_key(RETRY_AFTER) {
        return None;
    }
    let mut headers = Vec::new();
    for name in HEADERS {
        let values = response.headers().get_all(&name).iter().filter_map(|value| value.to_str().ok());
        headers.extend(values.map(|value| (name.as_str().to_owned(), value.to_owned())));
    }
    Some(Answer { status, headers, body: String::from_utf8(body.to_vec()).ok()? })
}

fn replayed(answer: Answer) -> Result<Response, Problem> {
    let Answer { status, headers, body } = answer;
    let mut response = body.into_response();
    *response.status_mut() = StatusCode::from_u16(status).map_err(|error| Problem::internal(&error))?;
    response.headers_mut().remove(CONTENT_TYPE);
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|error| Problem::internal(&error))?;
        let value = HeaderValue::try_from(value).map_err(|error| Problem::internal(&error))?;
        response.headers_mut().append(name, value);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    private(response.headers_mut());
    Ok(response)
}

fn malformed(detail: String) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "idempotency_key_malformed",
        "The idempotency key cannot be used",
        detail,
    )
}

fn under_way() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "idempotency_key_in_use",
        "The same request is being answered",
        "The first request with this `Idempotency-Key` is not answered yet. Ask again in a moment.",
    )
    .retry_after(1)
}

fn reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "The idempotency key came with another request",
        "Each request has an `Idempotency-Key` of its own; asking again means sending the same once more.",
    )
}

/// Of parts that cannot run into each other.
fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
