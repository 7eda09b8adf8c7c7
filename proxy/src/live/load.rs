//! How much is going on in this process, and whether it is to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::listen::Meter;
use crate::phases::Context;
use crate::telemetry::SocketTally;

/// Counts what is going on. Everything is counted by a guard, so that nothing is forgotten.
pub struct Load {
    requests: AtomicUsize,
    sockets: AtomicUsize,
    /// What became of the WebSockets.
    pub tally: Arc<SocketTally>,
    closing: watch::Sender<bool>,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            requests: AtomicUsize::new(0),
            sockets: AtomicUsize::new(0),
            tally: Arc::default(),
            closing: watch::Sender::new(false),
        }
    }
}

/// One of what is counted; counted until it is dropped.
pub struct Guard {
    load: Arc<Load>,
    counter: fn(&Load) -> &AtomicUsize,
}

impl Drop for Guard {
    fn drop(&mut self) {
        (self.counter)(&self.load).fetch_sub(1, Ordering::AcqRel);
    }
}

impl Load {
    /// Counts one more, unless there are `max` already.
    fn guard(self: &Arc<Self>, counter: fn(&Self) -> &AtomicUsize, max: usize) -> Option<Guard> {
        let before = counter(self).fetch_add(1, Ordering::AcqRel);
        let guard = Guard { load: self.clone(), counter };
        (before < max).then_some(guard)
    }

    /// A fan's WebSocket, unless there are `max`.
    pub fn socket(self: &Arc<Self>, max: usize) -> Option<Guard> {
        self.guard(|load| &load.sockets, max)
    }

    /// How many WebSockets are open.
    pub fn sockets(&self) -> usize {
        self.sockets.load(Ordering::Acquire)
    }

    /// How many requests are being answered.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Acquire)
    }

    /// Tells every WebSocket to close.
    pub fn close_sockets(&self) {
        self.closing.send_replace(true);
    }

    /// Turns true when the process is to end.
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }
}

/// Whether the head of a request has arrived. From then on the request counts as being answered.
pub struct HeadArrived {
    arrived: AtomicBool,
    load: Arc<Load>,
    meter: Option<Arc<Meter>>,
    /// The port to which requests are led by TLS that come over this connection.
    redirect_to_https: Option<u16>,
}

/// A request that is given to the HTTP library.
pub struct Arriving {
    /// Its head.
    pub head: Arc<HeadArrived>,
    /// What is known of it, where it was judged already.
    pub judged: Option<Box<Context>>,
}

impl HeadArrived {
    /// A head that is still awaited, on the connection that `meter` measures.
    pub fn awaited(load: &Arc<Load>, meter: Arc<Meter>, redirect_to_https: Option<u16>) -> Self {
        Self { arrived: AtomicBool::new(false), load: load.clone(), meter: Some(meter), redirect_to_https }
    }

    /// The port of the same host to which the request is to be led by TLS.
    pub const fn redirect_to_https(&self) -> Option<u16> {
        self.redirect_to_https
    }

    /// A head that is there, on a connection of many.
    pub fn here(load: &Arc<Load>) -> Self {
        let arrived = AtomicBool::new(false);
        let head = Self { arrived, load: load.clone(), meter: None, redirect_to_https: None };
        head.mark();
        head
    }

    /// The head is complete.
    pub fn mark(&self) {
        if !self.arrived.swap(true, Ordering::AcqRel) {
            self.load.requests.fetch_add(1, Ordering::AcqRel);
            if let Some(meter) = &self.meter {
                meter.head_arrived();
            }
        }
    }

    /// The request was answered, and the next one is awaited on the same connection.
    pub fn is_over(&self) {
        if self.arrived.swap(false, Ordering::AcqRel) {
            self.load.requests.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Whether the head is complete.
    pub fn has_arrived(&self) -> bool {
        self.arrived.load(Ordering::Acquire)
    }

    /// The client is answered, though it has more to send: the connection is not cut at once.
    pub fn answered_early(&self) {
        if let Some(meter) = &self.meter {
            meter.answered_early();
        }
    }
}

impl Drop for HeadArrived {
    fn drop(&mut self) {
        self.is_over();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_counted_until_it_is_dropped() {
        let load = Arc::new(Load::default());
        let first = load.socket(1);
        assert!(first.is_some() && load.socket(1).is_none());
        assert_eq!(load.sockets(), 1);
        drop(first);
        assert_eq!(load.sockets(), 0);
        let head = HeadArrived::awaited(&load, Arc::default(), None);
        assert_eq!(load.requests(), 0);
        head.mark();
        head.mark();
        assert_eq!(load.requests(), 1);
        head.is_over();
        assert!(load.requests() == 0 && !head.has_arrived());
        head.mark();
        drop(head);
        assert_eq!(load.requests(), 0);
    }
}
