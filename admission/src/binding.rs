//! Whom an admission token is bound to: a keyed hash of where its fan was when they were let in, so that a stolen cookie
//! is worth nothing elsewhere. Nobody without the key learns an address from it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::keyring::{Keyring, Purpose, is_key_id};
use crate::name::RoomId;

/// Length of the hash, in bytes: nobody tries 2^128 networks.
const HASH_BYTES: usize = 16;

/// What tokens are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindTo {
    /// The network of the client.
    Network,
    /// What the client's browser calls itself.
    Browser,
    /// Both.
    NetworkAndBrowser,
}

impl BindTo {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Network, Self::Browser, Self::NetworkAndBrowser];

    /// As in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Browser => "browser",
            Self::NetworkAndBrowser => "network-and-browser",
        }
    }

    const fn letter(self) -> &'static str {
        match self {
            Self::Network => "n",
            Self::Browser => "b",
            Self::NetworkAndBrowser => "nb",
        }
    }
}

/// What is known of a client.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// Its network; empty where that is not known.
    pub network: &'a [u8],
    /// What its browser calls itself.
    pub browser: &'a [u8],
}

/// Whom a token is bound to.
#[derive(Clone, PartialEq, Eq)]
pub struct Binding {
    to: BindTo,
    key_id: String,
    hash: [u8; HASH_BYTES],
}

impl Binding {
    /// A token of `room` for `client`.
    pub fn new(keyring: &Keyring, room: &RoomId, to: BindTo, client: Client<'_>) -> Self {
        let key_id = keyring.signing_key_id().to_owned();
        let hash = hash(keyring, &key_id, room, to, client).unwrap_or_default();
        Self { to, key_id, hash }
    }

    /// Whether it is `client` who holds a token of `room` that is bound so. Never, if the key is gone.
    pub fn holds(&self, keyring: &Keyring, room: &RoomId, client: Client<'_>) -> bool {
        hash(keyring, &self.key_id, room, self.to, client)
            .is_some_and(|expected| expected.ct_eq(&self.hash).into())
    }

    /// Reads what `Display` writes, and no other spelling.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (letter, key_id, hash) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !is_key_id(key_id) {
            return None;
        }
        let to = BindTo::ALL.into_iter().find(|to| to.letter() == letter)?;
        let hash = URL_SAFE_NO_PAD.decode(hash).ok()?.try_into().ok()?;
        Some(Self { to, key_id: key_id.to_owned(), hash })
    }
}

fn hash(
    keyring: &Keyring,
    key_id: &str,
    room: &RoomId,
    to: BindTo,
    client: Client<'_>,
) -> Option<[u8; HASH_BYTES]> {
    let Client { network, browser } = client;
    let (network, browser) = match to {
        BindTo::Network => (network, &[][..]),
        BindTo::Browser => (&[][..], browser),
        BindTo::NetworkAndBrowser => (network, browser),
    };
    let parts = [room.as_str().as_bytes(), to.letter().as_bytes(), network, browser];
    keyring.derive(Purpose::Binding, key_id, &parts)?.first_chunk().copied()
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { to, key_id, hash } = self;
        write!(f, "{}.{key_id}.{}", to.letter(), URL_SAFE_NO_PAD.encode(hash))
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binding({})", self.to.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const OTHER: &str = "HxwdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA";

    fn ring(text: &str) -> Keyring {
        Keyring::parse(text).unwrap()
    }

    fn room() -> RoomId {
        RoomId::parse("demo").unwrap()
    }

    #[test]
    fn each_binding_holds_for_what_it_names() {
        let ring = ring(&format!("k1:{SECRET}"));
        let here = Client { network: b"198.51.100", browser: b"A" };
        let elsewhere = Client { network: b"203.0.113", ..here };
        let other = Client { browser: b"B", ..here };
        for (to, is_elsewhere, is_other) in [
            (BindTo::Network, false, true),
            (BindTo::Browser, true, false),
            (BindTo::NetworkAndBrowser, false, false),
        ] {
            let binding = Binding::new(&ring, &room(), to, here);
            let binding = Binding::parse(&binding.to_string()).unwrap();
            assert!(binding.holds(&ring, &room(), here), "{to:?}");
            assert_eq!(binding.holds(&ring, &room(), elsewhere), is_elsewhere, "{to:?}");
            assert_eq!(binding.holds(&ring, &room(), other), is_other, "{to:?}");
            assert!(!binding.holds(&ring, &RoomId::parse("other").unwrap(), here), "{to:?}");
        }
        let moved = Client { network: b"198.51.100A", browser: b"" };
        assert!(!Binding::new(&ring, &room(), BindTo::NetworkAndBrowser, here).holds(&ring, &room(), moved));
    }

    #[test]
    fn a_binding_outlives_the_rotation_of_its_key_and_ends_with_it() {
        let client = Client { network: b"a", browser: b"b" };
        let binding = Binding::new(&ring(&format!("k1:{SECRET}")), &room(), BindTo::Network, client);
        assert!(binding.holds(&ring(&format!("k2:{OTHER} k1:{SECRET}")), &room(), client));
        assert!(!binding.holds(&ring(&format!("k2:{OTHER}")), &room(), client));
        assert!(!binding.holds(&ring(&format!("k1:{OTHER}")), &room(), client), "another key of that name");
    }

    #[test]
    fn nothing_else_is_a_binding() {
        let ring = ring(&format!("k1:{SECRET}"));
        let client = Client { network: b"a", browser: b"b" };
        let good = Binding::new(&ring, &room(), BindTo::Network, client).to_string();
        for bad in [
            String::new(),
            "n.k1".to_owned(),
            good.replacen("n.", "x.", 1),
            good.replacen("k1", "K1", 1),
            format!("{good}."),
            format!("{good}A"),
            good[..good.len() - 1].to_owned(),
        ] {
            assert_eq!(Binding::parse(&bad), None, "{bad}");
        }
        assert!(!Binding::parse(&good.replacen("n.", "nb.", 1)).unwrap().holds(&ring, &room(), client));
    }
}
