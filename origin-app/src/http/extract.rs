//! What handlers take from a request, with errors that are problems.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection};
use axum::extract::{
    Form, FromRequest, FromRequestParts, OptionalFromRequestParts, Query, RawPathParams, Request,
};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::{Cookies, Problem};
use crate::accounts::Role;
use crate::app::App;
use crate::ids::{EventId, PaymentId, ReservationId};

/// Most fields of a form.
const FIELDS_MAX: usize = 200;

/// A JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::JsonDataError(error)) => Err(Problem::invalid(error.body_text())),
            Err(JsonRejection::JsonSyntaxError(error)) => Err(malformed(error.body_text())),
            Err(other) => Err(unreadable(other.status(), other.body_text())),
        }
    }
}

/// The fields of a form, in order; a name may come several times.
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// All values of `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(Form(fields)) if fields.len() <= FIELDS_MAX => Ok(Self(fields)),
            Ok(_) => Err(Problem::invalid(format!("A form may have {FIELDS_MAX} fields."))),
            Err(FormRejection::FailedToDeserializeFormBody(error)) => Err(malformed(error.body_text())),
            Err(other) => Err(unreadable(other.status(), other.body_text())),
        }
    }
}

/// The arguments behind the `?`.
pub(crate) struct QueryArgs<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryArgs<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(args)) => Ok(Self(args)),
            Err(error) => Err(malformed(error.body_text())),
        }
    }
}

/// The id that a path names. What could be no id is not found, like any id that is not there.
pub(crate) struct PathId<T>(pub(crate) T);

/// An id that stands in a path under a fixed name.
pub(crate) trait InPath: Sized {
    const PARAMETER: &'static str;
    fn parse(text: &str) -> Option<Self>;
    fn missing() -> Problem;
}

impl InPath for EventId {
    const PARAMETER: &'static str = "event";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn missing() -> Problem {
        Problem::event_not_found()
    }
}

impl InPath for ReservationId {
    const PARAMETER: &'static str = "reservation";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn missing() -> Problem {
        Problem::reservation_not_found()
    }
}

impl InPath for PaymentId {
    const PARAMETER: &'static str = "payment";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn missing() -> Problem {
        Problem::payment_not_found()
    }
}

impl<T: InPath, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| T::missing())?;
        params
            .iter()
            .find(|(name, _)| *name == T::PARAMETER)
            .and_then(|(_, text)| T::parse(text))
            .map(Self)
            .ok_or_else(T::missing)
    }
}

/// Proof that the request carries the organiser's token, or comes from an organiser who is logged in.
pub(crate) struct Organiser;

impl FromRequestParts<Arc<App>> for Organiser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        if !parts.headers.contains_key(AUTHORIZATION)
            && let Some(session) = Cookies::from_request_parts(parts, app).await?.session()
        {
            return match session.role {
                Role::Organiser => Ok(Self),
                Role::Fan => Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    "organiser_only",
                    "Only for organisers",
                    "This account is not an organiser's.",
                )),
            };
        }
        let presented =
            parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
                match value.split_once(' ') {
                    Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
                    _ => None,
                }
            });
        match (&app.settings.organiser_token, presented) {
            (Some(token), Some(presented)) if token.matches(presented) => Ok(Self),
            (Some(_), _) => Err(organiser("Send the organiser's token as `Authorization: Bearer <token>`.")),
            (None, _) => Err(organiser("This shop has no organiser: STANCHION_ORGANISER_TOKEN is not set.")),
        }
    }
}

/// Whoever is no organiser sees what everybody sees.
impl OptionalFromRequestParts<Arc<App>> for Organiser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Option<Self>, Infallible> {
        Ok(<Self as FromRequestParts<Arc<App>>>::from_request_parts(parts, app).await.ok())
    }
}

fn organiser(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "organiser_only", "Only for organisers", detail)
}

fn malformed(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
}

/// A body of the wrong kind or size.
fn unreadable(status: StatusCode, detail: String) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(status, "body_too_large", "The body is too large", detail)
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::new(status, "media_type", "The body is of another kind than expected", detail)
        }
        _ => malformed(detail),
    }
}
