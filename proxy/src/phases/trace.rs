//! The trace that a request is part of.

use std::net::SocketAddr;

use pingora::proxy::Session;

use super::context::Context;
use super::edge::Edge;
use crate::ids;

impl Edge {
    /// Goes on with the trace of a proxy in front, if it is one of those whose word is taken; or begins one. Anybody else
    /// could have each of their requests traced, or mix them into the trace of somebody else.
    pub(super) fn join_trace(&self, session: &Session, context: &mut Context) {
        let request = session.req_header();
        let given = request.headers.get("traceparent").and_then(|value| value.to_str().ok());
        let is_trusted = || {
            let peer = session.client_addr().and_then(|address| address.as_inet()).map(SocketAddr::ip);
            peer.is_some_and(|peer| self.config.cdn.trusted_proxies.trusts(peer))
        };
        let given = given.filter(|given| ids::is_traceparent(given) && is_trusted());
        let traces = self.traces.as_ref();
        let trace =
            traces.and_then(|traces| traces.begin(given, request.method.as_str(), self.random.as_ref()));
        context.traceparent = match (&trace, given) {
            (Some(trace), _) => trace.traceparent(),
            (None, Some(given)) => given.to_owned(),
            (None, None) => ids::traceparent(self.random.as_ref()),
        };
        context.trace = trace.map(Box::new);
    }

    /// The request goes to this instance of the shop.
    pub(super) fn trace_to(&self, session: &Session, context: &mut Context, instance: &str) {
        if let (Some(traces), Some(trace)) = (&self.traces, &mut context.trace) {
            traces.send(trace, session.req_header().method.as_str(), instance);
            context.traceparent = trace.traceparent();
        }
    }
}
