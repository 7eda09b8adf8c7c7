//! The admission token: the signed JWT (RFC 7519) that lets an admitted fan through.
//!
//! The header has the id of the key, and the key says by which algorithm it signs: HS256, or EdDSA where others have to
//! check tokens too. The algorithm is never the token's choice: a header that names another one fails. Times are checked
//! against the moment the caller passes in, not against a clock of the library's own.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::binding::Binding;
use crate::clock::Timestamp;
use crate::keyring::{Keyring, Purpose, TokenAlgorithm};
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
    /// When the fan was admitted, by the clock of the proxy that issued the token. Whole seconds. A renewed token keeps
    /// it.
    pub admitted_at: Timestamp,
    /// The same by the line's own clock, to the millisecond: what decides whether the admission was
    /// [voided](crate::store::QueueStore::void).
    pub began_at: Timestamp,
    /// When this token was issued.
    pub issued_at: Timestamp,
    /// When the session ends, unless it slides. Whole seconds.
    pub expires_at: Timestamp,
    /// Whom the token is good for; nothing for whoever has it.
    pub binding: Option<Binding>,
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
    /// The same by the line's clock, milliseconds.
    began: u64,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bind: Option<String>,
}

impl Admission {
    /// The token as the fan carries it. `jti` names this issue of it.
    ///
    /// # Errors
    /// When the signing library refuses.
    pub fn mint(&self, keyring: &Keyring, jti: TicketId) -> Result<String, TokenError> {
        let (key_id, secret) = keyring.signing_key(Purpose::AdmissionToken);
        let (algorithm, key) = match keyring.private_token_key(key_id) {
            Some(der) => (Algorithm::EdDSA, EncodingKey::from_ed_der(&der)),
            None => (Algorithm::HS256, EncodingKey::from_secret(secret)),
        };
        let header = Header { kid: Some(key_id.to_owned()), ..Header::new(algorithm) };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: self.room.to_string(),
            sub: self.ticket.to_string(),
            lane: self.lane.to_string(),
            auth_time: self.admitted_at.as_secs(),
            began: self.began_at.as_millis(),
            iat: self.issued_at.as_secs(),
            nbf: self.issued_at.as_secs(),
            exp: self.expires_at.as_secs(),
            jti: jti.to_string(),
            bind: self.binding.as_ref().map(ToString::to_string),
        };
        jsonwebtoken::encode(&header, &claims, &key).map_err(|_| TokenError::Unsigned)
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
        let (algorithm, key) = checking_key(keyring, &key_id).ok_or(TokenError::Forged)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &signature_only(algorithm))
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
            began_at: Timestamp::from_millis(claims.began),
            issued_at: seconds(claims.iat),
            expires_at: seconds(claims.exp),
            binding: match &claims.bind {
                Some(binding) => Some(Binding::parse(binding).ok_or(TokenError::Malformed)?),
                None => None,
            },
        })
    }
}

/// By what a token of this key is checked: one algorithm and one key, whatever the token says.
fn checking_key(keyring: &Keyring, key_id: &str) -> Option<(Algorithm, DecodingKey)> {
    Some(match keyring.token_algorithm(key_id)? {
        TokenAlgorithm::Hs256 => {
            (Algorithm::HS256, DecodingKey::from_secret(keyring.secret(Purpose::AdmissionToken, key_id)?))
        }
        TokenAlgorithm::EdDsa => {
            (Algorithm::EdDSA, DecodingKey::from_ed_der(&keyring.public_token_key(key_id)?))
        }
    })
}

/// The library checks the signature and the algorithm; issuer, audience and times are checked here, with the
/// caller's clock and an answer that says which of them was wrong.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

#[cfg(test)]
mod tests;
