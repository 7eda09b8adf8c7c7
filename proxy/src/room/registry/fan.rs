//! What this proxy knows of one fan.

use std::sync::Arc;

use admission::clock::Timestamp;
use admission::position::ShownPosition;
use admission::rank::Rank;
use admission::store::Snapshot;
use tokio::sync::Notify;
use tokio::time::Instant;

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

/// A fan. There are very many: every byte counts.
pub(super) struct Fan {
    pub(super) stage: Stage,
    pub(super) shown: ShownPosition,
    pub(super) bells: Vec<Arc<Notify>>,
    pub(super) polled_until: Instant,
    pub(super) ahead_at_join: Option<u64>,
    pub(super) reported_at: Option<Instant>,
    pub(super) looked_at: Option<Instant>,
    pub(super) restored: Option<(Timestamp, Instant)>,
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
        Self {
            stage: Stage::Waiting,
            shown: ShownPosition::default(),
            bells: Vec::new(),
            polled_until: now,
            ahead_at_join: None,
            reported_at: None,
            looked_at: None,
            restored: None,
        }
    }

    pub(super) fn known(&self) -> Known {
        let Self { stage, ahead_at_join, looked_at, restored, .. } = *self;
        Known { stage, ahead_at_join, looked_at, restored }
    }

    pub(super) fn has_sockets(&self) -> bool {
        !self.bells.is_empty()
    }

    /// Whether the fan is there, or was a moment ago.
    pub(super) fn is_here(&self, now: Instant) -> bool {
        self.has_sockets() || self.polled_until > now
    }

    pub(super) fn ring(&self) {
        for bell in &self.bells {
            bell.notify_one();
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
