//! From configuration to listeners that accept.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::ServerError;
use crate::admin::Admin;
use crate::config::EdgeConfig;
use crate::config::edge::ListenConfig;
use crate::listen::tls::{Certificate, acceptor};
use crate::listen::{Listener, Serve, bind};
use crate::live::EdgeApp;

/// Most connections of operators at once.
const ADMIN_CONNECTIONS: usize = 64;

/// Sockets that are bound and do not accept yet. Bound before anything else, so that a taken port and a bad
/// certificate are said plainly.
pub(super) struct Sockets {
    public: Vec<(TcpListener, ListenConfig, Option<Arc<Certificate>>)>,
    admin: TcpListener,
    config: EdgeConfig,
}

/// Listeners that accept.
pub(super) struct Listening {
    /// Where fans and the CDN connect.
    pub(super) public: Vec<SocketAddr>,
    /// Where operators connect.
    pub(super) admin: SocketAddr,
    certificates: Vec<Arc<Certificate>>,
    app: Arc<EdgeApp>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sockets {
    /// Binds what `config` names.
    pub(super) fn bind(config: &EdgeConfig) -> Result<Self, ServerError> {
        let listen = |address| bind(address).map_err(|error| ServerError::Listen { address, error });
        let public = config.listen.iter().map(|listener| {
            let certificate = listener.tls.clone().map(Certificate::open).transpose()?;
            Ok((listen(listener.address)?, listener.clone(), certificate))
        });
        let public = public.collect::<Result<_, ServerError>>()?;
        Ok(Self { public, admin: listen(config.admin_listen)?, config: config.clone() })
    }

    /// Accepts from now on, until `stopped`.
    pub(super) fn open(
        self,
        app: EdgeApp,
        admin: Admin,
        stopped: &watch::Receiver<bool>,
    ) -> Result<Listening, ServerError> {
        let limits = &self.config.limits;
        let slots = Arc::new(Semaphore::new(limits.connections));
        let app = Arc::new(app);
        let mut listening = Listening {
            public: Vec::new(),
            admin: self.admin.local_addr()?,
            certificates: Vec::new(),
            app: app.clone(),
            tasks: Vec::new(),
        };
        for (socket, config, certificate) in self.public {
            listening.public.push(socket.local_addr()?);
            let tls =
                certificate.as_ref().map(|certificate| acceptor(certificate, config.http2)).transpose()?;
            let listener = Listener {
                socket,
                http2_plain: tls.is_none() && config.http2,
                tls,
                handshake_timeout: limits.handshake_timeout,
                slots: slots.clone(),
            };
            listening.tasks.push(listener.start(app.clone(), stopped.clone()));
            if let Some(certificate) = certificate {
                tokio::spawn(certificate.clone().watch(stopped.clone()));
                listening.certificates.push(certificate);
            }
        }
        let listener = Listener {
            socket: self.admin,
            http2_plain: false,
            tls: None,
            handshake_timeout: limits.handshake_timeout,
            slots: Arc::new(Semaphore::new(ADMIN_CONNECTIONS)),
        };
        listening.tasks.push(listener.start(Arc::new(admin), stopped.clone()));
        Ok(listening)
    }
}

impl Listening {
    /// Reads certificates again.
    pub(super) fn reload(&self) {
        tracing::info!("certificates are read again; all else is read at start only");
        for certificate in &self.certificates {
            certificate.reload(true);
        }
    }

    /// Returns when no listener accepts any more.
    pub(super) async fn closed(self) {
        for task in self.tasks {
            let _ = task.await;
        }
        self.app.close_idle().await;
    }
}
