//! The keys that tickets are signed with, and the public halves that entrances check them by.

use std::fmt;

use admission::clock::{Random, RandomError};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Length of a seed, in bytes.
const SEED_BYTES: usize = 32;
/// Longest id of a key, in characters.
const KEY_ID_LENGTH_MAX: usize = 16;
/// Most keys; rotating them takes two.
const KEYS_MAX: usize = 8;

/// Keys by id. The first one signs; the others are told of, for tickets that they signed before.
#[derive(Clone)]
pub struct TicketKeys(Vec<(String, SigningKey)>);

/// The keys cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "entry {entry} of the ticket keys is wrong; `<key id>:<seed, {SEED_BYTES} bytes in base64>` is right, each id once, \
     with 1 to {KEY_ID_LENGTH_MAX} characters out of `a-z`, `0-9` and `-`, and {KEYS_MAX} keys at most (for one: \
     `origin-app ticket new-key 2027`)"
)]
pub struct TicketKeyError {
    entry: usize,
}

impl TicketKeys {
    /// Reads entries `<key id>:<seed in base64>`, separated by commas or white space.
    ///
    /// # Errors
    /// When there is none, or one is malformed or comes twice.
    pub fn parse(text: &str) -> Result<Self, TicketKeyError> {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        let mut keys: Vec<(String, SigningKey)> = Vec::new();
        for (entry, text) in (1..).zip(entries) {
            let key =
                one(text).filter(|(id, _)| keys.len() < KEYS_MAX && !keys.iter().any(|key| key.0 == *id));
            keys.push(key.ok_or(TicketKeyError { entry })?);
        }
        if keys.is_empty() { Err(TicketKeyError { entry: 1 }) } else { Ok(Self(keys)) }
    }

    /// A new entry, as [`TicketKeys::parse`] reads it.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new_entry(id: &str, random: &dyn Random) -> Result<String, RandomError> {
        let mut seed = [0; SEED_BYTES];
        random.fill(&mut seed)?;
        Ok(format!("{id}:{}", STANDARD.encode(seed)))
    }

    /// The public halves.
    pub fn public(&self) -> PublicKeys {
        let key = |(id, key): &(String, SigningKey)| Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            kid: id.clone(),
            x: URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes()),
        };
        PublicKeys { keys: self.0.iter().map(key).collect() }
    }

    /// The id of the key that signs, and its signature of `message`.
    pub(super) fn sign(&self, message: impl FnOnce(&str) -> String) -> Option<(String, [u8; 64])> {
        let (id, key) = self.0.first()?;
        let message = message(id);
        let signature = key.sign(message.as_bytes()).to_bytes();
        Some((message, signature))
    }
}

fn one(text: &str) -> Option<(String, SigningKey)> {
    let (id, seed) = text.split_once(':')?;
    let is_id = (1..=KEY_ID_LENGTH_MAX).contains(&id.len())
        && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let seed: [u8; SEED_BYTES] = STANDARD.decode(seed).ok()?.try_into().ok()?;
    is_id.then(|| (id.to_owned(), SigningKey::from_bytes(&seed)))
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}

/// A JWK Set (RFC 7517, RFC 8037) of public keys.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = TicketKeys)]
pub struct PublicKeys {
    keys: Vec<Jwk>,
}

#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = TicketKey)]
struct Jwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
}

impl PublicKeys {
    /// Whether `signature` is that of `message` by the key `id`.
    pub(super) fn verify(&self, id: &str, message: &[u8], signature: &[u8]) -> bool {
        let key = self.keys.iter().find(|key| key.kid == id && key.kty == "OKP" && key.crv == "Ed25519");
        key.and_then(|key| {
            let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(&key.x).ok()?.try_into().ok()?;
            let key = VerifyingKey::from_bytes(&bytes).ok()?;
            key.verify_strict(message, &Signature::from_slice(signature).ok()?).ok()
        })
        .is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admission::clock::SystemRandom;

    #[test]
    fn keys_are_read_and_never_shown() {
        let (one, two) = (
            TicketKeys::new_entry("a", &SystemRandom).unwrap(),
            TicketKeys::new_entry("b", &SystemRandom).unwrap(),
        );
        let keys = TicketKeys::parse(&format!("{one}, {two}\n")).unwrap();
        assert_eq!(format!("{keys:?}"), "[\"a\", \"b\"]");
        let told = serde_json::to_string(&keys.public()).unwrap();
        assert!(told.contains("\"kid\":\"b\"") && !told.contains(one.split_once(':').unwrap().1), "{told}");
        for (text, entry) in [
            (String::new(), 1),
            (format!("{one} {one}"), 2),
            ("a".to_owned(), 1),
            (format!("{one} b:AAAA"), 2),
            (one.replace("a:", "A:"), 1),
            (one.replace("a:", ":"), 1),
        ] {
            assert_eq!(TicketKeys::parse(&text).err(), Some(TicketKeyError { entry }), "{text}");
        }
    }
}
