//! Nobody else's page may act for a fan. The cookies are `SameSite=Lax` already; this is the second bolt.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Problem;
use crate::app::App;

/// Refuses what changes something and comes, as the browser says, from another site.
pub(crate) async fn refuse_cross_site(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !request.method().is_safe() && is_foreign(request.headers(), &app.settings.mail.site) {
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

/// Whether a page of another site sent it. Browsers say that of themselves; those that do not, and all over plain HTTP
/// where nobody else listens, at least name the origin of the page. A program says neither, and has nobody's cookies.
fn is_foreign(headers: &HeaderMap, site: &str) -> bool {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        Some(b"cross-site" | b"same-site") => return true,
        Some(_) => return false,
        None => {}
    }
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let authority = |origin: &str| origin.split_once("://").map(|(_, authority)| authority.to_lowercase());
    let Some(origin) = origin.to_str().ok().and_then(authority) else { return true };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_lowercase);
    host != Some(origin.clone()) && authority(site) != Some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_site_sends_is_foreign() {
        let foreign = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_foreign(&headers, "https://tickets.example")
        };
        for (headers, expected) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "null")], false),
            (&[("origin", "http://10.0.0.1:8080"), ("host", "10.0.0.1:8080")], false),
            (&[("origin", "https://Tickets.example"), ("host", "shop.internal")], false),
            (&[("origin", "http://evil.example"), ("host", "10.0.0.1:8080")], true),
            (&[("origin", "http://10.0.0.1:8081"), ("host", "10.0.0.1:8080")], true),
            (&[("origin", "null"), ("host", "10.0.0.1:8080")], true),
        ] {
            assert_eq!(foreign(headers), expected, "{headers:?}");
        }
    }
}
