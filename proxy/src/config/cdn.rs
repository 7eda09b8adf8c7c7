//! `[cdn]` in `edge.toml`: whose word is taken for a client's address, and the secret that a CDN shows.

use std::path::{Path, PathBuf};

use http::HeaderName;
use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::error::{ConfigError, Source};
use super::values::Maybe;
use crate::gate::client::{AddressHeader, TrustedProxies};

/// Most networks of trusted proxies.
const NETWORKS_MAX: usize = 1024;

/// What is known of a CDN in front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CdnConfig {
    /// Whose word is taken for a client's address.
    pub trusted_proxies: TrustedProxies,
    /// The header in which the CDN shows its secret; none, and none is asked for.
    pub secret_header: Option<HeaderName>,
    /// Where the secret is, unless in the environment.
    pub secret_file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WireCdn {
    trusted_proxies: Vec<Spanned<String>>,
    address_header: Maybe<String>,
    secret_header: Maybe<String>,
    secret_file: Option<String>,
}

pub(super) fn check(source: &Source<'_>, wire: WireCdn, folder: &Path) -> Result<CdnConfig, ConfigError> {
    let WireCdn { trusted_proxies, address_header, secret_header, secret_file } = wire;
    if let Some(beyond) = trusted_proxies.get(NETWORKS_MAX) {
        let found = format!("{} networks", trusted_proxies.len());
        let needed = format!("at most {NETWORKS_MAX} fit");
        return Err(source.error(&beyond.span(), "cdn.trusted_proxies", found, needed));
    }
    let networks = trusted_proxies.iter().map(|found| network(source, "cdn.trusted_proxies", found));
    let networks = networks.collect::<Result<Vec<_>, _>>()?;
    let header = match &address_header {
        None => None,
        Some(found) if networks.is_empty() => {
            let needed = "`trusted_proxies` is needed beside it, such as [\"10.0.0.0/8\"]: from anybody else the \
                          header is worth nothing";
            return Err(source.error(&found.span(), "cdn.address_header", quoted(found), needed));
        }
        Some(found) => Some(AddressHeader::parse(found.get_ref()).ok_or_else(|| {
            let needed = "the name of a header is needed, such as \"X-Forwarded-For\"";
            source.error(&found.span(), "cdn.address_header", quoted(found), needed)
        })?),
    };
    let secret_header = secret_header
        .map(|found| {
            found.get_ref().parse::<HeaderName>().map_err(|_| {
                let needed = "the name of a header is needed, such as \"X-Edge-Secret\"";
                source.error(&found.span(), "cdn.secret_header", quoted(&found), needed)
            })
        })
        .transpose()?;
    Ok(CdnConfig {
        trusted_proxies: TrustedProxies { networks, header },
        secret_header,
        secret_file: secret_file.map(|path| folder.join(path)),
    })
}

/// A network as `address/bits`, or one address.
pub(super) fn network(
    source: &Source<'_>,
    field: &str,
    found: &Spanned<String>,
) -> Result<IpNet, ConfigError> {
    let text = found.get_ref();
    let parsed = text.parse::<IpNet>().ok().or_else(|| Some(text.parse::<std::net::IpAddr>().ok()?.into()));
    match parsed {
        Some(network) if network.trunc() == network => Ok(network),
        Some(network) => {
            let needed = format!("\"{}\" is perhaps meant: bits beyond the prefix are set", network.trunc());
            Err(source.error(&found.span(), field, quoted(found), needed))
        }
        None => {
            let needed = "a network or an address is needed, such as \"203.0.113.0/24\" or \"2001:db8::/32\"";
            Err(source.error(&found.span(), field, quoted(found), needed))
        }
    }
}

fn quoted(found: &Spanned<String>) -> String {
    format!("\"{}\"", found.get_ref())
}

/// A CDN's part of the configuration as a table that [`check`] reads.
pub(super) fn show(cdn: &CdnConfig) -> toml::Table {
    let CdnConfig { trusted_proxies: TrustedProxies { networks, header }, secret_header, secret_file } = cdn;
    let mut table = toml::Table::new();
    let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
    table.insert("trusted_proxies".to_owned(), networks.into());
    if let Some(header) = header {
        table.insert("address_header".to_owned(), header.as_str().into());
    }
    if let Some(header) = secret_header {
        table.insert("secret_header".to_owned(), header.as_str().into());
    }
    if let Some(file) = secret_file {
        table.insert("secret_file".to_owned(), file.display().to_string().into());
    }
    table
}
