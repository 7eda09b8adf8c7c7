//! The short way of a plain request to the shop and back, without the library's session and its two halves.
//!
//! What is decided is the same, and so is what the shop is told, what its answer means, and what of it reaches the fan:
//! here only the bytes are carried.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method};
use pingora::http::ResponseHeader;
use pingora::protocols::http::date::get_cached_date;
use pingora::{Error, ErrorSource, ErrorType, Result};

use super::super::app::EdgeApp;
use super::client::Client;
use super::head::Head;
use crate::phases::{Answered, Context};
use crate::upstream::{self, Connection, TRIES_MAX, Wanted};
use crate::waiting::reply::Reply;

/// How long the heads of requests and answers are, about.
const HEAD: usize = 2048;

/// What became of a request that goes to the shop.
pub(super) enum Passed {
    /// It was answered, or nobody waits for an answer any more.
    Over {
        /// Whether another may follow.
        keeps: bool,
    },
    /// This is said instead, for this reason.
    Instead(Reply, Box<Error>),
}

/// How the body of an answer ends for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Where the head says.
    Announced,
    /// With a chunk of nothing.
    Chunked,
    /// With the connection.
    Closed,
}

/// Whether a request can go this way. One for a stream of events has times of its own.
pub(super) fn takes(app: &EdgeApp, head: &Head) -> bool {
    app.edge.upstream.is_plain()
        && head.method == Method::GET
        && Wanted::of(false, &head.headers) == Wanted::Answer
}

/// Sends a request on that was let through, and the answer back.
pub(super) async fn pass(
    app: &EdgeApp,
    client: &mut Client<'_>,
    head: &Head,
    context: &mut Context,
    closes: bool,
) -> Passed {
    let (index, mut shop, mut answer) = match ask(app, client, head, context).await {
        Ok(answered) => answered,
        Err(error) => {
            let instead = app.edge.instead(&head.method, &head.headers, &error, context);
            let Some(reply) = instead else {
                note(app, head, context, 0, 0, Some(&error));
                return Passed::Over { keeps: false };
            };
            return Passed::Instead(reply, error);
        }
    };
    let (mut sent, mut closes) = (0, closes);
    let carried = async {
        let ends = ends(&mut answer)?;
        closes |= ends == Ends::Closed;
        answer.insert_header(header::DATE, get_cached_date())?;
        answer.insert_header(
            header::CONNECTION,
            HeaderValue::from_static(if closes { "close" } else { "keep-alive" }),
        )?;
        carry(client, &mut shop, &answer, ends, &mut sent).await
    };
    let carried = carried.await;
    note(app, head, context, answer.status.as_u16(), sent, carried.as_ref().err());
    if carried.is_ok() {
        app.edge.upstream.keep(index, shop).await;
    }
    Passed::Over { keeps: carried.is_ok() && !closes }
}

/// Asks the shop: an instance, a connection to it, and the head of its answer as it is for the client.
async fn ask(
    app: &EdgeApp,
    client: &mut Client<'_>,
    head: &Head,
    context: &mut Context,
) -> Result<(usize, Connection, ResponseHeader)> {
    let mut may_be_used = true;
    loop {
        let address = app.edge.choose(&head.method, true, context).await?;
        let Some(sending) = &context.sending else {
            return Error::e_explain(ErrorType::InternalError, "no instance was chosen");
        };
        let index = sending.index;
        let idle = if may_be_used { sending.idle(address) } else { None };
        let connected = match idle {
            Some(idle) => Ok(idle),
            None => client.unless_gone(sending.connect(address)).await?,
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
        let mut request = Vec::with_capacity(HEAD);
        app.edge
            .signed(context, |signed| upstream::write(&mut request, &head.method, &head.headers, signed))?;
        match exchange(client, &mut shop, &request).await {
            Ok(mut answer) => {
                app.edge.answered(&mut answer, context, &head.headers)?;
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

/// Sends `request`, and reads the head that answers it. Those that only inform go on to the client.
async fn exchange(client: &mut Client<'_>, shop: &mut Connection, request: &[u8]) -> Result<ResponseHeader> {
    shop.ask(request).await?;
    loop {
        let answer = client.unless_gone(shop.head()).await??;
        if !answer.status.is_informational() {
            return Ok(answer);
        }
        client.write(&bytes_of(&answer)).await?;
        client.flush().await?;
    }
}

/// Sends `answer`, and the body that follows it.
async fn carry(
    client: &mut Client<'_>,
    shop: &mut Connection,
    answer: &ResponseHeader,
    ends: Ends,
    sent: &mut usize,
) -> Result<()> {
    client.write(&bytes_of(answer)).await?;
    loop {
        let piece = {
            let mut piece = pin!(shop.piece());
            // What is there goes out together; before something is waited for, all that came is sent.
            match poll_fn(|cx| Poll::Ready(piece.as_mut().poll(cx))).await {
                Poll::Ready(piece) => piece?,
                Poll::Pending => {
                    client.flush().await?;
                    client.unless_gone(piece).await??
                }
            }
        };
        let Some(piece) = piece else { break };
        if ends == Ends::Chunked {
            chunk(client, &piece).await?;
        } else {
            client.write(&piece).await?;
        }
        *sent += piece.len();
    }
    if ends == Ends::Chunked {
        client.write(b"0\r\n\r\n").await?;
    }
    client.flush().await
}

async fn chunk(client: &mut Client<'_>, piece: &Bytes) -> Result<()> {
    if piece.is_empty() {
        // It would end the body.
        return Ok(());
    }
    client.write(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
    client.write(piece).await?;
    client.write(b"\r\n").await
}

/// How the body of `answer` ends for the client, which the head then says.
fn ends(answer: &mut ResponseHeader) -> Result<Ends> {
    if matches!(answer.status.as_u16(), 204 | 304) {
        answer.remove_header(&header::TRANSFER_ENCODING);
        return Ok(Ends::Announced);
    }
    Ok(match last_coding(&answer.headers) {
        Some(is_chunked) => {
            answer.remove_header(&header::CONTENT_LENGTH);
            if is_chunked { Ends::Chunked } else { Ends::Closed }
        }
        None if answer.headers.contains_key(header::CONTENT_LENGTH) => Ends::Announced,
        None => {
            answer.insert_header(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"))?;
            Ends::Chunked
        }
    })
}

/// Whether the last transfer coding is `chunked`; nothing where there is none.
fn last_coding(headers: &HeaderMap) -> Option<bool> {
    let last = headers.get_all(header::TRANSFER_ENCODING).iter().next_back()?;
    let coding = last.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
    Some(coding.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

/// The bytes of a head.
fn bytes_of(answer: &ResponseHeader) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD);
    bytes.extend_from_slice(b"HTTP/1.1 ");
    bytes.extend_from_slice(answer.status.as_str().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(answer.get_reason_phrase().unwrap_or_default().as_bytes());
    bytes.extend_from_slice(b"\r\n");
    answer.header_to_h1_wire(&mut bytes);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn note(
    app: &EdgeApp,
    head: &Head,
    context: &mut Context,
    status: u16,
    bytes_sent: usize,
    error: Option<&Box<Error>>,
) {
    let error = error.map(|error| (error.etype().as_str(), error.esource().as_str()));
    app.edge.note(context, &Answered { method: head.method.as_str(), status, bytes_sent, error });
}
