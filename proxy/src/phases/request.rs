//! From the head of a request to what is done with it.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, StatusCode, header};
use pingora::Result;
use pingora::proxy::Session;

use super::UPGRADED_SILENCE;
use super::bypass::past_the_line;
use super::calls::CallAnswer;
use super::context::Context;
use super::edge::Edge;
use super::visitor::Answer;
use crate::config::edge::Limits;
use crate::gate::{self, Decision, Refusal, Verdict, framing};
use crate::live::handshake;
use crate::waiting::reply::Reply;

impl Edge {
    /// Decides, and answers unless the request goes to the shop. `true` means that there is nothing more to do.
    pub(super) async fn filter(&self, session: &mut Session, context: &mut Context) -> Result<bool> {
        let request = session.req_header();
        if let Some(reply) = too_large(request.raw_path(), &request.headers, &self.config.limits) {
            context.outcome = "too_large";
            session.set_keepalive(None);
            return self.send(session, context, reply).await;
        }
        let framed = session.as_http1().map(|http1| framing::check(&http1.get_headers_raw_bytes()));
        if let Some(Err(refusal)) = framed {
            context.outcome = "bad_request";
            session.set_keepalive(None);
            return self.send(session, context, refused(refusal)).await;
        }
        match self.who_asks(session) {
            Ok(client) => context.client = client,
            Err(reply) => {
                context.outcome = "bad_request";
                session.set_keepalive(None);
                return self.send(session, context, reply).await;
            }
        }
        let request = session.req_header();
        let decided = gate::decide(
            &self.fleet.in_force().rooms.routes,
            &request.method,
            request.raw_path(),
            &request.headers,
        );
        let decision = match decided {
            Ok(decision) => decision,
            Err(refusal) => {
                context.outcome = "bad_request";
                session.set_keepalive(None);
                return self.send(session, context, refused(refusal)).await;
            }
        };
        if let Some(port) = context.head.as_ref().and_then(|head| head.redirect_to_https()) {
            context.outcome = "to_https";
            return self.send(session, context, to_https(&decision, port)).await;
        }
        let verdict = decision.verdict.clone();
        let decision = &*context.decision.insert(decision);
        match verdict {
            Verdict::Open => {
                context.outcome = "open";
                self.pass(session);
                Ok(false)
            }
            Verdict::Edge(call) => {
                context.outcome = "edge";
                match self.call(&call, session.req_header(), decision, context.client).await {
                    CallAnswer::Reply(reply) => self.send(session, context, reply).await,
                    CallAnswer::Live(room) => {
                        match handshake::check(self, &room, session, decision, context.client).await {
                            Ok(hand_over) => {
                                context.outcome = "live";
                                // It goes to its new owner as a connection that is kept.
                                session.set_keepalive(Some(self.config.limits.idle.as_secs()));
                                context.own_status = Some(StatusCode::SWITCHING_PROTOCOLS.as_u16());
                                context.hand_over = Some(hand_over);
                                Ok(true)
                            }
                            Err(reply) => self.send(session, context, reply).await,
                        }
                    }
                }
            }
            Verdict::Protected { room, kind } => {
                let Some(room) = self.fleet.in_force().rooms.get(room).cloned() else {
                    let reply = Reply::problem(StatusCode::INTERNAL_SERVER_ERROR, "no_room", "no such room");
                    return self.send(session, context, reply).await;
                };
                context.is_public = room.config().is_public(&session.req_header().method, &decision.target);
                if let Some(passage) =
                    past_the_line(self, &room, decision, session.req_header(), context.client)
                {
                    context.outcome = "bypass";
                    context.passage = passage;
                    self.pass(session);
                    return Ok(false);
                }
                let is_public = context.is_public;
                let headers = &session.req_header().headers;
                match self.visit(&room, kind, is_public, decision, headers, context.client).await {
                    Answer::Forward { passage, cookies, outcome } => {
                        context.outcome = outcome;
                        context.passage = passage;
                        context.cookies = cookies;
                        self.pass(session);
                        Ok(false)
                    }
                    Answer::Reply(reply, outcome) => {
                        context.outcome = outcome;
                        context.passage.room = Some(room);
                        self.send(session, context, reply).await
                    }
                }
            }
        }
    }

    /// The address of who asks; or the refusal of a request that went around the CDN, or whose address cannot be
    /// told.
    fn who_asks(&self, session: &Session) -> Result<Option<IpAddr>, Reply> {
        let headers = &session.req_header().headers;
        if let (Some(secret), Some(header)) = (&self.cdn_secret, &self.config.cdn.secret_header) {
            let mut shown = headers.get_all(header).iter();
            if !matches!((shown.next(), shown.next()), (Some(only), None) if secret.is(only.as_bytes())) {
                let detail = "requests come here through the CDN";
                return Err(Reply::problem(StatusCode::FORBIDDEN, "around_the_cdn", detail));
            }
        }
        let peer = session.client_addr().and_then(|address| address.as_inet()).map(SocketAddr::ip);
        peer.map(|peer| self.config.cdn.trusted_proxies.client(peer, headers))
            .transpose()
            .map_err(|error| Reply::problem(StatusCode::BAD_REQUEST, "client_address", &error.to_string()))
    }

    /// Prepares a request that goes to the shop.
    fn pass(&self, session: &mut Session) {
        if session.is_upgrade_req() {
            // Once upgraded, silence is the rule; the default would cut the connection after a minute of it.
            session.set_read_timeout(UPGRADED_SILENCE);
        }
    }
}

/// Leads to the same page by TLS. A form that is posted is posted there again.
fn to_https(decision: &Decision, port: u16) -> Reply {
    let host = decision.authority.host();
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    let location = format!("https://{host}{port}{}", decision.target.path_and_query());
    Reply::empty(StatusCode::PERMANENT_REDIRECT).with(header::LOCATION, location)
}

/// The methods that are told to whoever asks by one that is not served.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

fn refused(refusal: Refusal) -> Reply {
    let detail = refusal.to_string();
    match refusal {
        Refusal::Method => {
            Reply::problem(StatusCode::METHOD_NOT_ALLOWED, "method", &detail).with(header::ALLOW, METHODS)
        }
        _ => Reply::problem(StatusCode::BAD_REQUEST, "bad_request", &detail),
    }
}

/// An answer to a request whose head or announced body is larger than allowed.
fn too_large(target: &[u8], headers: &HeaderMap, limits: &Limits) -> Option<Reply> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes + target.len() > limits.head_bytes || headers.len() > limits.headers {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Some(Reply::problem(status, "head_too_large", "the request's head is too large"));
    }
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.body_bytes) {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Some(Reply::problem(status, "body_too_large", "the request's body is too large"));
    }
    None
}
