//! Work before a ticket: how much is asked of whom, and what is taken for done.
//!
//! The busier a network is, the harder are the challenges that it is given. Who cannot compute waits instead, and few of
//! one network get their place by that, or a script would just wait.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use admission::clock::{Random, RandomError, Timestamp};
use admission::keyring::Keyring;
use admission::name::RoomId;
use admission::ticket::TicketId;
use admission::work::{Challenge, ChallengeError};
use arc_swap::ArcSwap;

use super::spent::Spent;
use super::{Pace, PrefixLimit, WorkDone};

/// How long a challenge is good for after waiting makes up for it.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// How much harder it gets at most for a busy network, in bits: beyond, nothing is remembered that would take hours to
/// be forgotten.
const HARDER_BITS_MAX: u8 = 6;
/// A challenge that is given again is good for so long at least.
const LEFT_MIN: Duration = Duration::from_secs(60);

/// How much work is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkRules {
    /// How much of a calm network, in bits: so many times two hashes on average. 0 for none.
    pub bits: u8,
    /// How much of a busy one at most.
    pub bits_max: u8,
    /// How many challenges a minute a network is given before it counts as busy.
    pub calm_per_minute: u64,
    /// After how long waiting makes up for the work.
    pub wait: Duration,
    /// How many of one network get their place by waiting, a minute.
    pub waits_per_minute: u64,
}

impl Default for WorkRules {
    fn default() -> Self {
        Self {
            bits: 0,
            bits_max: 21,
            calm_per_minute: 60,
            wait: Duration::from_secs(20),
            waits_per_minute: 6,
        }
    }
}

/// What is given to somebody who has to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The challenge, sealed.
    pub sealed: String,
    /// What it says.
    pub challenge: Challenge,
    /// How long it is until waiting makes up for it, in seconds.
    pub ready_in: u64,
    /// How long it is good for.
    pub good_for: Duration,
    /// Why it is asked.
    pub lacking: Lacking,
}

impl Asked {
    fn new(
        sealed: String,
        challenge: Challenge,
        ready_in: Duration,
        lacking: Lacking,
        now: Timestamp,
    ) -> Self {
        let good_for = challenge.expires_at.since(now);
        let ready_in = ready_in.as_millis().div_ceil(1000).max(1);
        Self { sealed, challenge, ready_in: u64::try_from(ready_in).unwrap_or(u64::MAX), good_for, lacking }
    }
}

/// A challenge that somebody came with, and as they came with it.
pub type Theirs = Box<(Challenge, String)>;

/// Work that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    theirs: Theirs,
    /// Whether by waiting.
    waited: bool,
}

impl Proof {
    /// What it was.
    pub const fn done(&self) -> WorkDone {
        if self.waited { WorkDone::Waited } else { WorkDone::Computed }
    }
}

/// What is wrong with the work of somebody who came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// There is none.
    All,
    /// It is to come: the challenge is theirs, and they have not waited long enough.
    Time(Theirs),
    /// Others of the same network got their place by waiting just now. So long it is until one may again.
    Turn(Theirs, Duration),
    /// The numbers are not the work; the challenge may be tried again.
    Numbers(Theirs),
    /// It was used.
    Used,
    /// The challenge is worth nothing.
    Worthless(ChallengeError),
}

impl Lacking {
    /// In a word, for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::All => "work_needed",
            Self::Time(_) => "work_or_wait",
            Self::Turn(..) => "work_or_wait_longer",
            Self::Numbers(_) => "work_wrong",
            Self::Used => "work_used",
            Self::Worthless(ChallengeError::OtherNetwork) => "work_of_another_network",
            Self::Worthless(ChallengeError::Expired) => "work_expired",
            Self::Worthless(_) => "work_unknown",
        }
    }
}

/// Asks for work and checks it. Remembers how busy networks are and what was used, both within bounds.
pub struct Work {
    rules: WorkRules,
    keys: Arc<ArcSwap<Keyring>>,
    random: Arc<dyn Random>,
    busy: PrefixLimit,
    waits: PrefixLimit,
    spent: Spent,
}

impl Work {
    /// By these rules, for networks of so many bits.
    pub fn new(
        rules: WorkRules,
        network_bits: (u8, u8),
        keys: Arc<ArcSwap<Keyring>>,
        random: Arc<dyn Random>,
    ) -> Self {
        let calm = rules.calm_per_minute.max(1);
        let most = calm.saturating_mul(1 << HARDER_BITS_MAX);
        let limit = |pace| PrefixLimit::new(pace, network_bits.0, network_bits.1);
        Self {
            busy: limit(Pace::of(calm, most)),
            waits: limit(Pace::of(rules.waits_per_minute, rules.waits_per_minute)),
            spent: Spent::new(rules.wait + GOOD_FOR),
            rules,
            keys,
            random,
        }
    }

    /// What of `presented`, challenges with or without numbers behind a colon, is work that was done for `room`.
    ///
    /// # Errors
    /// What is lacking.
    pub fn check<'a>(
        &self,
        room: &RoomId,
        client: Option<IpAddr>,
        presented: impl Iterator<Item = &'a str>,
        now: Timestamp,
    ) -> Result<Proof, Lacking> {
        let network = self.network(client);
        let mut lacking = Lacking::All;
        for text in presented {
            let (sealed, numbers) =
                text.split_once(':').map_or((text, None), |(sealed, numbers)| (sealed, Some(numbers)));
            let challenge = match Challenge::open(&self.keys.load(), room, network, sealed, now) {
                Ok(challenge) => challenge,
                Err(error) if matches!(lacking, Lacking::All) => {
                    lacking = Lacking::Worthless(error);
                    continue;
                }
                Err(_) => continue,
            };
            let theirs = Box::new((challenge, sealed.to_owned()));
            let (challenge, _) = &*theirs;
            if numbers.is_some_and(|numbers| challenge.is_met_by(numbers)) {
                return Ok(Proof { theirs, waited: false });
            }
            if challenge.ready_at <= now {
                return Ok(Proof { theirs, waited: true });
            }
            lacking = if numbers.is_some() { Lacking::Numbers(theirs) } else { Lacking::Time(theirs) };
        }
        Err(lacking)
    }

    /// Uses up work that was done: the id of the ticket that is had for it.
    ///
    /// # Errors
    /// What is lacking after all.
    pub fn spend(&self, proof: Proof, client: Option<IpAddr>, now: Timestamp) -> Result<TicketId, Lacking> {
        let Proof { theirs, waited } = proof;
        if waited && let Err(wait) = self.waits.take(client, Instant::now()) {
            return Err(Lacking::Turn(theirs, wait));
        }
        let (challenge, _) = &*theirs;
        match self.spent.spend(challenge.id, challenge.expires_at, now) {
            true => Ok(challenge.id),
            false => Err(Lacking::Used),
        }
    }

    /// What somebody who lacks this is asked for: the challenge that they have, or one as hard as their network is busy,
    /// from `bits` on.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn ask(
        &self,
        room: &RoomId,
        bits: u8,
        client: Option<IpAddr>,
        lacking: Lacking,
        now: Timestamp,
    ) -> Result<Asked, RandomError> {
        let theirs = match &lacking {
            Lacking::Time(theirs) | Lacking::Numbers(theirs) => Some((theirs, Duration::ZERO)),
            Lacking::Turn(theirs, wait) => Some((theirs, *wait)),
            Lacking::All | Lacking::Used | Lacking::Worthless(_) => None,
        };
        if let Some((theirs, wait)) = theirs
            && theirs.0.expires_at > now + wait + LEFT_MIN
        {
            let (challenge, sealed) = (**theirs).clone();
            let ready_in = challenge.ready_at.since(now).max(wait);
            return Ok(Asked::new(sealed, challenge, ready_in, lacking, now));
        }
        let count = self.busy.count(client, Instant::now());
        let harder = (1 + count.saturating_sub(1) / self.rules.calm_per_minute.max(1)).ilog2();
        let harder = u8::try_from(harder).unwrap_or(HARDER_BITS_MAX).min(HARDER_BITS_MAX);
        let ready_at = now + self.rules.wait;
        let challenge = Challenge {
            room: room.clone(),
            id: TicketId::random(self.random.as_ref())?,
            network: self.network(client),
            bits: bits.saturating_add(harder).min(self.rules.bits_max.max(bits)),
            ready_at,
            expires_at: ready_at + GOOD_FOR,
        };
        let sealed = challenge.seal(&self.keys.load());
        Ok(Asked::new(sealed, challenge, self.rules.wait, lacking, now))
    }

    fn network(&self, client: Option<IpAddr>) -> u64 {
        self.busy.network(client).map_or(0, crate::gate::client::Prefix::number)
    }
}

#[cfg(test)]
mod tests {
    use admission::clock::SystemRandom;
    use admission::work::PARTS;
    use sha2::{Digest as _, Sha256};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const BITS: u8 = 8;

    fn work() -> Work {
        let keys = Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
        let rules = WorkRules { bits_max: 12, calm_per_minute: 2, ..WorkRules::default() };
        Work::new(rules, (24, 56), Arc::new(ArcSwap::from_pointee(keys)), Arc::new(SystemRandom))
    }

    fn room() -> RoomId {
        RoomId::parse("demo").unwrap()
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn ask(work: &Work, from: &str) -> Asked {
        work.ask(&room(), BITS, ip(from), Lacking::All, NOW).unwrap()
    }

    fn check(work: &Work, from: &str, presented: &str, now: Timestamp) -> Result<Proof, Lacking> {
        work.check(&room(), ip(from), std::iter::once(presented), now)
    }

    fn solve(asked: &Asked) -> String {
        let zeros = 32 - u32::from(asked.challenge.zero_bits());
        let find = |part: usize| {
            let found = (0_u64..).find(|number| {
                let hash = Sha256::digest(format!("{}.{part}.{number}", asked.challenge.id));
                u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]).checked_shr(zeros).unwrap_or(0) == 0
            });
            found.unwrap().to_string()
        };
        format!("{}:{}", asked.sealed, (0..PARTS).map(find).collect::<Vec<_>>().join(","))
    }

    #[test]
    fn the_busier_a_network_is_the_harder_is_its_work() {
        let work = work();
        let bits: Vec<u8> = (0..20).map(|_| ask(&work, "198.51.100.7").challenge.bits).collect();
        // What is given in the moments between is forgotten again, so the border is not sharp.
        assert_eq!((bits[0], bits[6], bits[19]), (8, 9, 11), "{bits:?}");
        assert!(bits.is_sorted(), "{bits:?}");
        assert_eq!(ask(&work, "198.51.101.7").challenge.bits, 8, "another network");
        let hardest = (0..10_000).map(|_| ask(&work, "198.51.100.9").challenge.bits).max();
        assert_eq!(hardest, Some(12));
    }

    #[test]
    fn work_is_good_once_for_its_network() {
        let work = work();
        let done = solve(&ask(&work, "198.51.100.7"));
        let elsewhere = check(&work, "203.0.113.1", &done, NOW);
        assert_eq!(elsewhere.unwrap_err().code(), "work_of_another_network");
        let proof = check(&work, "198.51.100.8", &done, NOW).unwrap();
        assert!(work.spend(proof.clone(), ip("198.51.100.8"), NOW).is_ok());
        assert_eq!(work.spend(proof, ip("198.51.100.8"), NOW), Err(Lacking::Used));
    }

    #[test]
    fn waiting_makes_up_for_it_for_a_few() {
        let (work, from) = (work(), "198.51.100.7");
        let asked: Vec<Asked> = (0..8).map(|_| ask(&work, from)).collect();
        assert_eq!(asked[0].ready_in, 20);
        let early = check(&work, from, &asked[0].sealed, NOW + Duration::from_secs(5)).unwrap_err();
        assert_eq!(early.code(), "work_or_wait");
        let again = work.ask(&room(), BITS, ip(from), early, NOW + Duration::from_secs(5)).unwrap();
        assert_eq!((&again.sealed, again.ready_in), (&asked[0].sealed, 15));

        let later = NOW + Duration::from_secs(20);
        let wait = |asked: &Asked| {
            let proof = check(&work, from, &asked.sealed, later).unwrap();
            work.spend(proof, ip(from), later)
        };
        for asked in &asked[..6] {
            assert!(wait(asked).is_ok());
        }
        let lacking = wait(&asked[6]).unwrap_err();
        assert_eq!(lacking.code(), "work_or_wait_longer");
        let again = work.ask(&room(), BITS, ip(from), lacking, later).unwrap();
        assert!(again.sealed == asked[6].sealed && (1..=10).contains(&again.ready_in), "{again:?}");
        // Work is worth as much as before.
        let proof = check(&work, from, &solve(&asked[7]), later).unwrap();
        assert!(work.spend(proof, ip(from), later).is_ok());
    }

    #[test]
    fn what_is_worth_nothing_is_told_apart() {
        let (work, from) = (work(), "198.51.100.7");
        let asked = ask(&work, from);
        let code = |text: &str, now| check(&work, from, text, now).unwrap_err().code();
        assert_eq!(code("", NOW), "work_unknown");
        assert_eq!(code("v1.AAAA.AAAA:1", NOW), "work_unknown");
        assert_eq!(code(&format!("{}:1,2,3", asked.sealed), NOW), "work_wrong");
        assert_eq!(code(&solve(&asked), asked.challenge.expires_at), "work_expired");
        assert_eq!(work.check(&room(), ip(from), std::iter::empty(), NOW), Err(Lacking::All));
    }
}
