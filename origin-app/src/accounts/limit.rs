//! How often something may be tried: by whom, and about whom. Counted by this process alone.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use admission::clock::{Timestamp, millis};

use crate::notifications::EmailAddress;

/// Most keys that are counted at once. One more is refused, until some are forgotten.
const KEYS_MAX: usize = 200_000;

/// So many in such a time, and then evenly.
#[derive(Clone, Copy, Debug)]
struct Rate {
    name: &'static str,
    count: u32,
    within: Duration,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Logins to one account from one network.
const LOGINS_OF_BOTH: Rate = Rate { name: "both", count: 10, within: MINUTE.saturating_mul(15) };
/// Logins to one account from everywhere: a crowd of machines guesses no faster, and keeps its owner out for long only at
/// this cost.
const LOGINS_OF_ACCOUNT: Rate = Rate { name: "account", count: 100, within: HOUR };
/// Logins from one network, which may be a large office.
const LOGINS_OF_NETWORK: Rate = Rate { name: "network", count: 100, within: MINUTE.saturating_mul(5) };
/// Mails to one address.
const MAILS_OF_ADDRESS: Rate = Rate { name: "mails", count: 5, within: HOUR };
/// Mails that one network has sent.
const MAILS_OF_NETWORK: Rate = Rate { name: "mails of network", count: 50, within: HOUR };

/// Too often; it may be tried again after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften(pub Duration);

/// The network of a client: what one household or office has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network([u8; 8]);

impl Network {
    /// The network of an address: of IPv4 the address, of IPv6 its first half.
    pub fn of(address: IpAddr) -> Self {
        let octets = match address.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets().split_at(8).1.try_into(),
            IpAddr::V6(address) => address.octets().split_at(8).0.try_into(),
        };
        Self(octets.unwrap_or_default())
    }
}

/// Counts tries.
#[derive(Default)]
pub(super) struct Limiter {
    /// Keyed by a hash that nobody outside can foresee. The value is when the key would be as if it never came.
    keys: Mutex<HashMap<u64, Timestamp>>,
    hasher: RandomState,
}

impl Limiter {
    /// Counts a login.
    ///
    /// # Errors
    /// When there were too many.
    pub(super) fn login(
        &self,
        email: &EmailAddress,
        network: Option<Network>,
        now: Timestamp,
    ) -> Result<(), TooOften> {
        if let Some(network) = network {
            self.count(LOGINS_OF_NETWORK, ("", Some(network)), now)?;
        }
        self.count(LOGINS_OF_BOTH, (email.expose(), network), now)?;
        self.count(LOGINS_OF_ACCOUNT, (email.expose(), None), now)
    }

    /// Counts a mail that somebody has sent.
    ///
    /// # Errors
    /// When there were too many.
    pub(super) fn mail(
        &self,
        email: &EmailAddress,
        network: Option<Network>,
        now: Timestamp,
    ) -> Result<(), TooOften> {
        if let Some(network) = network {
            self.count(MAILS_OF_NETWORK, ("", Some(network)), now)?;
        }
        self.count(MAILS_OF_ADDRESS, (email.expose(), None), now)
    }

    /// The generic cell rate algorithm: one moment for each key says all.
    fn count(&self, rate: Rate, who: (&str, Option<Network>), now: Timestamp) -> Result<(), TooOften> {
        let Rate { name, count, within } = rate;
        let key = self.hasher.hash_one((name, who));
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS_MAX && !keys.contains_key(&key) {
            keys.retain(|_, even| *even > now);
            if keys.len() >= KEYS_MAX {
                return Err(TooOften(MINUTE));
            }
        }
        let even = keys.get(&key).copied().unwrap_or(now).max(now);
        let one = Duration::from_millis(millis(within) / u64::from(count.max(1)));
        let next = even + one;
        match next.since(now).checked_sub(within) {
            Some(over) if !over.is_zero() => Err(TooOften(over)),
            _ => {
                keys.insert(key, next);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_evenly() {
        let limiter = Limiter::default();
        let fan = EmailAddress::parse("fan@example.com").unwrap();
        let other = EmailAddress::parse("other@example.com").unwrap();
        let network = Some(Network::of([10, 0, 0, 1].into()));
        let now = Timestamp::from_millis(1_000_000);
        for _ in 0..10 {
            assert_eq!(limiter.login(&fan, network, now), Ok(()));
        }
        assert_eq!(limiter.login(&fan, network, now), Err(TooOften(Duration::from_secs(90))));
        assert_eq!(limiter.login(&other, network, now), Ok(()), "another account");
        let elsewhere = Some(Network::of([10, 0, 0, 2].into()));
        assert_eq!(limiter.login(&fan, elsewhere, now), Ok(()), "another network");
        let later = now + Duration::from_secs(90);
        assert_eq!(limiter.login(&fan, network, later), Ok(()));
        assert!(limiter.login(&fan, network, later).is_err());
        assert_eq!(limiter.login(&fan, network, now + Duration::from_secs(7200)), Ok(()));
    }

    #[test]
    fn a_network_is_an_address_or_half_of_one() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_ne!(network("10.0.0.1"), network("10.0.0.2"));
        assert_eq!(network("10.0.0.1"), network("::ffff:10.0.0.1"));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }
}
