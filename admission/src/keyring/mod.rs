//! Keys: parse them, sign with one, verify with many, rotate without logging anyone out.
//!
//! One secret per key serves several purposes; each purpose gets a key of its own, derived by HMAC from the
//! secret and the purpose's label, so that a signature made for one purpose never passes for another. What is
//! signed is always a list of parts, each preceded by its length: no two different lists have the same
//! encoding.
//!
//! A key also says by which algorithm admission tokens are signed with it ([`TokenAlgorithm`]). Everything else is
//! signed by HMAC-SHA-256 whatever the key says, for nobody but the edges checks it.

mod error;
mod public;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::clock::{Random, RandomError};
pub use error::KeyringError;

/// Shortest secret that is accepted, in bytes: as long as the output of the hash.
pub const SECRET_BYTES_MIN: usize = 32;

/// Longest key id, in characters.
pub const KEY_ID_LENGTH_MAX: usize = 16;

/// Most keys that one ring holds. Rotation needs two; a longer list is a mistake, and every key of it could
/// sign.
pub const KEYS_MAX: usize = 8;

/// Length of a signature, in bytes.
pub const TAG_BYTES: usize = 32;

type HmacSha256 = Hmac<Sha256>;

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The place in the line that a fan carries.
    Ticket,
    /// The admission token of an admitted fan.
    AdmissionToken,
    /// What the edge vouches for to the shop.
    EdgeRequest,
    /// The seed of a draw. It is published after the draw; the key that it comes from never is.
    Draw,
    /// The right to enter a lane.
    Invitation,
    /// The right to go past a line.
    Bypass,
    /// The right to take a place over to another device.
    Transfer,
    /// A challenge: what a fan has to do before they get a ticket.
    Work,
    /// Whom an admission token is bound to.
    Binding,
    /// The seed of the Ed25519 key that signs admission tokens.
    AdmissionTokenSeed,
}

impl Purpose {
    const ALL: [Self; 10] = [
        Self::Ticket,
        Self::AdmissionToken,
        Self::EdgeRequest,
        Self::Draw,
        Self::Invitation,
        Self::Bypass,
        Self::Transfer,
        Self::Work,
        Self::Binding,
        Self::AdmissionTokenSeed,
    ];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::Ticket => b"stanchion ticket v1",
            Self::AdmissionToken => b"stanchion admission token v1",
            Self::EdgeRequest => b"stanchion edge request v1",
            Self::Draw => b"stanchion draw v1",
            Self::Invitation => b"stanchion invitation v1",
            Self::Bypass => b"stanchion bypass v1",
            Self::Transfer => b"stanchion transfer v1",
            Self::Work => b"stanchion work v1",
            Self::Binding => b"stanchion binding v1",
            Self::AdmissionTokenSeed => b"stanchion admission token ed25519 v1",
        }
    }
}

/// By which algorithm admission tokens are signed with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAlgorithm {
    /// HMAC-SHA-256: who checks a token could also make one.
    Hs256,
    /// Ed25519: anybody can check a token by the public key.
    EdDsa,
}

impl TokenAlgorithm {
    /// As in an entry of a keyring.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "hs256",
            Self::EdDsa => "eddsa",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Hs256, Self::EdDsa].into_iter().find(|known| known.as_str() == text)
    }
}

/// A signature and the id of the key that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Which key of the ring signed.
    pub key_id: String,
    /// HMAC-SHA-256 over the parts.
    pub tag: [u8; TAG_BYTES],
}

/// Keys by id. The first one signs, all of them verify.
#[derive(Clone)]
pub struct Keyring {
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: String,
    algorithm: TokenAlgorithm,
    /// The public half, where tokens are signed by Ed25519.
    public: Option<[u8; 32]>,
    derived: [[u8; TAG_BYTES]; Purpose::ALL.len()],
}

impl Drop for Key {
    fn drop(&mut self) {
        self.derived.zeroize();
    }
}

impl Keyring {
    /// Reads entries `<key id>:<secret in base64>` or `<key id>:<algorithm>:<secret in base64>`, separated by commas or
    /// white space. From `#` to the end of a line is a comment. The first entry signs.
    ///
    /// # Errors
    /// When there is no key, or an entry is malformed, too short or repeated.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let entries = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default())
            .flat_map(|line| line.split(|c: char| c == ',' || c.is_whitespace()))
            .filter(|entry| !entry.is_empty());
        let mut keys: Vec<Key> = Vec::new();
        for (entry, text) in (1..).zip(entries) {
            let (id, secret) = text.split_once(':').ok_or(KeyringError::Malformed { entry })?;
            if !is_key_id(id) {
                return Err(KeyringError::BadKeyId { entry });
            }
            let key_id = id.to_owned();
            if keys.iter().any(|key| key.id == id) {
                return Err(KeyringError::Repeated { entry, key_id });
            }
            if keys.len() == KEYS_MAX {
                return Err(KeyringError::TooMany);
            }
            let (algorithm, secret) = match secret.split_once(':') {
                None => (TokenAlgorithm::Hs256, secret),
                Some((algorithm, secret)) => {
                    let bad = || KeyringError::BadAlgorithm { entry, key_id: key_id.clone() };
                    (TokenAlgorithm::parse(algorithm).ok_or_else(bad)?, secret)
                }
            };
            let mut secret = decode_secret(secret)
                .ok_or_else(|| KeyringError::NotBase64 { entry, key_id: key_id.clone() })?;
            if secret.len() < SECRET_BYTES_MIN {
                return Err(KeyringError::TooShort { entry, key_id, found: secret.len() });
            }
            keys.push(Key::derive(key_id, algorithm, &secret));
            secret.zeroize();
        }
        if keys.is_empty() { Err(KeyringError::Empty) } else { Ok(Self { keys }) }
    }

    /// An entry with a new secret, as [`Keyring::parse`] reads it.
    ///
    /// # Errors
    /// When `random` has no bytes to give.
    pub fn new_entry(
        key_id: &str,
        algorithm: TokenAlgorithm,
        random: &dyn Random,
    ) -> Result<Zeroizing<String>, RandomError> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES_MIN]);
        random.fill(secret.as_mut())?;
        let secret = Zeroizing::new(STANDARD.encode(secret.as_ref()));
        Ok(Zeroizing::new(match algorithm {
            TokenAlgorithm::Hs256 => format!("{key_id}:{}", secret.as_str()),
            TokenAlgorithm::EdDsa => format!("{key_id}:{}:{}", algorithm.as_str(), secret.as_str()),
        }))
    }

    /// Signs `parts` for `purpose` with the signing key.
    pub fn sign(&self, purpose: Purpose, parts: &[&[u8]]) -> Signature {
        // `parse` makes no ring without a key.
        let (key_id, secret) = self.signing_key(purpose);
        Signature {
            key_id: key_id.to_owned(),
            tag: mac(secret, key_id, parts).finalize().into_bytes().into(),
        }
    }

    /// Whether `tag` is the signature of `parts` for `purpose` by the key `key_id`. Compares in constant time;
    /// an unknown key verifies nothing.
    pub fn verify(&self, purpose: Purpose, key_id: &str, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.secret(purpose, key_id)
            .is_some_and(|secret| mac(secret, key_id, parts).verify_slice(tag).is_ok())
    }

    /// The id of the key that signs.
    pub fn signing_key_id(&self) -> &str {
        self.keys.first().map_or("", |key| &key.id)
    }

    /// The ids of all keys, the one that signs first.
    pub fn key_ids(&self) -> Vec<&str> {
        self.keys.iter().map(|key| key.id.as_str()).collect()
    }

    /// By which algorithm the key `key_id` signs admission tokens, if the ring has that key. The key decides, and
    /// nothing that a token says.
    pub fn token_algorithm(&self, key_id: &str) -> Option<TokenAlgorithm> {
        self.keys.iter().find(|key| key.id == key_id).map(|key| key.algorithm)
    }

    /// The first key that signs tokens by another algorithm than HMAC, if there is one.
    pub fn asymmetric_key_id(&self) -> Option<&str> {
        let key = self.keys.iter().find(|key| key.algorithm == TokenAlgorithm::EdDsa)?;
        Some(&key.id)
    }

    /// What the key `key_id` makes of `parts` for `purpose`: bytes that nobody without the key can foresee.
    /// Nothing if the ring does not have that key.
    pub(crate) fn derive(&self, purpose: Purpose, key_id: &str, parts: &[&[u8]]) -> Option<[u8; TAG_BYTES]> {
        self.secret(purpose, key_id).map(|secret| mac(secret, key_id, parts).finalize().into_bytes().into())
    }

    /// The id and the derived secret that sign for `purpose`.
    pub(crate) fn signing_key(&self, purpose: Purpose) -> (&str, &[u8]) {
        match self.keys.first() {
            Some(key) => (&key.id, key.secret(purpose).as_slice()),
            None => ("", &[]),
        }
    }

    /// The derived secret of the key `key_id` for `purpose`, if the ring has that key.
    pub(crate) fn secret(&self, purpose: Purpose, key_id: &str) -> Option<&[u8]> {
        self.keys.iter().find(|key| key.id == key_id).map(|key| key.secret(purpose).as_slice())
    }
}

/// Shows the ids of the keys, never their secrets.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

impl Key {
    fn derive(id: String, algorithm: TokenAlgorithm, secret: &[u8]) -> Self {
        let derived = Purpose::ALL
            .map(|purpose| keyed(secret).chain_update(purpose.label()).finalize().into_bytes().into());
        let mut key = Self { id, algorithm, public: None, derived };
        if algorithm == TokenAlgorithm::EdDsa {
            key.public = Some(public::public_half(key.secret(Purpose::AdmissionTokenSeed)));
        }
        key
    }

    fn secret(&self, purpose: Purpose) -> &[u8; TAG_BYTES] {
        let [ticket, token, request, draw, invitation, bypass, transfer, work, binding, seed] = &self.derived;
        match purpose {
            Purpose::Ticket => ticket,
            Purpose::AdmissionToken => token,
            Purpose::EdgeRequest => request,
            Purpose::Draw => draw,
            Purpose::Invitation => invitation,
            Purpose::Bypass => bypass,
            Purpose::Transfer => transfer,
            Purpose::Work => work,
            Purpose::Binding => binding,
            Purpose::AdmissionTokenSeed => seed,
        }
    }
}

/// Whether `id` is fit to name a key.
pub fn is_key_id(id: &str) -> bool {
    (1..=KEY_ID_LENGTH_MAX).contains(&id.len())
        && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Takes both alphabets of base64, with or without padding: people paste what their tool gives them.
pub(crate) fn decode_secret(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    URL_SAFE_NO_PAD.decode(bare).ok().or_else(|| STANDARD.decode(text).ok()).or_else(|| {
        let padded = format!("{bare}{}", "=".repeat((4 - bare.len() % 4) % 4));
        STANDARD.decode(padded).ok()
    })
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
fn keyed(secret: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(secret).expect("HMAC takes a key of any length")
}

/// The MAC over the key's id and the parts, each preceded by its length.
fn mac(secret: &[u8], key_id: &str, parts: &[&[u8]]) -> HmacSha256 {
    let mut mac = keyed(secret);
    for part in std::iter::once(key_id.as_bytes()).chain(parts.iter().copied()) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests;
