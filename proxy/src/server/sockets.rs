//! From configuration to listeners that accept.

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::hand_over::Predecessor;
use super::{ServerError, wait_until};
use crate::admin::Admin;
use crate::config::EdgeConfig;
use crate::config::edge::ListenConfig;
use crate::listen::tls::{Certificate, acceptor};
use crate::listen::{Listener, Serve, bind, inherit};
use crate::live::EdgeApp;

/// Most connections of operators at once. Whoever sends no request is let go of before so many can gather.
const ADMIN_CONNECTIONS: usize = 1024;

/// How long an idle connection may go on when the process ends, so that a request that is on its way is answered.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// Sockets that are bound and do not accept yet. Bound before anything else, so that a taken port and a bad
/// certificate are said plainly.
pub(super) struct Sockets {
    public: Vec<(TcpListener, ListenConfig, Vec<Arc<Certificate>>)>,
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
    slots: Arc<Semaphore>,
    connections: usize,
}

impl Sockets {
    /// Binds what `config` names, or takes it from the process before.
    pub(super) fn bind(config: &EdgeConfig, before: &mut Option<Predecessor>) -> Result<Self, ServerError> {
        let mut listen = |address| {
            let socket = match before.as_mut().and_then(|before| before.socket(address)) {
                Some(socket) => inherit(socket),
                None => bind(address),
            };
            socket.map_err(|error| ServerError::Listen { address, error })
        };
        let public = config.listen.iter().map(|listener| {
            let certificates = listener.certificates.iter().cloned().map(Certificate::open);
            let certificates = certificates.collect::<Result<_, _>>()?;
            Ok((listen(listener.address)?, listener.clone(), certificates))
        });
        let public = public.collect::<Result<_, ServerError>>()?;
        Ok(Self { public, admin: listen(config.admin_listen)?, config: config.clone() })
    }

    /// Copies of the sockets, for a process that comes after this one.
    pub(super) fn copies(&self) -> std::io::Result<Vec<OwnedFd>> {
        let public = self.public.iter().map(|(socket, ..)| socket);
        public.chain([&self.admin]).map(|socket| socket.as_fd().try_clone_to_owned()).collect()
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
            slots: slots.clone(),
            connections: limits.connections,
        };
        for (socket, config, certificates) in self.public {
            listening.public.push(socket.local_addr()?);
            let has_tls = !certificates.is_empty();
            let listener = Listener {
                socket,
                http2_plain: !has_tls && config.http2,
                tls: has_tls.then(|| acceptor(&certificates, config.http2)).transpose()?,
                redirect_to_https: config.redirect_to_https,
                proxy_protocol: config.proxy_protocol.then(|| self.config.cdn.trusted_proxies.clone()),
                handshake_timeout: limits.handshake_timeout,
                slots: slots.clone(),
            };
            listening.tasks.push(listener.start(app.clone(), stopped.clone()));
            for certificate in certificates {
                tokio::spawn(certificate.clone().watch(stopped.clone()));
                listening.certificates.push(certificate);
            }
        }
        let listener = Listener {
            socket: self.admin,
            http2_plain: false,
            tls: None,
            redirect_to_https: None,
            proxy_protocol: None,
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
    pub(super) async fn closed(&mut self) {
        for task in std::mem::take(&mut self.tasks) {
            let _ = task.await;
        }
    }

    /// Lets connections go on to their next request, which they are told is the last, and closes those that stay idle.
    /// A request that is on its way at this moment would be lost otherwise.
    pub(super) async fn last_requests(&self) {
        wait_until(LAST_REQUESTS, || self.slots.available_permits() == self.connections).await;
        self.app.close_idle().await;
    }
}
