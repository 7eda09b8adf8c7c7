//! Asks one server as fast as it answers, over connections that are kept.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::super::pipe::{self, Seen, Window};

/// Requests at once on a connection over HTTP/2.
const STREAMS: usize = 8;
/// How much of an answer may be on its way: as much as there is.
const FLOW_WINDOW: u32 = 1 << 20;

/// How a server is spoken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// HTTP/1.1.
    Plain,
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2 over TLS.
    Http2,
}

/// What one fan asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// The path.
    pub(super) path: &'static str,
    /// Header lines: what a browser sends.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The status of the answer.
    pub(super) wanted: u16,
}

impl Ask {
    /// As HTTP/1.1 writes it.
    pub(super) fn to_http1(&self, host: SocketAddr) -> Vec<u8> {
        let lines: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("GET {} HTTP/1.1\r\nhost: {host}\r\n{lines}\r\n", self.path).into_bytes()
    }

    fn to_http2(&self, host: SocketAddr) -> Result<Request<()>> {
        let mut request = Request::builder().uri(format!("https://{host}{}", self.path));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(()).context("a request cannot be written")
    }
}

/// What asks.
pub(super) struct Load {
    http1: TlsConnector,
    http2: TlsConnector,
}

impl Load {
    /// Trusts `certificate`.
    pub(super) fn new(certificate: &Path) -> Result<Self> {
        Ok(Self { http1: connector(certificate, b"http/1.1")?, http2: connector(certificate, b"h2")? })
    }

    /// Asks `server` for each of `asks`, `connections` at once, until the window closes.
    pub(super) async fn round(
        &self,
        server: SocketAddr,
        speech: Speech,
        asks: &[Ask],
        connections: usize,
        (warm_up, length): (Duration, Duration),
    ) -> Result<Seen> {
        let connections = if speech == Speech::Http2 { connections.div_ceil(STREAMS) } else { connections };
        // Connecting takes its own time, and more of it over TLS.
        let connected = futures_util::future::try_join_all(
            asks.iter()
                .cycle()
                .take(connections)
                .map(async |ask| Ok::<_, anyhow::Error>((self.connect(server, speech).await?, ask.clone()))),
        );
        let connected = connected.await?;
        let window = Window::after(warm_up, length);
        let tasks: Vec<_> = connected
            .into_iter()
            .map(|(connection, ask)| tokio::spawn(keep_asking(connection, ask, server, window)))
            .collect();
        let mut all = Seen::default();
        for task in tasks {
            all.add(task.await??);
        }
        Ok(all)
    }

    async fn connect(&self, server: SocketAddr, speech: Speech) -> Result<Connection> {
        let stream = TcpStream::connect(server).await.context("the server cannot be reached")?;
        stream.set_nodelay(true)?;
        let name = ServerName::IpAddress(server.ip().into());
        match speech {
            Speech::Plain => Ok(Connection::Plain(stream)),
            Speech::Tls => Ok(Connection::Tls(Box::new(self.http1.connect(name, stream).await?))),
            Speech::Http2 => {
                let stream = self.http2.connect(name, stream).await?;
                let agreed = stream.get_ref().1.alpn_protocol();
                ensure!(agreed == Some(b"h2"), "{server} does not speak HTTP/2");
                let mut builder = h2::client::Builder::new();
                builder.initial_window_size(FLOW_WINDOW).initial_connection_window_size(FLOW_WINDOW * 8);
                let (sender, driver) = builder.handshake(stream).await?;
                tokio::spawn(driver);
                Ok(Connection::Http2(sender))
            }
        }
    }
}

/// What speaks TLS with whoever has `certificate`, and `protocol` inside it.
pub(in super::super) fn connector(certificate: &Path, protocol: &[u8]) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(certificate).context("the certificate cannot be read")? {
        roots.add(certificate?)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Http2(SendRequest<Bytes>),
}

async fn keep_asking(connection: Connection, ask: Ask, server: SocketAddr, window: Window) -> Result<Seen> {
    match connection {
        Connection::Plain(mut stream) => {
            pipe::ask(&mut stream, &ask.to_http1(server), ask.wanted, window).await
        }
        Connection::Tls(mut stream) => {
            pipe::ask(&mut *stream, &ask.to_http1(server), ask.wanted, window).await
        }
        Connection::Http2(sender) => {
            let request = ask.to_http2(server)?;
            let streams: Vec<_> = (0..STREAMS)
                .map(|_| tokio::spawn(ask_http2(sender.clone(), request.clone(), ask.wanted, window)))
                .collect();
            let mut all = Seen::default();
            for stream in streams {
                let seen = timeout_at(window.patience(), stream).await.context("no answer came in time")?;
                all.add(seen??);
            }
            Ok(all)
        }
    }
}

/// One request after the other, beside others on the same connection.
async fn ask_http2(
    sender: SendRequest<Bytes>,
    request: Request<()>,
    wanted: u16,
    window: Window,
) -> Result<Seen> {
    let mut seen = Seen::default();
    while Instant::now() < window.until {
        let sent = Instant::now();
        let mut ready = sender.clone().ready().await?;
        let (answer, _) = ready.send_request(request.clone(), true)?;
        let answer = answer.await?;
        let is_good = answer.status() == wanted;
        let mut body = answer.into_body();
        while let Some(piece) = body.data().await {
            body.flow_control().release_capacity(piece?.len())?;
        }
        seen.count(window, sent, is_good);
    }
    Ok(seen)
}
