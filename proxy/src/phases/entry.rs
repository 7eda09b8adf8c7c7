//! Whatever goes on to a protected path is looked at once more, apart from what let it through (P6).

use admission::invariants::Promise;

use super::context::Context;
use super::edge::Edge;
use crate::gate::{Decision, Verdict};

impl Edge {
    /// Counts a request that nothing lets through and that is sent on all the same. It is not held back here: what decides
    /// is elsewhere, and this only tells that it is wrong.
    pub(super) fn watch_entry(&self, context: &Context, decision: &Decision) {
        let Verdict::Protected { room: index, .. } = decision.verdict else { return };
        let known = context.passage.room.clone();
        let Some(room) = known.or_else(|| self.fleet.in_force().rooms.get(index).cloned()) else { return };
        if context.passage.has_no_right(&room.id, context.is_public, self.clock.now()) {
            room.tally.promises.break_one(Promise::NoTurnNoEntry);
            tracing::error!(room = %room.id, request_id = context.request_id, "a request went on that nothing lets through");
        }
    }
}
