//! One instance of the shop: where it is, and how it is doing.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::breaker::{Breaker, BreakerRules};
use super::direct::Idle;
use crate::telemetry::InstanceTally;

/// How long a name is good for. Names of containers and of load balancers lead elsewhere without a word.
const RESOLVED_FOR: Duration = Duration::from_secs(5);

/// One instance of the shop.
pub(super) struct Instance {
    /// `host:port`, as configured.
    pub(super) address: String,
    /// What became of what it was sent.
    pub(super) tally: InstanceTally,
    /// Its circuit.
    pub(super) breaker: Mutex<Breaker>,
    /// What the last looks said.
    is_up: AtomicBool,
    /// Connections to it that wait for their next request.
    pub(super) idle: Mutex<Vec<Idle>>,
    /// Where it is, if it was configured by address.
    fixed: Option<SocketAddr>,
    resolved: Mutex<Option<Resolved>>,
    next: AtomicUsize,
}

struct Resolved {
    addresses: Vec<SocketAddr>,
    at: Instant,
}

impl Instance {
    pub(super) fn new(address: String, rules: BreakerRules) -> Self {
        Self {
            idle: Mutex::default(),
            fixed: address.parse().ok(),
            address,
            tally: InstanceTally::default(),
            breaker: Mutex::new(Breaker::new(rules)),
            is_up: AtomicBool::new(true),
            resolved: Mutex::new(None),
            next: AtomicUsize::new(0),
        }
    }

    /// Whether it is not known to be down.
    pub(super) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }

    /// What the looks say now.
    pub(super) fn set_up(&self, is_up: bool) {
        if self.is_up.swap(is_up, Ordering::Relaxed) && !is_up {
            self.tally.went_down();
        }
    }

    /// Where it is; of several addresses that its name has, each in turn. A name that cannot be resolved any more leads
    /// where it led.
    pub(super) async fn resolve(&self, time: Duration) -> Option<SocketAddr> {
        if let Some(address) = self.fixed {
            return Some(address);
        }
        let is_old =
            self.resolved.lock().as_ref().is_none_or(|resolved| resolved.at.elapsed() > RESOLVED_FOR);
        if is_old && let Ok(Ok(found)) = timeout(time, tokio::net::lookup_host(&self.address)).await {
            let addresses: Vec<SocketAddr> = found.collect();
            if !addresses.is_empty() {
                *self.resolved.lock() = Some(Resolved { addresses, at: Instant::now() });
            }
        }
        let resolved = self.resolved.lock();
        let addresses = &resolved.as_ref()?.addresses;
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        addresses.get(next % addresses.len().max(1)).copied()
    }
}
