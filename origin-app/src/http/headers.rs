//! Headers that every answer carries, and who may store it.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// What a page may do and load: nothing from elsewhere.
const OWN_ALONE: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                         form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The same where Stripe's form stands, with what Stripe documents that its script needs (its maps, for addresses, are not
/// used here): <https://docs.stripe.com/security/guide#content-security-policy>.
const WITH_STRIPE: &str = "default-src 'none'; style-src 'self'; script-src 'self' https://js.stripe.com https://*.js.stripe.com; \
                           img-src 'self'; connect-src 'self' https://api.stripe.com; \
                           frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; \
                           form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Marks the answer with Stripe's form on it.
#[derive(Clone, Copy)]
struct LetsStripeIn;

/// Lets the page load what Stripe's script needs, and nothing else.
pub(crate) fn let_stripe_in(response: &mut Response) {
    response.extensions_mut().insert(LetsStripeIn);
}

const SECURITY: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Adds the headers that protect a page from others. What says nothing about caches is for nobody else.
pub(crate) async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = if response.extensions().get::<LetsStripeIn>().is_some() { WITH_STRIPE } else { OWN_ALONE };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    for (name, value) in SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        private(headers);
    }
    response
}

/// Only this visitor may see the answer, and nobody may store it.
pub(crate) fn private(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
}

/// Anybody who reads the same language may see the page, and a cache may keep it for a second.
pub(crate) fn public_page(headers: &mut HeaderMap) {
    public(headers);
    headers.insert(VARY, HeaderValue::from_static("Accept-Language, Cookie"));
}

/// Anybody may see the answer, and a cache may keep it for a second: enough to bear a crowd, too short to be
/// wrong about a seat for long.
pub(crate) fn public(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=1"));
    headers.insert(VARY, HeaderValue::from_static("Cookie"));
}
