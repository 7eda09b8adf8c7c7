//! One attempt to get past the line, and how it goes over either version of HTTP.

use std::net::SocketAddr;

use crate::wire::http1;
use crate::wire::http2::{self, Frames, Outcome};

/// What has to become of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is understood for what it is: the visitor is to wait.
    Queued,
    /// It could be read in two ways, or in none.
    Refused,
    /// Either of the two, by what a version of HTTP allows to be written.
    QueuedOrRefused,
    /// It may reach the shop, for there it leads to nothing that is protected.
    Harmless,
}

/// One attempt.
#[derive(Clone, Copy)]
pub(crate) struct Attempt {
    pub(crate) method: &'static str,
    pub(crate) target: &'static [u8],
    /// `Host`, as often as it is there. Over HTTP/2 the first one is the `:authority`.
    pub(crate) hosts: &'static [&'static [u8]],
    pub(crate) fields: &'static [(&'static str, &'static [u8])],
    pub(crate) expected: Expected,
}

/// The host of attempts that are not about hosts.
const HERE: &[&[u8]] = &[b"shop.example"];

const fn get(target: &'static [u8], expected: Expected) -> Attempt {
    Attempt { method: "GET", target, hosts: HERE, fields: &[], expected }
}

/// Has to be queued.
pub(crate) const fn queued(target: &'static [u8]) -> Attempt {
    get(target, Expected::Queued)
}

/// Has to be refused.
pub(crate) const fn refused(target: &'static [u8]) -> Attempt {
    get(target, Expected::Refused)
}

/// Has to be one or the other.
pub(crate) const fn stopped(target: &'static [u8]) -> Attempt {
    get(target, Expected::QueuedOrRefused)
}

/// May reach the shop, as what it is.
pub(crate) const fn harmless(target: &'static [u8]) -> Attempt {
    get(target, Expected::Harmless)
}

impl Attempt {
    pub(crate) const fn by(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    pub(crate) const fn at(self, hosts: &'static [&'static [u8]]) -> Self {
        Self { hosts, ..self }
    }

    pub(crate) const fn with(self, fields: &'static [(&'static str, &'static [u8])]) -> Self {
        Self { fields, ..self }
    }

    /// As a person reads it.
    pub(crate) fn text(&self) -> String {
        let show = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let hosts: Vec<String> = self.hosts.iter().map(|host| show(host)).collect();
        let fields: Vec<String> =
            self.fields.iter().map(|(name, value)| format!("{name}: {}", show(value))).collect();
        format!("{} {} hosts {hosts:?} {fields:?}", self.method, show(self.target))
    }

    /// The status of the answer over HTTP/1.1; 0 where there was none.
    pub(crate) async fn over_http1(&self, edge: SocketAddr) -> u16 {
        let mut head = [self.method.as_bytes(), b" ", self.target, b" HTTP/1.1\r\n"].concat();
        let hosts = self.hosts.iter().map(|host| ("Host", *host));
        for (name, value) in hosts.chain(self.fields.iter().copied()) {
            head.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        let end: &[u8] = if self.upgrades() { b"\r\n" } else { b"Connection: close\r\n\r\n" };
        head.extend_from_slice(end);
        http1::status(&http1::exchange(edge, &head).await)
    }

    /// The same over HTTP/2.
    pub(crate) async fn over_http2(&self, edge: SocketAddr) -> Outcome {
        let mut fields: Vec<(&[u8], &[u8])> =
            vec![(b":method", self.method.as_bytes()), (b":scheme", b"http")];
        if let Some(authority) = self.hosts.first() {
            fields.push((b":authority", authority));
        }
        fields.push((b":path", self.target));
        fields.extend(self.hosts.iter().skip(1).map(|host| (b"host".as_slice(), *host)));
        let lower: Vec<(String, &[u8])> =
            self.fields.iter().map(|(name, value)| (name.to_lowercase(), *value)).collect();
        fields.extend(lower.iter().map(|(name, value)| (name.as_bytes(), *value)));
        http2::exchange(edge, Frames::default().headers(&fields, false)).await
    }

    fn upgrades(&self) -> bool {
        self.fields.iter().any(|(name, _)| *name == "Connection")
    }
}
