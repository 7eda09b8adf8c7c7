//! What a fan can read in their own ticket: the place, without the key that would prove it.
//!
//! `v1.<base64url payload>.<base64url tag>`; the payload is a list of fields, each preceded by its length:
//! key id, room, lane, ticket id, order, time of issue. The order is `r` and a rank; or `d` and the draw that
//! decides, or `p` and a time of arrival, neither of which tells a rank.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::story::Place;

/// The kind of order that tells a rank, and those that a draw decides.
const RANKED: &[u8] = b"r";
const DRAWN: &[u8] = b"d";
const MOVED: &[u8] = b"m";

/// What a ticket tells of its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The place.
    Ranked(Place),
    /// That a draw decides.
    Drawn {
        /// The lane.
        lane: String,
        /// The id that is drawn for.
        id: Vec<u8>,
        /// When the pre-queue of the draw begins: milliseconds since 1970.
        prequeue_at: u64,
    },
}

/// What `sealed` tells of its place; nothing where it has none yet.
pub fn read(sealed: &str) -> Option<Told> {
    let payload = URL_SAFE_NO_PAD.decode(sealed.strip_prefix("v1.")?.split('.').next()?).ok()?;
    let mut rest = payload.as_slice();
    let (_key, _room) = (take(&mut rest)?, take(&mut rest)?);
    let lane = String::from_utf8(take(&mut rest)?.to_vec()).ok()?;
    let id = take(&mut rest)?.to_vec();
    let order = take(&mut rest)?;
    let number = |field: &[u8]| Some(u64::from_be_bytes(field.try_into().ok()?));
    match order {
        RANKED => Some(Told::Ranked(Place { lane, rank: number(take(&mut rest)?)?, id })),
        DRAWN | MOVED => {
            let prequeue_at = number(take(&mut rest)?)?;
            let _key = take(&mut rest)?;
            // A place that moved keeps the number of the id that was drawn for.
            let id = if order == MOVED { take(&mut rest)?.to_vec() } else { id };
            Some(Told::Drawn { lane, id, prequeue_at })
        }
        _ => None,
    }
}

/// The place that `sealed` names. A ticket whose rank is not told names none.
pub fn place(sealed: &str) -> Option<Place> {
    match read(sealed)? {
        Told::Ranked(place) => Some(place),
        Told::Drawn { .. } => None,
    }
}

/// `sealed` with a better rank, and the old tag: what a cheat would try.
pub fn with_rank(sealed: &str, rank: u64) -> Option<String> {
    let (payload, tag) = sealed.strip_prefix("v1.")?.split_once('.')?;
    let mut payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let mut rest = payload.as_slice();
    for _before_order in 0..4 {
        take(&mut rest)?;
    }
    if take(&mut rest)? != RANKED {
        return None;
    }
    let at = payload.len() - rest.len() + 1;
    payload.get_mut(at..at + 8)?.copy_from_slice(&rank.to_be_bytes());
    Some(format!("v1.{}.{tag}", URL_SAFE_NO_PAD.encode(payload)))
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first()?;
    let (field, after) = after.split_at_checked(usize::from(*length))?;
    *rest = after;
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(order: &[u8]) -> String {
        let mut payload = Vec::new();
        for field in [b"k1".as_slice(), b"demo", b"general", &[7; 12], order] {
            payload.push(field.len() as u8);
            payload.extend_from_slice(field);
        }
        for number in [1_700_000_000_u64 << 20, 1_700_000_000_123] {
            payload.push(8);
            payload.extend_from_slice(&number.to_be_bytes());
        }
        format!("v1.{}.dGFn", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn a_ticket_tells_its_place() {
        let expected = Place { lane: "general".to_owned(), rank: 1_700_000_000 << 20, id: vec![7; 12] };
        assert_eq!(place(&sealed(b"r")), Some(expected));
    }

    #[test]
    fn an_edited_ticket_tells_the_better_rank_with_the_old_tag() {
        let edited = with_rank(&sealed(b"r"), 5).unwrap();
        assert_eq!(place(&edited).unwrap().rank, 5);
        assert!(edited.ends_with(".dGFn"));
    }

    #[test]
    fn a_drawn_ticket_tells_of_its_draw() {
        let mut payload = Vec::new();
        let prequeue_at = 1_700_000_000_000_u64;
        let number = prequeue_at.to_be_bytes();
        for (order, drawn) in [(&b"d"[..], [7; 12]), (b"m", [9; 12])] {
            payload.clear();
            let fields = [b"k1".as_slice(), b"demo", b"general", &[7; 12], order, &number, b"k1", &[9; 12]];
            for field in &fields[..if order == b"m" { 8 } else { 7 }] {
                payload.push(field.len() as u8);
                payload.extend_from_slice(field);
            }
            let told = read(&format!("v1.{}.dGFn", URL_SAFE_NO_PAD.encode(&payload)));
            let (lane, id) = ("general".to_owned(), drawn.to_vec());
            assert_eq!(told, Some(Told::Drawn { lane, id, prequeue_at }));
        }
    }

    #[test]
    fn a_ticket_without_a_rank_tells_none() {
        for order in [b"d", b"p"] {
            assert_eq!(place(&sealed(order)), None);
            assert_eq!(with_rank(&sealed(order), 5), None);
        }
    }

    #[test]
    fn what_is_no_ticket_tells_nothing() {
        for text in ["", "v1.", "v1.AAAA", "v1.****.x", "v2.AAAA.x"] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
