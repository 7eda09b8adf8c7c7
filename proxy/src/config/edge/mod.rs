//! `edge.toml`: what is read at start.

mod limits;
mod listen;
mod store;
mod telemetry;
mod upstream;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use admission::signed_cookie::CookieKeys;
use serde::Deserialize;
use toml::Spanned;

use super::cdn::{self, CdnConfig, WireCdn};
use super::error::{ConfigError, Source};
use super::pages::{self, PagesConfig, WirePages};
use super::values::Maybe;
use crate::gate::host;
use crate::waiting::cookies::Scheme;
pub use limits::Limits;
pub(in crate::config) use limits::work_bits_of;
pub use listen::{CertificateFiles, ListenConfig};
pub use store::StoreConfig;
pub use telemetry::TelemetryConfig;
pub(in crate::config) use telemetry::show as show_telemetry;
pub use upstream::{HealthConfig, UpstreamConfig, UpstreamTls};

/// The checked form of `edge.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeConfig {
    /// Where fans and the CDN connect; at least one.
    pub listen: Vec<ListenConfig>,
    /// Where operators and orchestrators ask: health and the API.
    pub admin_listen: SocketAddr,
    /// The names by which that is reached, beside addresses and `localhost`.
    pub admin_hosts: Vec<String>,
    /// How fans reach the edge.
    pub public_scheme: Scheme,
    /// Worker threads.
    pub threads: usize,
    /// How long requests may take to finish after SIGTERM.
    pub shutdown_grace: Duration,
    /// Where a new process asks for the listening sockets.
    pub upgrade_socket: Option<PathBuf>,
    /// The longest silence on a fan's WebSocket.
    pub heartbeat: Duration,
    /// How often a room's snapshot is read and its line drained.
    pub tick: Duration,
    /// Where the keys of tickets and admission tokens are, unless in the environment.
    pub keys_file: Option<PathBuf>,
    /// Where the keys of the signature to the shop are, unless in the environment.
    pub edge_keys_file: Option<PathBuf>,
    /// Where the tokens of operators are, unless in the environment.
    pub admin_tokens_file: Option<PathBuf>,
    /// Where the keys are that signed cookies are checked with, unless in the environment.
    pub cookie_keys_file: Option<PathBuf>,
    /// Those keys. They are read after everything else; no configuration holds them.
    pub cookie_keys: Arc<CookieKeys>,
    /// Where the line lives.
    pub store: StoreConfig,
    /// The shop.
    pub upstream: UpstreamConfig,
    /// Bounds on what a client may ask for.
    pub limits: Limits,
    /// What is known of a CDN in front.
    pub cdn: CdnConfig,
    /// The pages of every room that has none of its own.
    pub pages: PagesConfig,
    /// Where traces go.
    pub telemetry: TelemetryConfig,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEdge {
    listen: Maybe<listen::WireListen>,
    admin_listen: Maybe<String>,
    #[serde(default)]
    admin_hosts: Vec<Spanned<String>>,
    public_scheme: Maybe<String>,
    threads: Maybe<i64>,
    shutdown_grace: Maybe<String>,
    upgrade_socket: Option<String>,
    heartbeat: Maybe<String>,
    tick: Maybe<String>,
    keys_file: Option<String>,
    edge_keys_file: Option<String>,
    admin_tokens_file: Option<String>,
    cookie_keys_file: Option<String>,
    store: Option<store::WireStore>,
    upstream: upstream::WireUpstream,
    limits: Option<limits::WireLimits>,
    cdn: Option<WireCdn>,
    pages: Option<WirePages>,
    telemetry: Option<telemetry::WireTelemetry>,
}

/// Most names by which operators reach an edge.
const ADMIN_HOSTS_MAX: usize = 64;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const PUBLIC: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8081);

/// Reads `edge.toml` from its text.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse(file: &Path, text: &str) -> Result<EdgeConfig, ConfigError> {
    let source = Source { file, text };
    // Destructured, so that a new field cannot be forgotten here.
    let WireEdge {
        listen,
        admin_listen,
        admin_hosts,
        public_scheme,
        threads,
        shutdown_grace,
        upgrade_socket,
        heartbeat,
        tick,
        keys_file,
        edge_keys_file,
        admin_tokens_file,
        cookie_keys_file,
        store,
        upstream,
        limits,
        cdn,
        pages,
        telemetry,
    } = source.parse()?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let origin_at = upstream.address_span();
    let milliseconds = Duration::from_millis;
    let cdn = cdn::check(&source, cdn.unwrap_or_default(), folder)?;
    let has_trusted = !cdn.trusted_proxies.networks.is_empty();
    let public = listen::check(&source, &listen, folder, has_trusted)?;
    let private = admin(&source, &admin_listen)?;
    if let Some(taken) = public.iter().find(|listener| clash(listener.address, private)) {
        let at =
            admin_listen.as_ref().map(Spanned::span).or(listen.as_ref().map(Spanned::span)).unwrap_or(0..0);
        let found = format!("\"{private}\", where fans connect already (`listen` is \"{}\")", taken.address);
        return Err(source.error(&at, "admin_listen", found, "an address or port of its own is needed"));
    }
    let has_tls = public.iter().any(|listener| !listener.certificates.is_empty());
    let public_scheme = scheme(&source, &public_scheme, has_tls)?;
    if public_scheme == Scheme::Http && public.iter().any(|listener| listener.redirect_to_https.is_some()) {
        let at = listen.as_ref().map(Spanned::span).unwrap_or(0..0);
        let needed =
            "a listener with a certificate, or `public_scheme = \"https\"` where somebody else speaks TLS";
        return Err(source.error(
            &at,
            "listen.redirect_to_https",
            "nobody who speaks TLS",
            format!("{needed}, is needed"),
        ));
    }
    let config = EdgeConfig {
        listen: public,
        admin_listen: private,
        admin_hosts: admin_names(&source, &admin_hosts)?,
        public_scheme,
        threads: source.number("threads", &threads, 1..=256, default_threads())? as usize,
        shutdown_grace: source.duration(
            "shutdown_grace",
            &shutdown_grace,
            milliseconds(0)..=HOUR,
            SECOND * 10,
        )?,
        upgrade_socket: upgrade_socket.map(|path| folder.join(path)),
        heartbeat: source.duration("heartbeat", &heartbeat, SECOND..=SECOND * 60, SECOND * 15)?,
        tick: source.duration("tick", &tick, milliseconds(50)..=milliseconds(1000), milliseconds(250))?,
        keys_file: keys_file.map(|path| folder.join(path)),
        edge_keys_file: edge_keys_file.map(|path| folder.join(path)),
        admin_tokens_file: admin_tokens_file.map(|path| folder.join(path)),
        cookie_keys_file: cookie_keys_file.map(|path| folder.join(path)),
        cookie_keys: Arc::default(),
        store: store::check(&source, store, folder)?,
        upstream: upstream::check(&source, upstream, folder)?,
        limits: limits::check(&source, limits.unwrap_or_default())?,
        cdn,
        pages: pages::check(&source, pages)?,
        telemetry: telemetry::check(&source, telemetry.unwrap_or_default())?,
    };
    match own_listener(&config) {
        None => Ok(config),
        Some((origin, listener)) => {
            let found = format!("\"{origin}\", which is where this edge listens itself (\"{listener}\")");
            let needed =
                "the address of the shop is needed, or each request would go round until nothing is left";
            Err(source.error(&origin_at, "upstream.address", found, needed))
        }
    }
}

/// An instance of the shop that is one of the edge's own listeners.
fn own_listener(config: &EdgeConfig) -> Option<(&str, SocketAddr)> {
    let listeners: Vec<SocketAddr> =
        config.listen.iter().map(|listener| listener.address).chain([config.admin_listen]).collect();
    config.upstream.addresses.iter().find_map(|origin| {
        let (host, port) = origin.rsplit_once(':')?;
        let (host, port) = (host.trim_start_matches('[').trim_end_matches(']'), port.parse::<u16>().ok()?);
        let is_local = host.eq_ignore_ascii_case("localhost");
        let address = host.parse::<IpAddr>().ok();
        let is_own = |listener: &SocketAddr| {
            let ip = listener.ip();
            let is_here =
                is_local || address.is_some_and(|address| address.is_loopback() || address.is_unspecified());
            port != 0
                && listener.port() == port
                && (address == Some(ip) || is_here && (ip.is_unspecified() || is_local && ip.is_loopback()))
        };
        listeners.iter().copied().find(is_own).map(|listener| (origin.as_str(), listener))
    })
}

/// Whether the two cannot both be listened on. Port 0 is any free one.
fn clash(listen: SocketAddr, admin_listen: SocketAddr) -> bool {
    listen.port() != 0
        && listen.port() == admin_listen.port()
        && (listen.ip() == admin_listen.ip() || listen.ip().is_unspecified())
}

/// Checks addresses that were said on the command line or in the environment.
///
/// # Errors
/// When the admin listener is not on a loopback address, or where fans connect.
pub fn check_listeners(file: &Path, config: &EdgeConfig) -> Result<(), ConfigError> {
    let admin = config.admin_listen;
    if !admin.ip().is_loopback() {
        let problem = format!(
            "found \"{admin}\" by --admin-listen or STANCHION_ADMIN_LISTEN; a loopback address is needed: what is \
             answered there is not for the public"
        );
        return Err(ConfigError::whole(file, problem));
    }
    if let Some((origin, listener)) = own_listener(config) {
        let problem = format!(
            "found \"{listener}\" by --listen or --admin-listen, which is `upstream.address` too (\"{origin}\"): each request \
             would go round until nothing is left; the edge needs an address of its own"
        );
        return Err(ConfigError::whole(file, problem));
    }
    let Some(taken) = config.listen.iter().find(|listener| clash(listener.address, admin)) else {
        return Ok(());
    };
    let problem = format!(
        "found \"{}\" by --listen or STANCHION_LISTEN, where `admin_listen` is (\"{admin}\", --admin-listen); each \
         needs an address or port of its own",
        taken.address
    );
    Err(ConfigError::whole(file, problem))
}

fn default_threads() -> u64 {
    std::thread::available_parallelism().map_or(2, |count| count.get() as u64)
}

fn admin(source: &Source<'_>, value: &Maybe<String>) -> Result<SocketAddr, ConfigError> {
    let address = source.address("admin_listen", value, ADMIN)?;
    match value {
        Some(value) if !address.ip().is_loopback() => {
            let needed = "a loopback address is needed: what is answered there is not for the public";
            Err(source.error(&value.span(), "admin_listen", format!("\"{address}\""), needed))
        }
        _ => Ok(address),
    }
}

fn admin_names(source: &Source<'_>, names: &[Spanned<String>]) -> Result<Vec<String>, ConfigError> {
    let check = |name: &Spanned<String>| match host::parse(name.get_ref().as_bytes()) {
        Ok(parsed) if parsed.port().is_none() => Ok(parsed.host().to_owned()),
        _ => {
            let needed = "a host name without a port is needed, such as \"edge-1.internal\"";
            Err(source.error(&name.span(), "admin_hosts", format!("\"{}\"", name.get_ref()), needed))
        }
    };
    match names.get(ADMIN_HOSTS_MAX) {
        None => names.iter().map(check).collect(),
        Some(one) => {
            let needed = format!("at most {ADMIN_HOSTS_MAX} are needed");
            Err(source.error(&one.span(), "admin_hosts", format!("{} names", names.len()), needed))
        }
    }
}

fn scheme(source: &Source<'_>, value: &Maybe<String>, has_tls: bool) -> Result<Scheme, ConfigError> {
    let Some(value) = value else { return Ok(if has_tls { Scheme::Https } else { Scheme::Http }) };
    match value.get_ref().as_str() {
        "http" if has_tls => {
            let needed = "a listener speaks TLS, so fans come by \"https\"; remove it, or the certificate";
            Err(source.error(&value.span(), "public_scheme", "\"http\"", needed))
        }
        "http" => Ok(Scheme::Http),
        "https" => Ok(Scheme::Https),
        other => {
            let needed = "\"http\" or \"https\" is needed: how fans reach the edge, or the CDN before it";
            Err(source.error(&value.span(), "public_scheme", format!("\"{other}\""), needed))
        }
    }
}
