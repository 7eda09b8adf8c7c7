//! The shop's instances: which one gets a request, and which are left alone for a while because nobody could
//! connect to them.

mod signing;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use pingora::upstreams::peer::HttpPeer;
use tokio::time::Instant;

use crate::config::edge::UpstreamConfig;
pub use signing::{Signed, forward};

/// How long an instance that could not be reached is left alone.
const REST: Duration = Duration::from_secs(2);
/// How long an idle connection to the shop is kept.
const IDLE: Duration = Duration::from_secs(50);

/// The shop's instances.
pub struct Upstream {
    instances: Vec<Instance>,
    next: AtomicUsize,
    config: UpstreamConfig,
    began: Instant,
}

struct Instance {
    address: String,
    /// Until when it is left alone, in milliseconds since `began`.
    resting_until_ms: AtomicU64,
}

impl Upstream {
    /// The instances of `config`.
    pub fn new(config: UpstreamConfig) -> Self {
        let instances = config
            .addresses
            .iter()
            .map(|address| Instance { address: address.clone(), resting_until_ms: AtomicU64::new(0) })
            .collect();
        Self { instances, next: AtomicUsize::new(0), config, began: Instant::now() }
    }

    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.instances.len()
    }

    /// Whether there is none; the configuration sees to it that there is one.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// The next instance in turn that is not resting; when all are, the next one all the same: the shop may be
    /// back.
    pub fn pick(&self) -> Option<&str> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let now = self.now_ms();
        let in_turn = |offset: usize| self.instances.get((start + offset) % self.instances.len().max(1));
        (0..self.instances.len())
            .filter_map(in_turn)
            .find(|instance| instance.resting_until_ms.load(Ordering::Relaxed) <= now)
            .or_else(|| in_turn(0))
            .map(|instance| instance.address.as_str())
    }

    /// Nobody could connect to the instance at `address`.
    pub fn failed(&self, address: &str) {
        if let Some(instance) = self.instances.iter().find(|instance| instance.address == address) {
            let until = self.now_ms() + admission::clock::millis(REST);
            instance.resting_until_ms.store(until, Ordering::Relaxed);
        }
    }

    /// The peer at `address`. A request that is upgraded may be silent for as long as it likes.
    pub fn peer(&self, address: &std::net::SocketAddr, upgraded: bool) -> HttpPeer {
        let mut peer = HttpPeer::new(*address, false, String::new());
        let options = &mut peer.options;
        options.connection_timeout = Some(self.config.connect_timeout);
        options.total_connection_timeout = Some(self.config.connect_timeout);
        options.read_timeout = (!upgraded).then_some(self.config.read_timeout);
        options.write_timeout = (!upgraded).then_some(self.config.write_timeout);
        options.idle_timeout = Some(IDLE);
        peer
    }

    fn now_ms(&self) -> u64 {
        admission::clock::millis(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(addresses: &[&str]) -> Upstream {
        let second = Duration::from_secs(1);
        Upstream::new(UpstreamConfig {
            addresses: addresses.iter().map(ToString::to_string).collect(),
            connect_timeout: second,
            read_timeout: second,
            write_timeout: second,
        })
    }

    #[test]
    fn instances_take_turns_and_the_failed_rest() {
        let upstream = upstream(&["a:1", "b:1", "c:1"]);
        assert_eq!(
            [upstream.pick(), upstream.pick(), upstream.pick()],
            [Some("a:1"), Some("b:1"), Some("c:1")]
        );
        upstream.failed("b:1");
        for _ in 0..10 {
            assert_ne!(upstream.pick(), Some("b:1"));
        }
    }

    #[test]
    fn when_all_rest_one_is_tried_all_the_same() {
        let upstream = upstream(&["a:1"]);
        upstream.failed("a:1");
        assert_eq!(upstream.pick(), Some("a:1"));
    }
}
