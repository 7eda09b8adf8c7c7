//! How much at once, and for how long.

use std::sync::Arc;

use admission::edge_signature::HEADER_LOAD;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::Problem;
use crate::app::App;

/// Counts the requests that are being answered.
pub(crate) struct Gate {
    free: Semaphore,
    size: usize,
}

impl Gate {
    pub(crate) fn new(size: usize) -> Self {
        Self { free: Semaphore::new(size), size }
    }

    /// How many there are, and how many there may be.
    pub(crate) fn in_use(&self) -> (usize, usize) {
        (self.size.saturating_sub(self.free.available_permits()), self.size)
    }

    /// `0.00` idle to `1.00` full.
    fn load(&self) -> String {
        let size = self.size.max(1);
        let percent = self.size.saturating_sub(self.free.available_permits()) * 100 / size;
        format!("{}.{:02}", percent / 100, percent % 100)
    }
}

/// Turns away what would be too much at once, and reports the load to the edge.
pub(crate) async fn limit_load(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    // Health checks must tell a full shop from a dead one.
    let exempt = matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics" | "/api/health");
    let permit = app.gate.free.try_acquire();
    let load = app.gate.load();
    let mut response = match permit {
        Err(_) if !exempt => Problem::busy().into_response(),
        _ => next.run(request).await,
    };
    if let Ok(load) = HeaderValue::try_from(load) {
        response.headers_mut().insert(HEADER_LOAD, load);
    }
    response
}

/// Gives up a request that takes too long, its body included. A payment under way goes on by itself.
pub(crate) async fn limit_time(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.settings.limits.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "That took too long",
            "The shop could not do it in time. Please look at your reservations before you try again.",
        )
        .retry_after(2)
        .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::Gate;

    #[test]
    fn load_is_the_share_in_use() {
        let gate = Gate::new(3);
        assert_eq!(gate.load(), "0.00");
        let _one = gate.free.try_acquire().unwrap();
        assert_eq!(gate.load(), "0.33");
        let _rest = gate.free.try_acquire_many(2).unwrap();
        assert_eq!(gate.load(), "1.00");
    }
}
