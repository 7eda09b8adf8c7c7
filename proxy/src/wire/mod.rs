//! The way to one fan's WebSocket, for the two who write to it: the fan's own task, and whoever tells many fans at once.
//!
//! To wake a task for each message costs as much again as the message itself. So what is told to many is written right where
//! it is known, without the task, wherever that can be done at once; the task is woken for all the rest: to go on where the
//! kernel took a part only, to close, to say what is not the same for all, and for whatever goes through a cipher.
//!
//! Frames never mix, and a fan never reads something older after something newer:
//!
//! - Both write under one lock, whole frames only. What the kernel did not take of a frame is kept (`State::rest`), and
//!   nobody writes anything before that has gone out. The task sends it, and drops a fan who does not read.
//! - The task has the floor from before it looks at what there is to say until that is sent. Meanwhile nobody else writes;
//!   they ring, and the task looks again.
//! - Whoever tells many is handed a `Turn` when it looks at what there is to say. It is good for as long as the task has not
//!   had the floor since: what the task said then is at least as new.

mod way;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::telemetry::SocketTally;
pub(crate) use way::Way;

/// A ping without words.
const PING: [u8; 2] = [0x89, 0];
/// So many pings that were not answered say that nobody is there.
const UNANSWERED_MAX: u8 = 3;
/// A fan who is told much is pinged along with it, when the last ping is so many heartbeats old.
const PING_EVERY: u32 = 2;

/// The way to one fan's WebSocket.
pub struct Wire {
    bell: Notify,
    /// The connection, where it can be written to by others than the task.
    tcp: Option<TcpStream>,
    heartbeat: Duration,
    tally: Arc<SocketTally>,
    state: Mutex<State>,
}

struct State {
    /// What is left of a frame that the kernel took in part.
    rest: Vec<u8>,
    pinged_at: Instant,
    /// How often the task had the floor.
    count: u32,
    /// Whether the task has it.
    is_taken: bool,
    /// Whether the task is to send a ping along with what it says next.
    wants_ping: bool,
    unanswered: u8,
    /// Whether nobody tells the fan anything any more.
    is_shut: bool,
}

/// What a task finds that wants to say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Floor {
    /// Nobody else writes until it has.
    Taken {
        /// Whether a ping is to go with it.
        with_ping: bool,
    },
    /// The fan answers no pings.
    Silent,
    /// Nobody tells the fan anything any more.
    Shut,
}

/// A right to write, for as long as the fan's task does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn(u32);

/// What is written to many: the frame, with room for a ping before it.
pub(crate) struct Frame<'a> {
    bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// How many bytes come before a frame.
    pub(crate) const BEFORE: [u8; 2] = PING;

    /// The frame that is in `bytes` behind [`Self::BEFORE`].
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn bytes(&self, with_ping: bool) -> &'a [u8] {
        self.bytes.get(if with_ping { 0 } else { PING.len() }..).unwrap_or_default()
    }
}

impl Wire {
    /// The way to a fan who hears from their task alone.
    pub fn of_task(heartbeat: Duration, tally: Arc<SocketTally>) -> Arc<Self> {
        Self::new(None, heartbeat, tally)
    }

    /// The way over `tcp`, or by the task alone. The task has the floor at first. The longest silence is `heartbeat`, and
    /// what others than the task send is counted by `tally`.
    pub(crate) fn new(tcp: Option<TcpStream>, heartbeat: Duration, tally: Arc<SocketTally>) -> Arc<Self> {
        let state = State {
            rest: Vec::new(),
            pinged_at: Instant::now(),
            count: 0,
            is_taken: true,
            wants_ping: false,
            unanswered: 0,
            is_shut: false,
        };
        Arc::new(Self { bell: Notify::new(), tcp, heartbeat, tally, state: Mutex::new(state) })
    }

    /// The longest silence.
    pub(crate) const fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// Wakes the task: there is something to tell.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }

    /// The same, after a heartbeat of silence.
    pub(crate) fn ring_with_ping(&self) {
        self.state.lock().wants_ping = true;
        self.ring();
    }

    /// Nobody tells the fan anything any more: the task closes the WebSocket.
    pub(crate) fn shut(&self) {
        self.state.lock().is_shut = true;
        self.ring();
    }

    /// Waits until there is something to tell. For the task.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// The right to write what is known now; nothing where that is for the task.
    pub(crate) fn turn(&self) -> Option<Turn> {
        self.tcp.as_ref()?;
        let state = self.state.lock();
        (!state.is_taken && state.rest.is_empty()).then_some(Turn(state.count))
    }

    /// Writes `frame`, with a ping where `with_ping` or where the last one is long ago, or else has the task say the same. Does
    /// nothing where the task has had the floor since.
    pub(crate) fn tell(&self, turn: Turn, frame: &Frame<'_>, with_ping: bool, now: Instant) {
        let mut state = self.state.lock();
        if state.count != turn.0 {
            return;
        }
        let with_ping = with_ping || self.is_long_since_a_ping(&state, now);
        // Whether somebody is silent is for the task to see.
        let is_silent = with_ping && state.unanswered >= UNANSWERED_MAX;
        let tcp = self.tcp.as_ref().filter(|_| state.rest.is_empty() && !is_silent);
        let bytes = frame.bytes(with_ping);
        // What is wrong with the connection, the task finds out.
        let written = tcp.and_then(|tcp| tcp.try_write(bytes).ok()).unwrap_or_default();
        if written == 0 {
            state.wants_ping |= with_ping;
        } else {
            if with_ping {
                state.pinged(now);
            }
            self.tally.sent();
            match bytes.get(written..).filter(|rest| !rest.is_empty()) {
                None => return,
                Some(rest) => state.rest = rest.to_vec(),
            }
        }
        drop(state);
        self.ring();
    }

    /// The task takes the floor.
    pub(crate) fn take_floor(&self) -> Floor {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.is_taken = true;
        state.count = state.count.wrapping_add(1);
        let with_ping = std::mem::take(&mut state.wants_ping) || self.is_long_since_a_ping(&state, now);
        if state.is_shut {
            return Floor::Shut;
        }
        if with_ping && state.unanswered >= UNANSWERED_MAX {
            return Floor::Silent;
        }
        if with_ping {
            state.pinged(now);
        }
        Floor::Taken { with_ping }
    }

    fn is_long_since_a_ping(&self, state: &State, now: Instant) -> bool {
        now.saturating_duration_since(state.pinged_at) >= self.heartbeat * PING_EVERY
    }

    /// The task has said what there was.
    pub(crate) fn leave_floor(&self) {
        self.state.lock().is_taken = false;
    }

    /// Something was heard of the fan.
    pub(crate) fn heard(&self) {
        self.state.lock().unanswered = 0;
    }
}

impl State {
    fn pinged(&mut self, now: Instant) {
        self.pinged_at = now;
        self.unanswered = self.unanswered.saturating_add(1);
    }
}

/// The connection has ended.
fn closed() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::pair;
