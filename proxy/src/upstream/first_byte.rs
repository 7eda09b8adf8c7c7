//! How long an answer may take to begin, where that is to be shorter than the silences within it.
//!
//! The HTTP library has one bound for both, which it takes over before the request is sent. So the first byte has a
//! watch of its own: when its time is over, the connection to the shop is shut down, which the library meets as any other
//! end of a connection, and the watch says why it came.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::socket::{Shutdown, SockaddrStorage, getpeername, getsockname, shutdown};
use parking_lot::Mutex;

/// A connection to the shop over which an answer is awaited.
pub struct FirstByte {
    connection: Arc<Mutex<State>>,
    /// Both ends of it, by which it is told from another one that got its number.
    ends: Option<Ends>,
    descriptor: RawFd,
    most: Duration,
    is_watched: bool,
}

type Ends = (SockaddrStorage, SockaddrStorage);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Awaited,
    Overdue,
    /// The answer has begun, or the request is over.
    Over,
}

impl FirstByte {
    /// A request that goes over the connection with this descriptor, and may wait so long for its answer once it is sent.
    pub fn new(descriptor: RawFd, most: Duration) -> Self {
        let connection = Arc::new(Mutex::new(State::Awaited));
        Self { connection, ends: ends(descriptor), descriptor, most, is_watched: false }
    }

    /// The request is sent: from now on the time counts.
    pub fn is_sent(&mut self) {
        if std::mem::replace(&mut self.is_watched, true) {
            return;
        }
        let (connection, ends_then, descriptor, most) =
            (self.connection.clone(), self.ends, self.descriptor, self.most);
        tokio::spawn(async move {
            tokio::time::sleep(most).await;
            let mut state = connection.lock();
            if *state == State::Awaited && ends_then.is_some() && ends(descriptor) == ends_then {
                *state = State::Overdue;
                // Where it is closed already there is nothing to do.
                let _ = shutdown(descriptor, Shutdown::Both);
            }
        });
    }

    /// Whether the answer did not begin in time. Nothing is awaited from now on.
    pub fn end(&self) -> bool {
        std::mem::replace(&mut *self.connection.lock(), State::Over) == State::Overdue
    }
}

impl Drop for FirstByte {
    fn drop(&mut self) {
        self.end();
    }
}

fn ends(descriptor: RawFd) -> Option<Ends> {
    Some((getsockname(descriptor).ok()?, getpeername(descriptor).ok()?))
}
