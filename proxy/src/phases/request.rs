//! From the head of a request to what is done with it.

use std::net::IpAddr;

use http::{StatusCode, header};
use pingora::Result;
use pingora::protocols::http::v1::server::HttpSession;
use pingora::proxy::Session;

use super::asked::{Asked, Judged};
use super::bypass::past_the_line;
use super::calls::CallAnswer;
use super::context::Context;
use super::edge::Edge;
use super::visitor::Answer;
use super::{UPGRADED_SILENCE, peer};
use crate::config::edge::Limits;
use crate::gate::fields::Fields;
use crate::gate::{self, Decision, Refusal, Verdict, framing};
use crate::live::handshake;
use crate::telemetry::calls::asking;
use crate::waiting::reply::Reply;

impl Edge {
    /// Decides, and answers unless the request goes to the shop. `true` means that there is nothing more to do.
    pub(super) async fn filter(&self, session: &mut Session, context: &mut Context) -> Result<bool> {
        if context.is_let_through {
            // By who read it first.
            self.pass(session);
            return Ok(false);
        }
        let head = session.as_http1().map(HttpSession::get_headers_raw_bytes);
        let request = session.req_header();
        let headers = Fields::of(&request.headers);
        let asked = Asked {
            method: &request.method,
            target: request.raw_path(),
            headers: &headers,
            head: head.as_deref(),
            peer: peer(session),
            redirect_to_https: context.head.as_ref().and_then(|head| head.redirect_to_https()),
        };
        match self.judge(&asked, context).await {
            Judged::Reply { reply, is_last } => {
                if is_last {
                    session.set_keepalive(None);
                }
                self.send(session, context, reply).await
            }
            Judged::Pass => {
                self.pass(session);
                Ok(false)
            }
            Judged::Live(room) => {
                let Some(decision) = &context.decision else { return Ok(true) };
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

    /// Decides what becomes of a request, and does all that is to be done for it but to answer it or to send it on.
    /// Once for each request: who asks for a place has one afterwards.
    pub(crate) async fn judge(&self, asked: &Asked<'_>, context: &mut Context) -> Judged {
        let bad = |context: &mut Context, outcome, reply| {
            context.outcome = outcome;
            Judged::Reply { reply, is_last: true }
        };
        if let Some(reply) = too_large(asked.target, asked.headers, &self.config.limits) {
            return bad(context, "too_large", reply);
        }
        if let Some(Err(refusal)) = asked.head.map(framing::check) {
            return bad(context, "bad_request", refused(refusal));
        }
        match self.who_asks(asked) {
            Ok(client) => context.client = client,
            Err(reply) => return bad(context, "bad_request", reply),
        }
        let decided =
            gate::decide(&self.fleet.in_force().rooms.routes, asked.method, asked.target, asked.headers);
        let decision = match decided {
            Ok(decision) => decision,
            Err(refusal) => return bad(context, "bad_request", refused(refusal)),
        };
        if let Some(port) = asked.redirect_to_https {
            context.outcome = "to_https";
            return Judged::Reply { reply: to_https(&decision, port), is_last: false };
        }
        let verdict = decision.verdict.clone();
        let decision = &*context.decision.insert(decision);
        match verdict {
            Verdict::Open => {
                context.outcome = "open";
                Judged::Pass
            }
            Verdict::Edge(call) => {
                context.outcome = "edge";
                // In a place of its own, for it is the longest of all and the rest is asked for more often.
                match Box::pin(self.call(&call, asked, decision, context.client)).await {
                    CallAnswer::Reply(reply) => Judged::Reply { reply, is_last: false },
                    CallAnswer::Live(room) => Judged::Live(room),
                }
            }
            Verdict::Protected { room, kind } => {
                let Some(room) = self.fleet.in_force().rooms.get(room).cloned() else {
                    let reply = Reply::problem(StatusCode::INTERNAL_SERVER_ERROR, "no_room", "no such room");
                    return Judged::Reply { reply, is_last: false };
                };
                context.is_public = room.config().is_public(asked.method, &decision.target);
                if let Some(passage) = past_the_line(self, &room, decision, asked, context.client) {
                    context.outcome = "bypass";
                    context.passage = passage;
                    return Judged::Pass;
                }
                let visit =
                    self.visit(&room, kind, context.is_public, decision, asked.headers, context.client);
                let (answer, questions) = asking(visit).await;
                self.watch_passage(&room, &self.who(asked.headers, context.client), &answer, questions);
                match answer {
                    Answer::Forward { passage, cookies, outcome } => {
                        context.outcome = outcome;
                        context.passage = passage;
                        context.cookies = cookies;
                        Judged::Pass
                    }
                    Answer::Reply(reply, outcome) => {
                        context.outcome = outcome;
                        context.passage.room = Some(room);
                        Judged::Reply { reply, is_last: false }
                    }
                }
            }
        }
    }

    /// The address of who asks; or the refusal of a request that went around the CDN, or whose address cannot be
    /// told.
    fn who_asks(&self, asked: &Asked<'_>) -> Result<Option<IpAddr>, Reply> {
        let headers = asked.headers;
        if let (Some(secret), Some(header)) = (&self.cdn_secret, &self.config.cdn.secret_header) {
            let mut shown = headers.get_all(header);
            if !matches!((shown.next(), shown.next()), (Some(only), None) if secret.is(only.as_bytes())) {
                let detail = "requests come here through the CDN";
                return Err(Reply::problem(StatusCode::FORBIDDEN, "around_the_cdn", detail));
            }
        }
        asked
            .peer
            .map(|peer| self.config.cdn.trusted_proxies.client(peer, headers))
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

/// The answer to a head that the library would mend, rather than say that it can be read in two ways.
pub(crate) fn misread(context: &mut Context) -> Reply {
    context.outcome = "bad_request";
    refused(Refusal::Framing)
}

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
fn too_large(target: &[u8], headers: &Fields<'_>, limits: &Limits) -> Option<Reply> {
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.as_bytes().len() + 4).sum();
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
