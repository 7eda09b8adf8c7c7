//! Cookies that somebody else signed, such as the shop's own session of its staff: JWTs (RFC 7519), checked with keys that
//! the operator names. The key decides the algorithm, and nothing that the cookie says.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::keyring::{SECRET_BYTES_MIN, decode_secret, is_key_id};
use crate::token::CLOCK_SKEW_MAX;

/// Longest cookie that is looked at, in characters.
pub const COOKIE_LENGTH_MAX: usize = 4096;

/// Most keys in a list.
pub const KEYS_MAX: usize = 32;

/// How far ahead a cookie may expire, in seconds: ten years. One that does later was written in milliseconds, or is for ever.
const EXPIRES_WITHIN: f64 = 10.0 * 365.25 * 86_400.0;

/// Length of a public key of Ed25519, in bytes.
const PUBLIC_KEY_BYTES: usize = 32;

/// Keys by name. Several may have the same name, while one takes the place of another.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CookieKeys(Vec<CookieKey>);

#[derive(Clone, PartialEq, Eq)]
struct CookieKey {
    name: String,
    material: Material,
}

#[derive(Clone, PartialEq, Eq)]
enum Material {
    /// Of HMAC-SHA-256.
    Secret(Zeroizing<Vec<u8>>),
    /// Of Ed25519.
    Public([u8; PUBLIC_KEY_BYTES]),
}

/// A list of keys could not be read. The messages count entries and never show a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "entry {entry} {problem}; entries are `<name>:hs256:<secret, at least {SECRET_BYTES_MIN} bytes in base64>` or \
     `<name>:eddsa:<public key of Ed25519, {PUBLIC_KEY_BYTES} bytes in base64>`"
)]
pub struct CookieKeysError {
    /// Which entry, from 1.
    entry: usize,
    problem: &'static str,
}

impl CookieKeys {
    /// Reads entries `<name>:<algorithm>:<key in base64>`, separated by commas or white space. From `#` to the end of a line
    /// is a comment. There may be none.
    ///
    /// # Errors
    /// When an entry is malformed or its key too short.
    pub fn parse(text: &str) -> Result<Self, CookieKeysError> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        let entries = lines.flat_map(|line| line.split(|c: char| c == ',' || c.is_whitespace()));
        let mut keys = Vec::new();
        for (entry, text) in (1..).zip(entries.filter(|entry| !entry.is_empty())) {
            if keys.len() == KEYS_MAX {
                return Err(CookieKeysError { entry, problem: "is one too many" });
            }
            keys.push(CookieKey::parse(text).map_err(|problem| CookieKeysError { entry, problem })?);
        }
        Ok(Self(keys))
    }

    /// The names that there are.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.iter().map(|key| key.name.as_str()).collect();
        names.dedup();
        names
    }

    /// Whether `cookie` is a JWT that a key of this name signed, is good at the moment `now`, and has these claims. It has
    /// to say when it expires. A claim that is a list has to contain the value.
    pub fn opens(&self, name: &str, cookie: &str, claims: &[(String, String)], now: Timestamp) -> bool {
        cookie.len() <= COOKIE_LENGTH_MAX
            && self.0.iter().filter(|key| key.name == name).any(|key| {
                key.claims_of(cookie).is_some_and(|found| {
                    is_current(&found, now)
                        && claims
                            .iter()
                            .all(|(name, value)| found.get(name).is_some_and(|is| says(is, value)))
                })
            })
    }
}

impl CookieKey {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = text.splitn(3, ':');
        let (Some(name), Some(algorithm), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("is not of the form");
        };
        if !is_key_id(name) {
            return Err("has a name that is not 1 to 16 characters out of `a-z`, `0-9` and `-`");
        }
        let key = Zeroizing::new(decode_secret(key).ok_or("has a key that is not base64")?);
        let material = match algorithm {
            "hs256" if key.len() >= SECRET_BYTES_MIN => Material::Secret(key),
            "hs256" => return Err("has a secret that is too short"),
            "eddsa" => {
                let public = key.as_slice().try_into().map_err(|_| "has a public key of a wrong length")?;
                Material::Public(public)
            }
            _ => return Err("names an algorithm that is not known"),
        };
        Ok(Self { name: name.to_owned(), material })
    }

    /// The claims of a JWT that this key signed.
    fn claims_of(&self, cookie: &str) -> Option<Map<String, Value>> {
        if asks_for_more(cookie) {
            return None;
        }
        let (algorithm, key) = match &self.material {
            Material::Secret(secret) => (Algorithm::HS256, DecodingKey::from_secret(secret)),
            // The library takes it in the encoding of JWKs only, or as it is.
            Material::Public(public) => {
                (Algorithm::EdDSA, DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(public)).ok()?)
            }
        };
        let mut validation = Validation::new(algorithm);
        // Times are checked here, by the caller's clock; audience and issuer are claims like others.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode(cookie, &key, &validation).ok().map(|decoded| decoded.claims)
    }
}

/// Whether the head says that it has to be understood in a way that nobody here understands (`crit`, RFC 7515, 4.1.11).
fn asks_for_more(cookie: &str) -> bool {
    let head = cookie.split('.').next().and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
    let head: Option<Map<String, Value>> = head.and_then(|head| serde_json::from_slice(&head).ok());
    head.is_none_or(|head| head.contains_key("crit"))
}

fn is_current(claims: &Map<String, Value>, now: Timestamp) -> bool {
    let seconds = |name| claims.get(name).map(|value| value.as_f64().unwrap_or(f64::NAN));
    let (now, latest) = (now.as_secs() as f64, (now + CLOCK_SKEW_MAX).as_secs() as f64);
    seconds("exp").is_some_and(|expires| now < expires && expires <= now + EXPIRES_WITHIN)
        && seconds("nbf").is_none_or(|from| from <= latest)
}

/// Whether a claim says this, or a list that contains it.
fn says(claim: &Value, value: &str) -> bool {
    match claim {
        Value::String(text) => text == value,
        Value::Array(list) => list.iter().any(|entry| matches!(entry, Value::String(text) if text == value)),
        Value::Bool(is) => value.parse() == Ok(*is),
        Value::Number(number) => number.to_string() == value,
        Value::Null | Value::Object(_) => false,
    }
}

/// Shows the names of the keys, never the keys.
impl fmt::Debug for CookieKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    use super::*;
    use crate::keyring::Keyring;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const SECRET: [u8; 32] = [7; 32];

    fn keys(text: &str) -> CookieKeys {
        CookieKeys::parse(text).unwrap()
    }

    fn hs256(secret: [u8; 32]) -> String {
        format!("staff:hs256:{}", STANDARD.encode(secret))
    }

    fn jwt(algorithm: Algorithm, secret: &[u8], claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    fn good() -> Value {
        json!({ "sub": "7", "exp": 1_700_000_060, "role": "staff", "groups": ["a", "b"], "admin": true })
    }

    fn opens(keys: &CookieKeys, cookie: &str) -> bool {
        keys.opens("staff", cookie, &[], NOW)
    }

    #[test]
    fn a_signed_cookie_opens_until_it_expires_with_its_claims() {
        let keys = keys(&hs256(SECRET));
        let cookie = jwt(Algorithm::HS256, &SECRET, &good());
        assert!(opens(&keys, &cookie));
        assert!(!keys.opens("others", &cookie, &[], NOW), "a key of another name");
        assert!(!keys.opens("staff", &cookie, &[], Timestamp::from_millis(1_700_000_060_000)));
        for (name, value, is) in [
            ("role", "staff", true),
            ("role", "fan", false),
            ("groups", "b", true),
            ("groups", "c", false),
            ("admin", "true", true),
            ("exp", "1700000060", true),
            ("nothing", "", false),
        ] {
            let wanted = [(name.to_owned(), value.to_owned())];
            assert_eq!(keys.opens("staff", &cookie, &wanted, NOW), is, "{name} {value}");
        }
        let both = [("role".to_owned(), "staff".to_owned()), ("sub".to_owned(), "8".to_owned())];
        assert!(!keys.opens("staff", &cookie, &both, NOW), "all of them");
    }

    #[test]
    fn what_has_to_be_understood_and_is_not_opens_nothing() {
        let keys = keys(&hs256(SECRET));
        let signed = |head: &Value| {
            let parts = [head, &good()].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            let signature = jsonwebtoken::crypto::sign(
                parts.join(".").as_bytes(),
                &EncodingKey::from_secret(&SECRET),
                Algorithm::HS256,
            );
            format!("{}.{}", parts.join("."), signature.unwrap())
        };
        assert!(opens(&keys, &signed(&json!({ "alg": "HS256", "typ": "JWT" }))));
        for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!(null)] {
            let head = json!({ "alg": "HS256", "crit": crit, "b64": true });
            assert!(!opens(&keys, &signed(&head)), "{head}");
        }
    }

    #[test]
    fn a_cookie_expires_in_a_time_that_anybody_can_mean() {
        let keys = keys(&hs256(SECRET));
        for (exp, is) in [
            (json!(1_700_000_060_u64), true),
            (json!(1_700_000_060.5), true),
            (json!(2_000_000_000_u64), true),
            (json!(1_700_000_060_000_u64), false),
            (json!(u64::MAX), false),
            (json!(1e300), false),
            (json!(-1), false),
            (json!("1700000060"), false),
        ] {
            let cookie = jwt(Algorithm::HS256, &SECRET, &json!({ "exp": exp }));
            assert_eq!(opens(&keys, &cookie), is, "{exp}");
        }
    }

    #[test]
    fn times_have_to_be_there_and_right() {
        let keys = keys(&hs256(SECRET));
        for (name, value) in [
            ("exp", Value::Null),
            ("exp", json!(1_700_000_000)),
            ("exp", json!("1800000000")),
            ("exp", json!([])),
            ("nbf", json!(1_700_000_031)),
            ("nbf", json!("soon")),
        ] {
            let mut claims = good();
            claims[name] = value;
            assert!(!opens(&keys, &jwt(Algorithm::HS256, &SECRET, &claims)), "{name} {}", claims[name]);
        }
        let mut claims = good();
        claims.as_object_mut().unwrap().remove("exp");
        assert!(!opens(&keys, &jwt(Algorithm::HS256, &SECRET, &claims)), "one that never expires");
        claims = good();
        claims["nbf"] = json!(1_700_000_030);
        assert!(opens(&keys, &jwt(Algorithm::HS256, &SECRET, &claims)), "clocks differ");
    }

    #[test]
    fn nothing_else_opens() {
        let hmac = keys(&hs256(SECRET));
        let cookie = jwt(Algorithm::HS256, &SECRET, &good());
        for at in 0..cookie.len() {
            for with in ["A", "-", "."] {
                let edited = format!("{}{with}{}", &cookie[..at], &cookie[at + 1..]);
                assert!(edited == cookie || !opens(&hmac, &edited), "{with} at {at}");
            }
            assert!(!opens(&hmac, &cookie[..at]), "cut at {at}");
        }
        let ring = Keyring::parse(&format!("e1:eddsa:{}", STANDARD.encode(SECRET))).unwrap();
        let public = ring.public_token_key("e1").unwrap();
        let ed = keys(&format!("staff:eddsa:{}", STANDARD.encode(public)));
        let der = ring.private_token_key("e1").unwrap();
        let signed =
            jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &good(), &EncodingKey::from_ed_der(&der))
                .unwrap();
        assert!(opens(&ed, &signed) && !opens(&hmac, &signed));
        let [_, payload, tag] = cookie.split('.').collect::<Vec<_>>()[..] else { panic!("{cookie}") };
        let header = |alg: &str| URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}"}}"#));
        for (what, forged) in [
            ("another secret", jwt(Algorithm::HS256, &[8; 32], &good())),
            ("another algorithm", jwt(Algorithm::HS512, &SECRET, &good())),
            ("the public key as a secret", jwt(Algorithm::HS256, &public, &good())),
            ("nothing signed", format!("{}.{payload}.", header("none"))),
            ("none, and a tag", format!("{}.{payload}.{tag}", header("None"))),
            ("the other one's name", format!("{}.{payload}.{tag}", header("EdDSA"))),
            ("huge", format!("{cookie}{}", "A".repeat(COOKIE_LENGTH_MAX))),
            ("empty", String::new()),
            ("no claims", jwt(Algorithm::HS256, &SECRET, &json!([]))),
        ] {
            assert!(!opens(&hmac, &forged) && !opens(&ed, &forged), "{what}");
        }
    }

    #[test]
    fn keys_rotate_under_one_name() {
        let both = keys(&format!("{} {}", hs256([8; 32]), hs256(SECRET)));
        for secret in [SECRET, [8; 32]] {
            assert!(opens(&both, &jwt(Algorithm::HS256, &secret, &good())));
        }
        assert_eq!(both.names(), ["staff"]);
    }

    #[test]
    fn bad_keys_are_refused_without_being_shown() {
        let secret = STANDARD.encode(SECRET);
        for (text, entry) in [
            (format!("staff:{secret}"), 1),
            (format!("{} staff:rs256:{secret}", hs256(SECRET)), 2),
            ("staff:hs256:c2hvcnQ".to_owned(), 1),
            (format!("staff:eddsa:{}", STANDARD.encode([1; 31])), 1),
            ("staff:hs256:%%%".to_owned(), 1),
            (format!("Staff:hs256:{secret}"), 1),
        ] {
            let error = CookieKeys::parse(&text).unwrap_err();
            assert_eq!(error.entry, entry, "{text}");
            assert!(!error.to_string().contains(&secret) && error.to_string().contains("<name>:hs256:"));
        }
        assert_eq!(CookieKeys::parse(" # none\n"), Ok(CookieKeys::default()));
        assert_eq!(format!("{:?}", keys(&hs256(SECRET))), "[\"staff\"]");
    }
}
