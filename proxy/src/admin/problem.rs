//! Refusals, as `application/problem+json` (RFC 9457).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::Refused;
use super::edit::EditError;
use crate::fleet::ChangeError;
use crate::room::RoomError;

/// Why a request was refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The same in words.
    pub(crate) title: String,
    /// A name that programs can tell apart.
    #[schema(example = "no_room")]
    pub(crate) code: String,
    /// What is wrong, where, and what would be right.
    pub(crate) detail: String,
    /// After how many seconds to ask again; in `Retry-After`.
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    /// A refusal.
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        Self {
            status: status.as_u16(),
            title,
            code: code.to_owned(),
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// There is no such room.
    pub(crate) fn no_room() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_room", "there is no such room; GET /api/v1/rooms lists them")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, axum::Json(self)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem);
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoTokens => Self::new(
                StatusCode::UNAUTHORIZED,
                "no_tokens",
                "this edge has no tokens for operators: set STANCHION_ADMIN_TOKENS, or admin_tokens_file in edge.toml, \
                 to entries <name>:<role>:<token>, and start it again",
            ),
            Refused::Unknown => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "a header `Authorization: Bearer <token>` with a token of this edge is needed",
            ),
            Refused::TooMany(seconds) => Self {
                retry_after: Some(seconds),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too_many",
                    format!("too many requests; the next one may come in {seconds} s"),
                )
            },
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let (status, code) = match &error {
            ChangeError::Wrong(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad_configuration"),
            ChangeError::Shared(_) => (StatusCode::CONFLICT, "shared_configuration"),
            ChangeError::Outrun(_) => (StatusCode::PRECONDITION_FAILED, "outrun"),
            ChangeError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store_away"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NoRoom => Self::no_room(),
            EditError::Value(..) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_configuration", error.to_string())
            }
            EditError::Text(_) => Self::new(StatusCode::CONFLICT, "not_editable", error.to_string()),
        }
    }
}

impl From<RoomError> for Problem {
    fn from(error: RoomError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_away", error.to_string())
    }
}

impl From<admission::store::StoreError> for Problem {
    fn from(error: admission::store::StoreError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_away", error.to_string())
    }
}
