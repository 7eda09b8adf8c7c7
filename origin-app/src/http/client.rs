//! From where a visitor comes, as the edge says; for limits, and for nothing else.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::accounts::Network;
use crate::app::App;
use crate::config::EdgeTrust;

/// The network of the visitor; none where no edge says it.
pub(crate) struct Client(pub(crate) Option<Network>);

impl FromRequestParts<Arc<App>> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        // The edge puts one address there, whatever the visitor sent. Without an edge anyone could say anything.
        let said = match app.settings.edge {
            EdgeTrust::Required(_) => parts.headers.get("x-forwarded-for"),
            EdgeTrust::Off => None,
        };
        let address = said.and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
        Ok(Self(address.map(Network::of)))
    }
}
