//! One light task for each fan with an open WebSocket. It sleeps while others tell the fan what they tell many
//! ([`crate::wire`]).

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::Random;
use futures_util::{SinkExt as _, StreamExt as _};
use pingora::protocols::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::HandOver;
use super::load::{Guard, Load};
use super::shortcut::unwound;
use crate::ids::jitter;
use crate::listen::plain;
use crate::telemetry::Closed;
use crate::waiting::status::State;
use crate::wire::{Floor, Way, Wire};

/// A fan who takes longer than this to read is dropped; they come back, and keep their place.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest message that is read. A fan has nothing to say.
const MESSAGE_MAX: usize = 4096;
/// Most messages that are read in the time of a heartbeat.
const MESSAGES_MAX: u32 = 64;
/// How long a connection may take to close.
const CLOSING_MAX: Duration = Duration::from_secs(1);
/// How much is read and thrown away of a fan who does not speak the protocol.
const UNREAD_MAX: u64 = 1 << 20;
/// How many WebSockets are closed in a second when the process ends: their fans come back elsewhere at that rate.
const CLOSINGS_PER_SECOND: u32 = 2000;

/// What a fan's task needs besides the connection.
pub(super) struct Surroundings {
    /// The longest silence.
    pub heartbeat: Duration,
    /// The longest time over which WebSockets are closed when the process ends.
    pub closing_spread_max: Duration,
    /// Turns true when the process is to end.
    pub closing: watch::Receiver<bool>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Counts the WebSocket.
    pub guard: Guard,
    /// How much else is going on.
    pub load: Arc<Load>,
}

/// Over how long fans are told of something, in no order, while their order is secret.
const SHUFFLE: Duration = Duration::from_millis(500);

enum End {
    /// The fan is gone.
    Gone,
    /// The fan does not read.
    Slow,
    /// The fan answers no pings.
    Silent,
    /// The fan closes, and is owed an answer.
    Closed,
    /// We close, for this reason.
    Close(CloseCode, &'static str),
    /// What the fan sent is none of the protocol, or too much: we close and read nothing more.
    Fail(CloseCode, &'static str),
}

impl End {
    /// As what it is counted.
    const fn counted(&self) -> Closed {
        match self {
            Self::Gone | Self::Closed => Closed::Gone,
            Self::Slow => Closed::Slow,
            Self::Silent => Closed::Silent,
            Self::Close(CloseCode::Normal, _) => Closed::Expired,
            Self::Close(CloseCode::Again, _) => Closed::Crowded,
            Self::Close(CloseCode::Restart, _) => Closed::Restart,
            Self::Close(..) | Self::Fail(..) => Closed::Refused,
        }
    }

    /// What becomes of a connection that cannot be read any more.
    fn of(error: &Error) -> Self {
        match error {
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            Error::Protocol(_) => Self::Fail(CloseCode::Protocol, "this is not the protocol"),
            Error::Utf8(_) => Self::Fail(CloseCode::Invalid, "this is not UTF-8"),
            Error::Capacity(_) => Self::Fail(CloseCode::Size, "this is too long"),
            _ => Self::Gone,
        }
    }
}

/// Answers the handshake and serves the fan until they go.
pub(super) async fn run(mut stream: Stream, hand_over: HandOver, surroundings: Surroundings) {
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        hand_over.accept
    );
    let answered = timeout(WRITE_TIMEOUT, async {
        stream.write_all(head.as_bytes()).await?;
        stream.flush().await
    });
    if !matches!(answered.await, Ok(Ok(()))) {
        return;
    }
    // The default buffers hold 128 KiB for each fan. What fans send is a few bytes, pongs and the like; what is longer is
    // read in pieces.
    let config = WebSocketConfig::default()
        .read_buffer_size(128)
        .write_buffer_size(0)
        .max_write_buffer_size(16 * 1024)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let (stream, unread) = unwound(stream);
    let Surroundings { heartbeat, load, .. } = &surroundings;
    // What goes through a cipher is written by the task alone, and so is what only this fan is told.
    let shared = if hand_over.is_voided { Err(stream) } else { plain(stream) };
    let (way, wire, early) = match shared {
        Ok((tcp, early)) => {
            let wire = Wire::new(Some(tcp), *heartbeat, load.tally.clone());
            (Way::Shared(wire.clone()), wire, early)
        }
        Err(stream) => (Way::Own(stream), Wire::of_task(*heartbeat, load.tally.clone()), Vec::new()),
    };
    let unread = [&unread[..], &early[..]].concat();
    let mut socket = match unread.is_empty() {
        true => WebSocketStream::from_raw_socket(way, Role::Server, Some(config)).await,
        false => WebSocketStream::from_partially_read(way, unread, Role::Server, Some(config)).await,
    };
    load.tally.opened();
    let end = if hand_over.room.attach(&hand_over.place, &wire) {
        let end = serve(&mut socket, &hand_over, &wire, &surroundings).await;
        hand_over.room.detach(&hand_over.place, &wire);
        end
    } else {
        End::Close(CloseCode::Again, "too many connections")
    };
    load.tally.closed(end.counted());
    // A fan who does not answer is cut off.
    let _ = timeout(CLOSING_MAX, close(&mut socket, end)).await;
    drop(surroundings.guard);
}

async fn serve(
    socket: &mut WebSocketStream<Way>,
    hand_over: &HandOver,
    wire: &Wire,
    surroundings: &Surroundings,
) -> End {
    let HandOver { room, place, is_voided, .. } = hand_over;
    let mut closing = surroundings.closing.clone();
    // What is waited for is set up once, and not again for each message.
    let mut told_to_close = pin!(told_to_close(&mut closing));
    let mut rung = pin!(wire.rung());
    let (mut heard, mut heard_since) = (0, Instant::now());
    let mut due = true;
    loop {
        if due {
            let with_ping = match wire.take_floor() {
                Floor::Taken { with_ping } => with_ping,
                Floor::Silent => return End::Silent,
                Floor::Shut => return restart(surroundings).await,
            };
            let status = room.status(place, room.stand_now(place)).after_a_void(*is_voided);
            let expired = status.state == State::Expired;
            if let Err(end) = send(socket, status.to_json(), with_ping).await {
                return end;
            }
            wire.leave_floor();
            surroundings.load.tally.sent();
            if expired {
                return End::Close(CloseCode::Normal, "expired");
            }
        }
        tokio::select! {
            () = &mut rung => {
                rung.set(wire.rung());
                due = true;
                // Bells ring in the order of the ranks. While that is secret, so is who is told first.
                if room.order_is_secret() {
                    tokio::time::sleep(jitter(surroundings.random.as_ref(), Duration::ZERO, SHUFFLE)).await;
                }
            }
            message = socket.next() => {
                due = false;
                match message {
                    None => return End::Gone,
                    Some(Err(error)) => return End::of(&error),
                    Some(Ok(Message::Close(_))) => return End::Closed,
                    Some(Ok(_)) => {
                        wire.heard();
                        let now = Instant::now();
                        if now.duration_since(heard_since) >= surroundings.heartbeat {
                            (heard, heard_since) = (0, now);
                        }
                        heard += 1;
                        if heard > MESSAGES_MAX {
                            return End::Close(CloseCode::Policy, "too many messages");
                        }
                    }
                }
            }
            () = &mut told_to_close => return restart(surroundings).await,
        }
    }
}

/// The fan is to connect again, and not all of them in the same moment.
async fn restart(surroundings: &Surroundings) -> End {
    let count = u32::try_from(surroundings.load.sockets()).unwrap_or(u32::MAX);
    let spread = Duration::from_secs(1) * count / CLOSINGS_PER_SECOND;
    let spread = spread.min(surroundings.closing_spread_max);
    tokio::time::sleep(jitter(surroundings.random.as_ref(), Duration::ZERO, spread)).await;
    End::Close(CloseCode::Restart, "restarting; connect again")
}

async fn told_to_close(closing: &mut watch::Receiver<bool>) {
    // An error says that nobody is left to tell us otherwise.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Sends a status, and a ping where it is due: what can be written is not yet read by anyone.
async fn send(socket: &mut WebSocketStream<Way>, text: String, with_ping: bool) -> Result<(), End> {
    let sent = timeout(WRITE_TIMEOUT, async {
        if with_ping {
            socket.feed(Message::Ping(Bytes::new())).await?;
        }
        socket.send(Message::text(text)).await
    });
    match sent.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Slow),
    }
}

async fn close(socket: &mut WebSocketStream<Way>, end: End) {
    let frame = |code, reason: &'static str| CloseFrame { code, reason: reason.into() };
    match end {
        End::Gone | End::Slow | End::Silent => {}
        End::Closed => {
            // The answer was prepared when the frame was read, and is sent by asking for more.
            while let Some(Ok(_)) = socket.next().await {}
        }
        End::Close(code, reason) => {
            if socket.close(Some(frame(code, reason))).await.is_ok() {
                // The fan's own close frame ends it; what they send before is not read any more.
                while let Some(Ok(_)) = socket.next().await {}
            }
        }
        End::Fail(code, reason) => {
            let _ = socket.close(Some(frame(code, reason))).await;
            let stream = socket.get_mut();
            // Were it cut with bytes unread, the fan might never read why.
            let _ = stream.shutdown().await;
            let _ = tokio::io::copy(&mut stream.take(UNREAD_MAX), &mut tokio::io::sink()).await;
        }
    }
}
