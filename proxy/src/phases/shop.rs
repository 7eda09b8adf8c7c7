//! To which instance of the shop a request goes, and what its failure says.

use std::time::Instant;

use pingora::proxy::Session;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType, Result};

use super::context::Context;
use super::edge::Edge;
use crate::upstream::{NoInstance, Wanted};

impl Edge {
    /// Chooses an instance.
    pub(super) async fn choose(&self, session: &mut Session, context: &mut Context) -> Result<Box<HttpPeer>> {
        context.forwarded_at = Some(Instant::now());
        let mut sending = match self.upstream.pick(&context.tried) {
            Ok(sending) => sending,
            Err(NoInstance::Open(wait)) => {
                context.circuit_open = Some(wait);
                return Error::e_explain(ErrorType::ConnectError, "the shop gets no requests right now");
            }
            Err(NoInstance::Tried) => {
                return Error::e_explain(ErrorType::ConnectError, "every instance of the shop was tried");
            }
        };
        context.tried.push(sending.index);
        if session.is_body_empty() {
            sending.is_whole();
        }
        self.trace_to(session, context, sending.address());
        let wanted = Wanted::of(session.is_upgrade_req(), &session.req_header().headers);
        match sending.peer(wanted).await {
            Some(peer) => {
                context.sending = Some(sending);
                Ok(Box::new(peer))
            }
            None => {
                sending.unreachable();
                Error::e_explain(ErrorType::ConnectError, "the name of the shop cannot be resolved")
            }
        }
    }
}

impl Context {
    /// All of the request was sent. How long the client took for that is not the shop's fault.
    pub(super) fn is_sent(&mut self) {
        if let Some(sending) = &mut self.sending {
            sending.is_whole();
        }
        if let Some(first_byte) = &mut self.first_byte {
            first_byte.is_sent();
        }
        if let Some(at) = &mut self.forwarded_at {
            *at = Instant::now();
        }
    }
}

/// A request failed after there was a connection. It is sent again only where that cannot do anything twice: the
/// connection had been used before and was closed by the shop before it can have read the request, and the request may
/// be repeated by its nature.
pub(super) fn broke(
    session: &Session,
    mut error: Box<Error>,
    context: &mut Context,
    is_reused: bool,
) -> Box<Error> {
    context.is_overdue = context.first_byte.take().is_some_and(|first_byte| first_byte.end());
    let may_be_repeated = !context.is_overdue
        && session.req_header().method.is_idempotent()
        && !session.as_ref().retry_buffer_truncated();
    if may_be_repeated {
        error.retry.decide_reuse(is_reused);
    } else {
        error.set_retry(false);
    }
    let sending = context.sending.take();
    if error.retry() {
        // An idle connection that ended says nothing, and the same instance may well be asked again.
        context.tried.pop();
    } else if let Some(sending) = sending
        && *error.esource() == ErrorSource::Upstream
    {
        sending.broke(context.passage.is_let_in());
    }
    error
}
