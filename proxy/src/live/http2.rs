//! Connections that speak HTTP/2: how many requests at once, how many given up, how long idle.

use std::future::{poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::header::{self, HeaderValue};
use parking_lot::Mutex;
use pingora::apps::HttpServerApp as _;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::{H2Accept, H2Options, HttpSession, default_h2_options, handshake};
use pingora::protocols::{Digest, Stream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::app::EdgeApp;
use super::load::HeadArrived;
use super::shortcut;
use crate::config::edge::Limits;
use crate::listen::{Connection, GoesOut, Meter};
use crate::phases::Context;

/// Requests that break the rules, on one connection.
const MALFORMED_MAX: u32 = 32;
/// How long a client that is sent away may take to read why.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a request over HTTP/2 tells the owner of its connection.
pub struct StreamNote {
    began: Instant,
    /// Whether the client gave it up.
    given_up: AtomicBool,
    /// When something of its body came last, in milliseconds since it began; [`WHOLE`] when all of it has come.
    body_at: AtomicU64,
    /// What is known of it, where it was judged already.
    judged: Mutex<Option<Box<Context>>>,
}

/// The body is whole, or there is none.
const WHOLE: u64 = u64::MAX;

impl StreamNote {
    fn new(has_body: bool) -> Self {
        let body_at = AtomicU64::new(if has_body { 0 } else { WHOLE });
        let judged = Mutex::new(None);
        Self { began: Instant::now(), given_up: AtomicBool::new(false), body_at, judged }
    }

    /// It was judged, and goes to the shop.
    pub(super) fn goes_on(&self, judged: Box<Context>) {
        *self.judged.lock() = Some(judged);
    }

    /// What is known of it, where it was judged already; once.
    pub fn judged(&self) -> Option<Box<Context>> {
        self.judged.lock().take()
    }

    /// The client gave the request up.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Something of the body came; the end of it, perhaps.
    pub fn body_came(&self, is_whole: bool) {
        let at = if is_whole { WHOLE } else { admission::clock::millis(self.began.elapsed()) };
        self.body_at.store(at, Ordering::Relaxed);
    }

    /// Returns when nothing of the body has come for `idle`. The library has no such bound for HTTP/2.
    async fn body_stalls(&self, idle: Duration) {
        loop {
            let at = match self.body_at.load(Ordering::Relaxed) {
                WHOLE => return std::future::pending().await,
                at => self.began + Duration::from_millis(at) + idle,
            };
            if at <= Instant::now() {
                return;
            }
            sleep_until(at).await;
        }
    }
}

fn options(limits: &Limits) -> H2Options {
    let mut options = default_h2_options();
    options
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(limits.http2_requests);
    options
}

/// How a request over HTTP/2 ended.
enum Ended {
    Answered,
    GivenUp,
}

impl Ended {
    /// How many were given up, with this one. One that is seen to its end makes up for one that was not: people leave
    /// pages.
    const fn count(self, given_up: u32) -> u32 {
        match self {
            Self::GivenUp => given_up + 1,
            Self::Answered => given_up.saturating_sub(1),
        }
    }
}

/// Serves one connection until it ends.
pub(super) async fn serve(app: &Arc<EdgeApp>, connection: Connection, mut stopped: watch::Receiver<bool>) {
    let Connection { stream, slot: _slot, meter, .. } = connection;
    let limits = &app.edge.config.limits;
    let digest = Arc::new(Digest {
        ssl_digest: stream.get_ssl_digest(),
        timing_digest: stream.get_timing_digest(),
        proxy_digest: None,
        socket_digest: stream.get_socket_digest(),
    });
    let shaken = timeout(limits.head_timeout, handshake(stream, Some(options(limits)))).await;
    let Ok(Ok(mut connection)) = shaken else { return };
    let shutdown = stopped.clone();
    let mut requests: JoinSet<Ended> = JoinSet::new();
    let (mut fresh, mut are_all_here) = (Vec::new(), false);
    let (mut given_up, mut malformed) = (0_u32, 0_u32);
    let mut is_closing = false;
    let mut idle_until = Instant::now() + limits.idle;
    loop {
        if std::mem::take(&mut are_all_here) {
            idle_until = Instant::now() + limits.idle;
            given_up = answer_together(&mut fresh, &mut requests, given_up).await;
        }
        if given_up > limits.http2_given_up {
            tracing::debug!("a client gave up too many requests");
            break connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        }
        // A request that was given up may still be worked on, though for the protocol it is gone. No more is taken
        // on until that ends; what is given up meanwhile, the library counts and closes the connection.
        let is_full = requests.len() + fresh.len() >= limits.http2_requests as usize;
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped), if !is_closing => {
                connection.graceful_shutdown();
                is_closing = true;
            }
            Some(ended) = requests.join_next(), if !requests.is_empty() => {
                idle_until = Instant::now() + limits.idle;
                given_up = ended.unwrap_or(Ended::Answered).count(given_up);
            }
            taken = take_on(&mut connection, &meter, &digest, is_full) => match taken {
                Some(H2Accept::Session(session)) => {
                    fresh.push(Box::pin(answer(app.clone(), session, shutdown.clone())));
                }
                Some(H2Accept::Rejected) => {
                    malformed += 1;
                    if malformed > MALFORMED_MAX {
                        break connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                    }
                }
                None => {
                    // Whoever asked and left at once asked all the same: a page that is closed says that its fan leaves.
                    fresh.into_iter().for_each(|answer| drop(requests.spawn(answer)));
                    return requests.detach_all();
                }
            },
            // Nothing more has come for now.
            () = ready(()), if !fresh.is_empty() => are_all_here = true,
            () = sleep_until(idle_until), if requests.is_empty() => {
                break connection.abrupt_shutdown(Reason::NO_ERROR);
            }
        }
    }
    let _ = timeout(FAREWELL, poll_fn(|cx| connection.poll_closed(cx))).await;
}

/// Answers what came together, here, so that it goes out in one piece, where a task for each would have the connection write
/// each answer by itself. What has to wait for something gets a task then. Returns how many requests were given up.
async fn answer_together<T: Future<Output = Ended> + Send + 'static>(
    fresh: &mut Vec<Pin<Box<T>>>,
    requests: &mut JoinSet<Ended>,
    mut given_up: u32,
) -> u32 {
    for mut answer in fresh.drain(..) {
        match poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await {
            Poll::Ready(ended) => given_up = ended.count(given_up),
            Poll::Pending => drop(requests.spawn(answer)),
        }
    }
    given_up
}

/// Drives the connection until a request has come; while it `is_full`, none is taken on. Nothing when it is closed.
///
/// The library flushes after each piece of a body that is longer than a quarter of a kilobyte. Here what it has to send
/// goes out together, once it has no more.
async fn take_on(
    connection: &mut h2::server::Connection<Stream, Bytes>,
    meter: &Meter,
    digest: &Arc<Digest>,
    is_full: bool,
) -> Option<H2Accept> {
    let mut taken = pin!(async {
        if is_full {
            let _ = poll_fn(|cx| connection.poll_closed(cx)).await;
            return None;
        }
        HttpSession::from_h2_conn(connection, digest.clone()).await.ok().flatten()
    });
    poll_fn(|cx| {
        meter.go_out(GoesOut::Held);
        let taken_on = taken.as_mut().poll(cx);
        meter.go_out(GoesOut::Gathered);
        if taken_on.is_pending() { taken.as_mut().poll(cx) } else { taken_on }
    })
    .await
}

/// Answers one request.
async fn answer(app: Arc<EdgeApp>, mut session: HttpSession, stopped: watch::Receiver<bool>) -> Ended {
    let note = Arc::new(StreamNote::new(!session.is_body_empty()));
    let head = Arc::new(HeadArrived::here(&app.load));
    let request = session.req_header_mut();
    // What follows looks at `Host`, as over HTTP/1.1. Where both are there they are the same, or it is ambiguous.
    let named = request.uri.authority().map(|authority| authority.as_str().to_owned());
    if let Some(named) = named
        && request.headers.get(header::HOST).is_none_or(|host| host.as_bytes() != named.as_bytes())
        && let Ok(named) = HeaderValue::from_str(&named)
    {
        let _ = request.append_header(header::HOST, named);
    }
    if !shortcut::answer_stream(&app, &mut session, &note).await {
        let mut session = ServerSession::new_http2(session);
        session.req_header_mut().extensions_mut().insert(note.clone());
        tokio::select! {
            _ = app.proxy.process_new_http(session, &stopped) => {}
            () = note.body_stalls(app.edge.config.limits.body_idle) => note.give_up(),
        }
    }
    drop(head);
    if note.given_up.load(Ordering::Relaxed) { Ended::GivenUp } else { Ended::Answered }
}
