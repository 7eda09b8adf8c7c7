//! `mode = "shadow"`: everybody passes, and a line of its own tells who would have waited, and for how long.
//!
//! The shadow line is a line like any other, in the same store under a name that no room can have. Visitors are joined
//! to it behind their backs, in the background; whoever would have to wait is taken to stay there until their turn, and
//! to be in the shop from then on for as long as they ask for something. Nothing on the way of a request waits for it,
//! and where it fails, only figures are missing. What a visitor carries of it is a cookie with a random id, which is
//! worth nothing in any mode.

mod tick;
mod visits;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use admission::name::LaneId;
use admission::rank::Rank;
use admission::rules::{Mode, Phase, Rules};
use admission::ticket::{Place, TicketId};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Room;
use super::view::View;
use crate::gate::credentials::{INVITATION_HEADER, cookies, presented};
use crate::gate::fields::Fields;
use tick::run;
use visits::Visits;

/// What one edge knows of the shadow of a room's line.
#[derive(Default)]
pub(super) struct Shadow {
    visits: Mutex<Visits>,
    view: ArcSwap<View>,
    /// Visitors who would have had to wait, as this edge saw them come.
    queued: AtomicU64,
    /// Requests that cannot wait, and would have been refused.
    refused: AtomicU64,
    /// Visitors who came before the opening, or after the end.
    turned_away: AtomicU64,
    /// Visitors whose turn would have come, and how long they would have waited, together, in milliseconds.
    waited: AtomicU64,
    waited_ms: AtomicU64,
    task: OnceLock<AbortHandle>,
}

/// What would be, if the room did not let everybody pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowFigures {
    /// Visitors who came, at all edges.
    pub arrivals_total: u64,
    /// What mode and times would come to.
    pub phase: Phase,
    /// Fans a minute that would be let in: as configured, or as the drain has adapted.
    pub rate: u64,
    /// Visitors who would wait now, at all edges.
    pub waiting: u64,
    /// The same for each lane.
    pub lanes: Vec<(String, u64)>,
    /// Visitors who would have a turn or a session, at all edges.
    pub active: u64,
    /// How long somebody who came now would wait: hardly less, and hardly more. Nothing where that cannot be told.
    pub wait: Option<(Duration, Duration)>,
    /// Visitors who would have had to wait, of those who came to this edge.
    pub queued_here: u64,
    /// Requests to this edge that would have been refused, for only pages can wait.
    pub refused_here: u64,
    /// Visitors of this edge who would have been told that the room is not open, or closed.
    pub turned_away_here: u64,
    /// Visitors of this edge whose turn would have come after a wait.
    pub waited_here: u64,
    /// How long they would have waited, together.
    pub waited_here_for: Duration,
}

/// A visitor as the shadow line knows them.
pub struct Shade {
    /// Who it is; nothing where they are not followed.
    pub visit: Option<TicketId>,
    /// The cookie by which they are known again, where it has to be set.
    pub cookie: Option<String>,
}

impl Room {
    /// Somebody passes a room in shadow mode. Only a page that is navigated to would join a line.
    pub fn shade(&self, headers: &Fields<'_>, is_page: bool) -> Shade {
        let known = cookies(headers, self.cookies.shadow_name()).find_map(TicketId::parse);
        let now = Instant::now();
        let mut visits = self.shadow.visits.lock();
        if let Some(visit) =
            known.filter(|visit| visits.saw(*visit, || self.lane_of_visitor(headers), is_page, now))
        {
            return Shade { visit: Some(visit), cookie: None };
        }
        if !is_page {
            if known.is_none() && !self.shadow.view.load().is_free() {
                self.shadow.refused.fetch_add(1, Ordering::Relaxed);
            }
            return Shade { visit: None, cookie: None };
        }
        let Ok(visit) = self.random_id() else { return Shade { visit: None, cookie: None } };
        if !visits.comes(visit, self.lane_of_visitor(headers), now) {
            return Shade { visit: None, cookie: None };
        }
        Shade { visit: Some(visit), cookie: Some(self.cookies.give_shadow(&visit.to_string())) }
    }

    /// The lane in which somebody with these headers would stand: that of their invitation, which is not used up by this.
    fn lane_of_visitor(&self, headers: &Fields<'_>) -> LaneId {
        let invitations = presented(headers, &INVITATION_HEADER, self.cookies.invitation_name());
        let mut good = invitations.filter_map(|sealed| self.open_invitation(sealed).ok());
        good.next().map_or_else(|| home(&self.config().rules), |invitation| invitation.lane)
    }

    /// The shop says that a visitor is done.
    pub fn shade_is_done(&self, visit: TicketId) {
        self.shadow.visits.lock().is_done(visit);
    }

    /// What would be; nothing while the room is not in shadow mode, or its shadow line was not read yet.
    pub fn shadow_figures(&self) -> Option<ShadowFigures> {
        if self.mode() != Mode::Shadow {
            return None;
        }
        let shadow = &self.shadow;
        let view = shadow.view.load();
        let snapshot = view.snapshot()?;
        let newcomer =
            Place { lane: home(&snapshot.rules), rank: Rank::MAX, id: TicketId::from_bytes([0; 12]) };
        let wait = if snapshot.phase() != Phase::Open {
            None
        } else if view.is_free() {
            Some((Duration::ZERO, Duration::ZERO))
        } else {
            let ahead = snapshot.lane(&newcomer.lane).map_or(0, |lane| lane.ladder.waiting());
            view.wait(&newcomer.lane, ahead, Instant::now()).map(|wait| (wait.low, wait.high))
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Some(ShadowFigures {
            arrivals_total: snapshot.joined_total,
            phase: snapshot.phase(),
            rate: snapshot.rate,
            waiting: snapshot.waiting(),
            lanes: snapshot.lanes.iter().map(|lane| (lane.name.to_string(), lane.ladder.waiting())).collect(),
            active: snapshot.active + snapshot.turns,
            wait,
            queued_here: count(&shadow.queued),
            refused_here: count(&shadow.refused),
            turned_away_here: count(&shadow.turned_away),
            waited_here: count(&shadow.waited),
            waited_here_for: Duration::from_millis(count(&shadow.waited_ms)),
        })
    }
}

/// Starts the task that keeps the shadow line of `room`, while there is one.
pub(super) fn start(room: &Arc<Room>, every: Duration) {
    let task = tokio::spawn(run(Arc::clone(room), every));
    room.shadow.task.get_or_init(|| task.abort_handle());
}

impl Shadow {
    /// Asks nothing of the store any more.
    pub(super) fn stop(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

/// Where those stand who have no invitation.
fn home(rules: &Rules) -> LaneId {
    let mut lanes = rules.lanes.iter().map(|lane| &lane.name);
    let last = lanes.clone().next_back();
    lanes.find(|lane| **lane == LaneId::general()).or(last).cloned().unwrap_or_else(LaneId::general)
}

/// By which rules the shadow line moves: those of the room, as if it were on.
fn rules_of(rules: &Rules) -> Rules {
    Rules { mode: Mode::Auto, ..rules.clone() }
}
