//! Giving money back over HTTP: by payment, and of a whole event.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Handed, PaymentOutcome};
use crate::app::App;
use crate::http::{Cookies, JsonBody, Organiser, PathId, Problem, private};
use crate::ids::{EventId, PaymentId, ReservationId};
use crate::language::Language;
use crate::notifications::{Contact, EmailAddress};
use crate::reservations::{Reservation, ReservationState, already_paid, found, payment_in_progress};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(hand_over)).routes(routes!(refund)).routes(routes!(call_off))
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

/// Where a guest is told what becomes of the payment.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = PaymentIntentFor)]
struct IntentFor {
    #[schema(value_type = Option<String>, example = "fan@example.com")]
    email: Option<EmailAddress>,
    language: Option<Language>,
}

/// What the provider's script in a browser needs to make a payment.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentIntent)]
struct IntentBody {
    /// The provider's public key of this shop.
    publishable_key: String,
    /// The secret of this payment, for the fan's browser alone.
    client_secret: String,
}

/// Prepares a payment that the fan's browser makes with the provider's own script, so that the shop hears nothing of the
/// card. Afterwards the payment is asked about with the card `in-browser`, or the provider tells by itself. Asking again
/// gives the same payment.
#[utoipa::path(post, path = "/api/reservations/{reservation}/payment-intent", tag = "reservations",
    params(("reservation" = String, Path, description = "Its id")), request_body = IntentFor,
    responses((status = 200, body = IntentBody)))]
async fn hand_over(
    State(app): State<Arc<App>>,
    PathId(id): PathId<ReservationId>,
    cookies: Cookies,
    headers: HeaderMap,
    JsonBody(IntentFor { email, language }): JsonBody<IntentFor>,
) -> Result<Response, Problem> {
    let fan = cookies.fan().ok_or_else(Problem::reservation_not_found)?;
    found(app.reservations.find(&id, fan).await?)?;
    let publishable_key = app.checkout.provider().browser_key().ok_or_else(not_in_browser)?.to_owned();
    if let Some(email) = email {
        let language = language.unwrap_or_else(|| Language::preferred(&headers));
        app.checkout.tell_at(&id, fan, &Contact { email, language }).await?;
    }
    match app.checkout.hand_over(&id, fan).await? {
        Handed::Secret(client_secret) => {
            let mut response = Json(IntentBody { publishable_key, client_secret }).into_response();
            private(response.headers_mut());
            Ok(response)
        }
        Handed::Settled(PaymentOutcome::Confirmed(_)) => Err(already_paid()),
        Handed::Settled(PaymentOutcome::Delayed(_)) => Err(payment_in_progress()),
    }
}

fn not_in_browser() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "not_in_browser",
        "Payments are made otherwise here",
        "The payment provider of this shop is not asked by browsers.",
    )
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
