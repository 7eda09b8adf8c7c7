//! `[upstream]`: the shop.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::super::error::{ConfigError, Source};
use super::super::values::Maybe;
use super::{HOUR, SECOND};

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireUpstream {
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

pub(super) fn check(source: &Source<'_>, upstream: WireUpstream) -> Result<UpstreamConfig, ConfigError> {
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
