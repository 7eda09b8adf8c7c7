//! To which instance of the shop a request goes, and what its failure says.

use std::net::SocketAddr;
use std::time::Instant;

use admission::edge_signature::TICKET_WHILE_OFF;
use http::Method;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::{Error, ErrorSource, ErrorType, Result};

use super::context::{Context, client};
use super::edge::Edge;
use super::response::shape;
use crate::gate::fields::Fields;
use crate::upstream::{NoInstance, Signed};

impl Edge {
    /// Chooses an instance for a request, which is there as a whole or not yet, and says where that is.
    ///
    /// # Errors
    /// When none is to be had.
    pub(crate) async fn choose(
        &self,
        method: &Method,
        is_whole: bool,
        context: &mut Context,
    ) -> Result<SocketAddr> {
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
        if is_whole {
            sending.is_whole();
        }
        self.trace_to(method, context, sending.address());
        match sending.resolve().await {
            Some(address) => {
                context.sending = Some(sending);
                Ok(address)
            }
            None => {
                sending.unreachable();
                Error::e_explain(ErrorType::ConnectError, "the name of the shop cannot be resolved")
            }
        }
    }
}

impl Edge {
    /// What the edge vouches for when a request goes to the shop, for `write`.
    ///
    /// # Errors
    /// Those of `write`; and where the request was not decided.
    pub(crate) fn signed<T>(
        &self,
        context: &Context,
        write: impl FnOnce(&Signed<'_>) -> Result<T>,
    ) -> Result<T> {
        let Some(decision) = &context.decision else {
            return Error::e_explain(ErrorType::InternalError, "an undecided request");
        };
        self.watch_entry(context, decision);
        let ticket = match &context.passage.admission {
            Some(admission) => admission.ticket.to_string(),
            None if context.passage.is_open => TICKET_WHILE_OFF.to_owned(),
            None => context.passage.bypass.as_ref().map(|bypass| bypass.id.to_string()).unwrap_or_default(),
        };
        write(&Signed {
            decision,
            room: context.passage.room.as_ref().map_or("", |room| room.id.as_str()),
            ticket: &ticket,
            time: self.clock.now(),
            request_id: &context.request_id,
            traceparent: &context.traceparent,
            client: &client(context.client),
            address_header: self.config.cdn.trusted_proxies.header.as_ref(),
            secret_header: self.config.cdn.secret_header.as_ref(),
            scheme: self.config.public_scheme.as_str(),
            keys: &self.edge_keys.load(),
        })
    }

    /// The shop has answered: what it says to the edge is done, and what reaches the fan is made of the rest.
    ///
    /// # Errors
    /// When a header cannot be written.
    pub(crate) fn answered(
        &self,
        answer: &mut ResponseHeader,
        context: &mut Context,
        asked: &Fields<'_>,
    ) -> Result<()> {
        context.first_byte = None;
        if let Some(trace) = &mut context.trace {
            trace.answered(answer.status.as_u16());
        }
        if let Some(sending) = context.sending.take() {
            sending.answered(answer.status, context.passage.is_let_in());
        }
        shape(answer, context, asked)
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
