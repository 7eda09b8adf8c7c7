//! The tick of a room: a fixed number of store calls, whatever the number of fans.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::Timestamp;
use admission::rules::Mode;
use admission::store::{
    BATCH_MAX, ENDED_PER_SNAPSHOT_MAX, Memory, Presence, REPORT_MAX, Snapshot, Standing, StoreError,
};
use admission::ticket::Place;
use tokio::time::{Instant, MissedTickBehavior, sleep};

use super::hearing::Hearing;
use super::view::sessions_come_first;
use super::{LOOK_EVERY, Room, bounded};
use crate::telemetry::promises::Event;

/// Most snapshots that one tick reads while there are more ended sessions to hear of.
const CATCH_UP_MAX: usize = 8;
/// How long before a loss the sessions ended that are read again.
const ENDED_AGAIN: Duration = Duration::from_secs(120);
/// Marks of ended sessions follow the clock, so many to the millisecond.
const MARKS_PER_MILLI: u64 = 1000;
/// Ticks between two tidyings.
const TIDY_EVERY: u64 = 240;
/// Ticks between two looks for fans who are gone. Until then they are not there either, but still held.
const DROP_EVERY: u64 = 4;
/// While the store keeps a tick waiting, silences are broken this often.
const ROUND_EVERY: Duration = Duration::from_millis(250);

/// Runs the tick of `room` for ever.
pub(super) async fn run(room: Arc<Room>, every: Duration) {
    let mut tick = Tick {
        room,
        ended_mark: 0,
        configured: None,
        memory: Memory::default(),
        resumed_at: None,
        was_away: false,
        count: 0,
        not_waiting: Vec::new(),
        hearing: Hearing::default(),
        has_news: false,
    };
    let mut interval = tokio::time::interval(every);
    // A tick that was missed is not made up for: the next one does all there is to do.
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        tick.once().await;
    }
}

struct Tick {
    room: Arc<Room>,
    ended_mark: u64,
    configured: Option<u64>,
    /// What is left to remember of the line, should the store lose it.
    memory: Memory,
    resumed_at: Option<Timestamp>,
    was_away: bool,
    count: u64,
    /// Fans who were reported as waiting and do not. They are looked at when the snapshot has told whose places were moved.
    not_waiting: Vec<Place>,
    hearing: Hearing,
    /// Whether places are known better than at the tick before, and not everybody is told something anyway.
    has_news: bool,
}

impl Tick {
    async fn once(&mut self) {
        self.has_news = false;
        let outcome = self.steps_and_rounds().await;
        let away = outcome.is_err();
        if let Err(error) = outcome {
            let view = self.room.view.load().after_failure();
            self.room.view.store(Arc::new(view));
            if !self.was_away {
                tracing::warn!(room = %self.room.id, %error, "the store is away; nobody is admitted meanwhile");
            }
        } else if self.was_away {
            tracing::info!(room = %self.room.id, "the store is back");
        }
        self.was_away = away;
        // Those whose turn has come were told first.
        self.room.tell_the_due(self.has_news).await;
        self.count += 1;
        if self.count.is_multiple_of(TIDY_EVERY) {
            self.room.sessions.tidy();
        }
        if self.count.is_multiple_of(DROP_EVERY) {
            self.room.registry.lock().drop_the_gone(Instant::now());
        }
    }

    /// The steps; a silence is broken in time, however long the store takes to answer.
    async fn steps_and_rounds(&mut self) -> Result<(), StoreError> {
        let room = self.room.clone();
        let mut steps = pin!(self.steps());
        loop {
            tokio::select! {
                outcome = &mut steps => return outcome,
                () = sleep(ROUND_EVERY) => room.tell_the_due(false).await,
            }
        }
    }

    /// Presence and drain go first, by what the tick before knew; then the snapshot already shows the turns that
    /// this drain gave, and their fans hear of them without waiting for the next tick.
    async fn steps(&mut self) -> Result<(), StoreError> {
        let known = self.room.view.load_full();
        if let Some(snapshot) = known.snapshot() {
            match self.report_and_drain(snapshot).await {
                // The store lost its data: reading the snapshot begins the line anew.
                Err(StoreError::UnknownRoom(_)) => {}
                outcome => outcome?,
            }
        }
        let snapshot = self.read_snapshot().await?;
        self.restore(&snapshot).await?;
        self.look(&snapshot).await?;
        self.hearing.read(&self.room).await
    }

    async fn report_and_drain(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let room = self.room.clone();
        room.end_the_overstayed(snapshot.rules.session_max);
        self.report_presence(snapshot).await?;
        self.end_again().await?;
        // What the shop bears then goes to the line that is tried.
        if snapshot.rules.mode != Mode::Shadow {
            room.adapt(&room.id, snapshot).await?;
        }
        let asked_at = Instant::now();
        let drained = bounded(room.ports.store.drain(&room.id)).await?;
        room.tally.promises.drained(&drained, asked_at);
        Ok(())
    }

    async fn read_snapshot(&mut self) -> Result<Arc<Snapshot>, StoreError> {
        let room = self.room.clone();
        let revision = room.config().revision;
        if self.configured != Some(revision) {
            self.configure().await?;
            self.configured = Some(revision);
        }
        for _ in 0..CATCH_UP_MAX {
            let read = || bounded(room.ports.store.snapshot(&room.id, self.ended_mark));
            let snapshot = match read().await {
                Err(StoreError::UnknownRoom(_)) => {
                    self.configure().await?;
                    bounded(room.ports.store.snapshot(&room.id, self.ended_mark)).await?
                }
                answer => answer?,
            };
            if self.resumed_at.replace(snapshot.resumed_at).is_some_and(|at| at != snapshot.resumed_at) {
                self.tell_all_there_is(&snapshot).await?;
                continue;
            }
            self.memory = Memory::of(&snapshot);
            self.ended_mark = snapshot.ended_mark;
            room.hear_of_relocations(&snapshot.by_hand.relocated);
            room.sessions.end(&snapshot.ended, room.token_life());
            if room.sessions.void(snapshot.voided_before, room.token_life()) {
                let before = snapshot.voided_before.as_millis();
                tracing::warn!(room = %room.id, before, "all admissions up to this moment are void");
            }
            room.tally.promises.see(&snapshot);
            let more = snapshot.ended.len() >= ENDED_PER_SNAPSHOT_MAX;
            self.publish(snapshot);
            if !more {
                break;
            }
        }
        let view = room.view.load();
        view.snapshot().cloned().ok_or_else(|| StoreError::Unreadable("no snapshot".to_owned()))
    }

    async fn configure(&self) -> Result<(), StoreError> {
        let room = &self.room;
        let (rules, revision) = room.rules_to_put_in_force().await?;
        bounded(room.ports.store.configure(&room.id, &rules, revision, &self.memory)).await
    }

    /// The line began anew, or another server took it over that may not have known all of it: it is told what is
    /// known here. Who waits is put back as always.
    async fn tell_all_there_is(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        tracing::warn!(room = %self.room.id, "the store lost some of the line; it is being put back together");
        self.room.tally.promises.count(Event::Resumed, 1);
        // Sessions that ended just before may be told again, and have marks from before.
        self.ended_mark = (snapshot.resumed_at - ENDED_AGAIN).as_millis() * MARKS_PER_MILLI;
        self.room.sessions.all_are_due();
        self.room.registry.lock().all_are_due();
        self.configure().await
    }

    /// Ends again the sessions that are known to be over, where the store may have forgotten it.
    async fn end_again(&self) -> Result<(), StoreError> {
        let room = &self.room;
        for tickets in room.sessions.due_to_end_again().chunks(REPORT_MAX) {
            if let Err(error) = bounded(room.ports.store.end(&room.id, tickets)).await {
                room.sessions.all_are_due();
                return Err(error);
            }
        }
        Ok(())
    }

    fn publish(&mut self, snapshot: Snapshot) {
        let room = self.room.clone();
        let before = room.view.load_full();
        let changed = before.snapshot().is_some_and(|before| {
            before.phase() != snapshot.phase()
                || before.rules.opens_at != snapshot.rules.opens_at
                || before.rules.lanes != snapshot.rules.lanes
                || (before.hold_until > before.at) != (snapshot.hold_until > snapshot.at)
        });
        let known = before.snapshot().map(|before| before.by_hand.reset_at);
        let reset = (known != Some(snapshot.by_hand.reset_at)).then_some(snapshot.by_hand.reset_below);
        room.view.store(Arc::new(before.after(snapshot, Instant::now())));
        let mut registry = room.registry.lock();
        if let Some(below) = reset {
            registry.reset(below, Instant::now());
        }
        self.has_news = !changed && !before.store_is_away();
        if !self.has_news {
            registry.ring_all();
        }
    }

    async fn report_presence(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let room = self.room.clone();
        let waiting_every = snapshot.rules.presence_window / 3;
        let active_every =
            (snapshot.rules.session / 8).clamp(Duration::from_millis(500), Duration::from_secs(5));
        let waiting = room.registry.lock().due_for_presence(snapshot, waiting_every, Instant::now());
        let store_now = room.view.load().store_now().unwrap_or(snapshot.at);
        let active = room.sessions.due_for_presence(active_every, snapshot.rules.session, store_now);
        if waiting.is_empty() && active.is_empty() {
            return Ok(());
        }
        let presence = Presence { waiting, active, gone: Vec::new() };
        match bounded(room.ports.store.report_presence(&room.id, &presence)).await {
            Ok(answer) => {
                room.sessions.end(&answer.ended, room.token_life());
                self.not_waiting = answer.not_waiting;
                Ok(())
            }
            Err(error) => {
                room.registry.lock().presence_failed(&presence.waiting);
                room.sessions.presence_failed(&presence.active);
                Err(error)
            }
        }
    }

    /// Puts back who is from before the store lost its data: once every proxy had the time to tell of its sessions, for
    /// a fan who waited here may have been admitted through another one just before.
    async fn restore(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let room = &self.room;
        if sessions_come_first(snapshot) {
            return Ok(());
        }
        let mut due = room.registry.lock().due_for_restoring(snapshot);
        // Whoever has a session, or had one, does not stand in the line.
        due.retain(|place| !room.sessions.knows(place.id));
        for places in due.chunks(BATCH_MAX) {
            let standings = bounded(room.ports.store.restore(&room.id, places)).await?;
            room.count_restored(&standings);
            room.registry.lock().restored(places, snapshot.resumed_at, Instant::now());
            self.learn(places, &standings);
        }
        Ok(())
    }

    /// Asks about the fans whose turn may have come.
    async fn look(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let mut due = std::mem::take(&mut self.not_waiting);
        {
            let (registry, now) = (self.room.registry.lock(), Instant::now());
            due.extend(registry.due_for_a_look(snapshot, LOOK_EVERY, now));
            due.extend(registry.called(snapshot, LOOK_EVERY, now));
        }
        self.look_at(&due).await
    }

    /// Asks about these fans, and puts those back whom the store has forgotten though their ranks do not tell so: they
    /// were ranked afterwards, in the stretch that it is missing.
    async fn look_at(&self, places: &[Place]) -> Result<(), StoreError> {
        let room = &self.room;
        for places in places.chunks(REPORT_MAX) {
            let standings = match bounded(room.ports.store.look(&room.id, places)).await {
                Err(StoreError::UnknownRoom(_)) => return Ok(()),
                answer => answer?,
            };
            self.learn(places, &standings);
            let view = room.view.load();
            let is_told =
                |place: &Place| view.snapshot().is_some_and(|known| known.may_have_forgotten(place.rank));
            let is_forgotten = |(place, standing): (&Place, &Standing)| {
                let is_unknown = *standing == Standing::Unknown && !is_told(place);
                (is_unknown && !room.sessions.knows(place.id)).then(|| place.clone())
            };
            let forgotten: Vec<Place> = places.iter().zip(&standings).filter_map(is_forgotten).collect();
            for places in forgotten.chunks(BATCH_MAX) {
                let standings = bounded(room.ports.store.restore(&room.id, places)).await?;
                room.count_restored(&standings);
                self.learn(places, &standings);
            }
        }
        Ok(())
    }

    fn learn(&self, places: &[Place], standings: &[Standing]) {
        for (place, standing) in places.iter().zip(standings) {
            self.room.learn(place, *standing);
        }
        debug_assert!(places.len() == standings.len(), "one answer for each ticket");
    }
}
