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
mod stream;

use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::Method;
use pingora::protocols::Stream;
use pingora::protocols::http::date::get_cached_date;
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::app::{EdgeApp, HEAD_SLACK};
use super::load::{Arriving, HeadArrived};
use crate::gate::fields::Fields;
use crate::listen::Meter;
use crate::patience::within;
use crate::phases::{Answered, Asked, Context, Judged, misread};
use crate::waiting::reply::Reply;
use client::{Ends, Http1};
use pass::{Passed, Plain};
use rewound::Rewound;
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
    let mut ends = app.idle_ends.subscribe();
    let mut alarm = pin!(sleep_until(until));
    let mut ends = pin!(async move {
        // An error says that nobody is left to tell us otherwise.
        let _ = ends.wait_for(|ends| *ends).await;
    });
    let mut unread = Vec::new();
    loop {
        meter.await_head(limits.head_bytes + HEAD_SLACK, unread.len());
        if unread.is_empty() {
            unread = more(&mut stream, until, alarm.as_mut(), ends.as_mut()).await?;
        }
        let mark = Arc::new(HeadArrived::awaited(&app.load, meter.clone(), redirect_to_https));
        let hand_on = |stream, unread, judged| {
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
            answer(app, &mut stream, &Method::GET, &mut context, &reply, true, None).await;
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
                if !answer(app, &mut stream, &head.method, &mut context, &reply, closes, None).await {
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
                        answer(app, &mut stream, &head.method, &mut context, &reply, true, Some(error)).await;
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
        unread = next;
        until = Instant::now() + limits.idle;
    }
}

/// Who is at the other end.
fn peer(stream: &Stream) -> Option<IpAddr> {
    let socket = stream.get_socket_digest()?;
    socket.peer_addr()?.as_inet().map(SocketAddr::ip)
}

/// What is read next; nothing when that takes too long, when the client is gone, or when the connection `ends`. What
/// waits holds no buffer.
async fn more(
    stream: &mut Stream,
    until: Instant,
    mut alarm: Pin<&mut Sleep>,
    mut ends: Pin<&mut impl Future<Output = ()>>,
) -> Option<Vec<u8>> {
    if until < alarm.deadline() {
        alarm.as_mut().reset(until);
    }
    poll_fn(|cx| {
        let mut space = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut space);
        if let Poll::Ready(outcome) = Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
            let came = Some(buffer.filled()).filter(|came| !came.is_empty() && outcome.is_ok());
            return Poll::Ready(came.map(<[u8]>::to_vec));
        }
        if ends.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        // Set anew only where it rings, for most requests come long before.
        while alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= until {
                return Poll::Ready(None);
            }
            alarm.as_mut().reset(until);
        }
        Poll::Pending
    })
    .await
}

/// Sends `reply`, and writes the line of log: of the error for which it is sent, where there is one. Whether the client took
/// it.
async fn answer(
    app: &EdgeApp,
    stream: &mut Stream,
    method: &Method,
    context: &mut Context,
    reply: &Reply,
    closes: bool,
    instead_of: Option<(&'static str, &'static str)>,
) -> bool {
    context.own_status = Some(reply.status.as_u16());
    let facts = answer::Facts { request_id: &context.request_id, date: &get_cached_date(), closes };
    let mut written = answer::head(reply, &facts);
    let has_body = *method != Method::HEAD && reply.status != http::StatusCode::NO_CONTENT;
    let body = if has_body { &reply.body[..] } else { &[] };
    let length = body.len();
    // What is short goes out in one piece.
    let body = if length <= SHORT {
        written.extend_from_slice(body);
        &[]
    } else {
        body
    };
    let sent = within(app.edge.config.limits.write_timeout, async {
        stream.write_all(&written).await?;
        stream.write_all(body).await?;
        stream.flush().await
    });
    let error = match sent.await {
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
