//! What requests bring: bodies of bounded length, paths, queries; refused in words.

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Path, Query, Request};
use http::request::Parts;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Longest body, in bytes: a configuration has to fit.
pub(super) const BODY_MAX: usize = 2 << 20;

/// A body that was JSON.
pub(super) struct Body<T>(pub(super) T);

/// The room that a path names.
pub(super) struct RoomId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for RoomId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(room)) => Ok(Self(room)),
            Err(_) => Err(Problem::no_room()),
        }
    }
}

/// What a query asks for.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_query", error.body_text())),
        }
    }
}

async fn read<T: DeserializeOwned>(request: Request) -> Result<Option<T>, Problem> {
    let is_json = request.headers().get(header::CONTENT_TYPE).is_none_or(|kind| {
        let kind = kind
            .to_str()
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        kind == "application/json" || kind == "application/merge-patch+json"
    });
    if !is_json {
        let detail = "the body has to be JSON, with Content-Type: application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
    }
    let bytes = axum::body::to_bytes(request.into_body(), BODY_MAX).await.map_err(|_| {
        let detail = format!("the body is longer than {BODY_MAX} bytes, or did not arrive");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_long", detail)
    })?;
    if bytes.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_body", format!("the body: {error}"))
    })
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        read(request).await?.map(Self).ok_or_else(|| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad_body",
                "a body of JSON is needed, and there is none",
            )
        })
    }
}

impl<T: DeserializeOwned, S: Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Option<Self>, Problem> {
        Ok(read(request).await?.map(Self))
    }
}
