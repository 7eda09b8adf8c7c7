//! The snapshot: what a proxy needs to know of the room, once per tick.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::rank::Rank;

use super::line::Line;
use crate::store::{LaneSnapshot, Snapshot, horizon_depth};

impl Line {
    pub(super) fn snapshot(&mut self, ended_mark: u64, now: Timestamp) -> Snapshot {
        self.expire(now);
        let depth = horizon_depth(self.rules.rate_max());
        let rules = Arc::clone(&self.rules);
        let mut lanes = Vec::with_capacity(rules.lanes.len());
        for rule in &rules.lanes {
            let Some(lane) = self.lanes.get_mut(&rule.name) else { continue };
            lane.horizon = lane.waiting.at_depth(depth).unwrap_or(Rank::MAX);
            lanes.push(LaneSnapshot {
                name: rule.name.clone(),
                cursor: lane.cursor,
                next_rank: lane.next_rank,
                horizon: lane.horizon,
                ladder: lane.waiting.ladder(),
            });
        }
        let (ended, ended_mark) = self.ended.after(ended_mark);
        Snapshot {
            at: now,
            resumed_at: self.resumed_at,
            forgotten: self.forgotten.clone(),
            lead: self.lead,
            rules,
            revision: self.revision,
            hold_until: self.hold_until,
            rate: self.rate,
            active: self.active.len(),
            turns: self.turns(),
            joined_total: self.joined_total,
            admitted_total: self.admitted_total,
            lapsed_total: self.lapsed_total,
            voided_before: self.voided_before,
            revealed: self.revealed,
            lanes,
            ended,
            ended_mark,
            by_hand: self.by_hand_now(),
        }
    }
}
