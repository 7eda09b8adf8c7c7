//! Work before a ticket: a challenge that an edge signs and forgets, and what makes up for it.
//!
//! A challenge names its room, the network that it was given to, how hard it is and until when it is good. Any edge with
//! the keys checks it without a store. It is met by numbers that are dear to find and cheap to check, or by waiting until
//! a moment that it names. The ticket that is had for it has the challenge's id, so a challenge that is used at two edges
//! makes one ticket of it in a draw, and one session of it anywhere.

use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::keyring::{Keyring, Purpose};
use crate::name::RoomId;
use crate::sealed::{Fields, Opened, SealError, Sealer};
use crate::ticket::TicketId;

/// Numbers that are to be found. Several that are easier take as long on average as one that is hard, and hardly anybody
/// much longer than the average.
pub const PARTS: usize = 8;
/// The work that [`PARTS`] numbers have in common with one, in bits.
const PARTS_BITS: u8 = 3;
/// Least and most work, in bits: so many times two hashes on average.
pub const BITS_MIN: u8 = 8;
/// As [`BITS_MIN`].
pub const BITS_MAX: u8 = 28;
/// Highest number that is taken: the highest whole one that a script of a page can count to.
const NUMBER_MAX: u64 = 1 << 53;

/// What somebody has to do before they get a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The room.
    pub room: RoomId,
    /// Its id, and that of the ticket.
    pub id: TicketId,
    /// The network that it was given to.
    pub network: u64,
    /// How much work it is: so many times two hashes on average.
    pub bits: u8,
    /// From when on waiting makes up for the work.
    pub ready_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

/// Why a challenge is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// It is none.
    #[error("this is not a challenge")]
    Malformed,
    /// Signed by an unknown key or for another purpose, edited, or made up.
    #[error("the challenge's signature does not match")]
    Forged,
    /// For another room.
    #[error("the challenge is for another room")]
    OtherRoom,
    /// For another network.
    #[error("the challenge was given to another network")]
    OtherNetwork,
    /// Too late.
    #[error("the challenge has expired")]
    Expired,
}

impl From<SealError> for ChallengeError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Malformed => Self::Malformed,
            SealError::Forged => Self::Forged,
        }
    }
}

impl Challenge {
    /// The challenge as it is given away.
    pub fn seal(&self, keyring: &Keyring) -> String {
        Sealer::new(keyring, Purpose::Work)
            .text(self.room.as_str())
            .bytes(&self.id.bytes())
            .number(self.network)
            .bytes(&[self.bits])
            .number(self.ready_at.as_millis())
            .number(self.expires_at.as_millis())
            .seal()
    }

    /// Opens a challenge of `room` that comes from `network`.
    ///
    /// # Errors
    /// When it is none, not for here, or not any more.
    pub fn open(
        keyring: &Keyring,
        room: &RoomId,
        network: u64,
        sealed: &str,
        now: Timestamp,
    ) -> Result<Self, ChallengeError> {
        let opened = Opened::check(keyring, Purpose::Work, sealed)?;
        let challenge = Self::read(opened.fields()).ok_or(ChallengeError::Malformed)?;
        if challenge.room != *room {
            return Err(ChallengeError::OtherRoom);
        }
        if challenge.network != network {
            return Err(ChallengeError::OtherNetwork);
        }
        if challenge.expires_at <= now {
            return Err(ChallengeError::Expired);
        }
        Ok(challenge)
    }

    fn read(mut fields: Fields<'_>) -> Option<Self> {
        let room = RoomId::parse(fields.text()?).ok()?;
        let id = TicketId::from_bytes(fields.bytes()?.try_into().ok()?);
        let network = fields.number()?;
        let [bits] = fields.bytes()?.try_into().ok()?;
        let mut moment = || fields.number().map(Timestamp::from_millis);
        let (ready_at, expires_at) = (moment()?, moment()?);
        fields.end(Self { room, id, network, bits, ready_at, expires_at })
    }

    /// Whether `numbers`, written in decimal with commas in between, are the work: the SHA-256 of the text
    /// `<id>.<part>.<number>` begins with [`Self::zero_bits`] zeros, for each part from 0.
    pub fn is_met_by(&self, numbers: &str) -> bool {
        let (seed, zeros) = (self.id.to_string(), u32::from(self.zero_bits()));
        let mut parts = 0;
        for (part, number) in numbers.split(',').enumerate() {
            parts = part + 1;
            let is_plain = (1..=16).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
            let is_number = is_plain && number.parse().is_ok_and(|number: u64| number <= NUMBER_MAX);
            if part >= PARTS || !is_number || leading_zeros(&format!("{seed}.{part}.{number}")) < zeros {
                return false;
            }
        }
        parts == PARTS
    }

    /// With how many zeros each hash has to begin.
    pub fn zero_bits(&self) -> u8 {
        self.bits.saturating_sub(PARTS_BITS)
    }
}

/// How many zeros the SHA-256 of `text` begins with, up to 32.
fn leading_zeros(text: &str) -> u32 {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(text));
    u32::from_be_bytes([a, b, c, d]).leading_zeros()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn ring(secret: u8) -> Keyring {
        Keyring::parse(&format!("k1:{}", STANDARD.encode([secret; 32]))).unwrap()
    }

    fn room(name: &str) -> RoomId {
        RoomId::parse(name).unwrap()
    }

    fn challenge() -> Challenge {
        Challenge {
            room: room("demo"),
            id: TicketId::from_bytes([9; 12]),
            network: 7,
            bits: 9,
            ready_at: NOW + Duration::from_secs(20),
            expires_at: NOW + Duration::from_secs(600),
        }
    }

    fn solve(challenge: &Challenge) -> Vec<u64> {
        let zeros = u32::from(challenge.zero_bits());
        let find =
            |part| (0..).find(|number| leading_zeros(&format!("{}.{part}.{number}", challenge.id)) >= zeros);
        (0..PARTS).filter_map(find).collect()
    }

    fn written(numbers: &[u64]) -> String {
        numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn a_challenge_opens_for_its_room_and_network_until_it_expires() {
        let sealed = challenge().seal(&ring(1));
        let open =
            |ring: &Keyring, name, network, now| Challenge::open(ring, &room(name), network, &sealed, now);
        assert_eq!(open(&ring(1), "demo", 7, NOW), Ok(challenge()));
        assert_eq!(open(&ring(1), "demo", 8, NOW), Err(ChallengeError::OtherNetwork));
        assert_eq!(open(&ring(1), "other", 7, NOW), Err(ChallengeError::OtherRoom));
        assert_eq!(open(&ring(2), "demo", 7, NOW), Err(ChallengeError::Forged));
        assert_eq!(open(&ring(1), "demo", 7, challenge().expires_at), Err(ChallengeError::Expired));
        let longest = Challenge { room: room(&"r".repeat(32)), ..challenge() };
        let ring = Keyring::parse(&format!("0123456789abcdef:{}", STANDARD.encode([1; 32]))).unwrap();
        assert_eq!(Challenge::open(&ring, &longest.room, 7, &longest.seal(&ring), NOW), Ok(longest));
    }

    #[test]
    fn the_work_is_all_of_its_numbers_in_their_order() {
        let challenge = challenge();
        let numbers = solve(&challenge);
        assert!(challenge.is_met_by(&written(&numbers)));
        let (mut turned, mut harder) = (numbers.clone(), challenge.clone());
        turned.reverse();
        harder.bits = BITS_MAX;
        assert!(!challenge.is_met_by(&written(&turned)), "each number is for one part");
        assert!(!challenge.is_met_by(&written(&numbers[1..])), "one is missing");
        assert!(!challenge.is_met_by(&format!("{},0", written(&numbers))), "one too many");
        assert!(!harder.is_met_by(&written(&numbers)), "not hard enough");
        let other = Challenge { id: TicketId::from_bytes([8; 12]), ..challenge.clone() };
        assert!(!other.is_met_by(&written(&numbers)), "another challenge");
        for junk in ["", ",", "+1", "1e3", " 1", "99999999999999999", &"0,".repeat(1000)] {
            assert!(!challenge.is_met_by(junk), "{junk}");
        }
    }

    #[test]
    fn a_known_answer() {
        // As `docs/solve_work.py` finds it: for others who write a solver.
        assert_eq!(challenge().id.to_string(), "CQkJCQkJCQkJCQkJ");
        assert!(challenge().is_met_by("14,163,42,53,0,19,19,39"));
    }

    proptest! {
        #[test]
        fn no_edited_character_passes(at in 0_usize..200, with in "[A-Za-z0-9_.=-]") {
            let sealed = challenge().seal(&ring(1));
            let at = at % sealed.len();
            let edited = format!("{}{with}{}", &sealed[..at], &sealed[at + 1..]);
            prop_assume!(edited != sealed);
            prop_assert!(Challenge::open(&ring(1), &room("demo"), 7, &edited, NOW).is_err());
        }

        #[test]
        fn garbage_never_panics(text in ".{0,300}") {
            prop_assert!(Challenge::open(&ring(1), &room("demo"), 7, &text, NOW).is_err());
            prop_assert!(!challenge().is_met_by(&text));
        }
    }
}
