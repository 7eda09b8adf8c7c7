//! The composition root: listeners, rooms, the proxy, and how all of it ends.

mod hand_over;
mod shared;
mod signals;
mod sockets;
mod void;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Random, SystemClock, SystemRandom};
use admission::keyring::Keyring;
use admission::store::memory::{JournalError, MemoryStore};
use admission::store::redis::RedisStore;
use admission::store::{FleetStore, QueueStore, StoreError};
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::admin::access::Tokens;
use crate::admin::{Admin, Sights};
use crate::config::edge::StoreConfig;
use crate::config::keys::CdnSecret;
use crate::config::{Config, EdgeConfig};
use crate::fleet::{Fleet, KeyFiles, Secret};
use crate::ids::Pooled;
use crate::limits::{PrefixLimit, Work};
use crate::listen::tls::{Certificate, CertificateError, check_authorities};
use crate::live::{EdgeApp, Load};
use crate::phases::{Edge, Phases};
use crate::room::Ports;
use crate::telemetry::log;
use crate::telemetry::traces::TracesError;
use crate::telemetry::{Measured, RequestTally, StoreCalls, Traces};
use crate::upstream::{TRIES_MAX, Upstream, look_after};
use crate::waiting::page::Pages;
use hand_over::{Door, Predecessor, Successor};
pub use shared::{Source, take_shared};
use signals::{Asked, Signals};
use sockets::Sockets;
pub use void::{VoidError, void};

/// Milliseconds that the time of a file may be ahead before that is said.
const AHEAD_MAX: u64 = 60_000;
/// How long the first look at the lines may take before the edge listens all the same.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// How long the store may take to hear what it does not know yet, when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The keys in force.
pub struct Keys {
    /// For tickets and admission tokens.
    pub line: Secret<Keyring>,
    /// For the signature to the shop.
    pub edge: Secret<Keyring>,
    /// What the CDN shows; nothing where it need not.
    pub cdn: Option<CdnSecret>,
    /// The tokens of operators; none where nobody may.
    pub admin: Secret<Tokens>,
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
    /// The process that runs cannot be taken over from, or none after this one could be.
    #[error("upgrade: {0}")]
    Upgrade(std::io::Error),
    /// Threads or signals are not to be had.
    #[error("the operating system refuses: {0}")]
    System(#[from] std::io::Error),
    /// The store's address is unusable.
    #[error("the store cannot be used: {0}")]
    Store(#[from] StoreError),
    /// The file of the store in memory is unusable.
    #[error("the line cannot be kept: {0}")]
    Journal(#[from] JournalError),
    /// There can be no traces.
    #[error(transparent)]
    Traces(#[from] TracesError),
    /// A certificate cannot be used.
    #[error("TLS: {0}")]
    Certificate(#[from] CertificateError),
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Runs the edge until it is told to stop. With `upgrade` it takes over from the one that runs, if there is one.
///
/// # Errors
/// When it cannot be started.
pub fn run(config: Config, keys: Keys, pages: Pages, upgrade: bool) -> Result<(), ServerError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.edge.threads)
        .on_thread_start(log::this_is_a_worker)
        .on_thread_park(log::flush)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(serve(config, keys, pages, upgrade));
    // What is still running now had its grace.
    runtime.shutdown_background();
    outcome
}

async fn serve(config: Config, keys: Keys, pages: Pages, upgrade: bool) -> Result<(), ServerError> {
    let mut signals = Signals::listen()?;
    let edge_config = config.edge.clone();
    let door = edge_config.upgrade_socket.as_deref();
    let mut before =
        door.filter(|_| upgrade).map(Predecessor::find).transpose().map_err(ServerError::Upgrade)?.flatten();
    let sockets = Sockets::bind(&config.edge, &mut before)?;
    let lives_here = matches!(config.edge.store, StoreConfig::Memory { .. });
    if let Some(before) = before.take_if(|_| lives_here) {
        // One process has the line at a time.
        step_down(before).await;
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    if config.revision > clock.now().as_millis() + AHEAD_MAX {
        tracing::warn!(
            revision = config.revision,
            "rooms.toml was last changed in the future, by this machine's clock: until then no other file is newer, and \
             changes to it do not count; `touch` it"
        );
    }
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let ids: Arc<dyn Random> = Arc::new(Pooled::new(random.clone()));
    let OpenStore { store, fleet, to_close } = open_store(&config.edge.store, &clock)?;
    let Keys { line, edge: edge_keys, cdn, admin } = keys;
    let line_keys = line.in_force.clone();
    let traces = Traces::start(&edge_config.telemetry)?;
    let calls = Arc::new(StoreCalls::default());
    let store = Arc::new(Measured::new(store, calls.clone(), traces.clone()));
    let ports = Ports { store, keys: line_keys.clone(), clock: clock.clone(), random: random.clone() };
    let fleet = Fleet::open(config, pages, ports, fleet).await;
    let load = Arc::new(Load::default());
    let shop = Arc::new(Upstream::new(edge_config.upstream.clone()));
    let server_config = Arc::new(library_config(&edge_config)?);
    let limits = &edge_config.limits;
    let network_bits = (limits.network_bits_v4, limits.network_bits_v6);
    let requests = Arc::new(RequestTally::default());
    let edge = Arc::new(Edge {
        upstream: shop.clone(),
        requests: requests.clone(),
        traces: traces.clone(),
        config: edge_config.clone(),
        fleet: fleet.clone(),
        edge_keys: edge_keys.in_force.clone(),
        line_keys: line_keys.clone(),
        cdn_secret: cdn,
        joins: limits.joins.map(|pace| PrefixLimit::new(pace, network_bits.0, network_bits.1)),
        work: Work::new(limits.work, network_bits, line_keys, random.clone()),
        load: load.clone(),
        clock: clock.clone(),
        random: ids.clone(),
    });
    let grace = edge_config.shutdown_grace;
    let proxy = http_proxy(&server_config, Phases(edge.clone()));
    let app = EdgeApp::new(edge, proxy, ids);

    wait_until(FIRST_LOOK, || fleet.in_force().rooms.iter().all(|room| room.is_ready())).await;
    let (stop, stopped) = watch::channel(false);
    let door =
        door.map(|path| Door::open(path, sockets.copies()?)).transpose().map_err(ServerError::Upgrade)?;
    if let Some(before) = before.take() {
        step_down(before).await;
    }
    look_after(&shop, &stopped);
    tokio::spawn(fleet.clone().follow(stopped.clone()));
    let keys = Arc::new(KeyFiles { line, edge: edge_keys, operators: admin, fleet: fleet.clone() });
    tokio::spawn(keys.clone().follow(stopped.clone()));
    let sights = Sights { load: load.clone(), requests, calls, shop: shop.clone() };
    let admin = Admin::new(fleet.clone(), sights, keys.clone(), clock.clone());
    let mut listening = sockets.open(app, admin, &stopped)?;
    let [listen, more @ ..] = listening.public.as_slice() else { return Ok(()) };
    let (admin_listen, count) = (listening.admin, fleet.in_force().rooms.iter().count());
    tracing::info!(%listen, also = ?more, %admin_listen, rooms = count, "the edge is up");

    let (reason, successor) = {
        // One and the same through all signals, or a process that asks at this moment would not be answered.
        let mut successor = std::pin::pin!(asked_at(door.as_ref()));
        loop {
            let asked = tokio::select! {
                asked = signals.next() => asked,
                successor = &mut successor => break ("an upgrade", Some(successor)),
            };
            match asked {
                Asked::ToStop(reason) => break (reason, None),
                Asked::ToReload => {
                    listening.reload();
                    keys.reload_on("signal").await;
                    fleet.reload();
                }
            }
        }
    };
    tracing::info!(reason, requests = load.requests(), sockets = load.sockets(), "stopping");
    drop(door);
    let _ = stop.send(true);
    // The listeners close first, or a request could slip in between the last look and the end.
    listening.closed().await;
    let last_words = async |time| {
        // What fans and the shop were told is so has to be so for the next process too.
        let told_until = Instant::now() + time;
        let in_force = Arc::clone(&fleet.in_force());
        futures_util::future::join_all(in_force.rooms.iter().map(|room| room.finish(told_until))).await;
        if let Some(store) = &to_close {
            store.close();
        }
    };
    let is_succeeded = successor.is_some();
    if let Some(successor) = successor {
        if lives_here {
            last_words(LAST_WORDS).await;
        }
        successor.yours();
    }
    load.close_sockets();
    let idle = async {
        listening.last_requests().await;
        wait_until(grace, || load.requests() == 0 && load.sockets() == 0).await
    };
    let (done, time) = tokio::select! {
        done = idle => (done, LAST_WORDS),
        () = signals.asked_to_stop() => (false, Duration::ZERO),
    };
    if !(is_succeeded && lives_here) {
        last_words(time).await;
    }
    if let Some(traces) = traces {
        let _ = tokio::task::spawn_blocking(move || traces.close()).await;
    }
    tracing::info!(requests_cut = load.requests(), sockets_cut = load.sockets(), clean = done, "stopped");
    Ok(())
}

/// Has the process before stop.
async fn step_down(before: Predecessor) {
    match tokio::task::spawn_blocking(|| before.step_down()).await {
        Ok(Ok(())) => tracing::info!("took over from the process before"),
        // It has ended by itself, perhaps. Its sockets are here, and somebody has to accept.
        Ok(Err(error)) => tracing::warn!(%error, "the process before did not say that it stops"),
        Err(error) => tracing::error!(%error, "the process before was not told to stop"),
    }
}

/// A new process that asks at the door, if there is one.
async fn asked_at(door: Option<&Door>) -> Successor {
    match door {
        Some(door) => door.successor().await,
        None => std::future::pending().await,
    }
}

/// What the HTTP library is told of the way to the shop.
fn library_config(edge: &EdgeConfig) -> Result<ServerConf, ServerError> {
    let ca = edge.upstream.tls.as_ref().and_then(|tls| tls.ca.as_ref());
    if let Some(file) = ca {
        check_authorities(file)?;
    }
    Ok(ServerConf {
        threads: edge.threads,
        max_retries: TRIES_MAX,
        upstream_keepalive_pool_size: edge.upstream.keepalive,
        ca_file: ca.map(|file| file.display().to_string()),
        ..ServerConf::default()
    })
}

/// Reads the files that listeners and the way to the shop need: certificates, their keys, authorities.
///
/// # Errors
/// The first that cannot be used, and why.
pub fn check_files(edge: &EdgeConfig) -> Result<(), CertificateError> {
    for files in edge.listen.iter().flat_map(|listener| &listener.certificates) {
        Certificate::open(files.clone())?;
    }
    edge.upstream.tls.as_ref().and_then(|tls| tls.ca.as_deref()).map_or(Ok(()), check_authorities)
}

struct OpenStore {
    store: Arc<dyn QueueStore>,
    fleet: Arc<dyn FleetStore>,
    /// The same, where it has to be closed at the end.
    to_close: Option<Arc<MemoryStore>>,
}

fn open_store(config: &StoreConfig, clock: &Arc<dyn Clock>) -> Result<OpenStore, ServerError> {
    Ok(match config {
        StoreConfig::Memory { path: None } => {
            tracing::warn!(
                "a restart forgets what the admin API changed, a pause too, and the audit log: without `store.path` they live in this \
                 process alone"
            );
            let store = Arc::new(MemoryStore::new(clock.clone()));
            OpenStore { store: store.clone(), fleet: store, to_close: None }
        }
        StoreConfig::Memory { path: Some(path) } => {
            let store = Arc::new(MemoryStore::open(path, clock.clone())?);
            OpenStore { store: store.clone(), fleet: store.clone(), to_close: Some(store) }
        }
        StoreConfig::Redis { url } => {
            let store = Arc::new(RedisStore::open(url)?);
            OpenStore { store: store.clone(), fleet: store, to_close: None }
        }
    })
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
