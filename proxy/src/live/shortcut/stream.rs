//! The same over HTTP/2, where the library has read the head already and frames what is sent.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::{Method, header};
use pingora::http::ResponseHeader;
use pingora::protocols::http::v2::server::HttpSession;
use pingora::{Error, Result};

use super::super::StreamNote;
use super::super::app::EdgeApp;
use super::client::Client;
use super::pass::{self, Passed, Plain};
use crate::gate::fields::Fields;
use crate::phases::{Answered, Asked, Context, Judged};

/// Answers a plain request. Where it is none, or goes to the shop, it is left to the library with what is known of it.
pub(in super::super) async fn answer_stream(
    app: &EdgeApp,
    session: &mut HttpSession,
    note: &StreamNote,
) -> bool {
    let request = session.req_header();
    let method = match request.method {
        Method::GET => Method::GET,
        Method::HEAD => Method::HEAD,
        _ => return false,
    };
    let unusual = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::EXPECT];
    if !session.is_body_empty() || unusual.iter().any(|name| request.headers.contains_key(name)) {
        return false;
    }
    let headers = Fields::of(&request.headers);
    let mut context = Box::new(Context::new());
    let peer = session.client_addr().and_then(|address| address.as_inet()).map(SocketAddr::ip);
    app.edge.meet(&method, &headers, peer, &mut context);
    let asked = Asked {
        method: &method,
        target: request.raw_path(),
        headers: &headers,
        head: None,
        peer,
        redirect_to_https: None,
    };
    let (reply, instead_of) = match Box::pin(app.edge.judge(&asked, &mut context)).await {
        Judged::Reply { reply, .. } => (reply, None),
        Judged::Pass if pass::takes(app, &Plain { method: &method, headers: &headers }) => {
            let headers = request.headers.clone();
            let request = Plain { method: &method, headers: &Fields::of(&headers) };
            session.set_write_timeout(Some(app.edge.config.limits.write_timeout));
            let mut client = Http2 { session, is_over: false };
            match Box::pin(pass::pass(app, &mut client, &request, &mut context)).await {
                Passed::Over { is_whole: true, .. } => return true,
                Passed::Over { is_gone, .. } => {
                    if is_gone {
                        note.give_up();
                    }
                    session.shutdown();
                    return true;
                }
                Passed::Instead(reply, error) => (reply, Some(error)),
            }
        }
        Judged::Pass => {
            context.is_let_through = true;
            note.goes_on(context);
            return false;
        }
        Judged::Live(_) => return false,
    };
    let status = reply.status.as_u16();
    let (response, body) = app.edge.respond(&mut context, reply);
    let (has_body, length) = (!body.is_empty() && method != Method::HEAD, body.len());
    session.set_write_timeout(Some(app.edge.config.limits.write_timeout));
    let sent = match session.write_response_header(response, !has_body) {
        Ok(()) if has_body => session.write_body(body, true).await,
        outcome => outcome,
    };
    if sent.is_err() {
        note.give_up();
    }
    app.edge.note(
        &mut context,
        &Answered {
            method: method.as_str(),
            status,
            bytes_sent: if has_body && sent.is_ok() { length } else { 0 },
            error: instead_of
                .map(|error| (error.etype().as_str(), error.esource().as_str()))
                .or_else(|| sent.as_ref().err().map(|error| (error.etype().as_str(), "Downstream"))),
        },
    );
    true
}

/// Who waits for an answer of the shop.
struct Http2<'a> {
    session: &'a mut HttpSession,
    /// Whether the end of the answer was sent.
    is_over: bool,
}

impl Client for Http2<'_> {
    fn poll_gone(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        Pin::new(&mut self.session.idle()).poll(cx).map(drop)
    }

    /// The library sends one head only.
    async fn inform(&mut self, _answer: &ResponseHeader) -> Result<()> {
        Ok(())
    }

    async fn begin(&mut self, answer: ResponseHeader, is_all: bool) -> Result<()> {
        self.is_over = is_all;
        self.session.write_response_header(Box::new(answer), is_all).map_err(Error::into_down)
    }

    async fn piece(&mut self, piece: Bytes, is_last: bool) -> Result<()> {
        self.is_over = is_last;
        self.session.write_body(piece, is_last).await.map_err(Error::into_down)
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    async fn end(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(());
        }
        self.session.write_body(Bytes::new(), true).await.map_err(Error::into_down)
    }
}
