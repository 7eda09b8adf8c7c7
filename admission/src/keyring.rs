//! Keys: parse them, sign with one, verify with many, rotate without logging anyone out.
//!
//! One secret per key serves several purposes; each purpose gets a key of its own, derived by HMAC from the
//! secret and the purpose's label, so that a signature made for one purpose never passes for another. What is
//! signed is always a list of parts, each preceded by its length: no two different lists have the same
//! encoding.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

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
}

impl Purpose {
    const ALL: [Self; 8] = [
        Self::Ticket,
        Self::AdmissionToken,
        Self::EdgeRequest,
        Self::Draw,
        Self::Invitation,
        Self::Bypass,
        Self::Transfer,
        Self::Work,
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
        }
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
    derived: [[u8; TAG_BYTES]; Purpose::ALL.len()],
}

impl Drop for Key {
    fn drop(&mut self) {
        self.derived.zeroize();
    }
}

/// A keyring could not be read. The messages count entries and never show a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Nothing was there.
    #[error(
        "there is no key; write one entry `<key id>:<secret>`, where the secret is at least \
         {SECRET_BYTES_MIN} random bytes in base64 (for one: `echo k1:$(openssl rand -base64 32)`)"
    )]
    Empty,
    /// An entry has no colon.
    #[error("entry {entry} is not of the form `<key id>:<secret in base64>`")]
    Malformed {
        /// Which entry, from 1.
        entry: usize,
    },
    /// A key id has a wrong length or a character outside `a-z`, `0-9` and `-`.
    #[error(
        "entry {entry} has a key id that is not 1 to {KEY_ID_LENGTH_MAX} characters out of `a-z`, `0-9` and `-`"
    )]
    BadKeyId {
        /// Which entry, from 1.
        entry: usize,
    },
    /// A secret is not base64.
    #[error("entry {entry} (`{key_id}`) has a secret that is not base64")]
    NotBase64 {
        /// Which entry, from 1.
        entry: usize,
        /// Its key id.
        key_id: String,
    },
    /// A secret is too short to be safe.
    #[error(
        "entry {entry} (`{key_id}`) has a secret of {found} bytes; at least {SECRET_BYTES_MIN} are needed"
    )]
    TooShort {
        /// Which entry, from 1.
        entry: usize,
        /// Its key id.
        key_id: String,
        /// Bytes that the secret has.
        found: usize,
    },
    /// Two entries share an id.
    #[error("entry {entry} repeats the key id `{key_id}`")]
    Repeated {
        /// Which entry, from 1.
        entry: usize,
        /// The id that came twice.
        key_id: String,
    },
    /// More keys than a ring holds.
    #[error("there are more than {KEYS_MAX} keys")]
    TooMany,
}

impl Keyring {
    /// Reads entries `<key id>:<secret in base64>`, separated by commas or white space. From `#` to the end of
    /// a line is a comment. The first entry signs.
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
            let mut secret = decode_secret(secret)
                .ok_or_else(|| KeyringError::NotBase64 { entry, key_id: key_id.clone() })?;
            if secret.len() < SECRET_BYTES_MIN {
                return Err(KeyringError::TooShort { entry, key_id, found: secret.len() });
            }
            keys.push(Key::derive(key_id, &secret));
            secret.zeroize();
        }
        if keys.is_empty() { Err(KeyringError::Empty) } else { Ok(Self { keys }) }
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

    /// What the key `key_id` makes of `parts` for `purpose`: bytes that nobody without the key can foresee.
    /// Nothing if the ring does not have that key.
    pub(crate) fn derive(&self, purpose: Purpose, key_id: &str, parts: &[&[u8]]) -> Option<[u8; TAG_BYTES]> {
        self.secret(purpose, key_id).map(|secret| mac(secret, key_id, parts).finalize().into_bytes().into())
    }

    /// The id and the derived secret that sign for `purpose`.
    pub(crate) fn signing_key(&self, purpose: Purpose) -> (&str, &[u8]) {
        match self.keys.first() {
            Some(key) => (&key.id, key.secret(purpose)),
            None => ("", &[]),
        }
    }

    /// The derived secret of the key `key_id` for `purpose`, if the ring has that key.
    pub(crate) fn secret(&self, purpose: Purpose, key_id: &str) -> Option<&[u8]> {
        self.keys.iter().find(|key| key.id == key_id).map(|key| key.secret(purpose))
    }
}

/// Shows the ids of the keys, never their secrets.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

impl Key {
    fn derive(id: String, secret: &[u8]) -> Self {
        let derived = Purpose::ALL
            .map(|purpose| keyed(secret).chain_update(purpose.label()).finalize().into_bytes().into());
        Self { id, derived }
    }

    fn secret(&self, purpose: Purpose) -> &[u8] {
        let [ticket, token, request, draw, invitation, bypass, transfer, work] = &self.derived;
        match purpose {
            Purpose::Ticket => ticket,
            Purpose::AdmissionToken => token,
            Purpose::EdgeRequest => request,
            Purpose::Draw => draw,
            Purpose::Invitation => invitation,
            Purpose::Bypass => bypass,
            Purpose::Transfer => transfer,
            Purpose::Work => work,
        }
    }
}

/// Whether `id` is fit to name a key.
pub(crate) fn is_key_id(id: &str) -> bool {
    (1..=KEY_ID_LENGTH_MAX).contains(&id.len())
        && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Takes both alphabets of base64, with or without padding: people paste what their tool gives them.
fn decode_secret(text: &str) -> Option<Vec<u8>> {
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
mod tests {
    use super::*;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const OTHER: &str = "HxwdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA";

    fn ring(text: &str) -> Keyring {
        Keyring::parse(text).unwrap()
    }

    #[test]
    fn the_first_key_signs_and_all_verify() {
        let before = ring(&format!("old:{SECRET}"));
        let after = ring(&format!("# rotated\nnew:{OTHER}\nold:{SECRET} # until Friday"));
        let signature = before.sign(Purpose::Ticket, &[b"a", b"b"]);
        assert_eq!(signature.key_id, "old");
        assert!(after.verify(Purpose::Ticket, "old", &[b"a", b"b"], &signature.tag));
        assert_eq!(after.sign(Purpose::Ticket, &[b"a"]).key_id, "new");
    }

    #[test]
    fn a_signature_holds_for_its_parts_purpose_and_key_only() {
        let ring = ring(&format!("k1:{SECRET},k2:{OTHER}"));
        let Signature { key_id, tag } = ring.sign(Purpose::Ticket, &[b"ab", b"c"]);
        assert!(ring.verify(Purpose::Ticket, &key_id, &[b"ab", b"c"], &tag));
        assert!(!ring.verify(Purpose::Ticket, &key_id, &[b"a", b"bc"], &tag), "parts moved");
        assert!(!ring.verify(Purpose::Ticket, &key_id, &[b"ab", b"c", b""], &tag), "part added");
        assert!(!ring.verify(Purpose::EdgeRequest, &key_id, &[b"ab", b"c"], &tag), "other purpose");
        assert!(!ring.verify(Purpose::Ticket, "k2", &[b"ab", b"c"], &tag), "other key");
        assert!(!ring.verify(Purpose::Ticket, "k3", &[b"ab", b"c"], &tag), "unknown key");
        assert!(!ring.verify(Purpose::Ticket, &key_id, &[b"ab", b"c"], &tag[..16]), "cut short");
        assert!(!ring.verify(Purpose::Ticket, &key_id, &[b"ab", b"c"], b""), "no tag");
    }

    #[test]
    fn every_purpose_has_a_key_of_its_own() {
        let ring = ring(&format!("k1:{SECRET}"));
        let mut tags: Vec<_> = Purpose::ALL.map(|purpose| ring.sign(purpose, &[b"a"]).tag).into();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), Purpose::ALL.len());
    }

    #[test]
    fn bad_rings_are_refused_with_the_entry_and_without_the_secret() {
        let short = "c2hvcnQtc2VjcmV0";
        let cases = [
            ("", KeyringError::Empty),
            (" # only a comment", KeyringError::Empty),
            ("k1", KeyringError::Malformed { entry: 1 }),
            (&format!("k1:{SECRET} K2:{OTHER}"), KeyringError::BadKeyId { entry: 2 }),
            ("k1:%%%", KeyringError::NotBase64 { entry: 1, key_id: "k1".into() }),
            (&format!("k1:{short}"), KeyringError::TooShort { entry: 1, key_id: "k1".into(), found: 12 }),
            (&format!("k1:{SECRET} k1:{OTHER}"), KeyringError::Repeated { entry: 2, key_id: "k1".into() }),
        ];
        for (text, expected) in cases {
            let error = Keyring::parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains(short));
        }
    }

    #[test]
    fn both_alphabets_of_base64_are_one_secret() {
        let standard = "k1:+/+/AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let url_safe = "k1:-_-_AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        let signature = ring(standard).sign(Purpose::Ticket, &[b"x"]);
        assert_eq!(signature, ring(url_safe).sign(Purpose::Ticket, &[b"x"]));
    }

    #[test]
    fn debug_shows_ids_only() {
        assert_eq!(format!("{:?}", ring(&format!("k1:{SECRET}"))), r#"["k1"]"#);
    }
}
