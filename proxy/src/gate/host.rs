//! The host that a request is for, in one spelling.

use std::fmt;

/// Longest host that is looked at, in bytes: the limit of DNS, and a port.
const LENGTH_MAX: usize = 253 + 6;

/// A host and perhaps a port: lower case, no trailing dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    text: String,
    host_length: usize,
}

impl Authority {
    /// Host and port as forwarded.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host alone.
    pub fn host(&self) -> &str {
        self.text.get(..self.host_length).unwrap_or(&self.text)
    }

    /// The port, if one was named.
    pub fn port(&self) -> Option<&str> {
        self.text.get(self.host_length..)?.strip_prefix(':')
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Not a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Host is not a host name")]
pub struct BadHost;

/// Reads the value of a `Host` header or the authority of an absolute-form target.
///
/// # Errors
/// When it is not a host name or IP literal with an optional port.
pub fn parse(raw: &[u8]) -> Result<Authority, BadHost> {
    let text = std::str::from_utf8(raw).map_err(|_| BadHost)?;
    if text.is_empty() || text.len() > LENGTH_MAX {
        return Err(BadHost);
    }
    let (host, port) = split_port(text).ok_or(BadHost)?;
    let port_is_good = port.is_empty()
        || port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if !port_is_good {
        return Err(BadHost);
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let host_is_good = if host.starts_with('[') {
        let inside = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inside.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
    } else {
        let labels_are_good = host.as_bytes().split(|byte| *byte == b'.').all(|label| {
            !label.is_empty() && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        });
        !host.is_empty() && labels_are_good
    };
    if !host_is_good {
        return Err(BadHost);
    }
    let host_length = host.len();
    let mut text = String::with_capacity(host_length + 1 + port.len());
    text.push_str(host);
    text.make_ascii_lowercase();
    if !port.is_empty() {
        text.push(':');
        text.push_str(port);
    }
    Ok(Authority { text, host_length })
}

fn split_port(text: &str) -> Option<(&str, &str)> {
    if text.starts_with('[') {
        let end = text.find(']')? + 1;
        let (host, rest) = text.split_at_checked(end)?;
        return if rest.is_empty() { Some((host, "")) } else { Some((host, rest.strip_prefix(':')?)) };
    }
    match text.split_once(':') {
        Some((host, port)) => Some((host, port)),
        None => Some((text, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_each_host() {
        for (raw, text, host) in [
            ("shop.example", "shop.example", "shop.example"),
            ("Shop.EXAMPLE", "shop.example", "shop.example"),
            ("shop.example.", "shop.example", "shop.example"),
            ("shop.example.:8080", "shop.example:8080", "shop.example"),
            ("shop.example:", "shop.example", "shop.example"),
            ("127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1"),
            ("[::1]:80", "[::1]:80", "[::1]"),
            ("[::1]", "[::1]", "[::1]"),
            ("a_b.example", "a_b.example", "a_b.example"),
        ] {
            let authority = parse(raw.as_bytes()).unwrap();
            assert_eq!((authority.as_str(), authority.host()), (text, host), "{raw}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for raw in [
            "",
            ".",
            "..",
            "a..b",
            "a b",
            "a/b",
            "user@host",
            "host:port",
            "host:99999",
            "host:1:2",
            "[::1",
            "[zz]",
            "[::1]x",
            "hé.example",
            "host\\evil",
            "host%00",
            ":80",
            "host?x",
            "host#x",
            "host..",
        ] {
            assert_eq!(parse(raw.as_bytes()), Err(BadHost), "{raw}");
        }
    }
}
