//! What operators and orchestrators ask, on a listener of its own.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Method, Response, StatusCode, header};
use pingora::apps::ServerApp as _;
use pingora::apps::http_app::ServeHttp;
use pingora::protocols::http::ServerSession;
use tokio::sync::watch;

use crate::fleet::Fleet;
use crate::listen::{Connection, Serve};
use crate::live::Load;

/// Answers `/healthz` (the process runs) and `/readyz` (every room's line can be reached).
pub struct Admin {
    fleet: Arc<Fleet>,
    load: Arc<Load>,
}

impl Admin {
    /// About these rooms.
    pub fn new(fleet: Arc<Fleet>, load: Arc<Load>) -> Self {
        Self { fleet, load }
    }

    fn answer(&self, method: &Method, path: &str) -> (StatusCode, String) {
        match (method, path) {
            (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, "ok\n".to_owned()),
            (&Method::GET | &Method::HEAD, "/readyz") => self.ready(),
            (_, "/healthz" | "/readyz") => (StatusCode::METHOD_NOT_ALLOWED, "GET only\n".to_owned()),
            _ => (StatusCode::NOT_FOUND, "there is /healthz and /readyz\n".to_owned()),
        }
    }

    fn ready(&self) -> (StatusCode, String) {
        if *self.load.closing().borrow() {
            return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
        }
        let in_force = self.fleet.in_force();
        let away: Vec<&str> =
            in_force.rooms.iter().filter(|room| !room.is_ready()).map(|room| room.id.as_str()).collect();
        if away.is_empty() {
            (StatusCode::OK, "ok\n".to_owned())
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, format!("the line cannot be reached: {}\n", away.join(", ")))
        }
    }
}

#[async_trait]
impl ServeHttp for Admin {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let request = session.req_header();
        let (status, body) = self.answer(&request.method, request.uri.path());
        let body = if request.method == Method::HEAD { Vec::new() } else { body.into_bytes() };
        let response = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(header::CACHE_CONTROL, "no-store")
            .header(header::CONTENT_LENGTH, body.len())
            .body(body);
        response.unwrap_or_default()
    }
}

#[async_trait]
impl Serve for Admin {
    async fn serve(self: Arc<Self>, connection: Connection, stopped: watch::Receiver<bool>) {
        let Connection { stream, slot: _slot, .. } = connection;
        self.process_new(stream, &stopped).await;
    }
}
