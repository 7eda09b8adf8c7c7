//! How often new places are asked for from one network.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::pace::Pace;
use crate::gate::client::Prefix;

/// Parts of the table, each with a lock of its own.
const SHARDS: usize = 16;
/// Most networks that are told apart in one part. Beyond, all new ones share one pace.
const PREFIXES_PER_SHARD_MAX: usize = 8192;

/// A pace for each network. Its memory is bounded: whoever has very many networks shares one pace among them.
pub struct PrefixLimit {
    pace: Pace,
    v4_bits: u8,
    v6_bits: u8,
    began: Instant,
    hasher: RandomState,
    shards: [Mutex<HashMap<Option<Prefix>, u64>>; SHARDS],
}

impl PrefixLimit {
    /// A pace for each network of so many bits.
    pub fn new(pace: Pace, v4_bits: u8, v6_bits: u8) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { pace, v4_bits, v6_bits, began: Instant::now(), hasher: RandomState::new(), shards }
    }

    /// The network of `client`, where that is known.
    pub fn network(&self, client: Option<IpAddr>) -> Option<Prefix> {
        client.map(|client| Prefix::of(client, self.v4_bits, self.v6_bits))
    }

    /// Takes one for the network of `client`, where that is known.
    ///
    /// # Errors
    /// How long it is until one may be had.
    pub fn take(&self, client: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        self.with(client, now, |owed, now| {
            *owed = self.pace.take(*owed, now)?;
            Ok(())
        })
    }

    /// Takes one for it however much it owes, and says how many that is.
    pub fn count(&self, client: Option<IpAddr>, now: Instant) -> u64 {
        self.with(client, now, |owed, now| {
            let count;
            (*owed, count) = self.pace.count(*owed, now);
            count
        })
    }

    /// What the network of `client` owes, at this moment in microseconds.
    fn with<T>(&self, client: Option<IpAddr>, now: Instant, change: impl FnOnce(&mut u64, u64) -> T) -> T {
        let prefix = self.network(client);
        let now = u64::try_from(now.duration_since(self.began).as_micros()).unwrap_or(u64::MAX);
        let Some(shard) = self.shards.get(self.hasher.hash_one(prefix) as usize % SHARDS) else {
            return change(&mut 0, now);
        };
        let mut owed = shard.lock();
        if owed.len() >= PREFIXES_PER_SHARD_MAX && !owed.contains_key(&prefix) {
            // Who owes nothing is as good as unknown.
            owed.retain(|_, until| *until > now);
        }
        let key =
            if owed.len() < PREFIXES_PER_SHARD_MAX || owed.contains_key(&prefix) { prefix } else { None };
        change(owed.entry(key).or_default(), now)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn neighbours_share_a_pace_and_others_do_not() {
        let limit = PrefixLimit::new(Pace::new(60, 2).unwrap(), 24, 56);
        let now = Instant::now() + Duration::from_secs(1);
        let ip = |text: &str| Some(text.parse().unwrap());
        assert_eq!(limit.take(ip("198.51.100.7"), now), Ok(()));
        assert_eq!(limit.take(ip("198.51.100.8"), now), Ok(()));
        assert_eq!(limit.take(ip("198.51.100.9"), now), Err(Duration::from_secs(1)));
        assert_eq!(limit.take(ip("198.51.101.9"), now), Ok(()));
        assert_eq!(limit.take(ip("198.51.100.9"), now + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn who_is_counted_is_never_refused() {
        let limit = PrefixLimit::new(Pace::new(60, 100).unwrap(), 24, 56);
        let now = Instant::now() + Duration::from_secs(1);
        let ip = Some("198.51.100.7".parse().unwrap());
        assert_eq!((1..=5).map(|_| limit.count(ip, now)).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(limit.count(Some("203.0.113.1".parse().unwrap()), now), 1);
        assert_eq!(limit.count(ip, now + Duration::from_secs(3)), 3, "one a second is forgotten");
        for _ in 0..1000 {
            assert!(limit.count(ip, now) <= 100, "no more than the burst is remembered");
        }
        assert_eq!(limit.count(ip, now + Duration::from_secs(101)), 1);
    }

    #[test]
    fn its_memory_is_bounded() {
        let limit = PrefixLimit::new(Pace::new(1, 1).unwrap(), 24, 56);
        let now = Instant::now();
        let mut refused = 0;
        for number in 0..200_000_u128 {
            let address = Ipv6Addr::from(0x2001_0db8_u128 << 96 | number << 72);
            refused += u32::from(limit.take(Some(address.into()), now).is_err());
        }
        let known: usize = limit.shards.iter().map(|shard| shard.lock().len()).sum();
        assert!(known <= SHARDS * (PREFIXES_PER_SHARD_MAX + 1), "{known}");
        assert!(refused > 60_000, "those beyond share one pace: {refused}");
        // When they owe nothing any more, there is room for others.
        let later = now + Duration::from_secs(61);
        assert_eq!(limit.take(Some(Ipv4Addr::LOCALHOST.into()), later), Ok(()));
    }
}
