//! The short way of plain requests: one that has no body is read, judged and answered on the connection, by the edge or by
//! a shop that speaks plain HTTP/1.1, and never becomes a session of the HTTP library, which would cost more than all the
//! rest.
//!
//! The judgement is the same as for all others ([`Edge::judge`](crate::phases::Edge)). As soon as a request comes that
//! is not as plain, the library takes the connection over, for good, with every byte that was read.

mod answer;
mod client;
mod head;
mod pass;
mod rewound;
mod silence;
mod stream;

use std::io::IoSlice;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use pingora::protocols::Stream;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::app::{EdgeApp, HEAD_SLACK};
use super::load::{Arriving, HeadArrived};
use crate::gate::fields::Fields;
use crate::listen::{GoesOut, Meter};
use crate::patience::within;
use crate::phases::{Answered, Asked, Context, Judged, misread};
use crate::waiting::body::PIECES;
use crate::waiting::reply::Reply;
use client::{Ends, Http1};
use pass::{Passed, Plain};
use rewound::Rewound;
pub(super) use rewound::unwound;
use silence::Silence;
pub(super) use stream::answer_stream;

/// How much is read at once. A head that is longer is left to the library.
const READ: usize = 8 * 1024;

/// Longest body that is copied behind its head.
const SHORT: usize = 1024;

/// A connection whose next request is for the library.
pub(super) struct HandedOn {
    /// The connection, with that request unread.
    pub(super) stream: Stream,
    /// The request, as far as it is known.
    pub(super) arriving: Arriving,
    /// Until when it has to begin.
    pub(super) until: Instant,
}

/// Answers plain requests, one after the other. Returns the connection when one comes that is not; nothing when it has
/// ended.
pub(super) async fn serve(
    app: &EdgeApp,
    mut stream: Stream,
    meter: &Arc<Meter>,
    redirect_to_https: Option<u16>,
    stopped: &watch::Receiver<bool>,
) -> Option<HandedOn> {
    let limits = &app.edge.config.limits;
    let peer = peer(&stream);
    let mut until = Instant::now() + limits.head_timeout;
    let news = app.idle_ends.subscribe();
    let mut ends = news.clone();
    let mut alarm = pin!(sleep_until(until));
    let mut ends = pin!(async move {
        // An error says that nobody is left to tell us otherwise.
        let _ = ends.wait_for(|ends| *ends).await;
    });
    let mut silence = Silence::new(alarm.as_mut(), ends.as_mut(), news);
    let mut unread = Vec::new();
    let mark = Arc::new(HeadArrived::awaited(&app.load, meter.clone(), redirect_to_https));
    loop {
        meter.await_whole_head(limits.head_bytes + HEAD_SLACK, unread.len());
        if unread.is_empty() {
            unread = silence.broken(&mut stream, meter, until).await?;
        }
        let hand_on = |stream, unread, judged| {
            meter.goes_on();
            let stream: Stream = Box::new(Rewound { stream, unread: Bytes::from(unread) });
            Some(HandedOn { stream, arriving: Arriving { head: mark.clone(), judged }, until })
        };
        let Some(head) = head::read(&mut unread) else {
            if !head::is_torn(&unread) {
                return hand_on(stream, unread, None);
            }
            mark.mark();
            let mut context = Context::new();
            app.edge.meet(&Method::GET, &Fields::default(), peer, &mut context);
            let reply = misread(&mut context);
            answer(app, (&mut stream, meter), &Method::GET, &mut context, &reply, true, None).await;
            meter.answered_early();
            let _ = timeout(limits.write_timeout, stream.shutdown()).await;
            return None;
        };
        mark.mark();
        let mut context = Box::new(Context::new());
        app.edge.meet(&head.method, &head.headers, peer, &mut context);
        let asked = Asked {
            method: &head.method,
            target: head.target,
            headers: &head.headers,
            head: Some(head.bytes),
            peer,
            redirect_to_https,
        };
        let judged = Box::pin(app.edge.judge(&asked, &mut context)).await;
        let closes = head.closes || *stopped.borrow();
        let mut next = head.rest.to_vec();
        let keeps = match judged {
            Judged::Reply { reply, is_last } => {
                let closes = is_last || closes;
                if !answer(app, (&mut stream, meter), &head.method, &mut context, &reply, closes, None).await
                {
                    return None;
                }
                !closes
            }
            Judged::Pass if pass::takes(app, &Plain { method: &head.method, headers: &head.headers }) => {
                let mut client = Http1 {
                    stream: &mut stream,
                    unread: &mut next,
                    write_timeout: limits.write_timeout,
                    closes,
                    ends: Ends::Announced,
                };
                let request = Plain { method: &head.method, headers: &head.headers };
                // In a place of its own, as above.
                match Box::pin(pass::pass(app, &mut client, &request, &mut context)).await {
                    Passed::Over { is_whole, .. } => is_whole && !client.closes,
                    Passed::Instead(reply, error) => {
                        let error = (error.etype().as_str(), error.esource().as_str());
                        answer(
                            app,
                            (&mut stream, meter),
                            &head.method,
                            &mut context,
                            &reply,
                            true,
                            Some(error),
                        )
                        .await;
                        false
                    }
                }
            }
            Judged::Pass => {
                context.is_let_through = true;
                return hand_on(stream, unread, Some(context));
            }
            Judged::Live(_) => return hand_on(stream, unread, None),
        };
        if !keeps {
            if !next.is_empty() {
                meter.answered_early();
            }
            let _ = timeout(limits.write_timeout, stream.shutdown()).await;
            return None;
        }
        mark.is_over();
        unread = next;
        until = context.ended.map_or_else(Instant::now, Instant::from_std) + limits.idle;
    }
}

/// Who is at the other end.
fn peer(stream: &Stream) -> Option<IpAddr> {
    let socket = stream.get_socket_digest()?;
    socket.peer_addr()?.as_inet().map(SocketAddr::ip)
}

/// Sends `reply`, and writes the line of log: of the error for which it is sent, where there is one. Whether the client took
/// it.
async fn answer(
    app: &EdgeApp,
    (stream, meter): (&mut Stream, &Meter),
    method: &Method,
    context: &mut Context,
    reply: &Reply,
    closes: bool,
    instead_of: Option<(&'static str, &'static str)>,
) -> bool {
    context.own_status = Some(reply.status.as_u16());
    let facts = answer::Facts { request_id: &context.request_id, now: context.began, closes };
    let mut written = answer::head(reply, &facts);
    let has_body = *method != Method::HEAD && reply.status != http::StatusCode::NO_CONTENT;
    let length = if has_body { reply.body.len() } else { 0 };
    let mut body: [&[u8]; PIECES] = if has_body { reply.body.pieces() } else { [&[]; PIECES] };
    // What is short goes out in one piece.
    if length <= SHORT {
        std::mem::take(&mut body).into_iter().for_each(|piece| written.bytes().extend_from_slice(piece));
    }
    meter.go_out(GoesOut::Whole);
    let [a, b, c, d, e] = body;
    let mut pieces = [written.as_ref(), a, b, c, d, e].map(IoSlice::new);
    let sent = within(app.edge.config.limits.write_timeout, answer::write_all(stream, &mut pieces)).await;
    meter.go_out(GoesOut::Gathered);
    let error = match sent {
        Ok(Ok(())) => None,
        Ok(Err(_)) => Some("WriteError"),
        Err(_) => Some("WriteTimedout"),
    };
    app.edge.note(
        context,
        &Answered {
            method: method.as_str(),
            status: reply.status.as_u16(),
            bytes_sent: if error.is_none() { length } else { 0 },
            error: instead_of.or(error.map(|error| (error, "Downstream"))),
        },
    );
    error.is_none()
}
