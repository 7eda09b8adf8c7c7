//! Where clients connect: sockets, TLS, and who may connect at all. What is spoken over a connection is not known
//! here.

mod meter;
mod proxy_protocol;
mod sockets;
mod stream;
pub mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::listeners::tls::Acceptor;
use pingora::protocols::{ALPN, Ssl as _, Stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::gate::client::TrustedProxies;
pub use meter::{GoesOut, Meter};
pub use sockets::{bind, inherit};
use stream::ClientStream;
pub(crate) use stream::plain;

/// How long nobody is accepted when the process has no descriptors left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// A connection that is ready for requests.
pub struct Connection {
    /// The bytes, after TLS where there is TLS.
    pub stream: Stream,
    /// Whether HTTP/2 is spoken.
    pub http2: bool,
    /// The port of the same host to which every request is led by TLS; nothing where requests are answered.
    pub redirect_to_https: Option<u16>,
    /// What was read of the request that is awaited.
    pub meter: Arc<Meter>,
    /// Counts the connection.
    pub slot: OwnedSemaphorePermit,
}

/// Serves connections.
#[async_trait]
pub trait Serve: Send + Sync + 'static {
    /// Serves one connection until it ends. `stopped` turns true when the process is to end.
    async fn serve(self: Arc<Self>, connection: Connection, stopped: watch::Receiver<bool>);

    /// No listener accepts any more: connections that are idle are closed.
    async fn close_idle(&self) {}
}

/// How connections of one address are taken.
pub struct Listener {
    /// The socket.
    pub socket: TcpListener,
    /// TLS, where it is spoken here.
    pub tls: Option<Acceptor>,
    /// Whether HTTP/2 is spoken without TLS, by those who begin with it.
    pub http2_plain: bool,
    /// The port of the same host to which every request is led by TLS, where none is answered here.
    pub redirect_to_https: Option<u16>,
    /// Whether a header of the PROXY protocol comes first, and who may send one. Nobody else may connect.
    pub proxy_protocol: Option<TrustedProxies>,
    /// Longest time from the connection to the first request: PROXY protocol, TLS.
    pub handshake_timeout: Duration,
    /// How many more connections there may be.
    pub slots: Arc<Semaphore>,
}

impl Listener {
    /// Accepts connections until `stopped`, and has `app` serve them.
    pub fn start<A: Serve>(self, app: Arc<A>, mut stopped: watch::Receiver<bool>) -> JoinHandle<()> {
        let Self { socket, tls, http2_plain, redirect_to_https, proxy_protocol, handshake_timeout, slots } =
            self;
        let how = Arc::new(How { tls, http2_plain, redirect_to_https, proxy_protocol, handshake_timeout });
        let till_the_end = stopped.clone();
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = socket.accept() => accepted,
                    // An error says that nobody is left to tell us otherwise.
                    _ = stopped.wait_for(|stopped| *stopped) => break,
                };
                match accepted {
                    Ok((tcp, peer)) => {
                        // One too many is closed at once: who waits in line has a WebSocket, which is not counted here.
                        let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
                        let (app, how, stopped) = (app.clone(), how.clone(), till_the_end.clone());
                        tokio::spawn(async move {
                            let opened = timeout(how.handshake_timeout, how.open(tcp, peer, slot)).await;
                            if let Ok(Some(connection)) = opened {
                                app.serve(connection, stopped).await;
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection cannot be accepted");
                        tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                    }
                }
            }
        })
    }
}

struct How {
    tls: Option<Acceptor>,
    http2_plain: bool,
    redirect_to_https: Option<u16>,
    proxy_protocol: Option<TrustedProxies>,
    handshake_timeout: Duration,
}

impl How {
    /// What has to happen before the first request. Nothing where the client does not hold to it.
    async fn open(&self, tcp: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) -> Option<Connection> {
        let _ = tcp.set_nodelay(true);
        let meter = Arc::new(Meter::default());
        let mut stream = ClientStream::new(tcp, meter.clone());
        let peer = match &self.proxy_protocol {
            Some(trusted) if !trusted.trusts(peer.ip()) => return None,
            Some(_) => stream.proxied_for().await.ok()?.unwrap_or(peer),
            None => peer,
        };
        stream.comes_from(peer);
        let redirect_to_https = self.redirect_to_https;
        let Some(acceptor) = &self.tls else {
            let http2 = self.http2_plain && stream.speaks_http2().await.ok()?;
            return Some(Connection { stream: Box::new(stream), http2, redirect_to_https, meter, slot });
        };
        let stream = acceptor.tls_handshake(stream).await.ok()?;
        let http2 = matches!(stream.selected_alpn_proto(), Some(ALPN::H2));
        Some(Connection { stream: Box::new(stream), http2, redirect_to_https, meter, slot })
    }
}
