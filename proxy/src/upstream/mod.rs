//! The shop's instances: which one gets a request, which are left alone, and how it went.

pub mod breaker;
mod direct;
mod first_byte;
mod health;
mod instance;
mod peer;
mod signing;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::edge::UpstreamConfig;
use crate::telemetry::{Fate, InstanceTally};
use breaker::{Outcome, Permit};
pub use direct::Connection;
pub use first_byte::FirstByte;
pub use health::look_after;
use instance::Instance;
pub use peer::Wanted;
pub use signing::{Signed, forward, write};

/// Most times that a request is tried on the shop's instances.
pub const TRIES_MAX: usize = 8;

/// An answer is late for a shop that has just come back when it takes longer than this part of what is slow.
const BRISK: u32 = 10;

/// The shop's instances.
pub struct Upstream {
    instances: Vec<Instance>,
    next: AtomicUsize,
    /// How many connections of all instances are idle.
    idle: AtomicUsize,
    config: UpstreamConfig,
    began: Instant,
}

/// Why no instance gets the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoInstance {
    /// The circuits of all of them are open; the first one may be tried again after so long.
    Open(Duration),
    /// All of them were tried.
    Tried,
}

impl Upstream {
    /// The instances of `config`.
    pub fn new(config: UpstreamConfig) -> Self {
        let instances = config
            .addresses
            .iter()
            .map(|address| Instance::new(address.clone(), config.breaker.clone()))
            .collect();
        Self {
            instances,
            next: AtomicUsize::new(0),
            idle: AtomicUsize::new(0),
            config,
            began: Instant::now(),
        }
    }

    /// The next instance in turn among those that were not `tried`, whose circuit lets a request through; one that is
    /// known to be down only when there is no other, for whoever says so may be mistaken.
    ///
    /// # Errors
    /// When there is none.
    pub fn pick(self: &Arc<Self>, tried: &[usize]) -> Result<Sending, NoInstance> {
        let count = self.instances.len();
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = || (0..count).map(|offset| (start.wrapping_add(offset)) % count.max(1));
        let is_left = |index: &usize| !tried.contains(index);
        let is_up = |index: &usize| self.instances.get(*index).is_some_and(Instance::is_up);
        let mut shortest = None;
        for index in in_turn().filter(is_up).chain(in_turn().filter(|index| !is_up(index))).filter(is_left) {
            let Some(instance) = self.instances.get(index) else { continue };
            match instance.breaker.lock().ask(self.began.elapsed()) {
                Ok(permit) => {
                    instance.tally.sent();
                    let shop = self.clone();
                    return Ok(Sending { shop, index, permit: Some(permit), sent_at: None });
                }
                Err(wait) => shortest = Some(shortest.map_or(wait, |shortest: Duration| shortest.min(wait))),
            }
        }
        Err(shortest.map_or(NoInstance::Tried, NoInstance::Open))
    }

    /// Each instance as operators see it: where it is, whether it is up, its circuit, and what is counted of it.
    pub fn instances(&self) -> impl Iterator<Item = (&str, bool, &'static str, &InstanceTally)> {
        let look = |instance: &Instance| instance.breaker.lock().state();
        self.instances.iter().map(move |instance| {
            (instance.address.as_str(), instance.is_up(), look(instance), &instance.tally)
        })
    }

    fn tell(&self, index: usize, permit: Permit, outcome: Outcome) {
        let Some(instance) = self.instances.get(index) else { return };
        let change = instance.breaker.lock().tell(self.began.elapsed(), permit, outcome);
        match change {
            Some(breaker::Change::Opened(pause)) => {
                instance.tally.circuit_opened();
                let pause = pause.as_secs_f64();
                tracing::warn!(instance = %instance.address, pause, "the circuit is open: the shop fails or is slow");
            }
            Some(breaker::Change::Closed) => {
                tracing::info!(instance = %instance.address, "the circuit is closed: the shop is well again");
            }
            None => {}
        }
    }
}

/// A request on its way to an instance. What is not told says nothing about the shop, unless the answer is overdue.
pub struct Sending {
    shop: Arc<Upstream>,
    /// Which instance.
    pub index: usize,
    permit: Option<Permit>,
    /// When all of it was sent. What a client takes to send it is not the shop's fault.
    sent_at: Option<Instant>,
}

impl Sending {
    /// Where the instance is, as configured.
    pub fn address(&self) -> &str {
        self.shop.instances.get(self.index).map_or("", |instance| &instance.address)
    }

    /// The whole request was sent, or there is nothing more to send.
    pub fn is_whole(&mut self) {
        self.sent_at.get_or_insert_with(Instant::now);
    }

    /// The answer began, with this status; to somebody who was `let_in`, or to anybody. That a page of an open path breaks,
    /// is slow or hangs up is for anybody to bring about, as often as they like; they must not be able to close the shop
    /// to all others with it. Whoever was let in has stood in line for it.
    pub fn answered(mut self, status: http::StatusCode, let_in: bool) {
        let took = self.sent_at.map(|at| at.elapsed()).unwrap_or_default();
        let slow = self.shop.config.breaker.slow;
        let outcome = if let_in && (status.is_server_error() || took > slow) {
            Outcome::Bad
        } else if took > slow / BRISK {
            Outcome::Late
        } else {
            Outcome::Good
        };
        self.end(outcome, Fate::Answered(status));
    }

    /// No connection was to be had.
    pub fn unreachable(mut self) {
        self.end(Outcome::Silent, Fate::Unreachable);
    }

    /// The connection broke, or nothing came. While the request was not whole that says nothing, nor does it when
    /// anybody might have asked: a page of an open path that hangs up would close the shop.
    pub fn broke(mut self, let_in: bool) {
        let outcome = if let_in && self.sent_at.is_some() { Outcome::Silent } else { Outcome::Unknown };
        self.end(outcome, Fate::Broke);
    }

    fn is_overdue(&self) -> bool {
        self.sent_at.is_some_and(|at| at.elapsed() > self.shop.config.breaker.slow)
    }

    fn end(&mut self, outcome: Outcome, fate: Fate) {
        if let Some(permit) = self.permit.take() {
            if let Some(instance) = self.shop.instances.get(self.index) {
                let is_answered = matches!(fate, Fate::Answered(_));
                let time = self.sent_at.filter(|_| is_answered).map(|at| at.elapsed());
                instance.tally.ended(fate, time);
            }
            self.shop.tell(self.index, permit, outcome);
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.end(if self.is_overdue() { Outcome::Bad } else { Outcome::Unknown }, Fate::Abandoned);
    }
}

#[cfg(test)]
mod tests;
