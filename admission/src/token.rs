//! The admission token: the signed JWT (RFC 7519) that lets an admitted fan through.
//!
//! HS256 with the id of the key in the header. The algorithm is the keyring's, never the token's: a header
//! that names another one fails. Times are checked against the moment the caller passes in, not against a
//! clock of the library's own.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::keyring::{Keyring, Purpose};
use crate::name::{LaneId, RoomId};
use crate::ticket::TicketId;

/// The `iss` claim.
pub const ISSUER: &str = "stanchion";

/// Longest token that is looked at, in characters.
pub const TOKEN_LENGTH_MAX: usize = 1024;

/// How far the clock of the proxy that issued a token may run ahead of the one that checks it.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);

/// What an admission token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The room it opens.
    pub room: RoomId,
    /// The ticket whose turn came.
    pub ticket: TicketId,
    /// The lane that the ticket stood in.
    pub lane: LaneId,
    /// When the fan was admitted. A renewed token keeps it.
    pub admitted_at: Timestamp,
    /// When this token was issued.
    pub issued_at: Timestamp,
    /// When the session ends, unless it slides. Whole seconds.
    pub expires_at: Timestamp,
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT with the claims of an admission token.
    #[error("this is not an admission token")]
    Malformed,
    /// Signed with another algorithm or an unknown key, edited, or made up.
    #[error("the admission token's signature does not match")]
    Forged,
    /// Issued for another room.
    #[error("the admission token is for another room")]
    OtherRoom,
    /// The session is over.
    #[error("the admission token has expired")]
    Expired,
    /// Not valid yet.
    #[error("the admission token is not valid yet; the clocks differ")]
    TooEarly,
    /// The token could not be made.
    #[error("the admission token could not be signed")]
    Unsigned,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    lane: String,
    /// When the fan was admitted, seconds.
    auth_time: u64,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
}

impl Admission {
    /// The token as the fan carries it. `jti` names this issue of it.
    ///
    /// # Errors
    /// When the signing library refuses.
    pub fn mint(&self, keyring: &Keyring, jti: TicketId) -> Result<String, TokenError> {
        let (key_id, secret) = keyring.signing_key(Purpose::AdmissionToken);
        let header = Header { kid: Some(key_id.to_owned()), ..Header::new(Algorithm::HS256) };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: self.room.to_string(),
            sub: self.ticket.to_string(),
            lane: self.lane.to_string(),
            auth_time: self.admitted_at.as_secs(),
            iat: self.issued_at.as_secs(),
            nbf: self.issued_at.as_secs(),
            exp: self.expires_at.as_secs(),
            jti: jti.to_string(),
        };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret))
            .map_err(|_| TokenError::Unsigned)
    }

    /// Checks `token` for `room` at the moment `now`.
    ///
    /// # Errors
    /// When the token is malformed, forged, for another room, expired or not yet valid.
    pub fn verify(keyring: &Keyring, room: &RoomId, token: &str, now: Timestamp) -> Result<Self, TokenError> {
        if token.len() > TOKEN_LENGTH_MAX {
            return Err(TokenError::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        let key_id = header.kid.ok_or(TokenError::Malformed)?;
        let secret = keyring.secret(Purpose::AdmissionToken, &key_id).ok_or(TokenError::Forged)?;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(secret), &signature_only())
                .map_err(|_| TokenError::Forged)?
                .claims;
        if claims.iss != ISSUER {
            return Err(TokenError::Forged);
        }
        if claims.aud != room.as_str() {
            return Err(TokenError::OtherRoom);
        }
        if claims.exp <= now.as_secs() {
            return Err(TokenError::Expired);
        }
        if claims.nbf > (now + CLOCK_SKEW_MAX).as_secs() {
            return Err(TokenError::TooEarly);
        }
        let seconds = |seconds: u64| Timestamp::from_millis(seconds.saturating_mul(1000));
        Ok(Self {
            room: room.clone(),
            ticket: TicketId::parse(&claims.sub).ok_or(TokenError::Malformed)?,
            lane: LaneId::parse(&claims.lane).map_err(|_| TokenError::Malformed)?,
            admitted_at: seconds(claims.auth_time),
            issued_at: seconds(claims.iat),
            expires_at: seconds(claims.exp),
        })
    }
}

/// The library checks the signature and the algorithm; issuer, audience and times are checked here, with the
/// caller's clock and an answer that says which of them was wrong.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn ring(entries: &[(&str, u8)]) -> Keyring {
        let text: Vec<_> =
            entries.iter().map(|(id, byte)| format!("{id}:{}", STANDARD.encode([*byte; 32]))).collect();
        Keyring::parse(&text.join(",")).unwrap()
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
            issued_at: NOW,
            expires_at: NOW + Duration::from_secs(600),
        }
    }

    fn mint(ring: &Keyring) -> String {
        admission().mint(ring, TicketId::from_bytes([9; 12])).unwrap()
    }

    #[test]
    fn a_minted_token_verifies_until_it_expires() {
        let ring = ring(&[("k1", 1)]);
        let token = mint(&ring);
        let verify = |now| Admission::verify(&ring, &room(), &token, now);
        assert_eq!(verify(NOW), Ok(admission()));
        assert_eq!(verify(NOW + Duration::from_secs(599)), Ok(admission()));
        assert_eq!(verify(NOW + Duration::from_secs(600)), Err(TokenError::Expired));
        assert_eq!(verify(NOW - CLOCK_SKEW_MAX), Ok(admission()));
        assert_eq!(verify(NOW - Duration::from_secs(31)), Err(TokenError::TooEarly));
    }

    #[test]
    fn keys_rotate_without_logging_anyone_out() {
        let token = mint(&ring(&[("k1", 1)]));
        let rotated = ring(&[("k2", 2), ("k1", 1)]);
        assert!(Admission::verify(&rotated, &room(), &token, NOW).is_ok());
        let withdrawn = ring(&[("k2", 2)]);
        assert_eq!(Admission::verify(&withdrawn, &room(), &token, NOW), Err(TokenError::Forged));
    }

    #[test]
    fn foreign_rooms_and_keys_open_nothing() {
        let ring_a = ring(&[("k1", 1)]);
        let token = mint(&ring_a);
        let other = RoomId::parse("other").unwrap();
        assert_eq!(Admission::verify(&ring_a, &other, &token, NOW), Err(TokenError::OtherRoom));
        assert_eq!(Admission::verify(&ring(&[("k1", 2)]), &room(), &token, NOW), Err(TokenError::Forged));
    }

    #[test]
    fn the_algorithm_is_the_keyrings() {
        let ring = ring(&[("k1", 1)]);
        let token = mint(&ring);
        let (_, secret) = ring.signing_key(Purpose::AdmissionToken);
        let claims: serde_json::Value = {
            let payload = token.split('.').nth(1).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
        };
        let signed_512 = {
            let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::HS512) };
            jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
        };
        assert_eq!(Admission::verify(&ring, &room(), &signed_512, NOW), Err(TokenError::Forged));
        for alg in ["none", "None", "HS256"] {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","kid":"k1"}}"#));
            let payload = token.split('.').nth(1).unwrap();
            for forged in [format!("{header}.{payload}."), format!("{header}.{payload}.AAAA")] {
                assert!(Admission::verify(&ring, &room(), &forged, NOW).is_err(), "{forged}");
            }
        }
    }

    #[test]
    fn edited_tokens_and_tickets_open_nothing() {
        let ring = ring(&[("k1", 1)]);
        let token = mint(&ring);
        for at in 0..token.len() {
            let with = if &token[at..=at] == "A" { "B" } else { "A" };
            let edited = format!("{}{with}{}", &token[..at], &token[at + 1..]);
            assert!(Admission::verify(&ring, &room(), &edited, NOW).is_err(), "edited at {at}");
        }
        assert!(Admission::verify(&ring, &room(), &"A".repeat(TOKEN_LENGTH_MAX + 1), NOW).is_err());
    }
}
