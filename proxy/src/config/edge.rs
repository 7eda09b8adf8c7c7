//! `edge.toml`: what is read at start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use admission::store::redis::check_url;
use serde::Deserialize;
use toml::Spanned;

use super::error::{ConfigError, Source};
use super::values::Maybe;
use crate::waiting::cookies::Scheme;

/// The checked form of `edge.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeConfig {
    /// Where fans and the CDN connect.
    pub listen: SocketAddr,
    /// Where `/healthz` and `/readyz` are answered.
    pub admin_listen: SocketAddr,
    /// How fans reach the edge.
    pub public_scheme: Scheme,
    /// Worker threads.
    pub threads: usize,
    /// How long requests may take to finish after SIGTERM.
    pub shutdown_grace: Duration,
    /// The longest silence on a fan's WebSocket.
    pub heartbeat: Duration,
    /// How often a room's snapshot is read and its line drained.
    pub tick: Duration,
    /// Where the keys of tickets and admission tokens are, unless in the environment.
    pub keys_file: Option<PathBuf>,
    /// Where the keys of the signature to the shop are, unless in the environment.
    pub edge_keys_file: Option<PathBuf>,
    /// Where the line lives.
    pub store: StoreConfig,
    /// The shop.
    pub upstream: UpstreamConfig,
    /// Bounds on what a client may ask for.
    pub limits: Limits,
}

/// Where the line lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreConfig {
    /// In this process: one proxy, nothing to install.
    Memory {
        /// The file in which it survives a restart; none, and it does not.
        path: Option<PathBuf>,
    },
    /// In Redis: any number of proxies.
    Redis {
        /// The address, which may hold a password.
        url: String,
    },
}

/// The shop behind the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamConfig {
    /// `host:port` of each instance; at least one.
    pub addresses: Vec<String>,
    /// Longest time to connect.
    pub connect_timeout: Duration,
    /// Longest silence while an answer is awaited or read.
    pub read_timeout: Duration,
    /// Longest time that a write may block.
    pub write_timeout: Duration,
}

/// Bounds on what a client may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest request head, in bytes.
    pub head_bytes: usize,
    /// Most header lines in a request.
    pub headers: usize,
    /// Longest request body, in bytes.
    pub body_bytes: u64,
    /// Most connections at once, without the fans' WebSockets.
    pub connections: usize,
    /// Most WebSockets of waiting fans.
    pub sockets: usize,
    /// Longest time for a request head to arrive.
    pub head_timeout: Duration,
    /// Longest idle time of a connection between requests.
    pub idle: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEdge {
    listen: Maybe<String>,
    admin_listen: Maybe<String>,
    public_scheme: Maybe<String>,
    threads: Maybe<i64>,
    shutdown_grace: Maybe<String>,
    heartbeat: Maybe<String>,
    tick: Maybe<String>,
    keys_file: Option<String>,
    edge_keys_file: Option<String>,
    store: Option<WireStore>,
    upstream: WireUpstream,
    limits: Option<WireLimits>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireStore {
    kind: Spanned<String>,
    url: Maybe<String>,
    path: Maybe<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireUpstream {
    address: Spanned<OneOrMore>,
    connect_timeout: Maybe<String>,
    read_timeout: Maybe<String>,
    write_timeout: Maybe<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WireLimits {
    head_bytes: Maybe<i64>,
    headers: Maybe<i64>,
    body_bytes: Maybe<i64>,
    connections: Maybe<i64>,
    sockets: Maybe<i64>,
    head_timeout: Maybe<String>,
    idle: Maybe<String>,
}

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
        public_scheme,
        threads,
        shutdown_grace,
        heartbeat,
        tick,
        keys_file,
        edge_keys_file,
        store,
        upstream,
        limits,
    } = source.parse()?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let milliseconds = Duration::from_millis;
    let (public, private) = (source.address("listen", &listen, PUBLIC)?, admin(&source, &admin_listen)?);
    if clash(public, private) {
        let at = admin_listen.as_ref().or(listen.as_ref()).map_or(0..0, Spanned::span);
        let found = format!("\"{private}\", where fans connect already (`listen` is \"{public}\")");
        return Err(source.error(&at, "admin_listen", found, "an address or port of its own is needed"));
    }
    Ok(EdgeConfig {
        listen: public,
        admin_listen: private,
        public_scheme: scheme(&source, &public_scheme)?,
        threads: source.number("threads", &threads, 1..=256, default_threads())? as usize,
        shutdown_grace: source.duration(
            "shutdown_grace",
            &shutdown_grace,
            milliseconds(0)..=HOUR,
            SECOND * 10,
        )?,
        heartbeat: source.duration("heartbeat", &heartbeat, SECOND..=SECOND * 60, SECOND * 15)?,
        tick: source.duration("tick", &tick, milliseconds(50)..=milliseconds(1000), milliseconds(250))?,
        keys_file: keys_file.map(|path| folder.join(path)),
        edge_keys_file: edge_keys_file.map(|path| folder.join(path)),
        store: check_store(&source, store, folder)?,
        upstream: check_upstream(&source, upstream)?,
        limits: check_limits(&source, limits.unwrap_or_default())?,
    })
}

/// Whether the two cannot both be listened on. Port 0 is any free one.
pub fn clash(listen: SocketAddr, admin_listen: SocketAddr) -> bool {
    listen.port() != 0
        && listen.port() == admin_listen.port()
        && (listen.ip() == admin_listen.ip() || listen.ip().is_unspecified())
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

fn scheme(source: &Source<'_>, value: &Maybe<String>) -> Result<Scheme, ConfigError> {
    let Some(value) = value else { return Ok(Scheme::Http) };
    match value.get_ref().as_str() {
        "http" => Ok(Scheme::Http),
        "https" => Ok(Scheme::Https),
        other => {
            let needed = "\"http\" or \"https\" is needed: how fans reach the edge, or the CDN before it";
            Err(source.error(&value.span(), "public_scheme", format!("\"{other}\""), needed))
        }
    }
}

fn check_store(
    source: &Source<'_>,
    store: Option<WireStore>,
    folder: &Path,
) -> Result<StoreConfig, ConfigError> {
    let Some(WireStore { kind, url, path }) = store else { return Ok(StoreConfig::Memory { path: None }) };
    if let Some(path) = path.as_ref().filter(|path| kind.get_ref() == "redis" || path.get_ref().is_empty()) {
        let needed = match kind.get_ref().as_str() {
            "redis" => {
                "the kind \"redis\" takes none: Redis keeps the line; remove it, or set kind = \"memory\""
            }
            _ => "the name of a file is needed, such as \"/var/lib/stanchion/line\"",
        };
        return Err(source.error(&path.span(), "store.path", format!("\"{}\"", path.get_ref()), needed));
    }
    match (kind.get_ref().as_str(), url) {
        ("memory", None) => Ok(StoreConfig::Memory { path: path.map(|path| folder.join(path.into_inner())) }),
        ("memory", Some(url)) => {
            let needed = "the kind \"memory\" takes none; remove it, or set kind = \"redis\"";
            Err(source.error(&url.span(), "store.url", "a URL", needed))
        }
        ("redis", Some(url)) => match check_url(url.get_ref()) {
            Ok(()) => Ok(StoreConfig::Redis { url: url.into_inner() }),
            Err(error) => Err(source.error(&url.span(), "store.url", "a URL that leads nowhere", error)),
        },
        ("redis", None) => {
            let needed = "the kind \"redis\" needs a `url` beside it, such as \"redis://127.0.0.1:6379\"";
            Err(source.error(&kind.span(), "store.url", "nothing", needed))
        }
        (other, _) => {
            let needed = "\"memory\" or \"redis\" is needed";
            Err(source.error(&kind.span(), "store.kind", format!("\"{other}\""), needed))
        }
    }
}

fn check_upstream(source: &Source<'_>, upstream: WireUpstream) -> Result<UpstreamConfig, ConfigError> {
    let WireUpstream { address, connect_timeout, read_timeout, write_timeout } = upstream;
    let span = address.span();
    let addresses = match address.into_inner() {
        OneOrMore::One(address) => vec![address],
        OneOrMore::More(addresses) => addresses,
    };
    let needed = "\"host:port\" of the shop is needed, such as \"127.0.0.1:9090\"";
    if addresses.is_empty() || addresses.len() > 64 {
        return Err(source.error(
            &span,
            "upstream.address",
            format!("{} addresses", addresses.len()),
            needed,
        ));
    }
    for address in &addresses {
        let good = address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port != 0)
        });
        if !good {
            return Err(source.error(&span, "upstream.address", format!("\"{address}\""), needed));
        }
    }
    let millisecond = Duration::from_millis(1);
    let timeout = |field, value: &Maybe<String>, default| {
        source.duration(field, value, millisecond..=HOUR, SECOND * default)
    };
    Ok(UpstreamConfig {
        addresses,
        connect_timeout: timeout("upstream.connect_timeout", &connect_timeout, 2)?,
        read_timeout: timeout("upstream.read_timeout", &read_timeout, 60)?,
        write_timeout: timeout("upstream.write_timeout", &write_timeout, 30)?,
    })
}

fn check_limits(source: &Source<'_>, limits: WireLimits) -> Result<Limits, ConfigError> {
    let WireLimits { head_bytes, headers, body_bytes, connections, sockets, head_timeout, idle } = limits;
    let second = SECOND;
    Ok(Limits {
        head_bytes: source.number("limits.head_bytes", &head_bytes, 1024..=1_000_000, 32 * 1024)? as usize,
        headers: source.number("limits.headers", &headers, 8..=256, 100)? as usize,
        body_bytes: source.number("limits.body_bytes", &body_bytes, 0..=1 << 40, 16 << 20)?,
        connections: source.number("limits.connections", &connections, 1..=1_000_000, 10_000)? as usize,
        sockets: source.number("limits.sockets", &sockets, 0..=1_000_000, 100_000)? as usize,
        head_timeout: source.duration(
            "limits.head_timeout",
            &head_timeout,
            second..=second * 300,
            second * 15,
        )?,
        idle: source.duration("limits.idle", &idle, second..=HOUR, second * 60)?,
    })
}
