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

    /// Takes one for the network of `client`, where that is known.
    ///
    /// # Errors
    /// How long it is until one may be had.
    pub fn take(&self, client: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let prefix = client.map(|client| Prefix::of(client, self.v4_bits, self.v6_bits));
        let now = u64::try_from(now.duration_since(self.began).as_micros()).unwrap_or(u64::MAX);
        let Some(shard) = self.shards.get(self.hasher.hash_one(prefix) as usize % SHARDS) else {
            return Ok(());
        };
        let mut owed = shard.lock();
        if owed.len() >= PREFIXES_PER_SHARD_MAX && !owed.contains_key(&prefix) {
            // Who owes nothing is as good as unknown.
            owed.retain(|_, until| *until > now);
        }
        let key =
            if owed.len() < PREFIXES_PER_SHARD_MAX || owed.contains_key(&prefix) { prefix } else { None };
        let entry = owed.entry(key).or_default();
        *entry = self.pace.take(*entry, now)?;
        Ok(())
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
