//! Stores with one fault each, to see that the predicates find it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use admission::adaptive::{History, LoadInterval, LoadReport};
use admission::clock::{Clock, Timestamp};
use admission::name::RoomId;
use admission::position::{Ladder, Rung};
use admission::rank::Rank;
use admission::rules::Rules;
use admission::store::memory::MemoryStore;
use admission::store::{
    BatchId, Drained, Join, Joined, Memory, PageMark, Presence, PresenceAnswer, QueueStore, SessionPage,
    Snapshot, Standing, StoreError, Voided,
};
use admission::ticket::{Place, TicketId};
use async_trait::async_trait;
use parking_lot::Mutex;

use crate::dice::SimClock;

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// Puts nobody back who is older than its memory.
    ForgetsRestore,
    /// After a loss its clock is behind, and it does not ask which ranks were given before.
    RanksAnewAfterLoss,
    /// Admits at once after a loss.
    NoHoldAfterLoss,
    /// Has a full burst once more, after a while.
    BurstAnew,
    /// Takes the time from whoever calls.
    TurnsByTheEdgesClock,
    /// Gives turns to whoever once joined.
    IgnoresPresence,
    /// Does not hear of every other fan.
    HardOfHearing,
    /// Half of the edges have a line of their own.
    TwoStores,
    /// Forgets which sessions ended.
    ForgetsTheEnded,
    /// Knows no limit of fans in the room.
    NoLimit,
    /// Tells positions that are three too high.
    WrongPositions,
    /// Whoever was passed over has lost the place.
    NoReturn,
    /// Moves at nine tenths of the rate.
    Slow,
    /// Drains all lanes alike.
    IgnoresWeights,
    /// Ends the ticket of whoever does not take their turn, and keeps the permit.
    UnclaimedIsOver,
    /// Knows no longest stay.
    NoHardLimit,
    /// Ranks who came while it was away by when they come back.
    IgnoresArrival,
    /// Lets the order be told as soon as fans are in.
    TellsTheDraw,
    /// Draws those who come in the first seconds after the opening, too.
    DrawsTheLate,
    /// Voids nothing.
    ForgetsTheVoid,
    /// Tells that what comes in the next seconds is void, too.
    VoidsTheLater,
    /// Tells edges of no sessions but those that they see themselves.
    TellsNoSessions,
    /// None of the store's: fans do not carry what they were shown.
    ForgetsWhatWasShown,
}

/// The clock of a mutant: that of the others, and a jump.
struct Shifted {
    clock: Arc<SimClock>,
    by_ms: AtomicU64,
    back: Duration,
    slow_since: Option<Timestamp>,
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        let now = self.clock.now() + Duration::from_millis(self.by_ms.load(Ordering::Relaxed)) - self.back;
        match self.slow_since {
            Some(since) => since + now.since(since) * 9 / 10,
            None => now,
        }
    }
}

/// For how long after the opening [`Mutation::DrawsTheLate`] goes on drawing, and how far [`Mutation::VoidsTheLater`]
/// goes too far.
const LATE: Duration = Duration::from_secs(10);

/// A store in memory, with a fault or none.
pub(crate) struct Mutant {
    mutation: Option<Mutation>,
    inner: MemoryStore,
    clock: Arc<Shifted>,
    born_at: Timestamp,
    leapt: AtomicBool,
    opens_at: Mutex<Option<Timestamp>>,
    joined: Mutex<Vec<Place>>,
}

impl Mutant {
    /// The empty stores that the edges share. `losses` is how many times the data was lost.
    pub(crate) fn all(mutation: Option<Mutation>, clock: &Arc<SimClock>, losses: usize) -> Vec<Arc<Self>> {
        let count = if mutation == Some(Mutation::TwoStores) { 2 } else { 1 };
        let behind = mutation == Some(Mutation::RanksAnewAfterLoss) && losses > 0;
        let shifted = Arc::new(Shifted {
            clock: clock.clone(),
            by_ms: AtomicU64::new(0),
            back: if behind { Duration::from_secs(30) } else { Duration::ZERO },
            slow_since: (mutation == Some(Mutation::Slow)).then(|| clock.now()),
        });
        let store = |_| Arc::new(Self::around(MemoryStore::new(shifted.clone()), mutation, shifted.clone()));
        (0..count).map(store).collect()
    }

    fn around(inner: MemoryStore, mutation: Option<Mutation>, clock: Arc<Shifted>) -> Self {
        let (leapt, opens_at, joined) = (AtomicBool::new(false), Mutex::default(), Mutex::default());
        Self { mutation, inner, born_at: clock.clock.now(), clock, leapt, opens_at, joined }
    }

    /// What a replica has now.
    pub(crate) fn copy(&self) -> Self {
        Self::around(self.inner.copy(), self.mutation, self.clock.clone())
    }

    /// The replica takes over.
    pub(crate) fn take_over(&self) -> Self {
        Self::around(self.inner.take_over(self.clock.clone()), self.mutation, self.clock.clone())
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn changed(&self, join: &Join) -> Join {
        let now = self.clock.now();
        let arrived_at = match self.mutation {
            Some(Mutation::IgnoresArrival) => None,
            Some(Mutation::DrawsTheLate) if join.drawn.is_some() => {
                let opens_at = (*self.opens_at.lock()).filter(|at| (*at..*at + LATE).contains(&now));
                opens_at.map(|at| at - Duration::from_millis(1)).or(join.arrived_at)
            }
            _ => join.arrived_at,
        };
        Join { arrived_at, ..join.clone() }
    }

    /// Ends the tickets of those who do not take their turns, just before these lapse.
    async fn end_the_unclaimed(&self, room: &RoomId) -> Result<(), StoreError> {
        let soon = self.clock.now() + Duration::from_secs(1);
        let places = self.joined.lock().clone();
        let standings = self.inner.look(room, &places).await?;
        let lapse = |standing: &Standing| matches!(standing, Standing::Turn { until } if *until < soon);
        let over: Vec<Place> =
            places.into_iter().zip(standings).filter(|(_, at)| lapse(at)).map(|(place, _)| place).collect();
        self.inner.leave(room, &over).await
    }

    /// Whether a fan is one of those who are not heard.
    fn unheard(&self, place: &Place) -> bool {
        self.is(Mutation::HardOfHearing) && (place.rank.get() >> 10) & 1 == 1
    }
}

#[async_trait]
impl QueueStore for Mutant {
    async fn configure(
        &self,
        room: &RoomId,
        rules: &Rules,
        revision: u64,
        memory: &Memory,
    ) -> Result<(), StoreError> {
        let mut rules = rules.clone();
        *self.opens_at.lock() = rules.opens_at;
        match self.mutation {
            Some(Mutation::NoHoldAfterLoss) => rules.recovery_grace = Duration::ZERO,
            Some(Mutation::NoLimit) => rules.max_active = 1_000_000,
            Some(Mutation::NoReturn) => rules.return_window = Duration::ZERO,
            Some(Mutation::IgnoresWeights) => rules.lanes.iter_mut().for_each(|lane| lane.weight = 1),
            Some(Mutation::NoHardLimit) => rules.session_max = Duration::from_secs(600),
            _ => {}
        }
        let nothing = Memory::default();
        let memory = if self.is(Mutation::RanksAnewAfterLoss) { &nothing } else { memory };
        self.inner.configure(room, &rules, revision, memory).await
    }

    async fn join(&self, room: &RoomId, batch: BatchId, joins: &[Join]) -> Result<Vec<Joined>, StoreError> {
        let changed: Vec<Join> = joins.iter().map(|join| self.changed(join)).collect();
        let answers = self.inner.join(room, batch, &changed).await?;
        for (join, answer) in joins.iter().zip(&answers) {
            if let Joined::Waiting { rank, .. } = answer {
                self.joined.lock().push(Place { lane: join.lane.clone(), rank: *rank, id: join.id });
            }
        }
        Ok(answers)
    }

    async fn look(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        let mut standings = self.inner.look(room, places).await?;
        // A rank that it did not give yet is none of its own.
        let beyond = Rank::first_of(self.clock.now());
        for (place, standing) in places.iter().zip(&mut standings) {
            if self.is(Mutation::RanksAnewAfterLoss) && *standing == Standing::Unknown && place.rank >= beyond
            {
                *standing = Standing::Ended;
            }
        }
        Ok(standings)
    }

    async fn restore(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        if self.is(Mutation::ForgetsRestore) {
            return self.inner.look(room, places).await;
        }
        if self.is(Mutation::RanksAnewAfterLoss) {
            let beyond = Rank::first_of(self.clock.now());
            let own: Vec<Place> = places.iter().filter(|place| place.rank < beyond).cloned().collect();
            self.inner.restore(room, &own).await?;
            return self.look(room, places).await;
        }
        self.inner.restore(room, places).await
    }

    async fn claim(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.inner.claim(room, places).await
    }

    async fn leave(&self, room: &RoomId, places: &[Place]) -> Result<(), StoreError> {
        self.joined.lock().retain(|place| !places.contains(place));
        self.inner.leave(room, places).await
    }

    async fn end(&self, room: &RoomId, tickets: &[TicketId]) -> Result<(), StoreError> {
        if self.is(Mutation::ForgetsTheEnded) {
            return Ok(());
        }
        self.inner.end(room, tickets).await
    }

    async fn void(&self, room: &RoomId, before: Option<Timestamp>) -> Result<Voided, StoreError> {
        if self.is(Mutation::ForgetsTheVoid) {
            return Ok(Voided { before: before.unwrap_or_else(|| self.clock.now()), sessions: 0 });
        }
        self.inner.void(room, before).await
    }

    async fn drain(&self, room: &RoomId) -> Result<Drained, StoreError> {
        if self.is(Mutation::IgnoresPresence) {
            let waiting = self.joined.lock().clone();
            self.inner.report_presence(room, &Presence { waiting, ..Presence::default() }).await?;
        }
        if self.is(Mutation::UnclaimedIsOver) {
            self.end_the_unclaimed(room).await?;
        }
        let leaps = self.is(Mutation::BurstAnew)
            && self.clock.clock.now().since(self.born_at) > Duration::from_secs(20);
        if leaps && !self.leapt.swap(true, Ordering::Relaxed) {
            self.clock.by_ms.store(20_000, Ordering::Relaxed);
        }
        self.inner.drain(room).await
    }

    async fn report_load(
        &self,
        room: &RoomId,
        load: &LoadReport,
    ) -> Result<Option<(LoadInterval, History)>, StoreError> {
        self.inner.report_load(room, load).await
    }

    async fn set_rate(
        &self,
        room: &RoomId,
        interval: u64,
        rate: u64,
        history: &History,
    ) -> Result<bool, StoreError> {
        self.inner.set_rate(room, interval, rate, history).await
    }

    async fn report_presence(
        &self,
        room: &RoomId,
        presence: &Presence,
    ) -> Result<PresenceAnswer, StoreError> {
        let mut presence = presence.clone();
        presence.waiting.retain(|place| !self.unheard(place));
        self.inner.report_presence(room, &presence).await
    }

    async fn snapshot(&self, room: &RoomId, ended_mark: u64) -> Result<Snapshot, StoreError> {
        let mut snapshot = self.inner.snapshot(room, ended_mark).await?;
        if self.is(Mutation::WrongPositions) {
            for lane in &mut snapshot.lanes {
                let up = |rung: &Rung| Rung { ahead: rung.ahead + 3, ..*rung };
                let rungs = lane.ladder.rungs().iter().map(up).collect();
                lane.ladder = Ladder::new(rungs, lane.ladder.waiting() + 3);
            }
        }
        if self.is(Mutation::VoidsTheLater) && snapshot.voided_before > Timestamp::default() {
            snapshot.voided_before = snapshot.voided_before + LATE;
        }
        if self.is(Mutation::TellsTheDraw) {
            let mut rules = Rules::clone(&snapshot.rules);
            rules.opens_at = rules.opens_at.map(|at| at.min(snapshot.at));
            snapshot.rules = Arc::new(rules);
        }
        Ok(snapshot)
    }

    async fn sessions(&self, room: &RoomId, from: PageMark) -> Result<SessionPage, StoreError> {
        if self.is(Mutation::TellsNoSessions) {
            return Ok(SessionPage::default());
        }
        self.inner.sessions(room, from).await
    }
}
