//! What others need to check admission tokens: the public keys, as a JWK Set (RFC 7517, RFC 8037).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Keyring, Purpose};

/// PKCS #8 (RFC 8410) of an Ed25519 key, up to its seed.
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

#[derive(Serialize)]
struct Jwk<'a> {
    kty: &'static str,
    crv: &'static str,
    r#use: &'static str,
    alg: &'static str,
    kid: &'a str,
    x: String,
}

#[derive(Serialize)]
struct JwkSet<'a> {
    keys: Vec<Jwk<'a>>,
}

impl Keyring {
    /// The public keys of all keys that sign tokens by Ed25519, also of those that only verify; nothing where there is
    /// none.
    pub fn jwks(&self) -> Option<String> {
        let keys: Vec<_> = self
            .keys
            .iter()
            .filter_map(|key| {
                let x = URL_SAFE_NO_PAD.encode(key.public?);
                Some(Jwk { kty: "OKP", crv: "Ed25519", r#use: "sig", alg: "EdDSA", kid: &key.id, x })
            })
            .collect();
        if keys.is_empty() { None } else { serde_json::to_string(&JwkSet { keys }).ok() }
    }

    /// The public key that checks tokens of the key `key_id`, if that signs by Ed25519.
    pub(crate) fn public_token_key(&self, key_id: &str) -> Option<[u8; 32]> {
        self.keys.iter().find(|key| key.id == key_id)?.public
    }

    /// The private key that signs tokens with the key `key_id`, in PKCS #8, if that signs by Ed25519.
    pub(crate) fn private_token_key(&self, key_id: &str) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.keys.iter().find(|key| key.id == key_id && key.public.is_some())?;
        let seed = key.secret(Purpose::AdmissionTokenSeed);
        let mut der = Zeroizing::new(Vec::with_capacity(PKCS8_HEAD.len() + seed.len()));
        der.extend_from_slice(&PKCS8_HEAD);
        der.extend_from_slice(seed);
        Some(der)
    }
}

/// The public half of the key with this seed.
pub(super) fn public_half(seed: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn ring(text: &str) -> Keyring {
        Keyring::parse(text).unwrap()
    }

    #[test]
    fn public_keys_are_told_and_nothing_else() {
        let ring = ring(&format!("new:eddsa:{SECRET} shared:{SECRET} old:eddsa:{SECRET}"));
        let set: serde_json::Value = serde_json::from_str(&ring.jwks().unwrap()).unwrap();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.iter().map(|key| key["kid"].as_str().unwrap()).collect::<Vec<_>>(), ["new", "old"]);
        for key in keys {
            let mut fields: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            fields.sort_unstable();
            assert_eq!(fields, ["alg", "crv", "kid", "kty", "use", "x"], "no private part");
            let x = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
            let secret = URL_SAFE_NO_PAD.decode(SECRET).unwrap();
            assert!(
                x.len() == 32 && x != secret && x != ring.secret(Purpose::AdmissionTokenSeed, "new").unwrap()
            );
        }
        assert_eq!(self::ring(&format!("k1:{SECRET} k2:hs256:{SECRET}")).jwks(), None);
    }
}
