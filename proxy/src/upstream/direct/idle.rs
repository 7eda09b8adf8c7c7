//! Connections that wait for their next request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use pingora::{Error, ErrorType, Result};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::super::{Sending, Upstream};
use super::{Connection, Times, Wire};

/// How often those that are too old, or that the shop has closed, are closed here too.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// A connection that waits for its next request.
pub(in super::super) struct Idle {
    tcp: TcpStream,
    address: SocketAddr,
    since: Instant,
}

impl Idle {
    /// Whether another request may go over it: the shop has neither closed it nor said anything.
    fn is_good(&self, most: Duration) -> bool {
        let nothing_came = || {
            let came = self.tcp.try_read(&mut [0]);
            matches!(came, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
        };
        self.since.elapsed() < most && nothing_came()
    }
}

impl Upstream {
    /// Whether the edge can speak with the shop itself.
    pub const fn is_plain(&self) -> bool {
        self.config.tls.is_none() && !self.config.http2
    }

    /// Closes idle connections when their time is over, until `stopped`.
    pub(in super::super) async fn tidy(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(TIDY_EVERY) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            for instance in &self.instances {
                let mut idle = instance.idle.lock();
                let before = idle.len();
                idle.retain(|idle| idle.is_good(self.config.keepalive_timeout));
                self.idle.fetch_sub(before - idle.len(), Ordering::Relaxed);
            }
        }
    }

    fn connection(&self, tcp: TcpStream, address: SocketAddr, is_used: bool) -> Connection {
        let config = &self.config;
        let first = config.first_byte_timeout.unwrap_or(config.read_timeout).min(config.read_timeout);
        Connection {
            wire: Wire::Own(tcp),
            address,
            is_used,
            times: Times { write: config.write_timeout, first, read: config.read_timeout },
            came: BytesMut::new(),
            left: 0,
            informing: 0,
            keeps: false,
        }
    }

    /// Keeps a connection to the instance for another request, now that an answer was read to its end.
    pub async fn keep(&self, index: usize, connection: Connection) {
        let address = connection.address;
        let Some(tcp) = connection.rest().await else { return };
        let Some(instance) = self.instances.get(index) else { return };
        if self.idle.fetch_add(1, Ordering::Relaxed) >= self.config.keepalive {
            self.idle.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        instance.idle.lock().push(Idle { tcp, address, since: Instant::now() });
    }
}

impl Sending {
    /// A connection that waits for a request.
    pub fn idle(&self, address: SocketAddr) -> Option<Connection> {
        let instance = self.shop.instances.get(self.index)?;
        loop {
            // The one that was used last: those that nobody needs grow old.
            let idle = instance.idle.lock().pop()?;
            self.shop.idle.fetch_sub(1, Ordering::Relaxed);
            if idle.address == address && idle.is_good(self.shop.config.keepalive_timeout) {
                return Some(self.shop.connection(idle.tcp, address, true));
            }
        }
    }

    /// A new connection.
    ///
    /// # Errors
    /// When there is none to be had.
    pub async fn connect(&self, address: SocketAddr) -> Result<Connection> {
        const WHAT: &str = "to the shop";
        let connected = timeout(self.shop.config.connect_timeout, TcpStream::connect(address)).await;
        let tcp = match connected {
            Ok(tcp) => tcp.and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp)),
            Err(_) => return Err(Error::explain(ErrorType::ConnectTimedout, WHAT).into_up()),
        };
        match tcp {
            Ok(tcp) => Ok(self.shop.connection(tcp, address, false)),
            Err(error) => {
                let kind = match error.kind() {
                    io::ErrorKind::ConnectionRefused => ErrorType::ConnectRefused,
                    io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                        ErrorType::ConnectNoRoute
                    }
                    _ => ErrorType::ConnectError,
                };
                Err(Error::because(kind, WHAT, error).into_up())
            }
        }
    }
}
