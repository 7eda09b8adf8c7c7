//! What an edge does for the shadow line: what it does for a line, for visitors who do not know of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use admission::clock::{Timestamp, millis};
use admission::name::{LaneId, RoomId};
use admission::rank::Rank;
use admission::rules::Mode;
use admission::store::{
    BATCH_MAX, Intent, InvitationUse, Join, Joined, LaneSnapshot, Memory, Presence, REPORT_MAX, Snapshot,
    Standing, Stay, StoreError,
};
use admission::ticket::{Place, TicketId};
use tokio::time::{Instant, MissedTickBehavior};

use super::super::{Room, bounded};
use super::rules_of;

/// For how long the line knows a visitor again who comes to another edge.
const KNOWN_FOR: Duration = Duration::from_secs(12 * 3600);
/// Most calls in which visitors are joined or claimed, each tick.
const CALLS_MAX: usize = 8;
/// How often the log says how it goes.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Keeps the shadow line of `room` for ever, while the room is in shadow mode.
pub(in crate::room) async fn run(room: Arc<Room>, every: Duration) {
    let mut tick = Tick::new(room);
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if tick.room.mode() != Mode::Shadow {
            tick.stop().await;
            continue;
        }
        match tick.steps().await {
            Ok(()) => tick.tell(),
            Err(error) => tracing::debug!(room = %tick.room.id, %error, "the shadow line cannot be reached"),
        }
    }
}

struct Tick {
    room: Arc<Room>,
    line: RoomId,
    /// The configuration that the line was told.
    configured: Option<u64>,
    resumed_at: Option<Timestamp>,
    ended_mark: u64,
    presence_at: Option<Instant>,
    told_at: Option<(Instant, u64)>,
}

impl Tick {
    fn new(room: Arc<Room>) -> Self {
        let line = room.id.shadow();
        Self {
            room,
            line,
            configured: None,
            resumed_at: None,
            ended_mark: 0,
            presence_at: None,
            told_at: None,
        }
    }

    async fn steps(&mut self) -> Result<(), StoreError> {
        let snapshot = self.snapshot().await?;
        self.join().await?;
        self.report_presence(&snapshot).await?;
        self.room.adapt(&self.line, &snapshot).await?;
        let store = &self.room.ports.store;
        let drained = bounded(store.drain(&self.line)).await?;
        for lane in &snapshot.lanes {
            // The turns of this drain are beyond the cursors of the snapshot.
            let given =
                drained.turns.iter().filter(|(name, _)| *name == lane.name).map(|(_, rank)| *rank).max();
            self.claim(&lane.name, lane.cursor.max(given.unwrap_or_default())).await?;
        }
        loop {
            let done = self.room.shadow.visits.lock().take_done(BATCH_MAX);
            if done.is_empty() {
                return Ok(());
            }
            bounded(store.end(&self.line, &done)).await?;
        }
    }

    /// Reads the line, begins it where it is not there, and puts the rules in force where they changed.
    async fn snapshot(&mut self) -> Result<Snapshot, StoreError> {
        let room = self.room.clone();
        let revision = room.config().revision;
        let configure = async || {
            let rules = rules_of(&room.config().rules);
            // As good as new for each revision, whichever came first to the room's own line.
            bounded(room.ports.store.configure(&self.line, &rules, revision, &Memory::default())).await
        };
        if self.configured != Some(revision) {
            configure().await?;
            self.configured = Some(revision);
        }
        let read = || bounded(room.ports.store.snapshot(&self.line, self.ended_mark));
        let snapshot = match read().await {
            Err(StoreError::UnknownRoom(_)) => {
                configure().await?;
                read().await?
            }
            answer => answer?,
        };
        let mut visits = room.shadow.visits.lock();
        if self.resumed_at.replace(snapshot.resumed_at).is_some_and(|at| at != snapshot.resumed_at) {
            // It lost data. Nobody is hurt by a shadow that begins anew.
            visits.take_all();
        }
        let now = Instant::now();
        for ticket in &snapshot.ended {
            visits.ends(*ticket, now);
        }
        drop(visits);
        self.ended_mark = snapshot.ended_mark;
        let view = room.shadow.view.load().after(snapshot.clone(), now);
        room.shadow.view.store(Arc::new(view));
        Ok(snapshot)
    }

    async fn join(&self) -> Result<(), StoreError> {
        let room = &self.room;
        let draw = room.draw_id();
        for _ in 0..CALLS_MAX {
            let new = room.shadow.visits.lock().take_new(BATCH_MAX);
            if new.is_empty() {
                break;
            }
            // An invitation for one gives its fan the same place again: at whichever edge, and when this call is repeated.
            let join = |(visit, lane): &(TicketId, LaneId)| Join {
                invitation: Some(InvitationUse { id: *visit, uses: 1, good_for: KNOWN_FOR }),
                drawn: room.drawn(draw.as_ref(), *visit),
                ..Join::new(lane.clone(), *visit, Intent::EnterOrWait)
            };
            let joins: Vec<Join> = new.iter().map(join).collect();
            let Ok(batch) = room.random_id() else { return Ok(()) };
            let answers = match bounded(room.ports.store.join(&self.line, batch, &joins)).await {
                Ok(answers) => answers,
                Err(error) => {
                    room.shadow.visits.lock().are_new_again(new);
                    return Err(error);
                }
            };
            let (mut visits, now) = (room.shadow.visits.lock(), Instant::now());
            for ((visit, _), (join, joined)) in new.into_iter().zip(joins.iter().zip(answers)) {
                match joined {
                    Joined::Entered { rank, .. } => drop(visits.enters(visit, rank, now)),
                    Joined::Waiting { rank, .. } => {
                        room.shadow.queued.fetch_add(1, Ordering::Relaxed);
                        visits.waits(visit, rank);
                    }
                    Joined::Drawn => {
                        room.shadow.queued.fetch_add(1, Ordering::Relaxed);
                        visits.waits(visit, join.drawn.unwrap_or_default());
                    }
                    Joined::InvitationUsed => visits.ends(visit, now),
                    Joined::Closed => {
                        room.shadow.turned_away.fetch_add(1, Ordering::Relaxed);
                        visits.forget(visit);
                    }
                    _ => visits.forget(visit),
                }
            }
        }
        Ok(())
    }

    /// Who would wait is taken to be there; who would be in the shop is, when they ask for something.
    async fn report_presence(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let now = Instant::now();
        if self.presence_at.is_some_and(|at| now.duration_since(at) < snapshot.rules.presence_window / 3) {
            return Ok(());
        }
        let presence = {
            let mut visits = self.room.shadow.visits.lock();
            let near = |lane: &LaneSnapshot| visits.waiting_up_to(&lane.name, lane.horizon, REPORT_MAX);
            let waiting = snapshot.lanes.iter().flat_map(near).take(REPORT_MAX).collect();
            let keep_for = snapshot.rules.session;
            let stay = |(ticket, stayed)| Stay { ticket, stayed, keep_for };
            Presence {
                waiting,
                active: visits.take_seen(REPORT_MAX, now).into_iter().map(stay).collect(),
                gone: Vec::new(),
            }
        };
        let answer = bounded(self.room.ports.store.report_presence(&self.line, &presence)).await?;
        let mut visits = self.room.shadow.visits.lock();
        for ticket in answer.ended {
            visits.ends(ticket, now);
        }
        self.presence_at = Some(now);
        Ok(())
    }

    /// Whose turn would have come takes it at once.
    async fn claim(&self, lane: &LaneId, cursor: Rank) -> Result<(), StoreError> {
        let room = &self.room;
        let due = room.shadow.visits.lock().waiting_up_to(lane, cursor, CALLS_MAX * BATCH_MAX);
        for due in due.chunks(BATCH_MAX) {
            let standings = bounded(room.ports.store.claim(&self.line, due)).await?;
            let (mut visits, now) = (room.shadow.visits.lock(), Instant::now());
            for (Place { rank, id: visit, .. }, standing) in due.iter().zip(standings) {
                match standing {
                    Standing::Active { .. } => {
                        if let Some(waited) = visits.enters(*visit, *rank, now) {
                            room.shadow.waited.fetch_add(1, Ordering::Relaxed);
                            room.shadow.waited_ms.fetch_add(millis(waited), Ordering::Relaxed);
                        }
                    }
                    Standing::Ended | Standing::Unknown => visits.ends(*visit, now),
                    Standing::Waiting { .. } | Standing::Turn { .. } => {}
                }
            }
        }
        Ok(())
    }

    /// The room is in another mode: what this edge had in the shadow line goes.
    async fn stop(&mut self) {
        if self.room.shadow.visits.lock().is_empty() {
            return;
        }
        let all = self.room.shadow.visits.lock().take_all();
        for places in all.chunks(BATCH_MAX) {
            if bounded(self.room.ports.store.leave(&self.line, places)).await.is_err() {
                // Who is absent is passed over, and forgotten.
                break;
            }
        }
        self.told_at = None;
    }

    /// Says in the log how it goes.
    fn tell(&mut self) {
        let now = Instant::now();
        let (at, before) = self.told_at.unwrap_or((now, 0));
        if self.told_at.is_some() && now.duration_since(at) < LOG_EVERY {
            return;
        }
        self.room.shadow.visits.lock().tidy(now);
        let Some(figures) = self.room.shadow_figures() else { return };
        if self.told_at.is_some() {
            let seconds =
                |of: fn((Duration, Duration)) -> Duration| figures.wait.map(|wait| of(wait).as_secs());
            tracing::info!(
                room = %self.room.id,
                arrivals = figures.arrivals_total.saturating_sub(before),
                would_wait = figures.waiting,
                would_be_active = figures.active,
                wait_low_seconds = seconds(|wait| wait.0),
                wait_high_seconds = seconds(|wait| wait.1),
                "shadow: nobody waits; so many would"
            );
        }
        self.told_at = Some((now, figures.arrivals_total));
    }
}
