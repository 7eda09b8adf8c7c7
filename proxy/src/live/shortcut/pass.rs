//! The short way of a plain request to the shop and back, without the library's session and its two halves.
//!
//! What is decided is the same, and so is what the shop is told, what its answer means, and what of it reaches the fan:
//! here only the bytes are carried.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use http::Method;
use pingora::http::ResponseHeader;
use pingora::{Error, ErrorSource, ErrorType, Result};

use super::super::app::EdgeApp;
use super::client::{Client, unless_gone};
use crate::gate::fields::Fields;
use crate::phases::{Answered, Context};
use crate::upstream::{self, Connection, TRIES_MAX, Wanted};
use crate::waiting::reply::Reply;

/// How long the head of a request is, about.
const HEAD: usize = 2048;

/// What became of a request that goes to the shop.
pub(super) enum Passed {
    /// It was answered, or nobody waits for an answer any more.
    Over {
        /// Whether the answer was sent whole.
        is_whole: bool,
        /// Whether the client gave it up.
        is_gone: bool,
    },
    /// This is said instead, for this reason.
    Instead(Reply, Box<Error>),
}

/// A request that goes to the shop.
pub(super) struct Plain<'a> {
    pub(super) method: &'a Method,
    pub(super) headers: &'a Fields<'a>,
}

/// Whether a request can go this way. One for a stream of events has times of its own.
pub(super) fn takes(app: &EdgeApp, request: &Plain<'_>) -> bool {
    app.edge.upstream.is_plain()
        && *request.method == Method::GET
        && Wanted::of(false, request.headers) == Wanted::Answer
}

/// Sends a request on that was let through, and the answer back.
pub(super) async fn pass(
    app: &EdgeApp,
    client: &mut impl Client,
    request: &Plain<'_>,
    context: &mut Context,
) -> Passed {
    let (index, mut shop, answer) = match ask(app, client, request, context).await {
        Ok(answered) => answered,
        Err(error) => {
            let instead = app.edge.instead(request.method, request.headers, &error, context);
            let Some(reply) = instead else {
                note(app, request, context, 0, 0, Some(&error));
                return over(Some(&error));
            };
            return Passed::Instead(reply, error);
        }
    };
    let (status, mut sent) = (answer.status.as_u16(), 0);
    let carried = carry(client, &mut shop, answer, &mut sent).await;
    note(app, request, context, status, sent, carried.as_ref().err().map(|error| &**error));
    if carried.is_ok() {
        app.edge.upstream.keep(index, shop).await;
    }
    over(carried.as_ref().err().map(|error| &**error))
}

fn over(error: Option<&Error>) -> Passed {
    let is_gone = error.is_some_and(|error| *error.esource() == ErrorSource::Downstream);
    Passed::Over { is_whole: error.is_none(), is_gone }
}

/// Asks the shop: an instance, a connection to it, and the head of its answer as it is for the client.
async fn ask(
    app: &EdgeApp,
    client: &mut impl Client,
    request: &Plain<'_>,
    context: &mut Context,
) -> Result<(usize, Connection, ResponseHeader)> {
    let mut may_be_used = true;
    loop {
        let address = app.edge.choose(request.method, true, context).await?;
        let Some(sending) = &context.sending else {
            return Error::e_explain(ErrorType::InternalError, "no instance was chosen");
        };
        let index = sending.index;
        let idle = if may_be_used { sending.idle(address) } else { None };
        let connected = match idle {
            Some(idle) => Ok(idle),
            None => unless_gone(client, sending.connect(address)).await?,
        };
        let mut shop = match connected {
            Ok(shop) => shop,
            Err(error) => {
                if let Some(sending) = context.sending.take() {
                    sending.unreachable();
                }
                // Nothing was sent yet, so another instance may be tried.
                if context.tried.len() < app.edge.config.upstream.addresses.len().min(TRIES_MAX) {
                    continue;
                }
                return Err(error);
            }
        };
        let mut head = Vec::with_capacity(HEAD);
        app.edge
            .signed(context, |signed| upstream::write(&mut head, request.method, request.headers, signed))?;
        match exchange(client, &mut shop, &head).await {
            Ok(mut answer) => {
                app.edge.answered(&mut answer, context, request.headers)?;
                return Ok((index, shop, answer));
            }
            Err(error) => {
                let sending = context.sending.take();
                let is_the_shops = *error.esource() == ErrorSource::Upstream;
                if is_the_shops && shop.is_used() && shop.is_silent() && is_broken(&error) {
                    // An idle connection that ended says nothing, and what is asked for may be asked for again.
                    context.tried.pop();
                    may_be_used = false;
                    continue;
                }
                if let Some(sending) = sending.filter(|_| is_the_shops) {
                    sending.broke(context.passage.is_let_in());
                }
                return Err(error);
            }
        }
    }
}

/// Whether a connection is no more, rather than silent.
fn is_broken(error: &Error) -> bool {
    matches!(error.etype(), ErrorType::ConnectionClosed | ErrorType::ReadError | ErrorType::WriteError)
}

/// Sends the head of a request, and reads the one that answers it. Those that only inform go on to the client.
async fn exchange(client: &mut impl Client, shop: &mut Connection, head: &[u8]) -> Result<ResponseHeader> {
    shop.ask(head).await?;
    loop {
        let answer = unless_gone(client, shop.head()).await??;
        if !answer.status.is_informational() {
            return Ok(answer);
        }
        client.inform(&answer).await?;
    }
}

/// Sends `answer`, and the body that follows it.
async fn carry(
    client: &mut impl Client,
    shop: &mut Connection,
    answer: ResponseHeader,
    sent: &mut usize,
) -> Result<()> {
    client.begin(answer, shop.is_over()).await?;
    while !shop.is_over() {
        let piece = {
            let mut piece = pin!(shop.piece());
            // What is there goes out together; before something is waited for, all that came is sent.
            match poll_fn(|cx| Poll::Ready(piece.as_mut().poll(cx))).await {
                Poll::Ready(piece) => piece?,
                Poll::Pending => {
                    client.flush().await?;
                    unless_gone(client, piece).await??
                }
            }
        };
        let Some(piece) = piece else { break };
        let length = piece.len();
        client.piece(piece, shop.is_over()).await?;
        *sent += length;
    }
    client.end().await
}

fn note(
    app: &EdgeApp,
    request: &Plain<'_>,
    context: &mut Context,
    status: u16,
    bytes_sent: usize,
    error: Option<&Error>,
) {
    let error = error.map(|error| (error.etype().as_str(), error.esource().as_str()));
    app.edge.note(context, &Answered { method: request.method.as_str(), status, bytes_sent, error });
}
