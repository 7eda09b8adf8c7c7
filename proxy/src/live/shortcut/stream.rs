//! The same over HTTP/2, where the library has read the head already and frames what is sent.

use std::net::SocketAddr;

use http::{Method, header};
use pingora::protocols::http::v2::server::HttpSession;

use super::super::StreamNote;
use super::super::app::EdgeApp;
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
    let mut context = Box::new(Context::new());
    let peer = session.client_addr().and_then(|address| address.as_inet()).map(SocketAddr::ip);
    app.edge.meet(&method, &request.headers, peer, &mut context);
    let asked = Asked {
        method: &method,
        target: request.raw_path(),
        headers: &request.headers,
        head: None,
        peer,
        redirect_to_https: None,
    };
    let reply = match Box::pin(app.edge.judge(&asked, &mut context)).await {
        Judged::Reply { reply, .. } => reply,
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
            error: sent.as_ref().err().map(|error| (error.etype().as_str(), "Downstream")),
        },
    );
    true
}
