//! Who asks: the client's address, as far as somebody who is trusted vouches for it.
//!
//! The peer of the connection is a fact. What a header says is a claim, and counts only where the peer is a proxy
//! that the operator trusts: then in the one header that the operator names.

use std::net::{IpAddr, SocketAddr};

use super::fields::Fields;
use http::HeaderName;
use ipnet::IpNet;

/// Most entries of a list of addresses that are looked at, from the right.
const HOPS_MAX: usize = 32;

/// Whose word is taken for a client's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    /// The networks of the proxies.
    pub networks: Vec<IpNet>,
    /// The header in which they tell the address.
    pub header: Option<AddressHeader>,
}

/// A header that tells a client's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressHeader {
    /// `X-Forwarded-For`: a list to which each proxy appends who asked it. What stands left of the last proxy
    /// that is not trusted may be made up, so it is read from the right.
    ForwardedFor,
    /// Any other: one address, with or without a port, that the proxy sets itself.
    Single(HeaderName),
}

impl AddressHeader {
    /// Reads the name of a header.
    pub fn parse(name: &str) -> Option<Self> {
        let name: HeaderName = name.parse().ok()?;
        Some(if name == "x-forwarded-for" { Self::ForwardedFor } else { Self::Single(name) })
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::ForwardedFor => "x-forwarded-for",
            Self::Single(name) => name.as_str(),
        }
    }
}

/// A trusted proxy tells no address, or several, where it is to tell one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header with the client's address does not hold one address")]
pub struct BadAddress;

impl TrustedProxies {
    /// Whether this peer's word is taken.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The address of the client whose request came from `peer`.
    ///
    /// # Errors
    /// When a trusted peer's header has to name one address and does not. A trusted peer that sends no such header
    /// at all asks for itself, as health checks do.
    pub fn client(&self, peer: IpAddr, headers: &Fields<'_>) -> Result<IpAddr, BadAddress> {
        let peer = peer.to_canonical();
        match &self.header {
            Some(header) if self.trusts(peer) => match header {
                AddressHeader::ForwardedFor => Ok(self.walk(peer, headers)),
                AddressHeader::Single(name) => single(peer, headers, name),
            },
            _ => Ok(peer),
        }
    }

    /// From the right: the first hop that is not trusted, or the last that could be read.
    fn walk(&self, peer: IpAddr, headers: &Fields<'_>) -> IpAddr {
        let lines: Vec<&str> =
            headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
        let mut client = peer;
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')).take(HOPS_MAX) {
            let Some(address) = address(hop) else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        client
    }
}

fn single(peer: IpAddr, headers: &Fields<'_>, name: &HeaderName) -> Result<IpAddr, BadAddress> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (None, _) => Ok(peer),
        (Some(only), None) => only.to_str().ok().and_then(address).ok_or(BadAddress),
        (Some(_), Some(_)) => Err(BadAddress),
    }
}

/// An address with or without a port, IPv6 with or without brackets. CloudFront writes IPv6 with a port and no
/// brackets; nine groups can only be that.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let parsed = if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else if let Ok(socket) = text.parse::<SocketAddr>() {
        socket.ip()
    } else if let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        inside.parse().ok()?
    } else {
        let (address, port) = text.rsplit_once(':')?;
        port.parse::<u16>().ok()?;
        address.parse::<std::net::Ipv6Addr>().ok()?.into()
    };
    Some(parsed.to_canonical())
}

/// The network that an address counts as part of when it is decided how much one place may ask for: whoever has an
/// IPv6 address has 2^64 of them, and an office or a home shares an IPv4 /24 or an IPv6 /56.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix(u64);

impl Prefix {
    /// As a number that says which it is, for the same numbers of bits.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The prefix of an address: so many leading bits of it, at most 64 of an IPv6 one.
    pub fn of(address: IpAddr, v4_bits: u8, v6_bits: u8) -> Self {
        let high_bits = |value: u64, bits: u8, width: u8| {
            let cut = width.saturating_sub(bits.min(width));
            value.checked_shr(cut.into()).unwrap_or(0).checked_shl(cut.into()).unwrap_or(0)
        };
        match address.to_canonical() {
            // Below 2^32 there is no global IPv6 prefix, so the two never meet.
            IpAddr::V4(address) => Self(high_bits(u32::from(address).into(), v4_bits, 32)),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                let high = [a, b, c, d].iter().fold(0, |high, part| high << 16 | u64::from(*part));
                Self(high_bits(high, v6_bits, 64))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use http::HeaderValue;

    use super::*;

    fn trust(header: &str) -> TrustedProxies {
        let networks = ["10.0.0.0/8", "fd00::/8"].iter().map(|net| net.parse().unwrap()).collect();
        TrustedProxies { networks, header: AddressHeader::parse(header) }
    }

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(name, HeaderValue::from_static(value));
        }
        map
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn forwarded_for_is_walked_from_the_right() {
        for (peer, lines, client) in [
            ("10.0.0.1", &["198.51.100.7"][..], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.2.3.4"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.7, 10.2.3.4"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7, , 10.2.3.4"], "10.2.3.4"),
            ("10.0.0.1", &["10.9.9.9, 10.8.8.8"], "10.9.9.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("fd00::1", &["198.51.100.7"], "198.51.100.7"),
            ("203.0.113.9", &["198.51.100.7"], "203.0.113.9"),
        ] {
            let found =
                trust("X-Forwarded-For").client(ip(peer), &Fields::of(&headers("x-forwarded-for", lines)));
            assert_eq!(found, Ok(ip(client)), "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_header_with_one_address_has_exactly_one() {
        let trust = trust("CloudFront-Viewer-Address");
        let name = "cloudfront-viewer-address";
        for (values, client) in [
            (&["198.51.100.10:46532"][..], Ok(ip("198.51.100.10"))),
            (&["2001:db8:85a3:0:0:8a2e:370:7334:4430"], Ok(ip("2001:db8:85a3::8a2e:370:7334"))),
            (&["198.51.100.10"], Ok(ip("198.51.100.10"))),
            (&[], Ok(ip("10.0.0.1"))),
            (&["198.51.100.10", "198.51.100.11"], Err(BadAddress)),
            (&["198.51.100.10, 198.51.100.11"], Err(BadAddress)),
            (&["somebody"], Err(BadAddress)),
            (&[""], Err(BadAddress)),
        ] {
            assert_eq!(
                trust.client(ip("10.0.0.1"), &Fields::of(&headers(name, values))),
                client,
                "{values:?}"
            );
            assert_eq!(
                trust.client(ip("6.6.6.6"), &Fields::of(&headers(name, values))),
                Ok(ip("6.6.6.6")),
                "not trusted"
            );
        }
    }

    #[test]
    fn nobody_is_trusted_where_nothing_is_said() {
        let nobody = TrustedProxies::default();
        let claim = headers("x-forwarded-for", &["198.51.100.7"]);
        assert_eq!(nobody.client(ip("127.0.0.1"), &Fields::of(&claim)), Ok(ip("127.0.0.1")));
    }

    #[test]
    fn neighbours_share_a_prefix() {
        let of = |text| Prefix::of(ip(text), 24, 56);
        assert_eq!(of("198.51.100.7"), of("198.51.100.200"));
        assert_eq!(of("::ffff:198.51.100.7"), of("198.51.100.7"));
        assert_ne!(of("198.51.100.7"), of("198.51.101.7"));
        assert_eq!(of("2001:db8:1:ff01::1"), of("2001:db8:1:ffee::2"));
        assert_ne!(of("2001:db8:1:ff01::1"), of("2001:db8:1:fe01::1"));
        assert_eq!(Prefix::of(ip("198.51.100.7"), 0, 0), Prefix::of(ip("1.2.3.4"), 0, 0));
        assert_ne!(Prefix::of(ip("198.51.100.7"), 32, 64), Prefix::of(ip("198.51.100.8"), 32, 64));
    }
}
