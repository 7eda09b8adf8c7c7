//! A ticket as one line of text: a JWT (RFC 7519) that is signed by Ed25519, whatever its header says.
//!
//! It says that this shop has issued the ticket. That the ticket is still good, and was not used before, is for the list
//! at the entrance to say.

use admission::clock::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::keys::{PublicKeys, TicketKeys};
use crate::ids::{EventId, SeatId};

/// Longest token that is looked at.
const LENGTH_MAX: usize = 1024;
const ALGORITHM: &str = "EdDSA";
const TYPE: &str = "stanchion-ticket";

/// What a ticket says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TicketClaims {
    /// Its code.
    #[serde(rename = "sub")]
    pub code: String,
    /// The event that it is for.
    #[serde(rename = "aud")]
    pub event: EventId,
    /// The seat that it is for.
    pub seat: SeatId,
    /// When the event starts, in seconds since the Unix epoch.
    pub starts: u64,
}

/// A text is no ticket of this shop, or not for this event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTicket {
    /// It does not read as a ticket at all.
    #[error("this is no ticket")]
    Malformed,
    /// No key that is known has signed it.
    #[error("nobody known has signed this ticket")]
    Signature,
    /// It is another event's.
    #[error("this ticket is for another event")]
    OtherEvent,
}

#[derive(Deserialize, Serialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

impl TicketClaims {
    /// What the ticket `code` of `seat` says.
    pub fn new(code: &str, event: &EventId, seat: &SeatId, starts_at: Timestamp) -> Self {
        Self { code: code.to_owned(), event: event.clone(), seat: seat.clone(), starts: starts_at.as_secs() }
    }

    /// The ticket as one line of text, signed.
    pub fn sign(&self, keys: &TicketKeys) -> Option<String> {
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).ok()?);
        let (message, signature) = keys.sign(|kid| {
            let header = Header { alg: ALGORITHM.to_owned(), typ: TYPE.to_owned(), kid: kid.to_owned() };
            let header = serde_json::to_vec(&header).unwrap_or_default();
            format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header))
        })?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Reads a ticket that one of `keys` has signed, for `event` if one is named.
    ///
    /// # Errors
    /// When it is none, or for another event.
    pub fn verify(token: &str, keys: &PublicKeys, event: Option<&EventId>) -> Result<Self, BadTicket> {
        let token = token.trim();
        if token.len() > LENGTH_MAX {
            return Err(BadTicket::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(BadTicket::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(BadTicket::Malformed)?;
        let header: Header = decode(header)?;
        if header.alg != ALGORITHM || header.typ != TYPE {
            return Err(BadTicket::Malformed);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| BadTicket::Malformed)?;
        if !keys.verify(&header.kid, message.as_bytes(), &signature) {
            return Err(BadTicket::Signature);
        }
        // What nobody signed is not read.
        let claims: Self = decode(claims)?;
        if event.is_some_and(|event| *event != claims.event) {
            return Err(BadTicket::OtherEvent);
        }
        Ok(claims)
    }
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, BadTicket> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| BadTicket::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| BadTicket::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(id: &str, byte: u8) -> TicketKeys {
        use base64::engine::general_purpose::STANDARD;
        TicketKeys::parse(&format!("{id}:{}", STANDARD.encode([byte; 32]))).unwrap()
    }

    fn claims() -> TicketClaims {
        let (event, seat) = (EventId::parse("demo").unwrap(), SeatId::parse("ST.A-12").unwrap());
        TicketClaims::new("7KQ2-M9XD-0HTB-PW4E", &event, &seat, Timestamp::from_millis(1_900_000_000_999))
    }

    #[test]
    fn a_ticket_is_read_back_by_the_public_keys_alone() {
        let keys = keys("k1", 7);
        let token = claims().sign(&keys).unwrap();
        // The public keys travel as JSON.
        let public = serde_json::to_string(&keys.public()).unwrap();
        let public: PublicKeys = serde_json::from_str(&public).unwrap();
        assert_eq!(TicketClaims::verify(&format!(" {token}\n"), &public, None), Ok(claims()));
        let other = EventId::parse("other").unwrap();
        assert_eq!(TicketClaims::verify(&token, &public, Some(&other)), Err(BadTicket::OtherEvent));
        assert!(token.len() < 330, "a code that is easy to scan: {}", token.len());
    }

    #[test]
    fn what_was_changed_or_signed_by_another_is_no_ticket() {
        let own = keys("k1", 7);
        let token = claims().sign(&own).unwrap();
        let public = own.public();
        for other in [keys("k1", 8), keys("k2", 7)] {
            let forged = claims().sign(&other).unwrap();
            assert_eq!(TicketClaims::verify(&forged, &public, None), Err(BadTicket::Signature));
        }
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last letter of the signature has bits that mean nothing; they must be zero.
            assert!(TicketClaims::verify(&changed, &public, None).is_err(), "{place}");
        }
        for header in [
            r#"{"alg":"none","typ":"stanchion-ticket","kid":"k1"}"#,
            r#"{"alg":"EdDSA","typ":"JWT","kid":"k1"}"#,
        ] {
            let (_, rest) = token.split_once('.').unwrap();
            let changed = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header));
            assert_eq!(TicketClaims::verify(&changed, &public, None), Err(BadTicket::Malformed));
        }
        for nonsense in ["", "a.b", "a.b.c", &"a".repeat(5000)] {
            assert_eq!(TicketClaims::verify(nonsense, &public, None), Err(BadTicket::Malformed));
        }
    }
}
