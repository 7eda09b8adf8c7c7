//! The composition root: listeners, rooms, the proxy, and how all of it ends.

use std::net::SocketAddr;
use std::os::fd::IntoRawFd as _;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Random, SystemClock, SystemRandom};
use admission::keyring::Keyring;
use admission::store::memory::{JournalError, MemoryStore};
use admission::store::redis::RedisStore;
use admission::store::{QueueStore, StoreError};
use parking_lot::Mutex;
use pingora::apps::ServerApp;
use pingora::listeners::ListenerConfig;
use pingora::protocols::l4::stream::L4BufferSettings;
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use pingora::server::{Fds, ListenFds};
use pingora::services::listening::Service;
use tokio::net::TcpSocket;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::admin::Admin;
use crate::config::edge::StoreConfig;
use crate::config::{Config, rooms::room_routes};
use crate::gate::routes::Routes;
use crate::live::{EdgeApp, Load};
use crate::phases::{Edge, Rooms};
use crate::room::{Ports, Room};
use crate::upstream::Upstream;
use crate::waiting::page::{Pages, TemplateError};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 8192;
/// How long the first look at the lines may take before the edge listens all the same.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// How long the store may take to hear what it does not know yet, when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Most times that a request is tried on the shop's instances.
const TRIES_MAX: usize = 8;
/// Idle connections to the shop that are kept.
const UPSTREAM_POOL: usize = 512;

/// The keys in force.
pub struct Keys {
    /// For tickets and admission tokens.
    pub line: Keyring,
    /// For the signature to the shop.
    pub edge: Keyring,
}

/// The edge could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// Threads or signals are not to be had.
    #[error("the operating system refuses: {0}")]
    System(#[from] std::io::Error),
    /// The store's address is unusable.
    #[error("the store cannot be used: {0}")]
    Store(#[from] StoreError),
    /// The file of the store in memory is unusable.
    #[error("the line cannot be kept: {0}")]
    Journal(#[from] JournalError),
    /// A page template is broken.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Runs the edge until it is told to stop.
///
/// # Errors
/// When it cannot be started.
pub fn run(config: Config, keys: Keys) -> Result<(), ServerError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.edge.threads)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(serve(config, keys));
    // What is still running now had its grace.
    runtime.shutdown_background();
    outcome
}

async fn serve(config: Config, keys: Keys) -> Result<(), ServerError> {
    let mut signals = Signals::listen()?;
    let listeners = Listeners::bind(&[config.edge.listen, config.edge.admin_listen])?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let OpenStore { store, to_close } = open_store(&config.edge.store, &clock)?;
    let ports = Ports { store, keys: Arc::new(keys.line), clock: clock.clone(), random: random.clone() };
    let rooms = Arc::new(open_rooms(&config, &ports));
    let load = Arc::new(Load::default());
    let server_config = Arc::new(ServerConf {
        threads: config.edge.threads,
        max_retries: TRIES_MAX,
        upstream_keepalive_pool_size: UPSTREAM_POOL,
        ..ServerConf::default()
    });
    let edge = Edge {
        upstream: Upstream::new(config.edge.upstream.clone()),
        config: config.edge.clone(),
        rooms: rooms.clone(),
        edge_keys: keys.edge,
        pages: Pages::new()?,
        load: load.clone(),
        clock,
        random: random.clone(),
    };
    let grace = config.edge.shutdown_grace;
    let app = EdgeApp::new(http_proxy(&server_config, edge), load.clone(), config.edge, random);

    wait_until(FIRST_LOOK, || rooms.iter().all(|room| room.is_ready())).await;
    let (stop, stopped) = watch::channel(false);
    let [public, admin] = listeners.addresses.as_slice() else { return Ok(()) };
    let public_task = listeners.start("edge", *public, app, &stopped);
    listeners.start("admin", *admin, Admin::new(rooms.clone(), load.clone()), &stopped);
    tracing::info!(listen = %public, admin_listen = %admin, rooms = rooms.iter().count(), "the edge is up");

    let reason = signals.asked_to_stop().await;
    tracing::info!(signal = reason, requests = load.requests(), sockets = load.sockets(), "stopping");
    load.close_sockets();
    let _ = stop.send(true);
    let idle = async {
        // The listeners close first, or a request could slip in between the last look and the end.
        let _ = public_task.await;
        wait_until(grace, || load.requests() == 0 && load.sockets() == 0).await
    };
    let (done, last_words) = tokio::select! {
        done = idle => (done, LAST_WORDS),
        _ = signals.asked_to_stop() => (false, Duration::ZERO),
    };
    // What fans and the shop were told is so has to be so for the next process too.
    let told_until = Instant::now() + last_words;
    futures_util::future::join_all(rooms.iter().map(|room| room.finish(told_until))).await;
    if let Some(store) = to_close {
        store.close();
    }
    tracing::info!(requests_cut = load.requests(), sockets_cut = load.sockets(), clean = done, "stopped");
    Ok(())
}

struct OpenStore {
    store: Arc<dyn QueueStore>,
    /// The same, where it has to be closed at the end.
    to_close: Option<Arc<MemoryStore>>,
}

fn open_store(config: &StoreConfig, clock: &Arc<dyn Clock>) -> Result<OpenStore, ServerError> {
    Ok(match config {
        StoreConfig::Memory { path: None } => {
            OpenStore { store: Arc::new(MemoryStore::new(clock.clone())), to_close: None }
        }
        StoreConfig::Memory { path: Some(path) } => {
            let store = Arc::new(MemoryStore::open(path, clock.clone())?);
            OpenStore { store: store.clone(), to_close: Some(store) }
        }
        StoreConfig::Redis { url } => OpenStore { store: Arc::new(RedisStore::open(url)?), to_close: None },
    })
}

fn open_rooms(config: &Config, ports: &Ports) -> Rooms {
    let routes = config.rooms.iter().enumerate().flat_map(|(index, room)| room_routes(room, index)).collect();
    let scheme = config.edge.public_scheme;
    let start = |room: &crate::config::RoomConfig| {
        Room::start(room.clone(), config.revision, scheme, ports.clone(), config.edge.tick)
    };
    Rooms::new(config.rooms.iter().map(start).collect(), Routes::new(routes))
}

/// Waits until `is_done`, at most for `time`. Whether it came to be.
async fn wait_until(time: Duration, is_done: impl Fn() -> bool) -> bool {
    let until = Instant::now() + time;
    while !is_done() {
        if Instant::now() >= until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    true
}

/// Listening sockets, bound before anything else so that a taken port is said plainly.
struct Listeners {
    addresses: Vec<SocketAddr>,
    descriptors: ListenFds,
}

impl Listeners {
    fn bind(addresses: &[SocketAddr]) -> Result<Self, ServerError> {
        let mut descriptors = Fds::new();
        let mut bound = Vec::new();
        for &address in addresses {
            let listener = bind(address).map_err(|error| ServerError::Listen { address, error })?;
            let address = listener.local_addr()?;
            descriptors.add(address.to_string(), listener.into_raw_fd());
            bound.push(address);
        }
        Ok(Self { addresses: bound, descriptors: Arc::new(Mutex::new(descriptors)) })
    }

    /// Serves `app` on `address`. The task ends when the listener has closed.
    fn start<A>(
        &self,
        name: &str,
        address: SocketAddr,
        app: A,
        stopped: &watch::Receiver<bool>,
    ) -> tokio::task::JoinHandle<()>
    where
        A: ServerApp + Send + Sync + 'static,
    {
        let mut service = Service::new(name.to_owned(), app);
        // The default write buffer splits a page in two; the default read buffer takes 64 KiB for each connection.
        let endpoint = ListenerConfig::tcp(address.to_string()).l4_buffer(L4BufferSettings::new(4096, 8192));
        service.endpoints().add_listener(endpoint);
        let (descriptors, stopped) = (self.descriptors.clone(), stopped.clone());
        tokio::spawn(async move {
            pingora::services::Service::start_service(&mut service, Some(descriptors), stopped, 1).await;
        })
    }
}

fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// The signals that matter.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn asked_to_stop(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hang_up.recv() => tracing::warn!("SIGHUP: the configuration is read at start only"),
            }
        }
    }
}
