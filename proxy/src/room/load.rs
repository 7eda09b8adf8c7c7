//! What this proxy sees of the shop, where the drain adapts to it; and the decision, when it falls to this proxy.

use std::time::Duration;

use admission::adaptive::{Change, DrainRange, LoadReport, Targets, decide};
use admission::name::RoomId;
use admission::rules::AdaptiveDrain;
use admission::store::{Snapshot, StoreError};
use parking_lot::Mutex;

use super::seen::Seen;
use super::{Room, bounded};

/// What was seen of the shop since it was last reported.
#[derive(Default)]
pub(super) struct Load {
    untold: Mutex<LoadReport>,
    /// The same for operators, in every room.
    pub(super) seen: Seen,
}

impl Load {
    fn take(&self) -> LoadReport {
        std::mem::take(&mut self.untold.lock())
    }
}

impl Room {
    /// The shop answered, or failed to, after so long; and said this of its load, 1.0 being full.
    pub fn saw_the_shop(&self, latency: Duration, failed: bool, load: Option<f64>) {
        self.load.seen.shop(latency, failed, load);
        if self.view.load().rules(&self.config().rules).adaptive.is_some() {
            self.load.untold.lock().record(latency, failed, load);
        }
    }

    /// Reports what was seen; decides about the rate when an interval is over and no other proxy came first. `id` is the
    /// line that it is for: the room's own, or its shadow.
    pub(super) async fn adapt(&self, id: &RoomId, snapshot: &Snapshot) -> Result<(), StoreError> {
        let Some(AdaptiveDrain { min, max }) = snapshot.rules.adaptive else { return Ok(()) };
        let report = self.load.take();
        let store = &self.ports.store;
        let closed = match bounded(store.report_load(id, &report)).await {
            Ok(closed) => closed,
            Err(error) => {
                // It may have been counted. Counting it twice would weigh more than missing it.
                return if matches!(error, StoreError::UnknownRoom(_)) { Ok(()) } else { Err(error) };
            }
        };
        let Some((interval, history)) = closed else { return Ok(()) };
        let range = DrainRange { min, start: snapshot.rules.drain_per_minute, max };
        let decision = decide(&interval, &history, range, &Targets::default());
        let in_force = bounded(store.set_rate(id, interval.number, decision.rate, &decision.history)).await?;
        if !in_force {
            tracing::info!(room = %id, "a decision about the drain came too late and changed nothing");
        } else if decision.change == Change::Kept {
            tracing::debug!(room = %id, rate = decision.rate, reason = decision.reason, "the drain was looked at");
        } else {
            tracing::info!(room = %id, rate = decision.rate, reason = decision.reason, "the drain adapts");
        }
        Ok(())
    }
}
