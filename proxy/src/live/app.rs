//! Owns the connections: puts a deadline on request heads, and takes over those that become a fan's WebSocket.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Random;
use async_trait::async_trait;
use pingora::apps::{HttpServerApp as _, ReusedHttpStream};
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::proxy::HttpProxy;
use tokio::sync::watch;
use tokio::time::Instant;

use super::load::{HeadArrived, Load};
use super::socket::{self, Surroundings};
use super::{HandOver, http2};
use crate::config::EdgeConfig;
use crate::listen::{Connection, Meter, Serve};
use crate::phases::Edge;

/// How much of a head is read beyond what is allowed, so that whoever sends a little too much is told so. The library
/// alone would read a megabyte.
const HEAD_SLACK: usize = 64 * 1024;

/// Wraps the proxy.
///
/// The proxy cannot hand a connection out by itself. But whoever owns it can: a phase checks the handshake, writes
/// nothing, and leaves a note in the connection's settings; here the note is found, and the stream becomes a
/// WebSocket in a task of its own, free of everything that a request needs.
pub struct EdgeApp {
    pub(super) proxy: Arc<HttpProxy<Edge>>,
    pub(super) load: Arc<Load>,
    pub(super) config: EdgeConfig,
    random: Arc<dyn Random>,
}

impl EdgeApp {
    /// Wraps `proxy`.
    pub fn new(proxy: HttpProxy<Edge>, load: Arc<Load>, config: EdgeConfig, random: Arc<dyn Random>) -> Self {
        Self { proxy: Arc::new(proxy), load, config, random }
    }

    /// One request after the other.
    async fn http1(&self, connection: Connection, stopped: watch::Receiver<bool>) {
        let Connection { stream, meter, slot, redirect_to_https, .. } = connection;
        let limits = &self.config.limits;
        let mut session = ServerSession::new_http1(stream);
        session.set_keepalive((!*stopped.borrow()).then_some(limits.idle.as_secs()));
        // A connection that answered before may be idle until the next head begins.
        let mut may_be_idle = limits.head_timeout;
        loop {
            meter.await_head(limits.head_bytes + HEAD_SLACK);
            let head = Arc::new(HeadArrived::awaited(&self.load, meter.clone(), redirect_to_https));
            session.set_connection_user_context(Some(Box::new(head.clone())));
            let answer = self.proxy.process_new_http(session, &stopped);
            let answered = self.in_time(answer, &head, &meter, may_be_idle).await;
            let Some((stream, Some(mut settings))) = answered.map(ReusedHttpStream::consume) else { return };
            if let Some(note) = settings.take_user_context()
                && let Ok(hand_over) = note.downcast::<HandOver>()
            {
                drop(slot);
                return self.take_over(stream, *hand_over);
            }
            session = ServerSession::new_http1(stream);
            settings.apply_to_session(&mut session);
            may_be_idle = limits.idle;
        }
    }

    /// The outcome of `answer`, unless the head takes too long: a head that drips in byte by byte would live for
    /// ever, for each byte begins a new read timeout of the library.
    async fn in_time(
        &self,
        answer: impl Future<Output = Option<ReusedHttpStream>> + Unpin,
        head: &HeadArrived,
        meter: &Meter,
        may_be_idle: Duration,
    ) -> Option<ReusedHttpStream> {
        let head_timeout = self.config.limits.head_timeout;
        let idle_until = Instant::now() + may_be_idle;
        let mut answer = answer;
        loop {
            let now = Instant::now();
            let until = meter.head_began().map_or(idle_until, |began| began + head_timeout);
            if head.has_arrived() {
                return answer.await;
            }
            if until <= now {
                return None;
            }
            // A head that begins meanwhile has its own deadline.
            let look_again = until.min(now + head_timeout);
            if let Ok(answered) = tokio::time::timeout_at(look_again, &mut answer).await {
                return answered;
            }
        }
    }

    fn take_over(&self, stream: Stream, hand_over: HandOver) {
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
impl Serve for EdgeApp {
    async fn serve(self: Arc<Self>, connection: Connection, stopped: watch::Receiver<bool>) {
        if connection.http2 {
            http2::serve(&self, connection, stopped).await;
        } else {
            self.http1(connection, stopped).await;
        }
    }

    async fn close_idle(&self) {
        self.proxy.http_cleanup().await;
    }
}
