//! Giving money back over HTTP: by payment, and of a whole event.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::{Organiser, PathId, Problem};
use crate::ids::{EventId, PaymentId, ReservationId};
use crate::reservations::{Reservation, ReservationState};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(refund)).routes(routes!(call_off))
}

/// A payment on the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = RefundedPayment)]
struct PaymentBody {
    payment: String,
    reservation: ReservationId,
    event: EventId,
    state: ReservationState,
    refund_reason: Option<&'static str>,
    amount_cents: i64,
    currency: String,
}

impl From<Reservation> for PaymentBody {
    fn from(reservation: Reservation) -> Self {
        Self {
            payment: reservation.payment_key(),
            refund_reason: reservation.payment.refund_reason.map(super::RefundReason::as_str),
            reservation: reservation.id,
            event: reservation.event,
            state: reservation.state,
            amount_cents: reservation.amount_cents,
            currency: reservation.currency,
        }
    }
}

/// The organiser takes the tickets of a payment back, and the fan gets the money. Again gives the same answer.
#[utoipa::path(post, path = "/api/payments/{payment}/refund", tag = "payments",
    params(("payment" = String, Path, description = "Its id")), security(("organiser" = []), ("session" = [])),
    responses((status = 200, body = PaymentBody)))]
async fn refund(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(payment): PathId<PaymentId>,
) -> Result<Json<PaymentBody>, Problem> {
    let reservation = app.checkout.refund(&payment.reservation, payment.attempt).await?;
    tracing::info!(reservation = %reservation.id, state = reservation.state.as_str(), "the organiser refunds");
    Ok(Json(reservation.into()))
}

/// The event does not take place. Everybody's money goes back, from now on and in the background.
#[utoipa::path(post, path = "/api/events/{event}/call-off", tag = "events",
    params(("event" = String, Path, description = "Its id")), security(("organiser" = []), ("session" = [])),
    responses((status = 202, description = "The money is on its way back")))]
async fn call_off(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(event): PathId<EventId>,
) -> Result<StatusCode, Problem> {
    app.events.detail(&event).await?.ok_or_else(Problem::event_not_found)?;
    app.checkout.call_off(&event).await?;
    tracing::warn!(event = %event, "event called off");
    Ok(StatusCode::ACCEPTED)
}
