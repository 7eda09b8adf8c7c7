//! The PROXY protocol, versions 1 and 2: a balancer that passes connections on as they are says first who connected
//! to it. Pure: bytes in, an address out. Strict: what could be read in two ways is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How a header of version 2 begins.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const FIXED: usize = 16;
/// Longest header of version 1, line end included.
const LINE_MAX: usize = 107;
/// Longest header of version 2. Balancers add some dozens of bytes about TLS and themselves.
pub(super) const LENGTH_MAX: usize = 2048;

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// The beginning of a header.
    Incomplete,
    /// A header of so many bytes. Without an address the connection is the balancer's own: a look at our health.
    Header(usize, Option<SocketAddr>),
    /// No header.
    Bad,
}

/// Reads the header at the start of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    if starts_alike(bytes, SIGNATURE) {
        version2(bytes)
    } else if starts_alike(bytes, b"PROXY ") {
        version1(bytes)
    } else {
        Parsed::Bad
    }
}

/// Whether the two agree as far as both go.
fn starts_alike(bytes: &[u8], start: &[u8]) -> bool {
    bytes.iter().zip(start).all(|(byte, wanted)| byte == wanted)
}

fn version1(bytes: &[u8]) -> Parsed {
    let line = bytes.get(..LINE_MAX).unwrap_or(bytes);
    let Some(length) = line.windows(2).position(|pair| pair == b"\r\n") else {
        return if bytes.len() >= LINE_MAX { Parsed::Bad } else { Parsed::Incomplete };
    };
    let Some(text) = line.get(..length).and_then(|line| std::str::from_utf8(line).ok()) else {
        return Parsed::Bad;
    };
    let fields: Vec<&str> = text.split(' ').collect();
    let source = match fields.as_slice() {
        // What follows it is to be ignored.
        ["PROXY", "UNKNOWN", ..] => return Parsed::Header(length + 2, None),
        ["PROXY", "TCP4", source, target, from, to] => {
            address::<Ipv4Addr>(source, from).filter(|_| address::<Ipv4Addr>(target, to).is_some())
        }
        ["PROXY", "TCP6", source, target, from, to] => {
            address::<Ipv6Addr>(source, from).filter(|_| address::<Ipv6Addr>(target, to).is_some())
        }
        _ => None,
    };
    source.map_or(Parsed::Bad, |source| Parsed::Header(length + 2, Some(source)))
}

fn address<A: std::str::FromStr + Into<IpAddr>>(address: &str, port: &str) -> Option<SocketAddr> {
    let is_plain = port.bytes().all(|byte| byte.is_ascii_digit()) && (port == "0" || !port.starts_with('0'));
    let port = port.parse().ok().filter(|_| is_plain)?;
    Some(SocketAddr::new(address.parse::<A>().ok()?.into(), port))
}

fn version2(bytes: &[u8]) -> Parsed {
    let Some((fixed, rest)) = bytes.split_at_checked(FIXED) else { return Parsed::Incomplete };
    let [.., command, family, high, low] = fixed else { return Parsed::Bad };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if FIXED + length > LENGTH_MAX {
        return Parsed::Bad;
    }
    let Some(body) = rest.get(..length) else { return Parsed::Incomplete };
    let whole = FIXED + length;
    match (command, family) {
        // The balancer's own connection, whatever else it says.
        (0x20, _) => Parsed::Header(whole, None),
        (0x21, 0x00) => Parsed::Header(whole, None),
        (0x21, 0x11) => inside::<4>(body).map_or(Parsed::Bad, |source| Parsed::Header(whole, Some(source))),
        (0x21, 0x21) => inside::<16>(body).map_or(Parsed::Bad, |source| Parsed::Header(whole, Some(source))),
        _ => Parsed::Bad,
    }
}

/// The source of two addresses of `N` bytes and their ports.
fn inside<const N: usize>(body: &[u8]) -> Option<SocketAddr>
where
    IpAddr: From<[u8; N]>,
{
    let source: [u8; N] = body.get(..N)?.try_into().ok()?;
    let ports: [u8; 4] = body.get(2 * N..2 * N + 4)?.try_into().ok()?;
    let [high, low, ..] = ports;
    Some(SocketAddr::new(IpAddr::from(source), u16::from_be_bytes([high, low])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, body].concat()
    }

    const BODY4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb];

    #[test]
    fn headers_that_say_who_connected() {
        let who = |text: &str| Some(text.parse().unwrap());
        let body6 = [&Ipv6Addr::LOCALHOST.octets()[..], &[0; 16], &[0, 80, 0, 80]].concat();
        for (bytes, source) in [
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n".to_vec(), who("192.0.2.7:12345")),
            (b"PROXY TCP6 2001:db8::7 ::1 1 65535\r\n".to_vec(), who("[2001:db8::7]:1")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff::1 whatever\r\n".to_vec(), None),
            (v2(0x21, 0x11, &BODY4), who("192.0.2.7:12345")),
            (v2(0x21, 0x11, &[&BODY4[..], &[3, 0, 4, 0, 0, 0, 0]].concat()), who("192.0.2.7:12345")),
            (v2(0x21, 0x21, &body6), who("[::1]:80")),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x20, 0x11, &BODY4), None),
            (v2(0x21, 0x00, &[]), None),
        ] {
            assert_eq!(parse(&bytes), Parsed::Header(bytes.len(), source), "{bytes:?}");
            let more = [&bytes[..], b"GET / HTTP/1.1\r\n"].concat();
            assert_eq!(parse(&more), Parsed::Header(bytes.len(), source), "{bytes:?}");
            for length in 0..bytes.len() {
                assert_eq!(parse(&bytes[..length]), Parsed::Incomplete, "{length} of {bytes:?}");
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bytes in [
            b"GET / HTTP/1.1\r\n".to_vec(),
            b"\x16\x03\x01".to_vec(),
            b"proxy TCP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7  10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.07 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 01 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 +1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n".to_vec(),
            b"PROXY TCP4 ::1 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY TCP6 192.0.2.7 ::1 1 2\r\n".to_vec(),
            b"PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n\r\n".to_vec(),
            [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; LINE_MAX]].concat(),
            v2(0x11, 0x11, &BODY4),
            v2(0x22, 0x11, &BODY4),
            v2(0x21, 0x12, &BODY4),
            v2(0x21, 0x31, &[0; 216]),
            v2(0x21, 0x11, &BODY4[..11]),
            v2(0x21, 0x21, &BODY4),
            v2(0x21, 0x11, &[0; LENGTH_MAX]),
        ] {
            assert_eq!(parse(&bytes), Parsed::Bad, "{}", String::from_utf8_lossy(&bytes));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm_and_more_of_them_change_no_verdict(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            kind in 0..3,
        ) {
            let start: &[u8] = [&b""[..], SIGNATURE, b"PROXY TCP"][usize::try_from(kind).unwrap()];
            let bytes = [start, &bytes].concat();
            let mut verdict = Parsed::Incomplete;
            for length in 0..=bytes.len() {
                let now = parse(&bytes[..length]);
                if verdict != Parsed::Incomplete {
                    prop_assert_eq!(now, verdict);
                }
                verdict = now;
                if let Parsed::Header(taken, _) = now {
                    prop_assert!(taken <= length);
                }
            }
        }
    }
}
