//! What operators are told of a room in shadow mode.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::rooms::{LaneView, phase_name};
use crate::room::ShadowFigures;

/// Who would wait, and for how long, if the room did not let everybody pass.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShadowView {
    /// Visitors who came, at all proxies, in all.
    pub(super) arrivals_total: u64,
    /// What mode and times would come to: early, prequeue, open or closed.
    pub(super) phase: String,
    /// Fans a minute that would be let in: as configured, or as the drain has adapted.
    pub(super) rate: u64,
    /// Visitors who would wait now, at all proxies.
    pub(super) waiting: u64,
    /// The same in each lane.
    pub(super) lanes: Vec<LaneView>,
    /// Visitors who would have a turn or a session, at all proxies.
    pub(super) active: u64,
    /// How long somebody who came now would wait, in seconds: hardly less, where that can be told.
    pub(super) wait_low_seconds: Option<f64>,
    /// The same: hardly more.
    pub(super) wait_high_seconds: Option<f64>,
    /// Visitors of this proxy who would have had to wait.
    pub(super) queued_here: u64,
    /// Requests to this proxy that would have been refused, for only pages can wait.
    pub(super) refused_here: u64,
    /// Visitors of this proxy who would have been told that the room is not open yet, or closed.
    pub(super) turned_away_here: u64,
    /// Visitors of this proxy whose turn would have come after a wait.
    pub(super) waited_here: u64,
    /// How long they would have waited, on average.
    pub(super) waited_here_mean_seconds: f64,
}

impl From<ShadowFigures> for ShadowView {
    fn from(figures: ShadowFigures) -> Self {
        Self {
            arrivals_total: figures.arrivals_total,
            phase: phase_name(figures.phase),
            rate: figures.rate,
            waiting: figures.waiting,
            lanes: figures.lanes.into_iter().map(|(name, waiting)| LaneView { name, waiting }).collect(),
            active: figures.active,
            wait_low_seconds: figures.wait.map(|(low, _)| seconds(low)),
            wait_high_seconds: figures.wait.map(|(_, high)| seconds(high)),
            queued_here: figures.queued_here,
            refused_here: figures.refused_here,
            turned_away_here: figures.turned_away_here,
            waited_here: figures.waited_here,
            waited_here_mean_seconds: seconds(
                figures.waited_here_for.div_f64(figures.waited_here.max(1) as f64),
            ),
        }
    }
}

/// To a tenth: nobody waits more exactly.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}
