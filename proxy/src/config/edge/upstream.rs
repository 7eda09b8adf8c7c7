//! `[upstream]`: the shop.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::super::error::{ConfigError, Source};
use super::super::values::Maybe;
use super::{HOUR, SECOND};
use crate::upstream::breaker::BreakerRules;

const MILLISECOND: Duration = Duration::from_millis(1);
/// Most instances.
const INSTANCES_MAX: usize = 64;

/// The shop behind the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamConfig {
    /// `host:port` of each instance; at least one.
    pub addresses: Vec<String>,
    /// Whether HTTP/2 is spoken with it.
    pub http2: bool,
    /// TLS, where the shop speaks it.
    pub tls: Option<UpstreamTls>,
    /// Longest time to connect, TLS included.
    pub connect_timeout: Duration,
    /// Longest silence while an answer is read, or awaited.
    pub read_timeout: Duration,
    /// Longest time until an answer begins, where that is shorter.
    pub first_byte_timeout: Option<Duration>,
    /// The same, for who asks for an event stream.
    pub stream_timeout: Duration,
    /// Longest time that a write may block.
    pub write_timeout: Duration,
    /// Idle connections that are kept.
    pub keepalive: usize,
    /// How long they are kept.
    pub keepalive_timeout: Duration,
    /// How instances are looked after, where they are.
    pub health: Option<HealthConfig>,
    /// When an instance gets no requests.
    pub breaker: BreakerRules,
}

/// TLS towards the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTls {
    /// The name that the shop's certificate has to have.
    pub name: String,
    /// Who vouches for it; the system's authorities where none is named.
    pub ca: Option<PathBuf>,
}

/// How instances are looked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthConfig {
    /// What is asked for.
    pub path: String,
    /// How often.
    pub every: Duration,
    /// How long the answer may take.
    pub timeout: Duration,
    /// After how many bad answers an instance is down.
    pub down_after: u32,
    /// After how many good ones it is up again.
    pub up_after: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireUpstream {
    address: Spanned<OneOrMore>,
    protocol: Maybe<String>,
    tls_name: Maybe<String>,
    tls_ca: Maybe<PathBuf>,
    connect_timeout: Maybe<String>,
    first_byte_timeout: Maybe<String>,
    read_timeout: Maybe<String>,
    stream_timeout: Maybe<String>,
    write_timeout: Maybe<String>,
    keepalive: Maybe<i64>,
    keepalive_timeout: Maybe<String>,
    health: Option<WireHealth>,
    breaker: Option<WireBreaker>,
}

impl WireUpstream {
    /// Where it is said where the shop is.
    pub(super) fn address_span(&self) -> std::ops::Range<usize> {
        self.address.span()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireHealth {
    path: Spanned<String>,
    every: Maybe<String>,
    timeout: Maybe<String>,
    down_after: Maybe<i64>,
    up_after: Maybe<i64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WireBreaker {
    failures: Maybe<i64>,
    percent: Maybe<i64>,
    least: Maybe<i64>,
    window: Maybe<String>,
    slow: Maybe<String>,
    pause: Maybe<String>,
    pause_max: Maybe<String>,
    trials: Maybe<i64>,
}

pub(super) fn check(
    source: &Source<'_>,
    upstream: WireUpstream,
    folder: &Path,
) -> Result<UpstreamConfig, ConfigError> {
    let WireUpstream {
        address,
        protocol,
        tls_name,
        tls_ca,
        connect_timeout,
        first_byte_timeout,
        read_timeout,
        stream_timeout,
        write_timeout,
        keepalive,
        keepalive_timeout,
        health,
        breaker,
    } = upstream;
    let timeout = |field, value: &Maybe<String>, default| {
        source.duration(field, value, MILLISECOND..=HOUR, SECOND * default)
    };
    let read_timeout = timeout("upstream.read_timeout", &read_timeout, 60)?;
    let http2 = speaks_http2(source, &protocol)?;
    Ok(UpstreamConfig {
        addresses: addresses(source, address)?,
        http2,
        first_byte_timeout: first_byte(source, &first_byte_timeout, read_timeout, http2)?,
        tls: tls(source, tls_name, tls_ca, folder)?,
        connect_timeout: timeout("upstream.connect_timeout", &connect_timeout, 2)?,
        read_timeout,
        stream_timeout: timeout("upstream.stream_timeout", &stream_timeout, 300)?.max(read_timeout),
        write_timeout: timeout("upstream.write_timeout", &write_timeout, 30)?,
        keepalive: source.number("upstream.keepalive", &keepalive, 0..=100_000, 512)? as usize,
        keepalive_timeout: timeout("upstream.keepalive_timeout", &keepalive_timeout, 50)?,
        health: health.map(|health| check_health(source, health)).transpose()?,
        breaker: check_breaker(source, breaker.unwrap_or_default())?,
    })
}

/// The time for an answer to begin; nothing where it is that for any silence.
fn first_byte(
    source: &Source<'_>,
    value: &Maybe<String>,
    read_timeout: Duration,
    http2: bool,
) -> Result<Option<Duration>, ConfigError> {
    let Some(written) = value else { return Ok(None) };
    let field = "upstream.first_byte_timeout";
    let time = source.duration(field, value, MILLISECOND..=read_timeout, read_timeout)?;
    if http2 && time < read_timeout {
        let needed = "over HTTP/2 requests share a connection, and `read_timeout` is all there is; remove one of the two";
        return Err(source.error(&written.span(), field, format!("\"{}\"", written.get_ref()), needed));
    }
    Ok((time < read_timeout).then_some(time))
}

fn addresses(source: &Source<'_>, address: Spanned<OneOrMore>) -> Result<Vec<String>, ConfigError> {
    let span = address.span();
    let addresses = match address.into_inner() {
        OneOrMore::One(address) => vec![address],
        OneOrMore::More(addresses) => addresses,
    };
    let needed = "\"host:port\" of the shop is needed, such as \"127.0.0.1:9090\"";
    if addresses.is_empty() || addresses.len() > INSTANCES_MAX {
        let found = format!("{} addresses", addresses.len());
        return Err(source.error(&span, "upstream.address", found, needed));
    }
    for address in &addresses {
        let good = address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port != 0)
        });
        if !good {
            return Err(source.error(&span, "upstream.address", format!("\"{address}\""), needed));
        }
    }
    Ok(addresses)
}

fn speaks_http2(source: &Source<'_>, protocol: &Maybe<String>) -> Result<bool, ConfigError> {
    let Some(protocol) = protocol else { return Ok(false) };
    match protocol.get_ref().as_str() {
        "http1" => Ok(false),
        "http2" => Ok(true),
        other => {
            let needed = "\"http1\" or \"http2\" is needed";
            Err(source.error(&protocol.span(), "upstream.protocol", format!("\"{other}\""), needed))
        }
    }
}

fn tls(
    source: &Source<'_>,
    name: Maybe<String>,
    ca: Maybe<PathBuf>,
    folder: &Path,
) -> Result<Option<UpstreamTls>, ConfigError> {
    match (name, ca) {
        (Some(name), _) if rustls::pki_types::ServerName::try_from(name.get_ref().as_str()).is_err() => {
            let needed = "the name in the shop's certificate is needed, such as \"shop.internal\"";
            Err(source.error(&name.span(), "upstream.tls_name", format!("\"{}\"", name.get_ref()), needed))
        }
        (Some(name), ca) => Ok(Some(UpstreamTls {
            name: name.into_inner(),
            ca: ca.map(|file| folder.join(file.into_inner())),
        })),
        (None, Some(ca)) => {
            let needed = "`tls_name` is needed beside it: the name that the shop's certificate has to have";
            Err(source.error(&ca.span(), "upstream.tls_name", "nothing", needed))
        }
        (None, None) => Ok(None),
    }
}

fn count(
    source: &Source<'_>,
    field: &str,
    value: &Maybe<i64>,
    most: u64,
    default: u64,
) -> Result<u32, ConfigError> {
    source.number(field, value, 1..=most, default).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

fn check_health(source: &Source<'_>, health: WireHealth) -> Result<HealthConfig, ConfigError> {
    let WireHealth { path, every, timeout, down_after, up_after } = health;
    if !path.get_ref().starts_with('/') || path.get_ref().bytes().any(|byte| byte <= b' ' || byte >= 0x7f) {
        let needed = "a path is needed, such as \"/healthz\"";
        let found = format!("\"{}\"", path.get_ref());
        return Err(source.error(&path.span(), "upstream.health.path", found, needed));
    }
    let time = |field, value: &Maybe<String>, default| {
        source.duration(field, value, MILLISECOND * 100..=HOUR, SECOND * default)
    };
    Ok(HealthConfig {
        path: path.into_inner(),
        every: time("upstream.health.every", &every, 2)?,
        timeout: time("upstream.health.timeout", &timeout, 2)?,
        down_after: count(source, "upstream.health.down_after", &down_after, 100, 3)?,
        up_after: count(source, "upstream.health.up_after", &up_after, 100, 2)?,
    })
}

fn check_breaker(source: &Source<'_>, breaker: WireBreaker) -> Result<BreakerRules, ConfigError> {
    let WireBreaker { failures, percent, least, window, slow, pause, pause_max, trials } = breaker;
    let time = |field, value: &Maybe<String>, default| {
        source.duration(field, value, MILLISECOND * 100..=HOUR, SECOND * default)
    };
    let first_pause = time("upstream.breaker.pause", &pause, 2)?;
    Ok(BreakerRules {
        failures: count(source, "upstream.breaker.failures", &failures, 1_000_000, 5)?,
        percent: count(source, "upstream.breaker.percent", &percent, 100, 50)?,
        least: count(source, "upstream.breaker.least", &least, 1_000_000, 20)?,
        window: time("upstream.breaker.window", &window, 10)?,
        slow: time("upstream.breaker.slow", &slow, 10)?,
        pause: first_pause,
        pause_max: time("upstream.breaker.pause_max", &pause_max, 30)?.max(first_pause),
        trials: count(source, "upstream.breaker.trials", &trials, 1000, 3)?,
    })
}
