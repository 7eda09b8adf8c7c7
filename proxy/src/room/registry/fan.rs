//! What this proxy knows of one fan.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use admission::clock::Timestamp;
use admission::position::ShownPosition;
use admission::rank::Rank;
use admission::store::Snapshot;
use tokio::time::Instant;

use crate::wire::Wire;

/// Later than anything that is waited for.
const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Heartbeats are somewhat early, each fan's by another time, up to a heartbeat divided by this: not all at the same moment.
const SPREAD: u32 = 8;
/// The ticks that may lie between the moment at which a heartbeat is due and the one at which it is sent.
const LATE: Duration = Duration::from_millis(500);

/// What is known of a ticket beyond its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::room) enum Stage {
    /// In the line.
    Waiting,
    /// Its turn has come; until when it may be claimed or, once claimed, used.
    Admitted(Instant),
    /// It is worth nothing any more.
    Expired,
}

/// A fan. There are very many: every byte counts. Here is what is looked at for each of them at every tick, and it lies side
/// by side; the rest lies elsewhere.
pub(super) struct Fan {
    pub(super) shown: ShownPosition,
    /// When they have to be told something, though there be no news.
    pub(super) beat_at: Instant,
    rest: Box<Rest>,
}

/// What is known of a fan besides.
pub(super) struct Rest {
    pub(super) stage: Stage,
    pub(super) wires: Vec<Arc<Wire>>,
    pub(super) polled_until: Instant,
    pub(super) ahead_at_join: Option<u64>,
    pub(super) reported_at: Option<Instant>,
    pub(super) looked_at: Option<Instant>,
    pub(super) restored: Option<(Timestamp, Instant)>,
}

impl Deref for Fan {
    type Target = Rest;

    fn deref(&self) -> &Rest {
        &self.rest
    }
}

impl DerefMut for Fan {
    fn deref_mut(&mut self) -> &mut Rest {
        &mut self.rest
    }
}

/// What there is to know of a fan, read at once.
#[derive(Clone, Copy, Debug)]
pub(in crate::room) struct Known {
    /// How far the ticket got.
    pub stage: Stage,
    /// How many were before a fan who is newer than the snapshot.
    pub ahead_at_join: Option<u64>,
    /// When the store was last asked about the ticket.
    pub looked_at: Option<Instant>,
    restored: Option<(Timestamp, Instant)>,
}

impl Fan {
    pub(super) fn new(now: Instant) -> Self {
        let rest = Rest {
            stage: Stage::Waiting,
            wires: Vec::new(),
            polled_until: now,
            ahead_at_join: None,
            reported_at: None,
            looked_at: None,
            restored: None,
        };
        Self { shown: ShownPosition::default(), beat_at: now + NEVER, rest: Box::new(rest) }
    }

    pub(super) fn known(&self) -> Known {
        let Rest { stage, ahead_at_join, looked_at, restored, .. } = *self.rest;
        Known { stage, ahead_at_join, looked_at, restored }
    }

    pub(super) fn has_sockets(&self) -> bool {
        !self.wires.is_empty()
    }

    /// Whether the fan is there, or was a moment ago.
    pub(super) fn is_here(&self, now: Instant) -> bool {
        // Who has a WebSocket is told something soon: to know that is to know enough.
        self.beat_at < now + NEVER / 2 || self.has_sockets() || self.polled_until > now
    }

    /// The fan is told something now. `dice` is any number, another one for each fan.
    pub(super) fn told(&mut self, dice: u8, now: Instant) {
        let Some(heartbeat) = self.wires.iter().map(|wire| wire.heartbeat()).min() else {
            self.beat_at = now + NEVER;
            return;
        };
        let early = LATE + heartbeat / SPREAD * u32::from(dice) / u32::from(u8::MAX);
        self.beat_at = now + heartbeat.saturating_sub(early).max(heartbeat / 2);
    }

    pub(super) fn ring(&self) {
        for wire in &self.wires {
            wire.ring();
        }
    }
}

impl Known {
    /// Whether the snapshot, read at `read_at`, tells the place of a ticket of this rank truly. It does not while the
    /// ticket is from before the line and was not put back, alone or together with others, before the snapshot was
    /// read. Of a ticket that is not known here, `None` tells the same.
    pub(in crate::room) fn is_settled(
        known: Option<Self>,
        rank: Rank,
        snapshot: &Snapshot,
        read_at: Instant,
    ) -> bool {
        let restored = known.and_then(|known| known.restored);
        !snapshot.may_have_forgotten(rank)
            || restored.is_some_and(|(line, at)| line == snapshot.resumed_at && read_at > at)
    }
}
