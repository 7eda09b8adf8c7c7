//! The phases of a request, as Pingora calls them. Each delegates.

mod arrive;
mod asked;
mod body;
mod bypass;
mod calls;
mod context;
mod edge;
mod entry;
mod failure;
mod forms;
mod invitations;
mod links;
mod moving;
mod request;
mod response;
mod send;
mod shop;
mod trace;
mod visitor;
mod work;

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::context::FutureExt as _;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::Digest;
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType, Result};

pub(crate) use arrive::{admission_of, noted_of, shown, shown_of, ticket_of, was_voided};
pub(crate) use asked::{Asked, Judged};
use body::body_refused;
pub(crate) use calls::no_ticket;
pub use context::Context;
pub use edge::Edge;
pub(crate) use request::misread;
pub(crate) use send::Answered;

use crate::gate::fields::Fields;
use crate::live::{Arriving, StreamNote};
use crate::upstream::{FirstByte, Wanted, forward};
use shop::broke;

/// The edge, as the HTTP library calls it.
pub struct Phases(pub Arc<Edge>);

impl Deref for Phases {
    type Target = Edge;

    fn deref(&self) -> &Edge {
        &self.0
    }
}

#[async_trait]
impl ProxyHttp for Phases {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context::new()
    }

    /// Modules would cost every request their pass; nothing is compressed here.
    fn init_downstream_modules(&self, _modules: &mut pingora::modules::http::HttpModules) {}

    fn on_connection_reuse(
        &self,
        _session: &mut Session,
        context: &mut Context,
        note: Box<dyn Any + Send + Sync>,
    ) {
        if let Ok(arriving) = note.downcast::<Arriving>() {
            let Arriving { head, judged } = *arriving;
            head.mark();
            if let Some(judged) = judged {
                *context = *judged;
            }
            context.head = Some(head);
        }
    }

    async fn early_request_filter(&self, session: &mut Session, context: &mut Context) -> Result<()> {
        let stream = session.req_header().extensions.get::<Arc<StreamNote>>().cloned();
        if let Some(judged) = stream.as_ref().and_then(|stream| stream.judged()) {
            *context = *judged;
        }
        context.stream = stream;
        if !context.is_let_through {
            let request = session.req_header();
            self.meet(&request.method, &Fields::of(&request.headers), peer(session), context);
        }
        // A connection that the client wants closed stays so; any other may idle for as long as configured, where
        // the library alone would let it idle for ever.
        if session.is_upgrade_req() {
            // A proxy in front may pipe this connection from now on. Where the upgrade is refused, what the client says
            // next would come here unseen by it, and seem to come from it.
            session.set_keepalive(None);
        } else if session.get_keepalive().is_some() {
            session.set_keepalive(Some(self.config.limits.idle.as_secs()));
        }
        session.set_read_timeout(Some(self.config.limits.body_idle));
        session.set_write_timeout(Some(self.config.limits.write_timeout));
        session.set_total_drain_timeout(Some(self.config.limits.body_idle));
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, context: &mut Context) -> Result<bool> {
        match context.trace.as_ref().map(|trace| trace.context()) {
            Some(around) => Box::pin(self.filter(session, context)).with_context(around).await,
            None => self.filter(session, context).await,
        }
    }

    async fn upstream_peer(&self, session: &mut Session, context: &mut Context) -> Result<Box<HttpPeer>> {
        let request = session.req_header();
        let wanted = Wanted::of(session.is_upgrade_req(), &Fields::of(&request.headers));
        let method = request.method.clone();
        let address = self.choose(&method, session.is_body_empty(), context).await?;
        Ok(Box::new(self.upstream.peer(address, wanted)))
    }

    async fn connected_to_upstream(
        &self,
        session: &mut Session,
        _is_reused: bool,
        _peer: &HttpPeer,
        descriptor: RawFd,
        _digest: Option<&Digest>,
        context: &mut Context,
    ) -> Result<()> {
        if let Some(most) = self.config.upstream.first_byte_timeout
            && !session.is_upgrade_req()
        {
            let mut first_byte = FirstByte::new(descriptor, most);
            if session.is_body_empty() || session.is_body_done() {
                first_byte.is_sent();
            }
            context.first_byte = Some(first_byte);
        }
        Ok(())
    }

    async fn upstream_request_filter(
        &self,
        _session: &mut Session,
        request: &mut RequestHeader,
        context: &mut Context,
    ) -> Result<()> {
        self.signed(context, |signed| forward(request, signed))
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        context: &mut Context,
    ) -> Result<()> {
        // An upload over HTTP/2 that ends in an empty frame would send its terminator twice to an HTTP/1.1 shop,
        // and the second one would be read as the start of the next request.
        if end_of_stream && body.as_ref().is_some_and(Bytes::is_empty) {
            *body = None;
        }
        context.body_bytes += body.as_ref().map_or(0, |piece| piece.len() as u64);
        if let Some(stream) = &context.stream {
            stream.body_came(end_of_stream);
        }
        if end_of_stream {
            context.is_sent();
        }
        if session.is_upgrade_req() {
            return Ok(());
        }
        body_refused(&self.config.limits, context.body_bytes, context.began.elapsed(), end_of_stream)
            .map_or(Ok(()), |status| Error::e_explain(ErrorType::HTTPStatus(status), "the body is refused"))
    }

    async fn upstream_response_filter(
        &self,
        session: &mut Session,
        answer: &mut ResponseHeader,
        context: &mut Context,
    ) -> Result<()> {
        if answer.status.is_informational() && answer.status != http::StatusCode::SWITCHING_PROTOCOLS {
            return Ok(());
        }
        self.answered(answer, context, &Fields::of(&session.req_header().headers))
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        context: &mut Context,
        mut error: Box<Error>,
    ) -> Box<Error> {
        if let Some(sending) = context.sending.take() {
            sending.unreachable();
        }
        // Nothing was sent yet, so another instance may be tried whatever the method.
        error.set_retry(context.tried.len() < self.config.upstream.addresses.len());
        error
    }

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        context: &mut Context,
        is_reused: bool,
    ) -> Box<Error> {
        broke(session, error, context, is_reused)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        context: &mut Context,
    ) -> FailToProxy {
        self.fail(session, error, context).await
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, context: &mut Context) {
        self.log(session, error, context);
    }

    fn persist_connection_context(
        &self,
        _session: &Session,
        context: &Context,
    ) -> Option<Box<dyn Any + Send + Sync>> {
        let note: Box<dyn Any + Send + Sync> = Box::new(context.hand_over.clone()?);
        Some(note)
    }

    fn suppress_error_log(&self, _session: &Session, _context: &Context, _error: &Error) -> bool {
        true
    }
}

/// Who is at the other end of the connection.
fn peer(session: &Session) -> Option<IpAddr> {
    session.client_addr().and_then(|address| address.as_inet()).map(SocketAddr::ip)
}

/// How long an upgraded connection may be silent: for ever, for the shop's own pings decide.
const UPGRADED_SILENCE: Option<Duration> = None;
