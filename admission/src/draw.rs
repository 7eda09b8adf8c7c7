//! The lottery that orders the pre-queue (P10).
//!
//! Before anybody joins, a room publishes a [`Commitment`] to a secret [`Seed`]. The seed and the random id of
//! a ticket give the ticket's draw number, which is its place among those who came before the opening. After
//! the opening the seed is published, and everybody can check it against the commitment and recompute every
//! draw number: `docs/fairness.md` has the command line, `docs/check_draw.py` a second implementation.
//!
//! ```text
//! seed        = HMAC-SHA-256(key of the ring for draws, (room, prequeue_at))
//! commitment  = SHA-256(seed)
//! draw number = first 25 bits of HMAC-SHA-256(seed, ticket id as its 16 characters)
//! rank        = first rank of the millisecond prequeue_at + draw number
//! ```
//!
//! Nothing happens at the opening: no list is shuffled, so no step grows with the crowd. Everyone is ranked as
//! they come, and only told later. The seed comes from the keyring, so it outlives the store.
//!
//! # What it proves
//!
//! - Nobody without the keys foresees a draw number: to them the seed is random, and so are the numbers.
//! - The seed was fixed before the first fan joined. The operator cannot look at the crowd and then choose
//!   another, without showing a seed that does not match the commitment.
//! - The draw number of a ticket follows from the published seed and the ticket's id, and from nothing else: not
//!   from the time of joining, the lane, the address or the browser.
//!
//! # What it does not prove
//!
//! - That the ids were left to chance. **The edge mints the ids, and who operates it holds the keys, so they know
//!   the seed: they could try several ids for a ticket of their own and keep one with a low number.** The draw
//!   binds the operator for the tickets of the fans, not for tickets that the operator makes up. Nobody can tell
//!   such an id from an honest one.
//! - That every ticket is a person, or that a person has one ticket.

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize;

use crate::clock::Timestamp;
use crate::keyring::{Keyring, Purpose, is_key_id};
use crate::name::RoomId;
use crate::rank::{RANKS_PER_MILLI, Rank};
use crate::ticket::TicketId;

/// Length of a draw number, in bits: 33,554,432 numbers. Of a million fans, one in 33 draws a number that
/// somebody else has; the edge then gives them another ticket id.
pub const DRAW_BITS: u32 = 25;

/// How many draw numbers there are.
pub const DRAW_NUMBERS: u32 = 1 << DRAW_BITS;

/// Shortest time from `prequeue_at` to `opens_at`. The drawn ranks fill the rank space of the first 32.8 s from
/// `prequeue_at`, at 1024 ranks a millisecond; whoever comes at the opening or later has to stand behind them.
pub const DRAW_WINDOW_MIN: Duration = Duration::from_secs(35);

/// Length of a seed and of a commitment, in bytes.
pub const SEED_BYTES: usize = 32;

const _: () = assert!(
    (DRAW_NUMBERS as u64).div_ceil(RANKS_PER_MILLI) < DRAW_WINDOW_MIN.as_secs() * 1000,
    "drawn ranks end before the opening"
);

/// Names one draw of a room: when its pre-queue begins, and the key that its seed comes from.
///
/// The key's id is in every ticket of the draw, so the ranks stay when another key begins to sign. They are lost
/// with the key: it has to stay in the ring for as long as tickets of the draw are carried.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DrawId {
    prequeue_at: Timestamp,
    key_id: String,
}

impl DrawId {
    /// The draw of a pre-queue that begins at `prequeue_at`, with a seed from the key that signs now.
    pub fn new(keyring: &Keyring, prequeue_at: Timestamp) -> Self {
        Self { prequeue_at, key_id: keyring.signing_key_id().to_owned() }
    }

    /// The draw with a seed from the key `key_id`; nothing if that is no key id.
    pub fn with_key(prequeue_at: Timestamp, key_id: &str) -> Option<Self> {
        is_key_id(key_id).then(|| Self { prequeue_at, key_id: key_id.to_owned() })
    }

    /// When the pre-queue begins.
    pub const fn prequeue_at(&self) -> Timestamp {
        self.prequeue_at
    }

    /// The key that the seed comes from.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The rank of the ticket `id` in the draw of `room`; nothing if the ring does not have the draw's key.
    pub fn rank(&self, keyring: &Keyring, room: &RoomId, id: TicketId) -> Option<Rank> {
        let seed = Seed::derive(keyring, room, self)?;
        let rank = rank(self.prequeue_at, seed.number(id));
        (rank < Rank::MAX).then_some(rank)
    }
}

/// The rank of a draw number in the pre-queue that begins at `prequeue_at`.
pub const fn rank(prequeue_at: Timestamp, number: u32) -> Rank {
    Rank::new(Rank::first_of(prequeue_at).get().saturating_add(number as u64))
}

/// What decides a draw. Secret until the room has opened, then public.
///
/// It is wiped from memory when it is dropped, and its `Debug` shows nothing.
#[derive(Clone)]
pub struct Seed([u8; SEED_BYTES]);

impl Seed {
    /// The seed of a room's draw; nothing if the ring does not have the draw's key.
    pub fn derive(keyring: &Keyring, room: &RoomId, draw: &DrawId) -> Option<Self> {
        let prequeue_at = draw.prequeue_at.as_millis().to_be_bytes();
        keyring.derive(Purpose::Draw, &draw.key_id, &[room.as_str().as_bytes(), &prequeue_at]).map(Self)
    }

    /// A seed that was published.
    pub const fn from_bytes(bytes: [u8; SEED_BYTES]) -> Self {
        Self(bytes)
    }

    /// What is published of the seed before anybody joins.
    pub fn commitment(&self) -> Commitment {
        Commitment(Sha256::digest(self.0).into())
    }

    /// The draw number of a ticket, below [`DRAW_NUMBERS`]: lower goes first.
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
    pub fn number(&self, id: TicketId) -> u32 {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        let [a, b, c, d, ..]: [u8; 32] = mac.chain_update(id.to_string()).finalize().into_bytes().into();
        u32::from_be_bytes([a, b, c, d]) >> (u32::BITS - DRAW_BITS)
    }

    /// The seed as it is published after the draw: 64 hexadecimal digits.
    pub fn reveal(&self) -> String {
        hex(&self.0)
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// The SHA-256 of a seed. It says nothing about the seed, and no other seed has it. Its text is 64 hexadecimal
/// digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Commitment([u8; SEED_BYTES]);

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const OTHER: &str = "HxwdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA";
    const PREQUEUE_AT: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn ring(text: &str) -> Keyring {
        Keyring::parse(text).unwrap()
    }

    fn room(name: &str) -> RoomId {
        RoomId::parse(name).unwrap()
    }

    fn id(number: u64) -> TicketId {
        let mut bytes = [0; 12];
        bytes[4..].copy_from_slice(&number.to_be_bytes());
        TicketId::from_bytes(bytes)
    }

    #[test]
    fn numbers_and_commitment_are_what_they_were() {
        // Computed with openssl and sha256sum, as docs/fairness.md says. A change here loses ranks.
        let seed = Seed::from_bytes([0x5a; 32]);
        let commitment = "60bf07c488aad18fda339df07e4fbc47b4f00be71711936f18d04d352ad01890";
        assert_eq!(seed.commitment().to_string(), commitment);
        assert_eq!((seed.number(id(0)), seed.number(id(1))), (8538302, 18599261));
    }

    #[test]
    fn the_draw_of_a_room_and_time_is_its_own() {
        let ring = ring(&format!("k1:{SECRET},k2:{OTHER}"));
        let seed = |name: &str, at: Timestamp, key: &str| {
            let draw = DrawId::with_key(at, key).unwrap();
            Seed::derive(&ring, &room(name), &draw).unwrap().reveal()
        };
        let later = PREQUEUE_AT + Duration::from_millis(1);
        let mut seeds = vec![
            seed("demo", PREQUEUE_AT, "k1"),
            seed("demo", PREQUEUE_AT, "k2"),
            seed("demo", later, "k1"),
            seed("other", PREQUEUE_AT, "k1"),
        ];
        assert_eq!(seeds[0], seed("demo", PREQUEUE_AT, "k1"));
        seeds.sort();
        seeds.dedup();
        assert_eq!(seeds.len(), 4);
    }

    #[test]
    fn another_key_that_signs_changes_no_rank_and_a_missing_one_gives_none() {
        let before = ring(&format!("k1:{SECRET}"));
        let draw = DrawId::new(&before, PREQUEUE_AT);
        let rank = draw.rank(&before, &room("demo"), id(1));
        assert!(rank.is_some());
        let rotated = ring(&format!("k2:{OTHER},k1:{SECRET}"));
        assert_eq!(draw.rank(&rotated, &room("demo"), id(1)), rank);
        assert_ne!(DrawId::new(&rotated, PREQUEUE_AT).rank(&rotated, &room("demo"), id(1)), rank);
        let withdrawn = ring(&format!("k2:{OTHER}"));
        assert_eq!(draw.rank(&withdrawn, &room("demo"), id(1)), None);
    }

    #[test]
    fn drawn_ranks_lie_between_the_beginning_and_the_opening() {
        let (first, last) = (rank(PREQUEUE_AT, 0), rank(PREQUEUE_AT, DRAW_NUMBERS - 1));
        assert_eq!(first, Rank::first_of(PREQUEUE_AT));
        assert!(last < Rank::first_of(PREQUEUE_AT + DRAW_WINDOW_MIN));
        let ring = ring(&format!("k1:{SECRET}"));
        let never = DrawId::new(&ring, Timestamp::from_millis(u64::MAX));
        assert_eq!(never.rank(&ring, &room("demo"), id(1)), None);
    }

    #[test]
    fn numbers_are_spread_evenly_and_below_their_bound() {
        let seed = Seed::from_bytes([7; 32]);
        let mut sixteenths = [0_u32; 16];
        for number in (0..16_000).map(|n| seed.number(id(n))) {
            assert!(number < DRAW_NUMBERS);
            sixteenths[(number >> (DRAW_BITS - 4)) as usize] += 1;
        }
        // 1000 each are expected, with a standard deviation of 31.
        assert!(sixteenths.iter().all(|count| (800..1200).contains(count)), "{sixteenths:?}");
    }

    #[test]
    fn debug_says_nothing_of_the_seed() {
        assert_eq!(format!("{:?}", Seed::from_bytes([7; 32])), "Seed(…)");
    }

    #[test]
    fn what_names_no_key_names_no_draw() {
        assert_eq!(DrawId::with_key(PREQUEUE_AT, ""), None);
        assert_eq!(DrawId::with_key(PREQUEUE_AT, "K1"), None);
    }
}
