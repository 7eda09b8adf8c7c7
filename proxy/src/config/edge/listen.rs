//! `listen`: where fans and the CDN connect. One address, or a table for each.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor, value::SeqAccessDeserializer};
use toml::Spanned;

use super::super::error::{ConfigError, Source};
use super::super::values::Maybe;
use super::PUBLIC;

/// Most addresses that are listened on.
const LISTENERS_MAX: usize = 16;
/// Most certificates of one listener besides its first.
const CERTIFICATES_MAX: usize = 64;

/// Where a certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate and those between it and the root, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// One address where clients connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenConfig {
    /// The address.
    pub address: SocketAddr,
    /// The certificates, where TLS is spoken: which one is used, the name says that the client asks for. The first one
    /// where none has that name.
    pub certificates: Vec<CertificateFiles>,
    /// The port of the same host to which every request is led by TLS; nothing where requests are answered.
    pub redirect_to_https: Option<u16>,
    /// Whether clients may speak HTTP/2.
    pub http2: bool,
    /// Whether connections begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
}

/// `listen`, in either form.
pub(super) enum WireListen {
    One(String),
    More(Vec<Spanned<WireListener>>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireListener {
    address: Spanned<String>,
    certificate: Maybe<PathBuf>,
    key: Maybe<PathBuf>,
    #[serde(default)]
    certificates: Vec<Spanned<WireCertificate>>,
    http2: Maybe<bool>,
    proxy_protocol: Maybe<bool>,
    redirect_to_https: Maybe<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCertificate {
    certificate: PathBuf,
    key: PathBuf,
}

// By hand and not `untagged`, which would forget where in the file things stand.
impl<'de> Deserialize<'de> for WireListen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = WireListen;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address such as \"127.0.0.1:8080\", or tables [[listen]]")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<WireListen, E> {
                Ok(WireListen::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<WireListen, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(seq)).map(WireListen::More)
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

/// The listeners; one without TLS where nothing is said.
pub(super) fn check(
    source: &Source<'_>,
    listen: &Maybe<WireListen>,
    folder: &Path,
    has_trusted: bool,
) -> Result<Vec<ListenConfig>, ConfigError> {
    let plain = |address| ListenConfig {
        address,
        certificates: Vec::new(),
        redirect_to_https: None,
        http2: false,
        proxy_protocol: false,
    };
    let Some(listen) = listen else { return Ok(vec![plain(PUBLIC)]) };
    let list = match listen.get_ref() {
        WireListen::One(address) => {
            let address = Some(Spanned::new(listen.span(), address.clone()));
            return Ok(vec![plain(source.address("listen", &address, PUBLIC)?)]);
        }
        WireListen::More(list) => list,
    };
    if list.is_empty() || list.len() > LISTENERS_MAX {
        let found = format!("{} tables", list.len());
        return Err(source.error(
            &listen.span(),
            "listen",
            found,
            format!("from 1 to {LISTENERS_MAX} are needed"),
        ));
    }
    let mut listeners: Vec<ListenConfig> = Vec::new();
    for wire in list {
        let listener = check_one(source, wire, folder, has_trusted)?;
        let address = listener.address;
        if address.port() != 0 && listeners.iter().any(|other| other.address == address) {
            let found = format!("\"{address}\" a second time");
            let span = wire.get_ref().address.span();
            return Err(source.error(&span, "listen.address", found, "each address is listened on once"));
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

fn check_one(
    source: &Source<'_>,
    listener: &Spanned<WireListener>,
    folder: &Path,
    has_trusted: bool,
) -> Result<ListenConfig, ConfigError> {
    let WireListener {
        address,
        certificate,
        key,
        certificates: more,
        http2,
        proxy_protocol,
        redirect_to_https,
    } = listener.get_ref();
    let first = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(CertificateFiles {
            certificate: folder.join(certificate.get_ref()),
            key: folder.join(key.get_ref()),
        }),
        (None, None) => None,
        (Some(alone), None) | (None, Some(alone)) => {
            let (field, needed) = if certificate.is_some() {
                ("listen.key", "a certificate needs its private key beside it")
            } else {
                ("listen.certificate", "a private key needs its certificate beside it")
            };
            return Err(source.error(&alone.span(), field, "nothing", needed));
        }
    };
    let certificates = certificates(source, first, more, folder)?;
    let redirect_to_https = redirect(source, redirect_to_https, http2, !certificates.is_empty())?;
    let address = source.address("listen.address", &Some(address.clone()), PUBLIC)?;
    // Browsers speak HTTP/2 over TLS only. Without it, it is for those who know that it is spoken here.
    let http2 = http2.as_ref().map_or(!certificates.is_empty(), |wanted| *wanted.get_ref());
    let proxy_protocol = match proxy_protocol {
        Some(wanted) if *wanted.get_ref() && !has_trusted => {
            let needed = "`trusted_proxies` in [cdn] is needed: who may say whose connection it is";
            return Err(source.error(&wanted.span(), "listen.proxy_protocol", "true", needed));
        }
        wanted => wanted.as_ref().is_some_and(|wanted| *wanted.get_ref()),
    };
    Ok(ListenConfig { address, certificates, redirect_to_https, http2, proxy_protocol })
}

/// The certificates of a listener: the one that every client meets whose name none has, then the others.
fn certificates(
    source: &Source<'_>,
    first: Option<CertificateFiles>,
    more: &[Spanned<WireCertificate>],
    folder: &Path,
) -> Result<Vec<CertificateFiles>, ConfigError> {
    match more {
        [] => {}
        [one, ..] if first.is_none() => {
            let needed =
                "`certificate` and `key` of the listener are needed: what is used where no name fits";
            return Err(source.error(&one.span(), "listen.certificates", "no other", needed));
        }
        [.., last] if more.len() > CERTIFICATES_MAX => {
            let needed = format!("at most {CERTIFICATES_MAX} are possible");
            return Err(source.error(&last.span(), "listen.certificates", more.len(), needed));
        }
        _ => {}
    }
    let more = more.iter().map(|wire| {
        let WireCertificate { certificate, key } = wire.get_ref();
        CertificateFiles { certificate: folder.join(certificate), key: folder.join(key) }
    });
    Ok(first.into_iter().chain(more).collect())
}

/// The port to which requests are led.
fn redirect(
    source: &Source<'_>,
    port: &Maybe<i64>,
    http2: &Maybe<bool>,
    has_tls: bool,
) -> Result<Option<u16>, ConfigError> {
    let Some(port) = port else { return Ok(None) };
    let field = "listen.redirect_to_https";
    if has_tls {
        let needed = "it is for a listener without a certificate; whoever comes here speaks TLS already";
        return Err(source.error(&port.span(), field, port.get_ref(), needed));
    }
    if http2.as_ref().is_some_and(|wanted| *wanted.get_ref()) {
        let needed = "it is for browsers, which speak no HTTP/2 without TLS; remove `http2`";
        return Err(source.error(&port.span(), field, port.get_ref(), needed));
    }
    let port = source.number(field, &Some(port.clone()), 1..=u64::from(u16::MAX), 443)?;
    Ok(u16::try_from(port).ok())
}
