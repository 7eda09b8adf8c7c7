//! What the payment provider's process does.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use reqwest::Url;

use super::books::{Desk, Line};

struct Open {
    desk: Desk,
    /// Where every call is written down before it is answered.
    journal: File,
}

type Shared = Arc<Mutex<Open>>;

/// Serves on `port` until the process ends, and knows what it knew before, from `books`.
///
/// # Errors
/// When the books cannot be opened, or nobody can listen.
pub async fn serve(port: u16, books: &Path) -> Result<()> {
    let open = || -> std::io::Result<Open> {
        let journal = File::options().create(true).append(true).open(books)?;
        Ok(Open { desk: Desk::left_in(&std::fs::read_to_string(books)?), journal })
    };
    let open = open().with_context(|| format!("the books {} cannot be opened", books.display()))?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.context("nobody can listen")?;
    let router = Router::new().fallback(answer).with_state(Arc::new(Mutex::new(open)));
    axum::serve(listener, router).await.context("the payment provider stopped")
}

async fn answer(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let form = fields(&method, &uri, &body);
    // What was done and that it was done are known together or not at all.
    let mut open = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((status, said)) = open.desk.known(key) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        return (status, [("idempotent-replayed", "true")], Json(said)).into_response();
    }
    let (status, said) = open.desk.carry_out(method.as_str(), uri.path(), &form);
    if method == Method::POST {
        let line = Line {
            key: key.map(ToOwned::to_owned),
            path: uri.path().to_owned(),
            form,
            status,
            said: said.clone(),
        };
        // A line that was cut off stays alone.
        let written =
            serde_json::to_string(&line).map(|line| open.journal.write_all(format!("\n{line}\n").as_bytes()));
        if !matches!(written, Ok(Ok(()))) {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    }
    open.desk.keep(key, &(status, said.clone()));
    (StatusCode::from_u16(status).unwrap_or(StatusCode::OK), Json(said)).into_response()
}

fn fields(method: &Method, uri: &Uri, body: &Bytes) -> BTreeMap<String, String> {
    let fields = if method == Method::GET { uri.query().unwrap_or_default().as_bytes() } else { body };
    let Ok(mut url) = Url::parse("http://form/") else { return BTreeMap::new() };
    url.set_query(std::str::from_utf8(fields).ok());
    url.query_pairs().into_owned().collect()
}
