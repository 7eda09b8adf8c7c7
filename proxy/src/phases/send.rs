//! Sends the edge's own answers, and writes one line of log for each request.

use std::time::Instant;

use admission::edge_signature::HEADER_REQUEST_ID;
use bytes::Bytes;
use http::Method;
use http::header::{self, HeaderName, HeaderValue};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::{Error, Result};

use super::body::dispose;
use super::context::Context;
use super::edge::Edge;
use crate::ids;
use crate::telemetry::{Facts, paths};
use crate::waiting::reply::Reply;

/// Names a request in lines of log.
const REQUEST_ID: HeaderName = HeaderName::from_static(HEADER_REQUEST_ID);

impl Edge {
    /// Sends `reply`; always `true`: there is nothing more to do.
    pub(super) async fn send(
        &self,
        session: &mut Session,
        context: &mut Context,
        reply: Reply,
    ) -> Result<bool> {
        dispose(session, context).await;
        let (response, body) = self.respond(context, reply);
        let has_body = !body.is_empty() && session.req_header().method != Method::HEAD;
        session.write_response_header(response, !has_body).await?;
        if has_body {
            session.write_response_body(Some(body), true).await?;
        }
        Ok(true)
    }

    /// `reply` as the library sends it: its head and its body.
    pub(crate) fn respond(&self, context: &mut Context, reply: Reply) -> (Box<ResponseHeader>, Bytes) {
        let Reply { status, common, headers, body } = reply;
        context.own_status = Some(status.as_u16());
        // Not by the library's own methods: they parse each name again, and keep how it was spelled.
        let mut parts = http::Response::new(()).into_parts().0;
        parts.status = status;
        parts.headers = common.map.clone();
        parts.headers.reserve(headers.len() + 4);
        for (name, value) in headers {
            parts.headers.append(name, value);
        }
        if status != http::StatusCode::NO_CONTENT {
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        if let Ok(id) = HeaderValue::from_str(&context.request_id) {
            parts.headers.insert(REQUEST_ID, id);
        }
        (Box::new(ResponseHeader::from(parts)), body.into_bytes())
    }

    /// One line for each request. Neither tokens nor cookies nor addresses, and no query: it may hold
    /// anything; of the path, what does not look like any of these.
    pub(super) fn log(&self, session: &Session, error: Option<&Error>, context: &mut Context) {
        if let (Some(stream), Some(pingora::ErrorSource::Downstream)) =
            (&context.stream, error.map(Error::esource))
        {
            stream.give_up();
        }
        let answered = session.response_written().map(|response| response.status.as_u16());
        self.note(
            context,
            &Answered {
                method: session.req_header().method.as_str(),
                status: answered.or(context.own_status).unwrap_or_default(),
                bytes_sent: session.body_bytes_sent(),
                // The text of an error may hold an address; its kind does not.
                error: error.map(|error| (error.etype().as_str(), error.esource().as_str())),
            },
        );
    }

    /// The same, of a request that may never have been the library's.
    pub(crate) fn note(&self, context: &mut Context, answered: &Answered<'_>) {
        let Answered { method, status, bytes_sent, error } = *answered;
        let is_logged = error.is_some() || tracing::enabled!(tracing::Level::INFO);
        if is_logged {
            self.name_trace(context);
        }
        let path = context.decision.as_ref().filter(|_| is_logged || context.trace.is_some());
        let path = paths::told(path.map_or("", |decision| decision.target.path()));
        let path = &*path;
        let room = context.passage.room.as_ref().map_or("", |room| room.id.as_str());
        let trace_id = ids::trace_id(&context.traceparent);
        let ended = *context.ended.insert(Instant::now());
        let duration = ended - context.began;
        let duration_ms = duration.as_secs_f64() * 1000.0;
        let tally = context.passage.room.as_ref().map_or(&*self.requests, |room| &room.tally.requests);
        tally.add(context.outcome, status, context.own_status.is_none() && status != 0, duration);
        if let Some(trace) = context.trace.take() {
            let (outcome, request_id) = (context.outcome, context.request_id.as_str());
            let error = error.map(|(kind, _)| kind);
            trace.end(&Facts { method, path, status, room, outcome, request_id, error });
        }
        if !is_logged {
            return;
        }
        // Only there where it is so: a field that is nothing is left out.
        let bypassed_by = context.passage.bypassed_by.as_deref();
        match error {
            Some((error, side)) => tracing::warn!(
                request_id = %context.request_id, trace_id, method, path, status, room,
                outcome = context.outcome, bypassed_by, duration_ms, bytes_sent, error, side,
                "request"
            ),
            None => tracing::info!(
                request_id = %context.request_id, trace_id, method, path, status, room,
                outcome = context.outcome, bypassed_by, duration_ms, bytes_sent,
                "request"
            ),
        }
    }
}

/// How a request was answered.
pub(crate) struct Answered<'a> {
    /// Its method.
    pub(crate) method: &'a str,
    /// The status; 0 where there was none.
    pub(crate) status: u16,
    /// How much of a body was sent.
    pub(crate) bytes_sent: usize,
    /// What went wrong, and on whose side.
    pub(crate) error: Option<(&'a str, &'a str)>,
}
