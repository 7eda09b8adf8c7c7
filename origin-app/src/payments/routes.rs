//! Money over HTTP: the provider's messages, and the organiser's look into the ledger.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ledger::LedgerAudit;
use super::stripe::{self, WebhookError};
use crate::app::App;
use crate::config::Provider;
use crate::http::{Organiser, Problem};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(ledger)).routes(routes!(stripe_message))
}

/// Where all the money is, and whether everything else agrees.
#[utoipa::path(get, path = "/api/ledger", tag = "payments", security(("organiser" = []), ("session" = [])),
    responses((status = 200, body = LedgerAudit)))]
async fn ledger(State(app): State<Arc<App>>, _: Organiser) -> Result<Json<LedgerAudit>, Problem> {
    Ok(Json(app.stores.ledger.audit(None).await?))
}

/// Stripe tells that something happened to a payment. Whatever it says, the payment is asked about at Stripe; that takes
/// its time elsewhere, for Stripe does not wait. What it sends is described by Stripe.
#[utoipa::path(post, path = "/api/payments/webhooks/stripe", tag = "payments",
    params(("Stripe-Signature" = Option<String>, Header, description = "When it was signed, and how")),
    request_body = serde_json::Value, responses((status = 200, description = "Heard")))]
async fn stripe_message(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let Provider::Stripe(settings) = &app.settings.payments.provider else {
        return Err(Problem::not_found());
    };
    let header = headers.get(stripe::SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    let news =
        stripe::verified_news(&settings.webhook_secrets, header, &body, app.clock.now()).map_err(refused)?;
    tracing::info!(kind = news.kind, known = news.reservation.is_some(), "Stripe tells");
    if let Some(reservation) = news.reservation {
        let checkout = Arc::clone(&app.checkout);
        tokio::spawn(async move { checkout.look_after(&reservation).await });
    }
    Ok(StatusCode::OK)
}

fn refused(error: WebhookError) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "webhook_signature",
        "Not a message of the provider",
        format!("Nothing was done: {error}."),
    )
}
