//! Style, script and icon of the pages, in the binary. Their address carries a hash of what is in them, so that a
//! browser may keep them for ever.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::Problem;
use crate::app::App;

const FILES: [(&str, &str, &str); 4] = [
    ("shop.svg", "image/svg+xml", include_str!("../../assets/shop.svg")),
    ("shop.css", "text/css; charset=utf-8", include_str!("../../assets/shop.css")),
    ("pay.js", "text/javascript; charset=utf-8", include_str!("../../assets/pay.js")),
    ("shop.js", "text/javascript; charset=utf-8", include_str!("../../assets/shop.js")),
];

/// The files of the pages.
pub(crate) struct Assets(Vec<Asset>);

struct Asset {
    name: &'static str,
    kind: &'static str,
    body: &'static str,
    version: String,
}

impl Assets {
    pub(crate) fn new() -> Self {
        let assets = FILES.map(|(name, kind, body)| {
            let version = Sha256::digest(body).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            Asset { name, kind, body, version }
        });
        Self(assets.into())
    }

    /// The address of the file `name`.
    pub(crate) fn address(&self, name: &str) -> String {
        match self.0.iter().find(|asset| asset.name == name) {
            Some(asset) => format!("/assets/{name}?v={}", asset.version),
            None => format!("/assets/{name}"),
        }
    }
}

/// `GET /assets/{file}`
pub(crate) async fn serve(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let asset = app.assets.0.iter().find(|asset| asset.name == file).ok_or_else(Problem::not_found)?;
    let current = request.uri().query() == Some(&format!("v={}", asset.version));
    let cache = if current { "public, max-age=31536000, immutable" } else { "public, max-age=60" };
    let etag = format!("\"{}\"", asset.version);
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, asset.kind)], asset.body).into_response()
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    Ok(response)
}
