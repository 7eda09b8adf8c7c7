use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;
use crate::binding::{BindTo, Client};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A ring of `id:byte` entries; an id that begins with `e` is one of Ed25519.
fn ring(entries: &[(&str, u8)]) -> Keyring {
    let entry = |(id, byte): &(&str, u8)| {
        let algorithm = if id.starts_with('e') { "eddsa:" } else { "" };
        format!("{id}:{algorithm}{}", STANDARD.encode([*byte; 32]))
    };
    Keyring::parse(&entries.iter().map(entry).collect::<Vec<_>>().join(",")).unwrap()
}

/// One ring that signs by HMAC and one by Ed25519.
fn both() -> [Keyring; 2] {
    [ring(&[("k1", 1)]), ring(&[("e1", 1)])]
}

fn room() -> RoomId {
    RoomId::parse("demo").unwrap()
}

fn admission() -> Admission {
    Admission {
        room: room(),
        ticket: TicketId::from_bytes([3; 12]),
        lane: LaneId::general(),
        admitted_at: NOW - Duration::from_secs(60),
        began_at: NOW - Duration::from_millis(60_123),
        issued_at: NOW,
        expires_at: NOW + Duration::from_secs(600),
        binding: None,
    }
}

fn mint(ring: &Keyring) -> String {
    admission().mint(ring, TicketId::from_bytes([9; 12])).unwrap()
}

fn verify(ring: &Keyring, token: &str) -> Result<Admission, TokenError> {
    Admission::verify(ring, &room(), token, NOW)
}

fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// A token of these claims, signed with the right key of `ring`, whatever its header says.
fn signed(ring: &Keyring, claims: &Value) -> String {
    let (key_id, secret) = ring.signing_key(Purpose::AdmissionToken);
    let (algorithm, key) = match ring.private_token_key(key_id) {
        Some(der) => (Algorithm::EdDSA, EncodingKey::from_ed_der(&der)),
        None => (Algorithm::HS256, EncodingKey::from_secret(secret)),
    };
    let header = Header { kid: Some(key_id.to_owned()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

#[test]
fn a_minted_token_verifies_until_it_expires() {
    for ring in both() {
        let token = mint(&ring);
        let verify = |now| Admission::verify(&ring, &room(), &token, now);
        assert_eq!(verify(NOW), Ok(admission()));
        assert_eq!(verify(NOW + Duration::from_secs(599)), Ok(admission()));
        assert_eq!(verify(NOW + Duration::from_secs(600)), Err(TokenError::Expired));
        assert_eq!(verify(NOW - CLOCK_SKEW_MAX), Ok(admission()));
        assert_eq!(verify(NOW - Duration::from_secs(31)), Err(TokenError::TooEarly));
    }
}

#[test]
fn what_a_token_is_bound_to_goes_with_it() {
    for ring in both() {
        let client = Client { network: b"198.51.100", browser: b"A" };
        let binding = Binding::new(&ring, &room(), BindTo::NetworkAndBrowser, client);
        let bound = Admission { binding: Some(binding), ..admission() };
        let token = bound.mint(&ring, TicketId::from_bytes([9; 12])).unwrap();
        assert!(token.len() <= TOKEN_LENGTH_MAX / 2, "{}", token.len());
        assert_eq!(verify(&ring, &token), Ok(bound));
        let mut claims = claims_of(&token);
        claims["bind"] = json!("n.k1");
        assert_eq!(verify(&ring, &signed(&ring, &claims)), Err(TokenError::Malformed));
    }
}

#[test]
fn keys_rotate_without_logging_anyone_out_also_to_another_algorithm() {
    for (old, new) in [(("k1", 1), ("k2", 2)), (("k1", 1), ("e2", 2)), (("e1", 1), ("k2", 2))] {
        let token = mint(&ring(&[old]));
        assert!(verify(&ring(&[old, new]), &token).is_ok(), "the new one is known everywhere first");
        let rotated = ring(&[new, old]);
        assert!(verify(&rotated, &token).is_ok(), "then it signs");
        assert!(verify(&ring(&[old, new]), &mint(&rotated)).is_ok(), "and who is behind understands");
        assert_eq!(verify(&ring(&[new]), &token), Err(TokenError::Forged), "in the end the old one goes");
    }
}

#[test]
fn foreign_rooms_and_keys_open_nothing() {
    for (mine, foreign) in [("k1", ring(&[("k1", 2)])), ("e1", ring(&[("e1", 2)]))] {
        let ring = ring(&[(mine, 1)]);
        let token = mint(&ring);
        let other = RoomId::parse("other").unwrap();
        assert_eq!(Admission::verify(&ring, &other, &token, NOW), Err(TokenError::OtherRoom));
        assert_eq!(verify(&foreign, &token), Err(TokenError::Forged));
    }
}

#[test]
fn the_algorithm_is_the_keys_and_never_the_tokens() {
    let hmac = ring(&[("k1", 1)]);
    let (_, secret) = hmac.signing_key(Purpose::AdmissionToken);
    let claims = claims_of(&mint(&hmac));
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let header = Header { kid: Some("k1".into()), ..Header::new(algorithm) };
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(verify(&hmac, &token), Err(TokenError::Forged), "{algorithm:?}");
    }
    // A key of Ed25519 takes no HMAC, made with whatever is public of it or meant for another purpose.
    let ed = ring(&[("e1", 1)]);
    let public = ed.public_token_key("e1").unwrap();
    let jwk: Value = serde_json::from_str(&ed.jwks().unwrap()).unwrap();
    let x = jwk["keys"][0]["x"].as_str().unwrap().to_owned();
    let whole = ed.jwks().unwrap();
    let spki =
        [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &public].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&spki));
    let (_, derived) = ed.signing_key(Purpose::AdmissionToken);
    for secret in [&public[..], x.as_bytes(), whole.as_bytes(), &spki, pem.as_bytes(), derived, b""] {
        let header = Header { kid: Some("e1".into()), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(verify(&ed, &token), Err(TokenError::Forged), "HMAC with {} bytes", secret.len());
        assert_eq!(verify(&ring(&[("k1", 1), ("e1", 1)]), &token), Err(TokenError::Forged));
    }
    // And the other way round: a key of HMAC takes no Ed25519, though the other key is on the ring.
    let ring = ring(&[("k1", 1), ("e1", 1)]);
    let der = ring.private_token_key("e1").unwrap();
    for (kid, opens) in [("e1", true), ("k1", false), ("k9", false)] {
        let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) };
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&der)).unwrap();
        assert_eq!(verify(&ring, &token).is_ok(), opens, "{kid}");
    }
}

#[test]
fn what_is_not_signed_opens_nothing() {
    for ring in both() {
        let token = mint(&ring);
        let kid = ring.signing_key_id();
        let [_, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        for alg in ["none", "None", "NONE", "HS256", "HS512", "EdDSA", "ES256", "RS256", ""] {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","kid":"{kid}"}}"#));
            for forged in [
                format!("{header}.{payload}."),
                format!("{header}.{payload}"),
                format!("{header}.{payload}.AAAA"),
                format!("{header}.{payload}.{signature}"),
            ] {
                assert!(verify(&ring, &forged).is_err(), "{forged}");
            }
        }
        for header in ["{}", r#"{"alg":"HS256"}"#, r#"{"alg":"EdDSA"}"#, r#"{"kid":"k1"}"#, "[]", ""] {
            let header = URL_SAFE_NO_PAD.encode(header);
            assert!(verify(&ring, &format!("{header}.{payload}.{signature}")).is_err());
        }
    }
}

#[test]
fn edited_tokens_open_nothing() {
    for ring in both() {
        let token = mint(&ring);
        for at in 0..token.len() {
            for with in ["A", "B", "-", ".", "="] {
                let edited = format!("{}{with}{}", &token[..at], &token[at + 1..]);
                assert!(edited == token || verify(&ring, &edited).is_err(), "{with} at {at}");
            }
            assert!(verify(&ring, &token[..at]).is_err(), "cut at {at}");
        }
        // Each bit of the signature.
        let (text, signature) = token.rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let edited = format!("{text}.{}", URL_SAFE_NO_PAD.encode(bytes));
            assert_eq!(verify(&ring, &edited), Err(TokenError::Forged), "bit {bit}");
        }
        for more in [format!("{token}A"), format!("{token}."), format!("{token}="), format!(" {token}")] {
            assert!(verify(&ring, &more).is_err(), "{more}");
        }
        assert!(verify(&ring, &"A".repeat(TOKEN_LENGTH_MAX + 1)).is_err());
    }
}

#[test]
fn a_signed_token_says_what_it_has_to_and_nothing_else() {
    for ring in both() {
        let good = claims_of(&mint(&ring));
        assert!(verify(&ring, &signed(&ring, &good)).is_ok());
        for name in good.as_object().unwrap().keys() {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            assert!(verify(&ring, &signed(&ring, &claims)).is_err(), "without {name}");
        }
        for (name, value) in [
            ("admin", json!(true)),
            ("iss", json!("another")),
            ("aud", json!(["demo", "other"])),
            ("sub", json!("")),
            ("lane", json!("A lane")),
            ("exp", json!(1e12)),
            ("exp", json!("1800000000")),
            ("exp", json!(-1)),
            ("nbf", json!(1_900_000_000)),
            ("bind", json!("")),
        ] {
            let mut claims = good.clone();
            claims[name] = value;
            assert!(verify(&ring, &signed(&ring, &claims)).is_err(), "{name}: {}", claims[name]);
        }
    }
}
