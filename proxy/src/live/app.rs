//! Owns the connections: puts a deadline on request heads, bounds their number, and takes over those that become
//! a fan's WebSocket.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Random;
use async_trait::async_trait;
use pingora::apps::{HttpPersistentSettings, HttpServerApp, HttpServerOptions, ReusedHttpStream};
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::H2Options;
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;

use super::HandOver;
use super::load::{HeadArrived, Load};
use super::socket::{self, Surroundings};
use crate::config::EdgeConfig;
use crate::phases::Edge;

/// Wraps the proxy.
///
/// The proxy cannot hand a connection out by itself. But whoever owns it can: a phase checks the handshake, writes
/// nothing, and leaves a note in the connection's settings; here the note is found, and the stream becomes a
/// WebSocket in a task of its own, free of everything that a request needs.
pub struct EdgeApp {
    proxy: Arc<HttpProxy<Edge>>,
    load: Arc<Load>,
    config: EdgeConfig,
    random: Arc<dyn Random>,
}

/// Says that a connection has answered a request before.
struct Reused;

impl EdgeApp {
    /// Wraps `proxy`.
    pub fn new(proxy: HttpProxy<Edge>, load: Arc<Load>, config: EdgeConfig, random: Arc<dyn Random>) -> Self {
        Self { proxy: Arc::new(proxy), load, config, random }
    }

    /// How long the head may take: a connection that answered before may be idle until the next one begins.
    fn head_deadline(&self, reused: bool) -> Duration {
        let limits = &self.config.limits;
        if reused { limits.idle.max(limits.head_timeout) } else { limits.head_timeout }
    }

    fn take_over(&self, stream: pingora::protocols::Stream, hand_over: HandOver) {
        let Some(guard) = self.load.socket(self.config.limits.sockets) else { return };
        let surroundings = Surroundings {
            heartbeat: self.config.heartbeat,
            closing_spread_max: self.config.shutdown_grace / 2,
            closing: self.load.closing(),
            random: self.random.clone(),
            guard,
            load: self.load.clone(),
        };
        tokio::spawn(socket::run(stream, hand_over, surroundings));
    }
}

#[async_trait]
impl HttpServerApp for EdgeApp {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let _connection = self.load.connection(self.config.limits.connections)?;
        let reused = session.take_connection_user_context().is_some_and(|note| note.is::<Reused>());
        let head = Arc::new(HeadArrived::awaited(&self.load));
        session.set_connection_user_context(Some(Box::new(head.clone())));
        let has_deadline = !session.is_http2();
        let mut answer = self.proxy.process_new_http(session, shutdown);
        let answered = if has_deadline {
            match tokio::time::timeout(self.head_deadline(reused), &mut answer).await {
                Ok(answered) => answered,
                Err(_) if head.has_arrived() => answer.await,
                // A head that drips in byte by byte would live for ever: each byte begins a new read timeout.
                Err(_) => return None,
            }
        } else {
            answer.await
        };
        let (stream, settings) = answered?.consume();
        let mut settings: HttpPersistentSettings = settings?;
        if let Some(note) = settings.take_user_context()
            && let Ok(hand_over) = note.downcast::<HandOver>()
        {
            self.take_over(stream, *hand_over);
            return None;
        }
        settings.set_user_context(Box::new(Reused));
        Some(ReusedHttpStream::new(stream, Some(settings)))
    }

    fn h2_options(&self) -> Option<H2Options> {
        self.proxy.h2_options()
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        self.proxy.server_options()
    }

    async fn http_cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}
