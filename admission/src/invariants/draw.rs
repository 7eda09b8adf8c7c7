//! P10.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::rank::Rank;
use crate::ticket::TicketId;

use super::{Promise, Violation};

/// How many bits of a draw number there are.
const NUMBER_BITS: u32 = 25;

/// What anyone can know of a draw once the seed is revealed.
#[derive(Clone, Debug)]
pub struct Draw {
    /// The commitment, as it was published: the SHA-256 of the seed, in hexadecimal.
    pub commitment: String,
    /// When it was first to be read.
    pub published_at: Timestamp,
    /// The seed, as it was revealed.
    pub seed: Vec<u8>,
    /// When the pre-queue began.
    pub prequeue_at: Timestamp,
    /// When the line opened.
    pub opens_at: Timestamp,
    /// Those who came, before or after the opening.
    pub fans: Vec<Drawn>,
}

/// A fan who came for a draw.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Names the fan.
    pub name: String,
    /// Their ticket's id.
    pub ticket: TicketId,
    /// When they were given it.
    pub joined_at: Timestamp,
    /// The rank that they were told, and when they could first have known it.
    pub rank: Option<(Rank, Timestamp)>,
}

/// **P10 fair draw.** The order of the pre-queue can be verified by anyone afterwards, and foreseen by no fan
/// beforehand; the operator is bound by a commitment published before the first fan joins.
///
/// The rank of whoever joined before the opening is the first of the pre-queue's beginning plus a number: the
/// first 25 bits, big endian, of HMAC-SHA256 with the seed as key over the 16 characters of the ticket's id. Whoever
/// came later stands behind all of those.
pub fn draw(draw: &Draw) -> Vec<Violation> {
    let violation = |at, fans: &[&Drawn], message: String| Violation {
        promise: Promise::FairDraw,
        at,
        fans: fans.iter().map(|fan| fan.name.clone()).collect(),
        message,
    };
    let mut found = Vec::new();
    let committed = hex(&Sha256::digest(&draw.seed));
    if committed != draw.commitment {
        let message =
            format!("the revealed seed gives the commitment {committed}; published was {}", draw.commitment);
        found.push(violation(draw.opens_at, &[], message));
    }
    for fan in &draw.fans {
        if fan.joined_at < draw.published_at {
            let message =
                format!("{} joined at {}, before the commitment was published", fan.name, fan.joined_at);
            found.push(violation(fan.joined_at, &[fan], message));
        }
        let Some((rank, told_at)) = fan.rank else { continue };
        if fan.joined_at >= draw.opens_at {
            let last = Rank::new(Rank::first_of(draw.prequeue_at).get() + (1 << NUMBER_BITS) - 1);
            if rank <= last {
                let message =
                    format!("{} came after the draw and has rank {rank}, among those drawn", fan.name);
                found.push(violation(fan.joined_at, &[fan], message));
            }
            continue;
        }
        if told_at < draw.opens_at {
            let message = format!("{} could know their rank at {told_at}, before the opening", fan.name);
            found.push(violation(told_at, &[fan], message));
        }
        let due = rank_of(&draw.seed, draw.prequeue_at, fan.ticket);
        if due != Some(rank) {
            let message = format!("{} has rank {rank}; the seed gives {due:?}", fan.name);
            found.push(violation(told_at, &[fan], message));
        }
    }
    found
}

fn rank_of(seed: &[u8], prequeue_at: Timestamp, ticket: TicketId) -> Option<Rank> {
    let mut mac = Hmac::<Sha256>::new_from_slice(seed).ok()?;
    mac.update(ticket.to_string().as_bytes());
    let tag = mac.finalize().into_bytes();
    let first = u32::from_be_bytes(tag.first_chunk().copied()?);
    let number = u64::from(first >> (u32::BITS - NUMBER_BITS));
    Some(Rank::new(Rank::first_of(prequeue_at).get() + number))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::at;
    use super::*;
    use crate::ticket::TICKET_ID_BYTES;

    fn drawn(number: u8, joined: u64) -> Drawn {
        let ticket = TicketId::from_bytes([number; TICKET_ID_BYTES]);
        let rank = rank_of(b"a seed", at(0), ticket).unwrap();
        Drawn { name: format!("fan {number}"), ticket, joined_at: at(joined), rank: Some((rank, at(60))) }
    }

    fn fair() -> Draw {
        let late = Drawn { rank: Some((Rank::first_of(at(61)), at(61))), ..drawn(9, 61) };
        Draw {
            commitment: hex(&Sha256::digest(b"a seed")),
            published_at: at(0),
            seed: b"a seed".to_vec(),
            prequeue_at: at(0),
            opens_at: at(60),
            fans: vec![drawn(1, 1), drawn(2, 59), late],
        }
    }

    #[test]
    fn a_draw_by_the_book_keeps_it() {
        assert_eq!(draw(&fair()), []);
    }

    #[test]
    fn the_number_is_what_other_tools_compute() {
        // printf %s AQEBAQEBAQEBAQEB | openssl dgst -sha256 -hmac 'a seed'
        let ticket = TicketId::from_bytes([1; TICKET_ID_BYTES]);
        assert_eq!(ticket.to_string(), "AQEBAQEBAQEBAQEB");
        let number = rank_of(b"a seed", at(0), ticket).unwrap().get() - Rank::first_of(at(0)).get();
        assert_eq!(number, NUMBER_BY_OPENSSL);
    }

    const NUMBER_BY_OPENSSL: u64 = 5_649_636;

    #[test]
    fn another_seed_another_rank_or_another_time_breaks_it() {
        let good = fair();
        let with = |which: usize, change: &dyn Fn(&mut Drawn)| {
            let mut draw = fair();
            change(&mut draw.fans[which]);
            draw
        };
        let broken = [
            Draw { commitment: hex(&Sha256::digest(b"another")), ..good.clone() },
            Draw { published_at: at(2), ..good },
            with(0, &|fan| fan.rank = Some((Rank::first_of(at(0)), at(60)))),
            with(0, &|fan| fan.rank = fan.rank.map(|(rank, _)| (rank, at(59)))),
            with(2, &|fan| fan.rank = Some((Rank::first_of(at(30)), at(61)))),
        ];
        for draw_broken in broken {
            let found = draw(&draw_broken);
            assert!(found.len() == 1 && found[0].promise == Promise::FairDraw, "{found:?}");
        }
    }
}
