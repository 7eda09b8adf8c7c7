//! What a visitor sees when the shop cannot be reached or does not answer. Nobody loses a session to it.

use std::time::Duration;

use http::{Method, StatusCode};
use pingora::proxy::{FailToProxy, Session};
use pingora::{Error, ErrorSource, ErrorType};

use super::context::Context;
use super::edge::Edge;
use crate::gate::fields::Fields;
use crate::gate::{self, Kind, Verdict};
use crate::waiting::notice::{About, Notice, Way};
use crate::waiting::reader::Reader;
use crate::waiting::reply::Reply;

/// After how long to try again.
const RETRY_SECONDS: u64 = 5;

impl Edge {
    /// Answers a request that failed, where it can still be answered.
    pub(super) async fn fail(
        &self,
        session: &mut Session,
        error: &Error,
        context: &mut Context,
    ) -> FailToProxy {
        let status = if context.is_overdue { Some(StatusCode::GATEWAY_TIMEOUT) } else { status_of(error) };
        if let (Some(status), None) = (status, session.response_written()) {
            let request = session.req_header();
            let reply = self.failed(&request.method, &Fields::of(&request.headers), status, context);
            session.set_keepalive(None);
            // When the answer cannot be sent either, the client is gone and the log says what happened.
            let _ = self.send(session, context, reply).await;
        }
        FailToProxy { error_code: status.map_or(0, |status| status.as_u16()), can_reuse_downstream: false }
    }

    /// What whoever asks is told instead of an answer of the shop's, if anybody is left to be told.
    pub(crate) fn instead(
        &self,
        method: &Method,
        headers: &Fields<'_>,
        error: &Error,
        context: &mut Context,
    ) -> Option<Reply> {
        status_of(error).map(|status| self.failed(method, headers, status, context))
    }

    fn failed(
        &self,
        method: &Method,
        headers: &Fields<'_>,
        status: StatusCode,
        context: &mut Context,
    ) -> Reply {
        context.outcome = if context.circuit_open.is_some() { "circuit_open" } else { "failed" };
        if status.is_server_error() {
            context.saw_the_shop(true, None);
        }
        let reply = self.failure(method, headers, status, context);
        // A fan who was let in a moment ago keeps that, though the shop does not answer.
        context.cookies.iter().fold(reply, |reply, cookie| reply.cookie(cookie))
    }

    fn failure(&self, method: &Method, headers: &Fields<'_>, status: StatusCode, context: &Context) -> Reply {
        if !status.is_server_error() {
            return Reply::problem(status, "request_failed", "the request could not be served");
        }
        let kind = match &context.decision {
            Some(decision) => match decision.verdict {
                Verdict::Protected { kind, .. } => kind,
                _ => Kind::of(method, headers),
            },
            None => Kind::Other,
        };
        let room = context.passage.room.as_ref();
        let retry_seconds = context.circuit_open.map_or(RETRY_SECONDS, again_in);
        let config = room.map(|room| room.config());
        let notice = |about| {
            let title = config.as_ref().map_or("", |config| config.title.as_str());
            Notice::new(status, title, about).retry(retry_seconds)
        };
        let say = |notice: &Notice<'_>| {
            let page = context.decision.as_ref().map(|decision| decision.target.path_and_query());
            let page = page.as_deref().unwrap_or("/");
            let reader = Reader::of(headers, self.config.public_scheme, page);
            self.fleet.in_force().pages.notice(room.map(|room| room.id.as_str()), &reader, notice)
        };
        match (kind, &context.decision) {
            (Kind::Navigation, _) if context.circuit_open.is_some() => {
                return say(&notice(About::ShopPaused));
            }
            (Kind::Navigation, _) => return say(&notice(About::ShopAway)),
            (Kind::Form, Some(decision)) => {
                let paths = config.as_ref().map_or(&[][..], |config| &config.paths);
                let back = gate::back(decision, headers, paths);
                return say(&notice(form(status)).link(&back, Way::BackAndRetry));
            }
            _ => {}
        }
        let (code, detail) = match context.circuit_open {
            Some(_) => (
                "circuit_open",
                "the shop fails or is slow and is left alone for a while; sessions and places are kept",
            ),
            None => {
                ("upstream", "the shop could not be reached or did not answer; sessions and places are kept")
            }
        };
        Reply::problem(status, code, detail).retry_after(retry_seconds)
    }
}

/// In how many seconds a request makes sense again that the circuit did not let through.
fn again_in(wait: Duration) -> u64 {
    wait.as_secs_f64().ceil().clamp(1.0, 60.0) as u64
}

/// What a person reads whose form met no answer. Only where no connection was made is it sure that the shop does
/// not have it.
const fn form(status: StatusCode) -> About {
    if status.as_u16() == StatusCode::SERVICE_UNAVAILABLE.as_u16() {
        About::FormUnsent
    } else {
        About::FormUnanswered
    }
}

/// The status for an error; nothing where nobody is left to be answered.
fn status_of(error: &Error) -> Option<StatusCode> {
    match (error.etype(), error.esource()) {
        (ErrorType::HTTPStatus(code), _) => StatusCode::from_u16(*code).ok(),
        (ErrorType::ConnectTimedout | ErrorType::ConnectRefused | ErrorType::ConnectError, _)
        | (ErrorType::ConnectNoRoute | ErrorType::SocketError | ErrorType::BindError, _)
        | (ErrorType::TLSHandshakeFailure | ErrorType::TLSHandshakeTimedout | ErrorType::InvalidCert, _) => {
            Some(StatusCode::SERVICE_UNAVAILABLE)
        }
        (ErrorType::ReadTimedout | ErrorType::WriteTimedout, ErrorSource::Upstream) => {
            Some(StatusCode::GATEWAY_TIMEOUT)
        }
        (_, ErrorSource::Upstream) => Some(StatusCode::BAD_GATEWAY),
        // A body that stopped coming.
        (ErrorType::ReadTimedout, ErrorSource::Downstream) => Some(StatusCode::REQUEST_TIMEOUT),
        (
            ErrorType::ReadError
            | ErrorType::WriteError
            | ErrorType::WriteTimedout
            | ErrorType::ConnectionClosed,
            ErrorSource::Downstream,
        ) => None,
        (_, ErrorSource::Downstream) => Some(StatusCode::BAD_REQUEST),
        _ => Some(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
