//! The one place that turns an error into an answer: `application/problem+json` (RFC 9457) with a stable code.
//!
//! A page shows the same problem to people; `pages` finds it among the answer's extensions. The cause is for
//! the log and never leaves the shop.

use std::error::Error;
use std::sync::Arc;

use axum::Json;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};

use crate::checkout::{CancelRefused, PaymentRefused};
use crate::datetime;
use crate::ids::SeatId;
use crate::inventory::{InventoryError, OfficeError};
use crate::reservations::{HoldRefused, ReservationState};
use crate::store::StoreError;

/// Why a request was not done.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// The stable code that programs go by.
    pub code: &'static str,
    /// What happened, the same for every occurrence.
    pub title: &'static str,
    /// What happened this time, and what to do.
    pub detail: String,
    seats: Vec<SeatId>,
    retry_after_seconds: Option<u32>,
    cause: Option<Arc<str>>,
}

fn codes() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(super::codes::CODES)).build()
}

#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[schema(schema_with = codes)]
    code: &'a str,
    #[serde(skip_serializing_if = "<[SeatId]>::is_empty")]
    seats: &'a [SeatId],
}

impl Problem {
    /// A problem without anything special.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        debug_assert!(super::codes::CODES.contains(&code), "`{code}` is not among the codes");
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            seats: Vec::new(),
            retry_after_seconds: None,
            cause: None,
        }
    }

    /// Nothing is there.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", "There is nothing at this address.")
    }

    /// No such event.
    pub fn event_not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "event_not_found",
            "Event not found",
            "There is no event at this address. Perhaps it was mistyped.",
        )
    }

    /// No such reservation, or somebody else's.
    pub fn reservation_not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "reservation_not_found",
            "Reservation not found",
            "You have no reservation of this id. A reservation belongs to the browser that made it.",
        )
    }

    /// No such payment.
    pub fn payment_not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "payment_not_found",
            "Payment not found",
            "There is no payment of this id.",
        )
    }

    /// The seats were held when the shop lost what it knew of them.
    pub fn hold_lost() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "hold_lost",
            "Your seats are no longer held",
            "The shop lost your hold by a fault of its own. Nothing was charged. Please choose again.",
        )
    }

    /// Which seats are free is being read from the database.
    pub fn inventory_loading() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "inventory_loading",
            "The seats are being counted",
            "Which seats are free is not known at this moment. Please try again in a few seconds.",
        )
        .retry_after(1)
    }

    /// The request is well-formed and makes no sense.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request cannot be used", detail)
    }

    /// Something failed that the visitor can do nothing about.
    pub fn internal(cause: &(dyn Error + 'static)) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong in the shop",
            "It is our fault, not yours. Please try again; nothing is charged twice.",
        );
        problem.cause = Some(chain(cause).into());
        problem
    }

    /// The shop has too much to do.
    pub fn busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "The shop is busy",
            "Please try again in a moment.",
        )
        .retry_after(1)
    }

    /// Tells the visitor when to come back.
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// The cause, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Which seats it is about, if it is about some.
    pub(crate) fn seats(&self) -> &[SeatId] {
        &self.seats
    }

    fn with_seats(self, seats: Vec<SeatId>) -> Self {
        Self { seats, ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            kind: format!("urn:stanchion:shop:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            seats: &self.seats,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Busy(_) => Self { cause: Some(chain(&error).into()), ..Self::busy() },
            StoreError::Failed(_) | StoreError::Refused(_) => Self::internal(&error),
        }
    }
}

impl From<InventoryError> for Problem {
    fn from(error: InventoryError) -> Self {
        match &error {
            InventoryError::NotLoaded => Self::inventory_loading(),
            InventoryError::Unavailable(_) => Self { cause: Some(chain(&error).into()), ..Self::busy() },
            InventoryError::Unreadable(_) => Self::internal(&error),
        }
    }
}

impl From<OfficeError> for Problem {
    fn from(error: OfficeError) -> Self {
        match error {
            OfficeError::Inventory(error) => error.into(),
            OfficeError::Store(error) => error.into(),
        }
    }
}

impl From<HoldRefused> for Problem {
    fn from(refused: HoldRefused) -> Self {
        let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
        match refused {
            HoldRefused::EventNotFound => Self::event_not_found(),
            HoldRefused::NotAdmitted => Self::new(
                StatusCode::FORBIDDEN,
                "not_admitted",
                "It is not your turn",
                "This event sells only to fans who were let in by its waiting room.",
            ),
            HoldRefused::SaleNotOpen { opens_at } => Self::new(
                StatusCode::CONFLICT,
                "sale_not_open",
                "Not on sale now",
                match opens_at {
                    Some(opens_at) => {
                        format!("These seats are on sale from {} on.", datetime::to_rfc3339(opens_at))
                    }
                    None => "These seats are not on sale any more.".to_owned(),
                },
            ),
            HoldRefused::NoSeats => {
                Self::new(unprocessable, "no_seats", "No seat was chosen", "Choose at least one seat.")
            }
            HoldRefused::TooManySeats { has, max } => Self::new(
                unprocessable,
                "too_many_seats",
                "Too many seats",
                match has {
                    0 => format!("One fan may have {max} seats of an event."),
                    _ => format!("One fan may have {max} seats of an event, and you have {has}."),
                },
            ),
            HoldRefused::Unknown(seats) => Self::new(
                unprocessable,
                "seat_unknown",
                "No such seat",
                format!("The event has no {}.", listed(&seats)),
            )
            .with_seats(seats),
            HoldRefused::SectionUnknown(section) => Self::new(
                unprocessable,
                "section_unknown",
                "No such section",
                format!("The event has no section {section} of which places are had by number."),
            ),
            HoldRefused::Taken(seats) => Self::new(
                StatusCode::CONFLICT,
                "seat_taken",
                "Somebody was faster",
                format!("{} can no longer be had; none of your seats is held. Choose again.", listed(&seats)),
            )
            .with_seats(seats),
            HoldRefused::SoldOut(section) => Self::new(
                StatusCode::CONFLICT,
                "sold_out",
                "Not so many are left",
                format!("Section {section} has not so many seats left; none is held. Choose again."),
            ),
            HoldRefused::Office(error) => error.into(),
            HoldRefused::Store(error) => error.into(),
            HoldRefused::Random(error) => Self::internal(&error),
        }
    }
}

impl From<PaymentRefused> for Problem {
    fn from(refused: PaymentRefused) -> Self {
        let conflict = StatusCode::CONFLICT;
        match refused {
            PaymentRefused::Missing => Self::reservation_not_found(),
            PaymentRefused::Lost => Self::hold_lost(),
            PaymentRefused::UnknownCard => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "card_unknown",
                "Unknown card",
                "The payment provider does not know such a card.",
            ),
            PaymentRefused::Declined(_) => Self::new(
                StatusCode::PAYMENT_REQUIRED,
                "payment_declined",
                "The payment was declined",
                "Nothing was charged. Your seats stay held until the countdown ends: try another card.",
            ),
            PaymentRefused::Failed(_) => Self::new(
                StatusCode::PAYMENT_REQUIRED,
                "payment_failed",
                "The payment provider failed",
                "Nothing was charged. Your seats stay held until the countdown ends: try again.",
            ),
            PaymentRefused::CalledOff => Self::new(
                conflict,
                "event_called_off",
                "The event does not take place",
                "Nothing was charged.",
            ),
            PaymentRefused::Over(ReservationState::Released) => Self::new(
                conflict,
                "reservation_released",
                "The seats were given back",
                "You have given these seats back. Choose again.",
            ),
            PaymentRefused::Over(ReservationState::RefundDue | ReservationState::Refunded) => Self::new(
                conflict,
                "refunded",
                "The payment was returned",
                "The seats could not be given to you, and your money is on its way back.",
            ),
            PaymentRefused::Over(_) => Self::new(
                conflict,
                "hold_expired",
                "The time is over",
                "The seats were held for you only until the countdown ended. Choose again.",
            ),
            PaymentRefused::Office(error) => error.into(),
            PaymentRefused::Store(error) => error.into(),
            PaymentRefused::Internal(error) => Self::internal(error.as_ref()),
        }
    }
}

impl From<CancelRefused> for Problem {
    fn from(refused: CancelRefused) -> Self {
        let conflict = StatusCode::CONFLICT;
        match refused {
            CancelRefused::Missing => Self::payment_not_found(),
            CancelRefused::NotPaid(_) => Self::new(
                conflict,
                "not_paid",
                "There is nothing to give back",
                "This reservation has no tickets.",
            ),
            CancelRefused::TooLate => Self::new(
                conflict,
                "too_late_to_cancel",
                "It is too late to cancel",
                "The event begins too soon: these tickets can no longer be given back.",
            ),
            CancelRefused::Store(error) => error.into(),
            CancelRefused::Internal(error) => Self::internal(error.as_ref()),
        }
    }
}

fn listed(seats: &[SeatId]) -> String {
    let names: Vec<_> = seats.iter().map(SeatId::as_str).collect();
    match names.as_slice() {
        [one] => format!("Seat {one}"),
        _ => format!("Seats {}", names.join(", ")),
    }
}

/// An error and all that caused it, on one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
