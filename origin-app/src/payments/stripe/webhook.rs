//! What Stripe tells by itself: signed messages to `POST /api/payments/webhooks/stripe`.
//!
//! A message is only a hint to look: what the shop believes is what Stripe answers when it is asked about the payment.
//! So messages that come twice, late or in another order do no harm.

use std::time::Duration;

use admission::clock::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use crate::config::Secret;
use crate::ids::ReservationId;

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "stripe-signature";
/// How old or how early a message may be.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Most signatures in one header.
const SIGNATURES_MAX: usize = 16;

/// Why a message does not count as Stripe's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The header is missing or is no signature.
    #[error("the `Stripe-Signature` header is missing or malformed")]
    Malformed,
    /// The message is too old, or from the future.
    #[error("the message was signed more than five minutes ago, or is from the future")]
    NotNow,
    /// It was signed with another secret, or changed.
    #[error("the signature is not of this message")]
    Signature,
    /// Signed, and still nothing that can be read.
    #[error("the message is not an event")]
    NoEvent,
}

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookNews {
    /// What happened, as Stripe calls it.
    pub kind: String,
    /// The reservation whose payment it is about, if it is about one of this shop's.
    pub reservation: Option<ReservationId>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    reservation: Option<String>,
}

/// What `body` says, if it was signed as `header` claims, with one of `secrets`, around `now`.
///
/// # Errors
/// Why it was not.
pub fn verified_news(
    secrets: &[Secret],
    header: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<WebhookNews, WebhookError> {
    let (time, signatures) = header.and_then(parsed).ok_or(WebhookError::Malformed)?;
    let signed_at = Timestamp::from_millis(
        time.parse::<u64>().map_err(|_| WebhookError::Malformed)?.saturating_mul(1000),
    );
    if now.since(signed_at) > TOLERANCE || signed_at.since(now) > TOLERANCE {
        return Err(WebhookError::NotNow);
    }
    let matches = |secret: &Secret| {
        signatures.iter().any(|signature| {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
                return false;
            };
            mac.update(time.as_bytes());
            mac.update(b".");
            mac.update(body);
            // In constant time.
            mac.verify_slice(signature).is_ok()
        })
    };
    if !secrets.iter().any(matches) {
        return Err(WebhookError::Signature);
    }
    let event: Event = serde_json::from_slice(body).map_err(|_| WebhookError::NoEvent)?;
    let reservation = event.data.object.metadata.and_then(|metadata| metadata.reservation);
    Ok(WebhookNews {
        kind: event.kind,
        reservation: reservation.and_then(|id| ReservationId::parse(&id).ok()),
    })
}

/// The time, as it stands there and was signed, and all signatures of the scheme `v1`.
fn parsed(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", value) if time.is_none() => time = Some(value),
            ("t", _) => return None,
            ("v1", value) if signatures.len() < SIGNATURES_MAX => signatures.push(from_hex(value)?),
            // Other schemes are not for us, and a test scheme must not be believed.
            _ => {}
        }
    }
    Some((time?, signatures))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"type":"payment_intent.succeeded","data":{"object":{"metadata":{"reservation":"00112233445566778899aabbccddeeff"}}}}"#;

    fn sign(secret: &str, time: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn check(header: Option<&str>, body: &[u8], now_secs: u64) -> Result<WebhookNews, WebhookError> {
        let secrets = [Secret::new("whsec_new"), Secret::new("whsec_old")];
        verified_news(&secrets, header, body, Timestamp::from_millis(now_secs * 1000))
    }

    #[test]
    fn a_signature_that_openssl_made_is_good() {
        // printf '1700000000.{"type":"x","data":{"object":{}}}' | openssl dgst -sha256 -hmac whsec_new
        let header = "t=1700000000,v1=01e6534509736bdff783c86296c64b641fbdb31792ece5ebdb74e8167dab5270";
        let news = check(Some(header), br#"{"type":"x","data":{"object":{}}}"#, 1_700_000_000);
        assert_eq!(news, Ok(WebhookNews { kind: "x".into(), reservation: None }));
    }

    #[test]
    fn a_message_says_which_reservation_it_is_about() {
        let header = format!("t=1700000000,v1={}", sign("whsec_new", "1700000000", BODY));
        let id = ReservationId::parse("00112233445566778899aabbccddeeff").unwrap();
        let news = WebhookNews { kind: "payment_intent.succeeded".into(), reservation: Some(id) };
        assert_eq!(check(Some(&header), BODY, 1_700_000_000), Ok(news));
    }

    #[test]
    fn both_secrets_count_while_they_are_changed() {
        for secret in ["whsec_new", "whsec_old"] {
            let header = format!("t=1700000000,v1=00,v1={},v0=ab", sign(secret, "1700000000", BODY));
            assert!(check(Some(&header), BODY, 1_700_000_000).is_ok(), "{secret}");
        }
    }

    #[test]
    fn what_is_forged_changed_old_or_early_does_not_count() {
        let good = format!("t=1700000000,v1={}", sign("whsec_new", "1700000000", BODY));
        let other = format!("t=1700000000,v1={}", sign("whsec_other", "1700000000", BODY));
        let cut = good.get(..good.len() - 2).unwrap().to_owned();
        let newer = good.replace("t=1700000000", "t=1700000001");
        let wrong_scheme = good.replace("v1=", "v0=");
        let now = 1_700_000_000;
        for (header, expected) in [
            (None, WebhookError::Malformed),
            (Some(""), WebhookError::Malformed),
            (Some("t=1700000000,v1=zz"), WebhookError::Malformed),
            (Some("t=soon,v1=00"), WebhookError::Malformed),
            (Some("t=1700000000,t=1700000000,v1=00"), WebhookError::Malformed),
            (Some("v1=00"), WebhookError::Malformed),
            (Some("t=1700000000"), WebhookError::Signature),
            (Some(other.as_str()), WebhookError::Signature),
            (Some(cut.as_str()), WebhookError::Signature),
            (Some(newer.as_str()), WebhookError::Signature),
            (Some(wrong_scheme.as_str()), WebhookError::Signature),
        ] {
            assert_eq!(check(header, BODY, now), Err(expected), "{header:?}");
        }
        let changed = BODY.to_ascii_uppercase();
        assert_eq!(check(Some(&good), &changed, now), Err(WebhookError::Signature));
        assert!(check(Some(&good), BODY, now + 300).is_ok() && check(Some(&good), BODY, now - 300).is_ok());
        assert_eq!(check(Some(&good), BODY, now + 301), Err(WebhookError::NotNow));
        assert_eq!(check(Some(&good), BODY, now - 301), Err(WebhookError::NotNow));
    }

    #[test]
    fn events_of_others_are_taken_and_lead_nowhere() {
        let body = br#"{"type":"customer.created","data":{"object":{"id":"cus_1"}}}"#;
        let header = format!("t=1700000000,v1={}", sign("whsec_new", "1700000000", body));
        assert_eq!(check(Some(&header), body, 1_700_000_000).unwrap().reservation, None);
        let header = format!("t=1700000000,v1={}", sign("whsec_new", "1700000000", b"[]"));
        assert_eq!(check(Some(&header), b"[]", 1_700_000_000), Err(WebhookError::NoEvent));
    }
}
