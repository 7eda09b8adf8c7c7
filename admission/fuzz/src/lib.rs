//! Attacks on what fans carry. Each takes bytes that decide what it tries, and panics when it succeeds.
//!
//! The fuzz targets feed them bytes that libFuzzer breeds for new paths; the property tests of `admission` feed
//! them random ones, so that every run of the ordinary suite tries each of them a few thousand times.
//!
//! The first byte chooses: bytes as they are; bytes that somebody with the key signed; or a good text that was
//! edited. What was signed and opens must be spelled in no other way, and nothing that was edited may open.

mod links;

use std::time::Duration;

use admission::clock::Timestamp;
use admission::draw::DrawId;
use admission::invitation::Invitation;
use admission::keyring::{Keyring, Purpose};
use admission::name::{LaneId, RoomId};
use admission::rank::Rank;
use admission::ticket::{Order, Ticket, TicketId};
use admission::token::{Admission, CLOCK_SKEW_MAX};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub use links::{bypass, transfer};

const SECRET: [u8; 32] = [7; 32];
const KEY_ID: &str = "k1";
const PUBLIC_KEY_ID: &str = "e1";
const ROOM: &str = "demo";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// What the attacker has in hand.
enum Attack<'a> {
    /// A text that they made up.
    Text(String),
    /// A list of fields, or claims, that somebody with the key was made to sign.
    Signed(&'a [u8]),
    /// Edits of a good text.
    Edits(&'a [u8]),
}

fn attack(data: &[u8]) -> Option<Attack<'_>> {
    let (choice, rest) = data.split_first()?;
    Some(match choice % 3 {
        0 => Attack::Text(String::from_utf8_lossy(rest).into_owned()),
        1 => Attack::Signed(rest),
        _ => Attack::Edits(rest),
    })
}

/// Attacks the parser of tickets.
pub fn ticket(data: &[u8]) {
    let Some(attack) = attack(data) else { return };
    let ring = ring();
    match attack {
        Attack::Text(text) => assert!(Ticket::open(&ring, &room(), &text).is_err(), "made up: {text}"),
        Attack::Signed(fields) => {
            let text = signed(&ring, Purpose::Ticket, fields);
            if let Ok(ticket) = Ticket::open(&ring, &room(), &text) {
                assert_eq!(ticket.seal(&ring), text, "another spelling of {ticket:?}");
                assert!(ticket.place(&ring).is_none_or(|place| place.rank < Rank::MAX));
            }
        }
        Attack::Edits(edits) => {
            let order = match edits.first().map(|byte| byte % 3) {
                Some(0) => Order::Drawn(DrawId::new(&ring, NOW)),
                Some(1) => Order::Provisional { arrived_at: NOW },
                _ => Order::Ranked(Rank::first_of(NOW)),
            };
            let id = TicketId::from_bytes([3; 12]);
            let good =
                Ticket { room: room(), lane: LaneId::general(), id, order, issued_at: NOW }.seal(&ring);
            let opens = |text: &str| Ticket::open(&ring, &room(), text).is_ok();
            assert_only_good_opens(&good, edits.get(1..).unwrap_or_default(), opens);
            assert!(Invitation::open(&ring, &room(), &good, NOW).is_err());
            assert!(Admission::verify(&ring, &room(), &good, NOW).is_err());
        }
    }
}

/// Attacks the parser of invitations.
pub fn invitation(data: &[u8]) {
    let Some(attack) = attack(data) else { return };
    let ring = ring();
    let open = |text: &str| Invitation::open(&ring, &room(), text, NOW);
    match attack {
        Attack::Text(text) => assert!(open(&text).is_err(), "made up: {text}"),
        Attack::Signed(fields) => {
            let text = signed(&ring, Purpose::Invitation, fields);
            if let Ok(invitation) = open(&text) {
                assert_eq!(invitation.seal(&ring), text, "another spelling of {invitation:?}");
                assert!(invitation.uses > 0 && invitation.expires_at > NOW && invitation.room == room());
            }
        }
        Attack::Edits(edits) => {
            let id = TicketId::from_bytes([3; 12]);
            let (lane, expires_at) = (LaneId::general(), NOW + Duration::from_secs(60));
            let good = Invitation { room: room(), lane, id, uses: 1, expires_at }.seal(&ring);
            assert_only_good_opens(&good, edits, |text| open(text).is_ok());
            assert!(Ticket::open(&ring, &room(), &good).is_err());
            assert!(Admission::verify(&ring, &room(), &good, NOW).is_err());
        }
    }
}

/// Attacks the parser of admission tokens.
pub fn token(data: &[u8]) {
    let Some(attack) = attack(data) else { return };
    let both = both_rings();
    let verify = |text: &str| Admission::verify(&both, &room(), text, NOW);
    match attack {
        Attack::Text(text) => assert!(verify(&text).is_err(), "made up: {text}"),
        Attack::Signed(bytes) => {
            // A header of the attacker's own, where they give one before a zero byte; else a good one.
            let mut parts = bytes.splitn(2, |byte| *byte == 0);
            let (first, second) = (parts.next().unwrap_or_default(), parts.next());
            let header = br#"{"typ":"JWT","alg":"HS256","kid":"k1"}"#;
            let (header, claims) = second.map_or((&header[..], first), |claims| (first, claims));
            if let Ok(admission) = verify(&signed_token(header, claims)) {
                assert!(admission.room == room() && admission.expires_at > NOW, "{admission:?}");
                let claims = String::from_utf8_lossy(claims);
                assert!(claims.contains("stanchion") && claims.contains(ROOM), "{claims}");
            }
        }
        Attack::Edits(edits) => {
            let admission = Admission {
                room: room(),
                ticket: TicketId::from_bytes([3; 12]),
                lane: LaneId::general(),
                admitted_at: NOW,
                began_at: NOW,
                issued_at: NOW + CLOCK_SKEW_MAX,
                expires_at: NOW + Duration::from_secs(60),
                binding: None,
            };
            // By either algorithm; Ed25519 takes fifty times as long.
            let is_public = edits.first().is_some_and(|byte| byte % 8 == 7);
            let signing = if is_public { public_ring() } else { ring() };
            let Ok(good) = admission.mint(&signing, TicketId::from_bytes([4; 12])) else { return };
            assert_only_good_opens(&good, edits.get(1..).unwrap_or_default(), |text| verify(text).is_ok());
            assert!(Ticket::open(&both, &room(), &good).is_err());
            assert!(Invitation::open(&both, &room(), &good, NOW).is_err());
        }
    }
}

fn ring() -> Keyring {
    let secret = URL_SAFE_NO_PAD.encode(SECRET);
    Keyring::parse(&format!("{KEY_ID}:{secret}")).expect("a key")
}

/// A key that signs tokens by Ed25519, of the same secret.
fn public_ring() -> Keyring {
    Keyring::parse(&format!("{PUBLIC_KEY_ID}:eddsa:{}", URL_SAFE_NO_PAD.encode(SECRET))).expect("a key")
}

fn both_rings() -> Keyring {
    let secret = URL_SAFE_NO_PAD.encode(SECRET);
    Keyring::parse(&format!("{KEY_ID}:{secret},{PUBLIC_KEY_ID}:eddsa:{secret}")).expect("keys")
}

fn room() -> RoomId {
    RoomId::parse(ROOM).expect("a name")
}

/// The sealed text of a payload that begins with the key's id and goes on with `fields`.
fn signed(ring: &Keyring, purpose: Purpose, fields: &[u8]) -> String {
    let payload = [&[KEY_ID.len() as u8], KEY_ID.as_bytes(), fields].concat();
    let tag = ring.sign(purpose, &[b"v1", &payload]).tag;
    format!("v1.{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(tag))
}

/// A JWT of these bytes, signed with the key that the ring derives for admission tokens.
fn signed_token(header: &[u8], claims: &[u8]) -> String {
    let mac = |key: &[u8], text: &[u8]| -> [u8; 32] {
        let mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
        mac.chain_update(text).finalize().into_bytes().into()
    };
    let key = mac(&SECRET, b"stanchion admission token v1");
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac(&key, text.as_bytes())))
}

/// Edits `good` and asserts that nothing but itself opens. An edit is three bytes: what to do, where, and the
/// character.
fn assert_only_good_opens(good: &str, edits: &[u8], opens: impl Fn(&str) -> bool) {
    assert!(opens(good), "a good one: {good}");
    let mut text = good.as_bytes().to_vec();
    for edit in edits.chunks_exact(3) {
        let [what, at, with] = edit else { continue };
        // A token is longer than a byte can tell; what is left of `what` tells the rest.
        let at = (usize::from(what / 8) * 32 + usize::from(*at)) % (text.len() + 1);
        match what % 8 {
            0 => text.truncate(at),
            1 => text.insert(at, *with),
            2 if at < text.len() => drop(text.remove(at)),
            3 => text.rotate_left(at),
            4 => text.extend_from_within(..at),
            _ => {
                if let Some(byte) = text.get_mut(at) {
                    *byte = *with;
                }
            }
        }
        text.truncate(2000);
    }
    let text = String::from_utf8_lossy(&text);
    assert_eq!(opens(&text), text == good, "edited: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    // Otherwise the second choice would try nothing.
    #[test]
    fn what_is_signed_by_hand_opens() {
        let fields =
            [b"\x04demo\x07general\x0c".as_slice(), &[3; 12], b"\x01p\x08", &[0; 8], b"\x08", &[0; 8]];
        let text = signed(&ring(), Purpose::Ticket, &fields.concat());
        assert!(Ticket::open(&ring(), &room(), &text).is_ok());

        let claims = br#"{"iss":"stanchion","aud":"demo","sub":"AwMDAwMDAwMDAwMD","lane":"general",
            "auth_time":1700000000,"began":1700000000000,"iat":1700000000,"nbf":1700000000,"exp":1700000060,"jti":""}"#;
        let text = signed_token(br#"{"alg":"HS256","kid":"k1"}"#, claims);
        assert!(Admission::verify(&ring(), &room(), &text, NOW).is_ok());
    }
}
