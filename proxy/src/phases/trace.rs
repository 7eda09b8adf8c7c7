//! The trace that a request is part of.

use std::net::IpAddr;

use http::Method;

use super::context::Context;
use super::edge::Edge;
use crate::gate::fields::Fields;
use crate::ids;

impl Edge {
    /// A request is read: it gets an id, and has its part in a trace.
    pub(crate) fn meet(
        &self,
        method: &Method,
        headers: &Fields<'_>,
        peer: Option<IpAddr>,
        context: &mut Context,
    ) {
        context.request_id = ids::request_id(self.random.as_ref());
        self.join_trace(method, headers, peer, context);
    }

    /// Goes on with the trace of a proxy in front, if it is one of those whose word is taken; or begins one. Anybody else
    /// could have each of their requests traced, or mix them into the trace of somebody else.
    fn join_trace(&self, method: &Method, headers: &Fields<'_>, peer: Option<IpAddr>, context: &mut Context) {
        let given = headers.get("traceparent").and_then(|value| value.to_str().ok());
        let is_trusted = || peer.is_some_and(|peer| self.config.cdn.trusted_proxies.trusts(peer));
        let given = given.filter(|given| ids::is_traceparent(given) && is_trusted());
        let traces = self.traces.as_ref();
        let trace = traces.and_then(|traces| traces.begin(given, method.as_str(), self.random.as_ref()));
        context.traceparent = match (&trace, given) {
            (Some(trace), _) => trace.traceparent(),
            (None, Some(given)) => given.to_owned(),
            // Made when it is asked for: most answers of the edge's own are told nobody.
            (None, None) => String::new(),
        };
        context.trace = trace.map(Box::new);
    }

    /// Has the request have its part in a trace, if it has none yet.
    pub(super) fn name_trace(&self, context: &mut Context) {
        if context.traceparent.is_empty() {
            context.traceparent = ids::traceparent(self.random.as_ref());
        }
    }

    /// The request goes to this instance of the shop.
    pub(super) fn trace_to(&self, method: &Method, context: &mut Context, instance: &str) {
        self.name_trace(context);
        if let (Some(traces), Some(trace)) = (&self.traces, &mut context.trace) {
            traces.send(trace, method.as_str(), instance);
            context.traceparent = trace.traceparent();
        }
    }
}
