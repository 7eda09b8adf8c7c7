//! Owns the connections: puts a deadline on request heads, and takes over those that become a fan's WebSocket.

use std::sync::Arc;

use admission::clock::Random;
use async_trait::async_trait;
use pingora::apps::{HttpServerApp as _, ReusedHttpStream};
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::proxy::HttpProxy;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::load::{Arriving, HeadArrived, Load};
use super::shortcut::{self, HandedOn};
use super::socket::{self, Surroundings};
use super::{HandOver, http2};
use crate::listen::{Connection, Meter, Serve};
use crate::phases::{Edge, Phases};

/// How much of a head is read beyond what is allowed, so that whoever sends a little too much is told so. The library
/// alone would read a megabyte.
pub(super) const HEAD_SLACK: usize = 64 * 1024;

/// Wraps the proxy.
///
/// The proxy cannot hand a connection out by itself. But whoever owns it can: a phase checks the handshake, writes
/// nothing, and leaves a note in the connection's settings; here the note is found, and the stream becomes a
/// WebSocket in a task of its own, free of everything that a request needs.
pub struct EdgeApp {
    pub(super) edge: Arc<Edge>,
    pub(super) proxy: Arc<HttpProxy<Phases>>,
    pub(super) load: Arc<Load>,
    pub(super) random: Arc<dyn Random>,
    /// Turns true when connections that are idle are to be closed.
    pub(super) idle_ends: watch::Sender<bool>,
}

impl EdgeApp {
    /// Wraps `proxy`, which is that of `edge`.
    pub fn new(edge: Arc<Edge>, proxy: HttpProxy<Phases>, random: Arc<dyn Random>) -> Self {
        let load = edge.load.clone();
        Self { edge, proxy: Arc::new(proxy), load, random, idle_ends: watch::Sender::new(false) }
    }

    /// One request after the other: by the short way while they are plain, then by the library.
    async fn http1(&self, connection: Connection, stopped: watch::Receiver<bool>) {
        let Connection { stream, meter, slot, redirect_to_https, .. } = connection;
        let plain = shortcut::serve(self, stream, &meter, redirect_to_https, &stopped).await;
        if let Some(handed_on) = plain {
            // In a place of its own, so that a connection that does not need it holds no memory for it.
            Box::pin(self.by_library(handed_on, meter, slot, redirect_to_https, stopped)).await;
        }
    }

    async fn by_library(
        &self,
        handed_on: HandedOn,
        meter: Arc<Meter>,
        slot: OwnedSemaphorePermit,
        redirect_to_https: Option<u16>,
        stopped: watch::Receiver<bool>,
    ) {
        let HandedOn { stream, mut arriving, mut until } = handed_on;
        let limits = &self.edge.config.limits;
        let mut session = ServerSession::new_http1(stream);
        session.set_keepalive((!*stopped.borrow()).then_some(limits.idle.as_secs()));
        loop {
            let head = arriving.head.clone();
            session.set_connection_user_context(Some(Box::new(arriving)));
            let answer = self.proxy.process_new_http(session, &stopped);
            let answered = self.in_time(answer, &head, &meter, until).await;
            let Some((stream, Some(mut settings))) = answered.map(ReusedHttpStream::consume) else { return };
            if let Some(note) = settings.take_user_context()
                && let Ok(hand_over) = note.downcast::<HandOver>()
            {
                drop(slot);
                return self.take_over(stream, *hand_over);
            }
            session = ServerSession::new_http1(stream);
            settings.apply_to_session(&mut session);
            meter.await_head(limits.head_bytes + HEAD_SLACK, 0);
            let head = Arc::new(HeadArrived::awaited(&self.load, meter.clone(), redirect_to_https));
            arriving = Arriving { head, judged: None };
            until = Instant::now() + limits.idle;
        }
    }

    /// The outcome of `answer`, unless the head takes too long: a head that drips in byte by byte would live for
    /// ever, for each byte begins a new read timeout of the library.
    async fn in_time(
        &self,
        answer: impl Future<Output = Option<ReusedHttpStream>> + Unpin,
        head: &HeadArrived,
        meter: &Meter,
        idle_until: Instant,
    ) -> Option<ReusedHttpStream> {
        let head_timeout = self.edge.config.limits.head_timeout;
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
        let Some(guard) = self.load.socket(self.edge.config.limits.sockets) else { return };
        let surroundings = Surroundings {
            heartbeat: self.edge.config.heartbeat,
            closing_spread_max: self.edge.config.shutdown_grace / 2,
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
        self.idle_ends.send_replace(true);
        self.proxy.http_cleanup().await;
    }
}
