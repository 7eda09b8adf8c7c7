//! Nobody else's page may act for a fan. The cookie is `SameSite=Lax` already; this is the second bolt.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Problem;

/// Refuses what changes something and comes, as the browser says, from another site.
pub(crate) async fn refuse_cross_site(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site").map(axum::http::HeaderValue::as_bytes);
    let foreign = matches!(site, Some(b"cross-site" | b"same-site"));
    if foreign && !request.method().is_safe() {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "Sent by another site",
            "Seats are chosen and paid on the shop's own pages.",
        )
        .into_response();
    }
    next.run(request).await
}
